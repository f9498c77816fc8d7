//! Shell text, read by bash's own rules of tokens, quotes and here-documents.
//!
//! Everything that is more than a list of simple commands of literal words is *opaque*: it is
//! still taken apart, so that rules that deny find what it holds, but no rule can allow it.

mod characters;
mod lexer;
mod quotes;
mod word;

pub(crate) use characters::{has_odd_characters, without_odd_characters};
pub(crate) use lexer::{NESTING, read, read_as_written};
pub(crate) use word::Word;

/// A shell text, taken apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// Its simple commands in order, those of substitutions and groups among them.
    pub(crate) commands: Vec<Simple>,
    /// Why no rule can allow it as a whole, if so.
    pub(crate) opaque: Vec<&'static str>,
}

impl Script {
    pub(crate) fn mark(&mut self, why: &'static str) {
        if !self.opaque.contains(&why) {
            self.opaque.push(why);
        }
    }
}

/// One simple command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Simple {
    /// Words of the form `NAME=value` before the command word.
    pub(crate) assignments: Vec<Word>,
    /// Command word and arguments.
    pub(crate) words: Vec<Word>,
    /// Its redirections but here-documents.
    pub(crate) redirects: Vec<Redirect>,
    /// Bodies of its here-documents and here-strings.
    pub(crate) documents: Vec<Document>,
}

impl Simple {
    pub(crate) fn is_empty(&self) -> bool {
        self.assignments.is_empty()
            && self.words.is_empty()
            && self.redirects.is_empty()
            && self.documents.is_empty()
    }
}

/// Where a redirection leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
    Both,
}

/// One redirection to or from a file.
#[derive(Clone, Debug)]
pub(crate) struct Redirect {
    pub(crate) direction: Direction,
    pub(crate) target: Word,
}

/// What a here-document or here-string feeds.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) text: String,
    /// Whether the shell passes it on as it is.
    pub(crate) literal: bool,
}
