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

/// Where the lines of a text begin, and how many characters stand before each block of it: files
/// of one long line are counted once, not once a value.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    before_blocks: Vec<usize>,
}

/// Bytes in a block.
const BLOCK: usize = 1024;

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(after_breaks).collect();
        let mut before_blocks = vec![0];
        for block in text.as_bytes().chunks(BLOCK) {
            let before = before_blocks.last().copied().unwrap_or(0);
            before_blocks.push(before + characters(block));
        }
        Self { text, starts, before_blocks }
    }

    /// The place of a byte.
    pub(super) fn place(&self, at: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts.get(line.wrapping_sub(1)).copied().unwrap_or(0);
        Place { line, column: self.characters_before(at) - self.characters_before(start) + 1 }
    }

    fn characters_before(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        let block = at / BLOCK;
        let rest = &self.text.as_bytes()[block * BLOCK..at];
        self.before_blocks.get(block).copied().unwrap_or(0) + characters(rest)
    }
}

/// How many characters begin in these bytes of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}
