//! What is allowed in a policy, and most likely not meant.

use super::super::command::{CommandPattern, Rest, base_name};
use super::super::rule::{About, Effect, Rule, Target};
use super::super::shorthand::FILE_TOOLS;
use super::super::{escalation, interpreter, near};
use super::super::{glob, url};
use super::Document;

/// Something in a policy that is worth a second look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// The line on which the rule begins.
    pub line: usize,
    /// What kind of finding, for programs: `allows-everything`, `allows-any-command`,
    /// `allows-any-path`, `allows-any-domain`, `interpreter`, `wrapper`, `never-fits`, `shadowed`,
    /// `duplicate`, `expired`, `unknown-tool`, `literal-bracket` or `no-examples`.
    pub code: &'static str,
    /// What is found and what to do, in one line.
    pub message: String,
}

impl Document {
    /// Looks for rules that allow more than their words say, and for rules that change nothing.
    #[must_use]
    pub fn lint(&self, now_ms: i64) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (at, (rule, line)) in self.rules.iter().zip(&self.lines).enumerate() {
            let mut found = Vec::new();
            if rule.effect == Effect::Allow {
                found.extend(rule.abouts.iter().find_map(|about| breadth(rule, about)));
            }
            found.extend(rule.abouts.iter().find_map(|about| unknown_tool(rule, about)));
            found.extend(rule.abouts.iter().find_map(|about| bracket(about)));
            found.extend(standing(rule, &self.rules[..at], &self.rules));
            if rule.expires_ms.is_some_and(|expiry| expiry <= now_ms) {
                found.push(("expired", "it has expired and changes nothing: remove it".to_owned()));
            }
            if rule.examples == Default::default() && !is_listed(rule) {
                let message = "it has no examples: add 'match' and 'not_match'".to_owned();
                found.push(("no-examples", message));
            }
            findings.extend(found.into_iter().map(|(code, message)| Finding {
                rule: rule.id.clone(),
                line: *line,
                code,
                message,
            }));
        }
        findings
    }
}

type Found = (&'static str, String);

/// Whether a rule comes from a list of shorthands, which has no room for examples.
fn is_listed(rule: &Rule) -> bool {
    let number = rule.id.strip_prefix(rule.effect.name()).and_then(|id| id.strip_prefix('-'));
    rule.written.target.is_none()
        && matches!(&rule.written.tools[..], [_])
        && number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}

/// What an allowance opens beyond what its author is likely to see.
fn breadth(rule: &Rule, about: &About) -> Option<Found> {
    let tool = about.tool.as_deref();
    let every_tool = tool.is_none_or(|tool| tool.bytes().all(|b| b == b'*'));
    let is_free = rule.args_any.is_empty();
    match &about.target {
        Target::Everything if every_tool && is_free => {
            Some(found("allows-everything", "it allows every call of every tool: name the tools"))
        }
        Target::Everything if tool == Some("Bash") && is_free => {
            Some(found("allows-any-command", "it allows every command: name the commands"))
        }
        Target::Everything => None,
        Target::Command(pattern) => command(pattern, about),
        Target::Path(path) if is_all_paths(path) => {
            Some(found("allows-any-path", "it allows every path: name the directories"))
        }
        Target::Path(_) if !every_tool && !may_name(tool, FILE_TOOLS.iter().map(|(t, _)| *t)) => {
            Some(found("never-fits", "an allowed path fits file tools only: name one of them"))
        }
        Target::Path(_) => None,
        Target::Domain(domain) if domain == "*" => {
            Some(found("allows-any-domain", "it allows every domain: name the domains"))
        }
        Target::Domain(_) if !every_tool && !may_name(tool, ["WebFetch"].into_iter()) => {
            Some(found("never-fits", "an allowed domain fits WebFetch only: name that tool"))
        }
        Target::Domain(_) => None,
    }
}

fn command(pattern: &CommandPattern, about: &About) -> Option<Found> {
    if !about.tool.as_deref().is_none_or(|tool| glob::fits(tool, "Bash")) {
        return Some(found("never-fits", "an allowed command fits Bash only: name that tool"));
    }
    let Some(head) = pattern.words.first() else {
        return Some(found("allows-any-command", "it allows every command: name the commands"));
    };
    if pattern.rest == Rest::Nothing {
        return None;
    }
    let name = base_name(head);
    let only_options = pattern.words[1..].iter().all(|word| word.starts_with('-'));
    if interpreter::is_interpreter(name) && only_options {
        let message = format!("{name} runs whatever script it is given: name the script or module");
        return Some(("interpreter", message));
    }
    (escalation::is_running(name) && pattern.words.len() == 1).then(|| {
        let message = format!(
            "{name} runs other commands, so this asks all the same: spell the command behind it"
        );
        ("wrapper", message)
    })
}

fn is_all_paths(path: &str) -> bool {
    matches!(path, "/" | "/*" | "/**" | "/**/*" | "~" | "~/**" | "~/**/*")
}

fn may_name<'a>(tool: Option<&str>, mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|name| tool.is_none_or(|tool| glob::fits(tool, name)))
}

/// Tools of Claude Code 2.1.329 and Codex 0.169.0, beside those that name files.
const OTHER_TOOLS: [&str; 21] = [
    "Agent",
    "AskUserQuestion",
    "Bash",
    "BashOutput",
    "EnterPlanMode",
    "ExitPlanMode",
    "KillBash",
    "KillShell",
    "ListMcpResourcesTool",
    "ReadMcpResourceTool",
    "Skill",
    "SlashCommand",
    "Task",
    "TaskOutput",
    "TaskStop",
    "TodoWrite",
    "ToolSearch",
    "WebFetch",
    "WebSearch",
    "apply_patch",
    "update_plan",
];

/// A tool that is most likely mistyped. One that is like no other may be that of another program.
fn unknown_tool(rule: &Rule, about: &About) -> Option<Found> {
    let tool = about.tool.as_deref().filter(|tool| !tool.contains(['*', '?']))?;
    let known = || FILE_TOOLS.iter().map(|(tool, _)| *tool).chain(OTHER_TOOLS);
    let is_foreign = tool.starts_with("mcp__") || !rule.conditions.provider.is_empty();
    if is_foreign || known().any(|name| name == tool) {
        return None;
    }
    let message = match near::nearest(tool, known()) {
        Some(meant) => format!("there is no tool '{tool}': is it '{meant}'?"),
        None => format!(
            "no known agent has a tool '{tool}': if another program has it, name its 'provider'"
        ),
    };
    Some(("unknown-tool", message))
}

/// What other programs take for a set of characters or of alternatives.
fn bracket(about: &About) -> Option<Found> {
    let Target::Path(path) = &about.target else { return None };
    let bracket = path.chars().find(|char| matches!(char, '[' | '{'))?;
    let message = format!("'{bracket}' stands for itself in a path: only *, ** and ? do not");
    Some(("literal-bracket", message))
}

fn found(code: &'static str, message: &str) -> Found {
    (code, message.to_owned())
}

/// Whether other rules leave anything for this one to decide.
fn standing(rule: &Rule, before: &[Rule], all: &[Rule]) -> Option<Found> {
    if let Some(twin) = before.iter().find(|other| is_same(other, rule)) {
        return Some(("duplicate", format!("it says what rule '{}' says: remove it", twin.id)));
    }
    let stricter = all.iter().find(|other| other.effect > rule.effect && covers(other, rule));
    stricter.map(|other| {
        let verb = if other.effect == Effect::Deny { "denies" } else { "asks about" };
        ("shadowed", format!("rule '{}' {verb} all that it fits: remove one of them", other.id))
    })
}

fn is_same(one: &Rule, other: &Rule) -> bool {
    let what = |rule: &Rule| (rule.effect, rule.always_ask, rule.four_eyes, rule.expires_ms);
    what(one) == what(other)
        && one.abouts == other.abouts
        && one.args_any == other.args_any
        && one.conditions == other.conditions
}

/// Whether a refusal surely fits whatever the other rule fits. May say no where it does.
fn covers(refusal: &Rule, rule: &Rule) -> bool {
    let same_conditions =
        refusal.conditions == Default::default() || refusal.conditions == rule.conditions;
    let same_args = refusal.args_any.is_empty();
    same_conditions
        && same_args
        && refusal.expires_ms.is_none()
        && rule
            .abouts
            .iter()
            .all(|ours| refusal.abouts.iter().any(|theirs| covers_about(theirs, ours)))
}

fn covers_about(wide: &About, narrow: &About) -> bool {
    let tool = match (&wide.tool, &narrow.tool) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wide), Some(narrow)) => {
            wide == narrow || (!narrow.contains(['*', '?']) && glob::fits(wide, narrow))
        }
    };
    tool && match (&wide.target, &narrow.target) {
        (Target::Everything, _) => true,
        (Target::Command(wide), Target::Command(narrow)) => {
            (wide.rest == Rest::Anything || narrow.rest == Rest::Nothing)
                && wide.reaches(&narrow.words)
        }
        (Target::Path(wide), Target::Path(narrow)) => {
            wide == narrow
                || wide.strip_suffix("/**").is_some_and(|top| {
                    !top.contains(['*', '?'])
                        && narrow.strip_prefix(top).is_some_and(|rest| rest.starts_with('/'))
                        && !narrow.contains("..")
                })
        }
        (Target::Domain(wide), Target::Domain(narrow)) => {
            wide == narrow || url::names(wide, narrow.strip_prefix("*.").unwrap_or(narrow))
        }
        (Target::Command(_) | Target::Path(_) | Target::Domain(_), _) => false,
    }
}
