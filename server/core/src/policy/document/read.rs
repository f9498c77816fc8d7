//! From values with places to policies.

use std::collections::BTreeMap;

use super::super::json::Value;
use super::super::near;
use super::super::rule::{Draft, Effect, Rule};
use super::node::{Content, Member, Node};
use super::{Document, Place, Problems, RULES, example};

/// Longest name of a rule, in characters.
const ID_CHARS: usize = 128;

/// The policies of a file's values.
pub(super) fn documents(nodes: &[Node], problems: &mut Problems) -> Vec<Document> {
    let mut documents = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let is_empty = |node: &&Node| matches!(node.content, Content::Plain(Value::Null));
    let nodes: Vec<&Node> = nodes.iter().filter(|node| !is_empty(node)).collect();
    for node in nodes.into_iter().flat_map(spread) {
        let Some(document) = document(node, problems) else { continue };
        if let Some(line) = names.insert(document.name.clone(), node.place.line) {
            let name = &document.name;
            problems.add(node.place, format!("the policy '{name}' is already on line {line}"));
        }
        documents.push(document);
    }
    if documents.is_empty() && problems.0.is_empty() {
        problems.add(Place::START, "no policy: a policy is {name, default, rules: […]}");
    }
    documents
}

/// The policies in one value: itself, its items, or those of its only member `policies`.
fn spread(node: &Node) -> Vec<&Node> {
    let of_member = match node.members() {
        Some([Member { name, node, .. }]) if name == "policies" => node.items(),
        Some(_) | None => None,
    };
    match of_member.or_else(|| node.items()) {
        Some(items) => items.iter().collect(),
        None => vec![node],
    }
}

fn document(node: &Node, problems: &mut Problems) -> Option<Document> {
    let Some(members) = node.members() else {
        problems.add(node.place, "a policy is {name, default, rules: […]}");
        return None;
    };
    let mut document = Document {
        name: String::new(),
        description: None,
        default: Effect::Ask,
        rules: Vec::new(),
        lines: Vec::new(),
    };
    if !members.iter().any(|member| member.name == "name") {
        problems.add(node.place, "'name' is missing in a policy");
    }
    for member in members {
        take(member, &mut document, problems);
    }
    check_ids(&document, problems);
    Some(document)
}

fn take(member: &Member, document: &mut Document, problems: &mut Problems) {
    let Member { name, node, place } = member;
    let text = || node_text(node);
    let problem = match (name.as_str(), Effect::of_name(name)) {
        ("name", _) => text().and_then(label).map(|name| document.name = name).err(),
        ("description", _) => text().map(|text| document.description = Some(text)).err(),
        ("default", _) => {
            text().and_then(|text| default(&text)).map(|effect| document.default = effect).err()
        }
        ("rules", _) => rules(node, document, problems).err(),
        (_, Some(effect)) => shorthands(node, effect, document, problems).err(),
        (_, None) => {
            problems.add(*place, unknown(name, "policy", &POLICY));
            None
        }
    };
    if let Some(problem) = problem {
        problems.add(node.place, format!("{name}: {problem}"));
    }
}

fn node_text(node: &Node) -> Result<String, String> {
    match &node.content {
        Content::Plain(Value::String(text)) => Ok(text.clone()),
        Content::Plain(_) | Content::List(_) | Content::Map(_) => {
            Err("must be a string".to_owned())
        }
    }
}

/// Names of policies are like DNS labels: they stand in commands, files and URLs.
fn label(name: String) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=63).contains(&name.len())
        && name.chars().all(is_plain)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if fits {
        Ok(name)
    } else {
        Err(format!(
            "'{name}' must be 1 to 63 of a-z, 0-9 and '-', and begin and end with a letter or digit"
        ))
    }
}

fn default(text: &str) -> Result<Effect, String> {
    match Effect::of_name(text) {
        Some(effect @ (Effect::Ask | Effect::Deny)) => Ok(effect),
        Some(Effect::Allow) | None => Err(format!("'{text}' is neither 'ask' nor 'deny'")),
    }
}

/// The members of a policy.
const POLICY: [&str; 7] = ["name", "description", "default", "rules", "allow", "ask", "deny"];

/// The members of a rule.
const RULE: [&str; 16] = [
    "effect",
    "id",
    "tool",
    "command",
    "path",
    "domain",
    "args_any",
    "provider",
    "user",
    "labels",
    "cwd",
    "reason",
    "always_ask",
    "four_eyes",
    "expires_at",
    "examples",
];

/// That there is no such member, and which one was meant or which there are.
fn unknown(name: &str, of: &str, known: &[&str]) -> String {
    let right = match near::nearest(name, known.iter().copied()) {
        Some(meant) => format!("is it '{meant}'?"),
        None => format!("those are {}", known.join(", ")),
    };
    format!("'{name}' is not a member of a {of}: {right}")
}

fn rules(node: &Node, document: &mut Document, problems: &mut Problems) -> Result<(), String> {
    for (position, node) in node.items().ok_or("must be a list of rules")?.iter().enumerate() {
        let rule = rule(node, position, problems);
        add(rule, node.place, document, problems);
    }
    Ok(())
}

fn rule(node: &Node, position: usize, problems: &mut Problems) -> Option<Rule> {
    let Some(members) = node.members() else {
        problems.add(node.place, "a rule is an object");
        return None;
    };
    let before = problems.0.len();
    let effect = effect(node, members, problems);
    let mut draft = Draft::new(effect, format!("rule-{}", position + 1));
    for Member { place, name, node } in members {
        if let Err(problem) = draft.take(name, &node.value()) {
            if RULE.contains(&name.as_str()) {
                problems.add(node.place, format!("{name}: {problem}"));
            } else {
                problems.add(*place, unknown(name, "rule", &RULE));
            }
        }
    }
    if problems.0.len() > before {
        return None;
    }
    let rule = draft.finish().map_err(|problem| problems.add(node.place, problem)).ok()?;
    try_examples(&rule, members, problems);
    Some(rule)
}

/// The effect; one that cannot be read is told, and taken for the strictest.
fn effect(node: &Node, members: &[Member], problems: &mut Problems) -> Effect {
    let Some(member) = members.iter().find(|member| member.name == "effect") else {
        problems.add(node.place, "'effect' is missing: allow, ask or deny");
        return Effect::Deny;
    };
    let found = node_text(&member.node).and_then(|text| {
        Effect::of_name(&text).ok_or(format!("'{text}' is no allow, ask or deny"))
    });
    found.unwrap_or_else(|problem| {
        problems.add(member.node.place, format!("effect: {problem}"));
        Effect::Deny
    })
}

fn shorthands(
    node: &Node,
    effect: Effect,
    document: &mut Document,
    problems: &mut Problems,
) -> Result<(), String> {
    let items = node.items().ok_or("must be a list of shorthands such as 'Bash(git log:*)'")?;
    for (position, node) in items.iter().enumerate() {
        let rule = node_text(node)
            .and_then(|text| Rule::of_shorthand(effect, &text, position))
            .map(|rule| rule.named(format!("{}-{}", effect.name(), position + 1)))
            .map_err(|problem| problems.add(node.place, format!("{}: {problem}", effect.name())));
        add(rule.ok(), node.place, document, problems);
    }
    Ok(())
}

fn add(rule: Option<Rule>, place: Place, document: &mut Document, problems: &mut Problems) {
    if document.rules.len() == RULES {
        problems.add(place, format!("a policy has at most {RULES} rules"));
    }
    if let Some(rule) = rule {
        document.rules.push(rule);
        document.lines.push(place.line);
    }
}

fn check_ids(document: &Document, problems: &mut Problems) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (rule, line) in document.rules.iter().zip(&document.lines) {
        let place = Place { line: *line, column: 1 };
        let id = rule.id();
        if id.chars().count() > ID_CHARS || !id.chars().all(crate::is_printable) {
            problems.add(place, format!("id: at most {ID_CHARS} characters that can be shown"));
        }
        if let Some(first) = seen.insert(id, *line) {
            problems.add(place, format!("the id '{id}' is already on line {first}"));
        }
    }
}

fn try_examples(rule: &Rule, members: &[Member], problems: &mut Problems) {
    let Some(examples) = members.iter().find(|member| member.name == "examples") else { return };
    let kinds = examples.node.members().unwrap_or_default();
    for Member { name, node, .. } in kinds {
        let wanted = if name == "match" { example::Part::Taken } else { example::Part::NotTaken };
        let items = node.items().unwrap_or(std::slice::from_ref(node));
        for item in items {
            let Ok(text) = node_text(item) else { continue };
            if example::part(rule, &text) != wanted {
                problems.add(item.place, example::told(rule, &text, wanted));
            }
        }
    }
}
