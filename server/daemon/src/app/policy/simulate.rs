//! Judging one tool call that nobody makes, from a document that holds rules and request.

use std::collections::{BTreeMap, BTreeSet};

use codeplane_core::is_printable;
use codeplane_core::policy::{
    Effect, Places, Request, Rule, RuleSet, Value, Verdict, analyse, evaluate,
};

use super::files::Files;
use super::written::verdict_json;

/// What a simulation says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Simulated {
    /// The verdict, as one JSON document.
    Verdict(String),
    /// Why the document cannot be judged.
    Unreadable(String),
}

/// Where and when a simulation takes place.
#[derive(Clone, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) home: &'a str,
    pub(crate) now_ms: i64,
}

/// Judges the request in `document` by the rules in it and by the files of this machine.
pub(crate) fn simulate(document: &[u8], home: &str, now_ms: i64) -> Simulated {
    match judge(document, &Scene { home, now_ms }) {
        Ok(verdict) => Simulated::Verdict(escaped(&verdict_json(&verdict))),
        Err(problem) => Simulated::Unreadable(problem),
    }
}

fn judge(document: &[u8], scene: &Scene<'_>) -> Result<Verdict, String> {
    let document = Value::parse(document)?;
    let members = members(&document, "the document")?;
    for (name, _) in members {
        if !["rules", "default", "request"].contains(&name.as_str()) {
            return Err(format!("'{}' is not a member of the document", name.escape_debug()));
        }
    }
    let rules = rules(document.get("rules"))?;
    let default = match document.get("default") {
        None | Some(Value::Null) => Effect::Ask,
        Some(value) => value
            .as_str()
            .and_then(Effect::of_name)
            .filter(|effect| *effect != Effect::Allow)
            .ok_or("'default' is neither \"ask\" nor \"deny\"")?,
    };
    let request = request(document.get("request").ok_or("'request' is missing")?, scene.home)?;
    let places = Places { home: scene.home.to_owned(), workspace: request.workspace.clone() };
    let rules = RuleSet::new(rules, default, &places, &Files);
    let analysis = analyse(&request);
    let facts = analysis.questions().answer_for(rules.at(scene.now_ms), &Files);
    Ok(evaluate(rules.at(scene.now_ms), &request, &analysis, &facts))
}

fn members<'a>(value: &'a Value, what: &str) -> Result<&'a [(String, Value)], String> {
    let Value::Map(members) = value else { return Err(format!("{what} is no object")) };
    let mut seen = BTreeSet::new();
    match members.iter().find(|(name, _)| !seen.insert(name)) {
        Some((name, _)) => Err(format!("'{}' is twice in {what}", name.escape_debug())),
        None => Ok(members),
    }
}

/// Reads a list of rules.
pub(super) fn rules(value: Option<&Value>) -> Result<Vec<Rule>, String> {
    let items = match value {
        Some(Value::List(items)) => items,
        Some(_) => return Err("'rules' is no list".to_owned()),
        None => return Err("'rules' is missing".to_owned()),
    };
    let mut ids = BTreeSet::new();
    let mut rules = Vec::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        let rule = Rule::read(item, position)
            .map_err(|problem| format!("rule {}: {problem}", position + 1))?;
        if !ids.insert(rule.id().to_owned()) {
            return Err(format!("rule {}: the id '{}' is taken", position + 1, rule.id()));
        }
        if let Some(problem) = rule.failing_example() {
            return Err(format!("rule {}: {problem}", position + 1));
        }
        rules.push(rule);
    }
    Ok(rules)
}

/// Reads a tool call.
pub(super) fn request(value: &Value, home: &str) -> Result<Request, String> {
    members(value, "the request")?;
    let text = |name: &str| string(value, name);
    let input = match (value.get("input"), value.get("input_raw")) {
        (Some(_), Some(_)) => return Err("a request has 'input' or 'input_raw'".to_owned()),
        (Some(input), None) => Some(Ok(input.clone())),
        (None, Some(Value::String(raw))) => Some(Value::parse(raw.as_bytes())),
        // Text that cannot even be read as text is malformed input, not a malformed document.
        (None, Some(Value::Bad(why))) => Some(Err((*why).to_owned())),
        (None, Some(_)) => return Err("'input_raw' is no string".to_owned()),
        (None, None) => None,
    };
    let cwd = text("cwd")?;
    let session = value.get("session").unwrap_or(&Value::Null);
    if *session != Value::Null {
        members(session, "the session")?;
    }
    let labels = match session.get("labels") {
        Some(Value::Null) | None => None,
        Some(labels) => Some(labels_of(labels)?),
    };
    let workspace = string(session, "workspace")?;
    // What is no directory is not known.
    let is_directory = |path: &String| path.starts_with('/');
    let (cwd, workspace) = (cwd.filter(is_directory), workspace.filter(is_directory));
    Ok(Request {
        provider: text("provider")?,
        user: text("user")?,
        tool: text("tool")?.filter(|tool| !tool.is_empty()).ok_or("'tool' is missing")?,
        input,
        workspace: workspace.or_else(|| cwd.clone()),
        cwd,
        labels,
        home: home.to_owned(),
    })
}

/// A member that is text, or not there.
fn string(value: &Value, name: &str) -> Result<Option<String>, String> {
    match value.get(name) {
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Null) | None => Ok(None),
        Some(_) => Err(format!("'{name}' is no string")),
    }
}

fn labels_of(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let labels = members(value, "the labels")?.iter();
    let label = |(key, value): &(String, Value)| {
        let value = value
            .as_str()
            .ok_or_else(|| format!("the label '{}' is no string", key.escape_debug()))?;
        Ok((key.clone(), value.to_owned()))
    };
    labels.map(label).collect()
}

/// The same JSON, in which nothing acts on a terminal.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if is_printable(c) {
            text.push(c);
        } else {
            c.encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
    text
}
