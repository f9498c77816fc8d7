//! TOML with places.

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use super::super::json::Value;
use super::Problems;
use super::from_json::Lines;
use super::node::{Content, Member, Node};

pub(super) fn read(text: &str, problems: &mut Problems) -> Vec<Node> {
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        problems.add(lines.place(at), error.message());
    }
    if !errors.is_empty() {
        return Vec::new();
    }
    let place = lines.place(table.span().start);
    vec![Node { place, content: map(table.get_ref(), &lines) }]
}

/// The table's own order is that of its names; the file's order is told by the places.
fn map(table: &DeTable<'_>, lines: &Lines<'_>) -> Content {
    let mut members: Vec<Member> = table
        .iter()
        .map(|(name, value)| Member {
            place: lines.place(name.span().start),
            name: name.get_ref().to_string(),
            node: node(value, lines),
        })
        .collect();
    members.sort_by_key(|member| member.place);
    Content::Map(members)
}

fn node(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    let content = match value.get_ref() {
        DeValue::String(text) => Content::Plain(Value::String(text.to_string())),
        DeValue::Integer(number) => Content::Plain(Value::Number(number.to_string())),
        DeValue::Float(number) => Content::Plain(Value::Number(number.to_string())),
        DeValue::Boolean(flag) => Content::Plain(Value::Bool(*flag)),
        // `expires_at` may be written as a time without quotes.
        DeValue::Datetime(time) => Content::Plain(Value::String(time.to_string())),
        DeValue::Array(items) => {
            Content::List(items.iter().map(|item| node(item, lines)).collect())
        }
        DeValue::Table(table) => map(table, lines),
    };
    Node { place: lines.place(value.span().start), content }
}
