//! A machine as a table, and judging on it.

use std::collections::BTreeMap;

use codeplane_core::policy::{
    Effect, FileFacts, FileKind, PathFacts, Places, Request, Rule, RuleSet, Value, Verdict,
    analyse, evaluate,
};

pub(crate) const HOME: &str = "/home/u";
pub(crate) const WORK: &str = "/repo";
/// 2027-01-15T08:00:00Z.
pub(crate) const NOW_MS: i64 = 1_800_000_000_000;

/// Links, directories and files of an imagined machine.
#[derive(Debug)]
pub(crate) struct Machine;

const LINKS: &[(&str, &str)] = &[
    ("/repo/link", "/home/u/secrets"),
    ("/repo/innocent", "/home/u/secrets/key"),
    ("/repo/out", "/etc"),
    ("/alias", "/repo"),
    ("/srv/here", "/proc/self/cwd"),
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
];
const DIRECTORIES: &[&str] = &[
    "/",
    "/repo",
    "/repo/sub",
    "/repo/src",
    "/home/u",
    "/home/u/secrets",
    "/etc",
    "/tmp",
    "/repo/bare",
    "/repo/bare/objects",
    "/repo/bare/refs",
];
const FILES: &[&str] =
    &["/repo/a.txt", "/repo/.env", "/home/u/secrets/key", "/repo/sub/b.txt", "/repo/bare/HEAD"];

impl FileFacts for Machine {
    fn path(&self, path: &str) -> PathFacts {
        let mut at = String::new();
        for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if part == ".." {
                at.truncate(at.rfind('/').unwrap_or(0));
                continue;
            }
            at = format!("{at}/{part}");
            if let Some((_, target)) = LINKS.iter().find(|(link, _)| *link == at) {
                at = (*target).to_owned();
            }
        }
        let at = if at.is_empty() { "/".to_owned() } else { at };
        let kind = match at.as_str() {
            "/repo/hard" => FileKind::Linked,
            "/repo/pipe" => FileKind::Special,
            path if DIRECTORIES.contains(&path) => FileKind::Directory,
            path if FILES.contains(&path) => FileKind::Regular,
            _ => FileKind::Missing,
        };
        PathFacts { resolved: Some(at), kind }
    }

    fn expand(&self, glob: &str) -> Option<Vec<String>> {
        let star = glob.find(['*', '?', '['])?;
        let known = FILES.iter().copied().chain(LINKS.iter().map(|(link, _)| *link));
        let tail = &glob[glob.rfind(['*', '?', ']']).map_or(star, |last| last + 1)..];
        let fits = |f: &&str| f.starts_with(&glob[..star]) && f.ends_with(tail);
        Some(known.filter(fits).map(str::to_owned).collect())
    }

    fn below(&self, directory: &str, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
        is_below(directory, wanted)
    }
}

fn is_below(directory: &str, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
    let inside = |path: &&str| path.starts_with(&format!("{}/", directory.trim_end_matches('/')));
    let found = FILES.iter().copied().filter(inside).filter(|path| wanted(path));
    found.map(str::to_owned).collect()
}

/// Rules, each as `effect shorthand` or as JSON.
pub(crate) fn rules(lines: &[&str]) -> Vec<Rule> {
    lines.iter().enumerate().map(|(at, line)| rule(line, at).unwrap()).collect()
}

pub(crate) fn rule(line: &str, at: usize) -> Result<Rule, String> {
    let json = if line.starts_with('{') {
        line.to_owned()
    } else {
        let (effect, tool) = line.split_once(' ').unwrap();
        let tool = tool.replace('\\', "\\\\").replace('"', "\\\"");
        format!(r#"{{"effect":"{effect}","tool":"{tool}"}}"#)
    };
    Rule::read(&Value::parse(json.as_bytes()).unwrap(), at)
}

pub(crate) fn request(tool: &str, input: &str) -> Request {
    Request {
        provider: Some("claude".to_owned()),
        user: Some("ann".to_owned()),
        tool: tool.to_owned(),
        input: Some(Value::parse(input.as_bytes())),
        cwd: Some(WORK.to_owned()),
        labels: Some(BTreeMap::from([("env".to_owned(), "dev".to_owned())])),
        workspace: Some(WORK.to_owned()),
        home: HOME.to_owned(),
    }
}

pub(crate) fn ready(rules: Vec<Rule>) -> RuleSet {
    let places = Places { home: HOME.to_owned(), workspace: Some(WORK.to_owned()) };
    RuleSet::new(rules, Effect::Ask, &places, &Machine)
}

pub(crate) fn judge(rules: &RuleSet, request: &Request) -> Verdict {
    judge_at(rules, request, NOW_MS)
}

pub(crate) fn judge_at(rules: &RuleSet, request: &Request, now_ms: i64) -> Verdict {
    let analysis = analyse(request);
    let rules = rules.at(now_ms);
    evaluate(rules, request, &analysis, &analysis.questions().answer_for(rules, &Machine))
}

pub(crate) fn bash(command: &str) -> Request {
    let mut request = request("Bash", "{}");
    let command = Value::String(command.to_owned());
    request.input = Some(Ok(Value::Map(vec![("command".to_owned(), command)])));
    request
}

/// Holds a table of commands to what one set of rules says of them.
pub(crate) fn hold(lines: &[&str], cases: &[(&str, &str)]) {
    let rules = ready(rules(lines));
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(expected, command)| {
            let verdict = judge(&rules, &bash(command));
            let found = verdict.decision.name();
            (found != *expected)
                .then(|| format!("{command:?}: {found}, not {expected}: {:?}", verdict.reasons))
        })
        .collect();
    assert!(wrong.is_empty(), "{lines:?}\n{}", wrong.join("\n"));
}

/// Holds a table of tool calls to what one set of rules says of them.
pub(crate) fn hold_tools(lines: &[&str], cases: &[(&str, &str, &str)]) {
    let rules = ready(rules(lines));
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(expected, tool, input)| {
            let verdict = judge(&rules, &request(tool, input));
            let found = verdict.decision.name();
            (found != *expected)
                .then(|| format!("{tool} {input}: {found}, not {expected}: {:?}", verdict.reasons))
        })
        .collect();
    assert!(wrong.is_empty(), "{lines:?}\n{}", wrong.join("\n"));
}
