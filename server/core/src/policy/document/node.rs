//! Values of a policy file, each with its place.

use super::super::json::Value;
use super::{Place, Problems};

/// How deep values may nest; a rule needs five.
pub(super) const DEPTH: usize = 32;

/// A value, and where it begins.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    /// Neither list nor object.
    Plain(Value),
    List(Vec<Node>),
    Map(Vec<Member>),
}

/// A name and its value.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) node: Node,
}

impl Node {
    pub(super) fn plain(place: Place, value: Value) -> Self {
        Self { place, content: Content::Plain(value) }
    }

    /// The same value without its places.
    pub(super) fn value(&self) -> Value {
        match &self.content {
            Content::Plain(value) => value.clone(),
            Content::List(items) => Value::List(items.iter().map(Self::value).collect()),
            Content::Map(members) => {
                Value::Map(members.iter().map(|m| (m.name.clone(), m.node.value())).collect())
            }
        }
    }

    /// The members, if it is an object.
    pub(super) fn members(&self) -> Option<&[Member]> {
        match &self.content {
            Content::Map(members) => Some(members),
            Content::Plain(_) | Content::List(_) => None,
        }
    }

    /// The items, if it is a list.
    pub(super) fn items(&self) -> Option<&[Self]> {
        match &self.content {
            Content::List(items) => Some(items),
            Content::Plain(_) | Content::Map(_) => None,
        }
    }

    /// Finds names that are twice in one object, and text that nobody should rely on.
    pub(super) fn check(&self, problems: &mut Problems) {
        match &self.content {
            Content::Plain(value) => {
                if let Some(flaw) = value.flaw() {
                    problems.add(self.place, flaw);
                }
            }
            Content::List(items) => items.iter().for_each(|item| item.check(problems)),
            Content::Map(members) => {
                let mut seen = std::collections::BTreeMap::new();
                for member in members {
                    if let Some(line) = seen.insert(&member.name, member.place.line) {
                        let name = &member.name;
                        problems.add(member.place, format!("'{name}' is already on line {line}"));
                    }
                    member.node.check(problems);
                }
            }
        }
    }
}
