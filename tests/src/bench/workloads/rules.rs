//! H2: judging alone, on one core: a request is parsed, taken apart and judged by 1,000 rules.

use codeplane_core::policy::{
    Effect, FileFacts, FileKind, PathFacts, Places, Request, Rule, RuleSet, Value, analyse,
    evaluate,
};
use rustix::time::{ClockId, clock_gettime};

use super::Effort;
use crate::bench::{
    Result,
    figures::{Evaluations, Figures},
};

/// One simple command.
const SHORT: &str = "git log --oneline -n 5";

/// Three with a pipe and a list, of which one names a path.
const LONG: &str = "git log --oneline -- src/main.rs | tool7 sub x && tool9 sub y";

pub(super) fn evaluations(effort: &Effort) -> Result<Figures> {
    let count = effort.count.unwrap_or(20_000);
    let rules = rules()?;
    let places = Places { home: "/home/u".into(), workspace: Some("/repo".into()) };
    let ready = RuleSet::new(rules, Effect::Ask, &places, &NoFiles);
    Ok(Figures::Evaluations(Evaluations {
        rules: 1000,
        short_per_s: per_second(&ready, SHORT, count)?,
        long_per_s: per_second(&ready, LONG, count)?,
    }))
}

/// 400 allows, 300 denies of commands, 150 of paths, 149 of domains, and the one that is looked for.
fn rules() -> Result<Vec<Rule>> {
    let mut lines: Vec<String> =
        (0..400).map(|n| tool("allow", &format!("tool{n} sub:*"))).collect();
    lines.extend((0..300).map(|n| tool("deny", &format!("bad{n}:*"))));
    lines.extend((0..150).map(|n| format!(r#"{{"effect":"deny","path":"/srv/{n}/**"}}"#)));
    let domain = |n| format!(r#"{{"effect":"deny","tool":"WebFetch(domain:d{n}.org)"}}"#);
    lines.extend((0..149).map(domain));
    lines.push(tool("allow", "git log:*"));
    let read = |(at, line): (usize, &String)| Rule::read(&Value::parse(line.as_bytes())?, at);
    let rules: std::result::Result<Vec<Rule>, String> =
        lines.iter().enumerate().map(read).collect();
    Ok(rules?)
}

fn tool(effect: &str, pattern: &str) -> String {
    format!(r#"{{"effect":"{effect}","tool":"Bash({pattern})"}}"#)
}

/// Evaluations in a second of processor time, the parsing of the request's JSON and of its shell line
/// included.
fn per_second(rules: &RuleSet, command: &str, count: usize) -> Result<f64> {
    let input = format!(r#"{{"command":"{command}","description":"Look at what was done"}}"#);
    let begin_s = processor_s();
    for _ in 0..count {
        let request = request(&input);
        let analysis = analyse(&request);
        let known = analysis.questions().answer(&NoFiles);
        let verdict = evaluate(rules.at(0), &request, &analysis, &known);
        if verdict.decision != Effect::Allow {
            return Err(format!("{command:?} is not allowed: {:?}", verdict.reasons).into());
        }
    }
    Ok(count as f64 / (processor_s() - begin_s))
}

/// Processor time of this thread, which others on the machine do not share.
fn processor_s() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn request(input: &str) -> Request {
    Request {
        provider: Some("claude".into()),
        user: Some("ann".into()),
        tool: "Bash".into(),
        input: Some(Value::parse(input.as_bytes())),
        cwd: Some("/repo".into()),
        labels: None,
        workspace: Some("/repo".into()),
        home: "/home/u".into(),
    }
}

/// A machine on which every path is a file of its own: the disk is not what is measured.
struct NoFiles;

impl FileFacts for NoFiles {
    fn path(&self, path: &str) -> PathFacts {
        // What git would take its configuration from is not there.
        let is_of_git = ["/HEAD", "/objects", "/refs"].iter().any(|name| path.ends_with(name));
        let kind = if is_of_git { FileKind::Missing } else { FileKind::Regular };
        PathFacts { resolved: Some(path.to_owned()), kind }
    }

    fn expand(&self, _: &str) -> Option<Vec<String>> {
        None
    }
}
