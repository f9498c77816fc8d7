//! A policy as JSON, always in the same way.

use super::super::json::Value;
use super::super::rule::{Examples, Rule};
use super::Document;

pub(super) fn document(document: &Document) -> Value {
    let mut members = vec![("name".to_owned(), string(&document.name))];
    members.extend(document.description.as_ref().map(|text| member("description", string(text))));
    members.push(member("default", string(document.default.name())));
    members.push(member("rules", Value::List(document.rules.iter().map(rule).collect())));
    Value::Map(members)
}

fn rule(rule: &Rule) -> Value {
    let mut members =
        vec![member("id", string(&rule.id)), member("effect", string(rule.effect.name()))];
    let lists = [
        ("tool", &rule.written.tools),
        ("args_any", &rule.args_any),
        ("provider", &rule.conditions.provider),
        ("user", &rule.conditions.user),
    ];
    let filled = lists.into_iter().filter(|(_, items)| !items.is_empty());
    members.extend(filled.map(|(name, items)| member(name, strings(items))));
    members.extend(rule.written.target.as_ref().map(|(name, text)| member(name, string(text))));
    if !rule.conditions.labels.is_empty() {
        let labels = rule.conditions.labels.iter();
        let labels = labels.map(|(key, values)| (key.clone(), strings(values))).collect();
        members.push(member("labels", Value::Map(labels)));
    }
    let texts = [
        ("cwd", &rule.conditions.cwd),
        ("reason", &rule.reason),
        ("expires_at", &rule.written.expires_at),
    ];
    for (name, text) in texts {
        members.extend(text.as_ref().map(|text| member(name, string(text))));
    }
    for (name, flag) in [("always_ask", rule.always_ask), ("four_eyes", rule.four_eyes)] {
        members.extend(flag.then(|| member(name, Value::Bool(true))));
    }
    members.extend(examples(&rule.examples).map(|value| member("examples", value)));
    Value::Map(members)
}

fn examples(examples: &Examples) -> Option<Value> {
    let lists = [("match", &examples.matching), ("not_match", &examples.not_matching)];
    let filled = lists.into_iter().filter(|(_, items)| !items.is_empty());
    let members: Vec<_> = filled.map(|(name, items)| member(name, strings(items))).collect();
    (!members.is_empty()).then_some(Value::Map(members))
}

fn member(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn strings(items: &[String]) -> Value {
    Value::List(items.iter().map(|item| string(item)).collect())
}
