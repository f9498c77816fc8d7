//! Words: quotes, escapes and expansions.

use super::lexer::{Lexer, NESTING, read};
use super::{Simple, Word};

impl Lexer<'_> {
    /// Reads one word, up to what separates it from the next.
    pub(super) fn word(&mut self) -> Word {
        let mut word = Word::default();
        let mut braces = Braces::default();
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => self.single(&mut word),
                '"' => self.double(&mut word),
                '\\' => self.backslash(&mut word),
                '$' => self.dollar(&mut word, Quotes::None),
                '`' => self.backticks(&mut word),
                _ => {
                    self.at += 1;
                    if matches!(c, '*' | '?' | '[') {
                        word.globs.push(word.text.len());
                    }
                    if c == '=' && word.equals.is_none() && !word.quoted {
                        word.equals = Some(word.text.len());
                    }
                    word.braces |= braces.see(c);
                    word.text.push(c);
                }
            }
        }
        finish(word)
    }

    fn single(&mut self, word: &mut Word) {
        self.at += 1;
        word.quoted = true;
        loop {
            match self.peek(0) {
                Some('\'') => break,
                Some(c) => word.text.push(c),
                None => {
                    word.opaque = Some("a quote without an end");
                    self.script.mark("a quote without an end");
                    return;
                }
            }
            self.at += 1;
        }
        self.at += 1;
    }

    fn backslash(&mut self, word: &mut Word) {
        match self.peek(1) {
            Some('\n') => {
                let next_is_apart = self.peek(2).is_none_or(|c| " \t\n".contains(c));
                if !next_is_apart {
                    word.opaque = Some("a line continued inside a word");
                }
            }
            Some(c) => {
                word.quoted = true;
                word.text.push(c);
            }
            None => {
                word.opaque = Some("a backslash at the end");
                self.at += 1;
                return;
            }
        }
        self.at += 2;
    }

    fn double(&mut self, word: &mut Word) {
        let begins_word = word.text.is_empty() && !word.quoted;
        self.at += 1;
        word.quoted = true;
        if begins_word && self.peek(0) == Some('$') && self.peek(1) == Some('(') {
            self.maybe_literal_document(word);
        }
        while let Some(c) = self.peek(0) {
            match c {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' => match self.peek(1) {
                    Some(c @ ('$' | '`' | '"' | '\\')) => {
                        word.text.push(c);
                        self.at += 2;
                    }
                    Some('\n') => self.at += 2,
                    Some(_) | None => {
                        word.text.push('\\');
                        self.at += 1;
                    }
                },
                '$' => self.dollar(word, Quotes::Double),
                '`' => self.backticks(word),
                _ => {
                    word.text.push(c);
                    self.at += 1;
                }
            }
        }
        word.opaque = Some("a quote without an end");
        self.script.mark("a quote without an end");
    }

    /// `"$(cat <<'X' … X)"` and nothing else is how agents write long texts: one literal word.
    fn maybe_literal_document(&mut self, word: &mut Word) {
        let marks = self.script.opaque.len();
        self.at += 2;
        let first = self.substitution();
        let commands: Vec<Simple> =
            self.script.commands[first..].iter().filter(|c| !c.is_empty()).cloned().collect();
        let closes = self.peek(0) == Some('"');
        let is_last = self.peek(1).is_none_or(|c| " \t\n;&|<>()".contains(c));
        match &commands[..] {
            [Simple { assignments, words, redirects, documents, .. }]
                if closes
                    && is_last
                    && self.script.opaque.len() == marks
                    && assignments.is_empty()
                    && redirects.is_empty()
                    && words.len() == 1
                    && words[0] == Word::literal("cat")
                    && documents.len() == 1
                    && documents[0].literal =>
            {
                word.text.push_str(documents[0].text.trim_end_matches('\n'));
                self.script.commands.truncate(first);
            }
            _ => word.opaque = Some("a substitution"),
        }
    }

    pub(super) fn backticks(&mut self, word: &mut Word) {
        word.opaque = Some("a substitution");
        self.at += 1;
        let mut inner = String::new();
        loop {
            match self.peek(0) {
                Some('`') => break,
                Some('\\') if matches!(self.peek(1), Some('`' | '\\' | '$')) => {
                    inner.extend(self.peek(1));
                    self.at += 1;
                }
                Some(c) => inner.push(c),
                None => {
                    self.script.mark("a substitution without an end");
                    self.at -= 1;
                    break;
                }
            }
            self.at += 1;
        }
        self.at += 1;
        if self.depth >= NESTING {
            self.script.mark("nested too deep");
            return;
        }
        let script = read(&inner, self.depth + 1);
        self.script.commands.extend(script.commands);
    }

    pub(super) fn dollar(&mut self, word: &mut Word, quotes: Quotes) {
        let name = self.at + 1 + usize::from(self.peek(1) == Some('{'));
        if quotes == Quotes::None
            && (0..3).all(|i| self.peek(name + i - self.at) == "IFS".chars().nth(i))
        {
            word.breaks.push(word.text.len());
        }
        match (self.peek(1), quotes) {
            (Some('('), _) => {
                word.opaque = Some("a substitution");
                self.at += 2;
                self.substitution();
            }
            (Some('{'), _) => {
                word.opaque = Some("an expansion");
                self.at += 2;
                self.parameter(word);
            }
            (Some('\''), Quotes::None) => {
                word.opaque = Some("an ANSI-C string");
                word.quoted = true;
                self.at += 2;
                self.ansi(word);
            }
            (Some('"'), Quotes::None) => self.unknown(word, "a translated string", 1),
            (Some('\\'), _) if self.peek(2) == Some('\n') => {
                self.unknown(word, "a line continued inside a word", 1);
            }
            (Some('['), _) => self.unknown(word, "an expansion", 2),
            (Some(c), _) if c.is_ascii_alphanumeric() || "_@*#?-$!".contains(c) => {
                word.opaque = Some("an expansion");
                self.at += 1;
                self.name(word);
            }
            (Some(_) | None, _) => {
                word.text.push('$');
                self.at += 1;
            }
        }
    }

    /// Goes past `count` characters that make a word's text unknown.
    fn unknown(&mut self, word: &mut Word, why: &'static str, count: usize) {
        word.opaque = Some(why);
        self.at += count;
    }

    fn name(&mut self, word: &mut Word) {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.at += 1;
        }
        let name: String = self.chars[start..self.at].iter().collect();
        self.at += usize::from(name.is_empty());
        known(&name, word);
    }

    fn parameter(&mut self, word: &mut Word) {
        let start = self.at;
        while let Some(c) = self.peek(0) {
            match c {
                '}' => {
                    let name: String = self.chars[start..self.at].iter().collect();
                    known(&name, word);
                    self.at += 1;
                    return;
                }
                '\\' => self.at += 2,
                '\'' => self.single(&mut Word::default()),
                '`' => self.backticks(word),
                '$' => self.dollar(&mut Word::default(), Quotes::Double),
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.chars.len());
        self.script.mark("an expansion without an end");
    }

    /// Decodes `$'…'`, for the search only.
    fn ansi(&mut self, word: &mut Word) {
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                '\'' => return,
                '\\' => {
                    let escape = self.peek(0);
                    self.at += 1;
                    match escape {
                        Some('n') => word.text.push('\n'),
                        Some('t') => word.text.push('\t'),
                        Some('x') => self.number(word, 16, 2),
                        Some('u') => self.number(word, 16, 4),
                        Some('U') => self.number(word, 16, 8),
                        Some('0'..='7') => {
                            self.at -= 1;
                            self.number(word, 8, 3);
                        }
                        Some(c) => word.text.push(c),
                        None => {}
                    }
                }
                c => word.text.push(c),
            }
        }
        self.at = self.at.min(self.chars.len());
        self.script.mark("a quote without an end");
    }

    fn number(&mut self, word: &mut Word, radix: u32, most: usize) {
        let mut value = 0_u32;
        for _ in 0..most {
            let Some(digit) = self.peek(0).and_then(|c| c.to_digit(radix)) else { break };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.at += 1;
        }
        word.text.extend(char::from_u32(value));
    }
}

/// What surrounds a dollar sign.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    None,
    Double,
}

/// The home is known without running anything: enough for a search.
fn known(name: &str, word: &mut Word) {
    if name == "HOME" && word.text.is_empty() {
        word.text.push('~');
    }
}

/// Finds braces that make several words.
#[derive(Default)]
struct Braces {
    open: usize,
    splits: bool,
    before: Option<char>,
}

impl Braces {
    fn see(&mut self, c: char) -> bool {
        let before = self.before.replace(c);
        match c {
            '{' => self.open += 1,
            ',' => self.splits |= self.open > 0,
            '.' => self.splits |= self.open > 0 && before == Some('.'),
            '}' if self.open > 0 => {
                self.open -= 1;
                return self.splits;
            }
            _ => {}
        }
        false
    }
}

fn finish(mut word: Word) -> Word {
    if word.braces && word.opaque.is_none() {
        word.opaque = Some("braces that make several words");
    }
    let names_somebody =
        word.text.strip_prefix('~').is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if names_somebody && !word.quoted && word.opaque.is_none() {
        word.opaque = Some("somebody else's home");
    }
    word
}
