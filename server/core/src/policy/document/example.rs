//! Trying the examples of a rule, on a machine where no file exists.

use super::super::facts::{FileFacts, FileKind, PathFacts};
use super::super::json::Value;
use super::super::path::{Places, normal};
use super::super::request::Request;
use super::super::rule::{Conditions, Effect, Rule, Target};
use super::super::ruleset::RuleSet;
use super::super::shorthand::FILE_TOOLS;
use super::super::{analyse, evaluate, glob};

/// Whether a rule has a part in the verdict on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Taken,
    NotTaken,
}

const HOME: &str = "/home/user";
const WORKSPACE: &str = "/home/user/workspace";

/// Whether the rule has a part in any call that an example may mean.
pub(super) fn part(rule: &Rule, example: &str) -> Part {
    let mut bare = rule.clone();
    bare.conditions = Conditions::default();
    bare.expires_ms = None;
    let places = Places { home: HOME.to_owned(), workspace: Some(WORKSPACE.to_owned()) };
    let rules = RuleSet::new(vec![bare], Effect::Ask, &places, &Nowhere);
    let takes_part = calls(rule, example).iter().any(|request| {
        let analysis = analyse(request);
        let verdict =
            evaluate(rules.at(0), request, &analysis, &analysis.questions().answer(&Nowhere));
        match rule.effect() {
            Effect::Allow | Effect::Deny => verdict.decision == rule.effect(),
            Effect::Ask => verdict.rules.iter().any(|id| id == rule.id()),
        }
    });
    if takes_part { Part::Taken } else { Part::NotTaken }
}

impl Rule {
    /// What is wrong with the first of its examples that does not hold, if any.
    #[must_use]
    pub fn failing_example(&self) -> Option<String> {
        let tried = |examples: &[String], wanted| {
            let failing = examples.iter().find(|example| part(self, example) != wanted);
            failing.map(|example| told(self, example, wanted))
        };
        tried(&self.examples.matching, Part::Taken)
            .or_else(|| tried(&self.examples.not_matching, Part::NotTaken))
    }
}

/// What is wrong with an example that does not hold.
pub(super) fn told(rule: &Rule, example: &str, wanted: Part) -> String {
    let found = match wanted {
        Part::Taken => "does not fit",
        Part::NotTaken => "fits",
    };
    format!("examples: rule '{}' {found} '{example}'", rule.id())
}

/// The calls that an example may mean.
fn calls(rule: &Rule, example: &str) -> Vec<Request> {
    let known = |tool: &str| tool == "Bash" || input_of(tool, "").is_some();
    let is_tool = known(example)
        || example.starts_with("mcp__")
        || rule.written.tools.iter().any(|tool| tool == example);
    if is_tool {
        let input = match example {
            "Bash" => vec![("command".to_owned(), Value::String("true".to_owned()))],
            tool => input_of(tool, "x").into_iter().collect(),
        };
        return vec![request(example, input)];
    }
    let mut calls = Vec::new();
    for about in &rule.abouts {
        let named = |tool: &str| about.tool.as_ref().is_none_or(|name| glob::fits(name, tool));
        match about.target {
            Target::Path(_) => {
                let tools = FILE_TOOLS.iter().map(|(tool, _)| *tool).filter(|tool| named(tool));
                calls.extend(tools.filter_map(|tool| call(tool, example)));
                // A rule about paths in commands: a command that names the path.
                if named("Bash") {
                    calls.push(bash(&format!("cat '{example}'")));
                }
            }
            Target::Domain(_) => {
                let url = if example.contains("://") {
                    example.to_owned()
                } else {
                    format!("https://{example}/")
                };
                calls.extend(named("WebFetch").then(|| call("WebFetch", &url)).flatten());
                calls.extend(named("Bash").then(|| bash(&format!("curl '{url}'"))));
            }
            Target::Command(_) | Target::Everything => calls.push(bash(example)),
        }
    }
    calls
}

fn call(tool: &str, text: &str) -> Option<Request> {
    input_of(tool, text).map(|member| request(tool, vec![member]))
}

fn bash(command: &str) -> Request {
    request("Bash", vec![("command".to_owned(), Value::String(command.to_owned()))])
}

/// The member that a tool's path or URL is in.
fn input_of(tool: &str, text: &str) -> Option<(String, Value)> {
    let file = FILE_TOOLS.iter().find(|(name, _)| *name == tool).map(|(_, field)| *field);
    let field = if tool == "WebFetch" { Some("url") } else { file };
    field.map(|field| (field.to_owned(), Value::String(text.to_owned())))
}

fn request(tool: &str, input: Vec<(String, Value)>) -> Request {
    Request {
        tool: tool.to_owned(),
        input: Some(Ok(Value::Map(input))),
        cwd: Some(WORKSPACE.to_owned()),
        workspace: Some(WORKSPACE.to_owned()),
        home: HOME.to_owned(),
        ..Request::default()
    }
}

/// A machine without files: every path leads where its text says.
struct Nowhere;

impl FileFacts for Nowhere {
    fn path(&self, path: &str) -> PathFacts {
        PathFacts { resolved: Some(normal(path)), kind: FileKind::Missing }
    }

    fn expand(&self, _glob: &str) -> Option<Vec<String>> {
        Some(Vec::new())
    }
}
