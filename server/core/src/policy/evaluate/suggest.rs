//! What may be remembered of an answer: patterns that are shown before they are kept.

use super::super::command::CommandPattern;
use super::super::escalation;
use super::super::path::normal;
use super::super::request::{Analysis, Command, Subject, Unit};
use super::super::rule::{Effect, Rule};
use super::super::shell::Word;
use super::super::shorthand::FILE_TOOLS;
use super::{Grantable, Verdict};

/// A pattern that would answer one unit the next time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Which unit of the verdict, from 0.
    pub unit: usize,
    /// The shorthand of the rule, as [`Rule::of_shorthand`] reads it.
    pub rule: String,
}

/// The patterns an approver may be offered for what is asked, the narrowest of each unit first:
/// the exact words, the program with its sub-command, the file, its directory, the domain, the tool.
///
/// Empty where only the exact request can be granted, or nothing.
#[must_use]
pub fn suggest(analysis: &Analysis, verdict: &Verdict) -> Vec<Suggestion> {
    let mut found = Vec::new();
    for (at, (unit, judged)) in analysis.units.iter().zip(&verdict.units).enumerate() {
        if judged.decision != Effect::Ask || judged.grantable != Grantable::Yes {
            continue;
        }
        let rules = match &unit.subject {
            Subject::Command(command) => commands(command),
            Subject::File { .. } => files(&unit.tool, judged),
            Subject::Web(destination) => destination
                .hosts
                .first()
                .map(|host| format!("WebFetch(domain:{host})"))
                .into_iter()
                .collect(),
            Subject::Whole => vec![unit.tool.clone()],
            Subject::ChangeDirectory { .. } => Vec::new(),
        };
        let readable = |rule: &String| Rule::of_shorthand(Effect::Allow, rule, 0).is_ok();
        found.extend(rules.into_iter().filter(readable).map(|rule| Suggestion { unit: at, rule }));
    }
    found
}

/// Commands that do more than they seem to are granted one by one.
pub(super) fn escalated(unit: &Unit) -> Grantable {
    let Subject::Command(command) = &unit.subject else { return Grantable::Yes };
    let texts = texts(command);
    let why = escalation::escalates(&texts, 1);
    why.map_or(Grantable::Yes, |why| Grantable::ExactOnly(format!("escalated: {why}")))
}

fn texts(command: &Command) -> Vec<&str> {
    command.words[command.prefix..].iter().map(|word| word.text.as_str()).collect()
}

fn commands(command: &Command) -> Vec<String> {
    let words = &command.words[command.prefix..];
    let mut found = Vec::new();
    let exact = words.iter().map(|word| spelled(&word.text)).collect::<Vec<_>>().join(" ");
    found.push(exact);
    let count = escalation::prefix_words(&texts(command));
    if let Some(count) = count.filter(|count| *count <= words.len()) {
        let prefix = words[..count].iter().map(|word| spelled(&word.text)).collect::<Vec<_>>();
        found.push(format!("{}:*", prefix.join(" ")));
    }
    // A pattern is offered only if it says what was meant.
    let fits = |text: &String| CommandPattern::parse(text).is_ok_and(|p| p.allows(words).is_some());
    found.into_iter().filter(fits).map(|text| format!("Bash({text})")).collect()
}

/// A word as a shell reads it.
fn spelled(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,+@%=^".contains(c);
    if !text.is_empty() && text.chars().all(plain) && Word::literal(text).assigned_name().is_none()
    {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn files(tool: &str, judged: &super::UnitVerdict) -> Vec<String> {
    let [path] = &judged.paths[..] else { return Vec::new() };
    // A pattern over a link would have to fit both ends.
    let is_plain = path.resolved.as_deref() == Some(path.lexical.as_str())
        && !path.lexical.contains(['*', '?'])
        && path.lexical.chars().all(crate::is_printable);
    if !is_plain || !FILE_TOOLS.iter().any(|(known, _)| *known == tool) {
        return Vec::new();
    }
    let lexical = normal(&path.lexical);
    let directory = lexical.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut found = vec![format!("{tool}({lexical})")];
    // The root and what lies directly in it are too wide to be offered.
    if directory.matches('/').count() > 1 {
        found.push(format!("{tool}({directory}/**)"));
    }
    found
}
