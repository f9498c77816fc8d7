//! A word of the shell.

/// A word after quote removal, with what is known of how it was written.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of one word")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    /// Its text without quotes; of what expands, what is known.
    pub(crate) text: String,
    /// Characters of `text` (as byte positions) that are unquoted glob characters.
    pub(crate) globs: Vec<usize>,
    /// Why its text is not known, if so.
    pub(crate) opaque: Option<&'static str>,
    /// Whether a part of it was quoted.
    pub(crate) quoted: bool,
    /// Whether unquoted braces make several words of it.
    pub(crate) braces: bool,
    /// Byte positions where what separates words was expanded, so that it is several.
    pub(crate) breaks: Vec<usize>,
    /// Byte position of the first unquoted `=`.
    pub(crate) equals: Option<usize>,
}

impl Word {
    pub(crate) fn literal(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    pub(crate) fn is_literal(&self) -> bool {
        self.opaque.is_none()
    }

    /// Whether the shell looks for files by it: a bracket that nothing closes is plain.
    pub(crate) fn is_glob(&self) -> bool {
        let last_close = self.text.rfind(']').unwrap_or(0);
        let is_bracket = |at: usize| self.text.as_bytes().get(at) == Some(&b'[');
        self.globs.iter().any(|at| !is_bracket(*at) || *at < last_close)
    }

    /// The name before `=`, where the word would be an assignment.
    pub(crate) fn assigned_name(&self) -> Option<&str> {
        let name = &self.text[..self.equals?];
        let name = name.strip_suffix('+').unwrap_or(name);
        let name = name.split_once('[').map_or(name, |(name, _)| name);
        let mut chars = name.chars();
        let first = chars.next()?;
        ((first.is_ascii_alphabetic() || first == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .then_some(name)
    }

    /// Whether a text has the form of an assignment.
    pub(crate) fn assignment(text: &str) -> bool {
        Self { equals: text.find('='), text: text.to_owned(), ..Self::default() }
            .assigned_name()
            .is_some()
    }

    /// The words that an expanded separator makes of it.
    pub(crate) fn parts(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut rest = self.text.as_str();
        for at in self.breaks.iter().rev() {
            let (before, part) = rest.split_at(*at);
            found.push(part.to_owned());
            rest = before;
        }
        found.push(rest.to_owned());
        found.retain(|part| !part.is_empty());
        found.reverse();
        found
    }

    /// The words that braces make of it, at most 64; itself when it has none.
    pub(crate) fn spread(&self) -> Vec<String> {
        if !self.braces {
            return vec![self.text.clone()];
        }
        let mut done = Vec::new();
        let mut waiting = vec![self.text.clone()];
        while let Some(text) = waiting.pop() {
            match innermost(&text) {
                Some((before, choices, after)) if done.len() + waiting.len() < 64 => {
                    let choices: Vec<&str> = choices.split(',').collect();
                    waiting.extend(
                        choices.iter().rev().map(|choice| format!("{before}{choice}{after}")),
                    );
                }
                Some(_) | None => done.push(text),
            }
        }
        done
    }
}

fn innermost(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let close = from + text[from..].find('}')?;
        let open = text[..close].rfind('{');
        match open {
            Some(open) if text[open..close].contains(',') => {
                return Some((&text[..open], &text[open + 1..close], &text[close + 1..]));
            }
            Some(_) | None => from = close + 1,
        }
    }
}
