//! JSON with places.

use super::super::json::Value;
use super::node::{Content, Member, Node};
use super::{Place, Problems};

pub(super) fn read(text: &str, problems: &mut Problems) -> Vec<Node> {
    let lines = Lines::of(text);
    match Value::parse_with_places(text.as_bytes()) {
        Ok((value, places)) => {
            let mut places = places.into_iter().map(|at| lines.place(at));
            vec![node(value, &mut places)]
        }
        Err((problem, at)) => {
            problems.add(lines.place(at), problem);
            Vec::new()
        }
    }
}

/// The reader told a place for every value and name, in this order.
fn node(value: Value, places: &mut dyn Iterator<Item = Place>) -> Node {
    let place = places.next().unwrap_or(Place::START);
    let content = match value {
        Value::List(items) => {
            Content::List(items.into_iter().map(|item| node(item, places)).collect())
        }
        Value::Map(members) => {
            let member = |(name, value): (String, Value)| Member {
                place: places.next().unwrap_or(Place::START),
                name,
                node: node(value, places),
            };
            Content::Map(members.into_iter().map(member).collect())
        }
        plain @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Bad(_)) => Content::Plain(plain),
    };
    Node { place, content }
}

/// Where the lines of a text begin.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// The place of a byte.
    pub(super) fn place(&self, at: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts.get(line.wrapping_sub(1)).copied().unwrap_or(0);
        let mut end = at.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = self.text.get(start..end).unwrap_or_default();
        Place { line, column: before.chars().count() + 1 }
    }
}
