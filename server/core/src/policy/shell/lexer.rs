//! From characters to simple commands.

use super::characters::{has_odd_characters, is_odd};
use super::quotes::Quotes;
use super::{Direction, Document, Redirect, Script, Simple, Word};

/// How deep substitutions may nest before the rest is only searched word by word.
pub(crate) const NESTING: usize = 16;

/// Words that begin or end control flow where a command is expected.
const RESERVED: &[&str] = &[
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac",
    "select", "function", "coproc", "{", "}", "!", "[[", "]]", "in",
];

/// Takes a shell text apart. Never fails: what cannot be understood is marked opaque.
pub(crate) fn read(text: &str, depth: usize) -> Script {
    let mut script = Script::default();
    if has_odd_characters(text) {
        script.mark("a control, format or odd white space character");
    }
    // For a search, an odd character separates as a carriage return may, or is not there at all.
    let chars: Vec<char> = text
        .chars()
        .filter_map(|c| if c == '\r' { Some('\n') } else { (!is_odd(c)).then_some(c) })
        .collect();
    take_apart(&chars, script, depth)
}

/// The same, with odd characters taken for parts of words: to be shown, not to be judged.
pub(crate) fn read_as_written(text: &str) -> Script {
    let mut chars = Vec::with_capacity(text.len());
    for c in text.chars() {
        chars.push(c);
        if c == '\r' {
            chars.push('\n');
        }
    }
    take_apart(&chars, Script::default(), 0)
}

fn take_apart(chars: &[char], script: Script, depth: usize) -> Script {
    let mut lexer = Lexer { chars, at: 0, script, depth, pending: Vec::new() };
    lexer.commands(Until::End);
    lexer.script.commands.retain(|command| !command.is_empty());
    lexer.script
}

/// What ends a list of commands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    End,
    Parenthesis,
}

/// Whether an operator wants a command after it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joined {
    Yes,
    No,
}

/// A here-document whose body comes after the line.
#[expect(clippy::struct_excessive_bools, reason = "two independent marks of a here-document")]
struct Pending {
    command: usize,
    delimiter: String,
    quoted: bool,
    tabs: bool,
}

pub(super) struct Lexer<'a> {
    pub(super) chars: &'a [char],
    pub(super) at: usize,
    pub(super) script: Script,
    pub(super) depth: usize,
    pending: Vec<Pending>,
}

impl Lexer<'_> {
    pub(super) fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn is_next(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.is_next(text);
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn begin(&mut self) -> usize {
        self.script.commands.push(Simple::default());
        self.script.commands.len() - 1
    }

    fn commands(&mut self, until: Until) {
        let mut current = self.begin();
        let mut open = 0_usize;
        let mut joined = Joined::No;
        loop {
            self.blanks();
            let Some(c) = self.peek(0) else { break };
            match c {
                '\n' => {
                    if !self.script.commands[current].is_empty() {
                        joined = Joined::No;
                    }
                    current = self.end_line();
                }
                '#' => self.comment(),
                ')' if open == 0 && until == Until::Parenthesis => {
                    self.at += 1;
                    self.check_joint(joined, current);
                    self.bodies_missing();
                    return;
                }
                '(' | ')' => {
                    open = if c == '(' { open + 1 } else { open.saturating_sub(1) };
                    self.at += 1;
                    self.script.mark("a group, function or array");
                    current = self.begin();
                }
                '&' if self.peek(1) == Some('>') => self.redirect(current),
                '&' | '|' | ';' => {
                    if self.script.commands[current].is_empty() {
                        self.script.mark("an operator without a command");
                    }
                    joined = self.separator();
                    current = self.begin();
                }
                '<' | '>' => self.redirect(current),
                _ => self.command_word(current),
            }
        }
        self.check_joint(joined, current);
        self.bodies_missing();
        if until == Until::Parenthesis {
            self.script.mark("a substitution without an end");
        }
    }

    /// Goes past the end of a line and the here-documents behind it.
    fn end_line(&mut self) -> usize {
        self.at += 1;
        self.bodies();
        self.begin()
    }

    fn blanks(&mut self) {
        loop {
            match self.peek(0) {
                Some(' ' | '\t') => self.at += 1,
                Some('\\') if self.peek(1) == Some('\n') => {
                    let before = self.at.checked_sub(1).and_then(|at| self.chars.get(at));
                    let apart = |c: Option<&char>| c.is_none_or(|c| " \t\n".contains(*c));
                    if !apart(before) && !apart(self.chars.get(self.at + 2)) {
                        self.script.mark("a line continued inside a word");
                    }
                    self.at += 2;
                }
                Some(_) | None => return,
            }
        }
    }

    fn comment(&mut self) {
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.at += 1;
        }
    }

    fn separator(&mut self) -> Joined {
        if self.is_next(";;") || self.is_next(";&") {
            self.script.mark("a case clause");
            self.at += 2;
            return Joined::No;
        }
        let joins = self.take("&&") || self.take("||") || self.take("|&") || self.take("|");
        if joins {
            return Joined::Yes;
        }
        self.at += 1;
        Joined::No
    }

    /// Bash runs nothing of a text that ends in an operator which wants a command.
    fn check_joint(&mut self, joined: Joined, current: usize) {
        if joined == Joined::Yes && self.script.commands[current].is_empty() {
            self.script.mark("an operator without a command");
        }
    }

    fn command_word(&mut self, current: usize) {
        let mut digits = 0;
        while self.peek(digits).is_some_and(|c| c.is_ascii_digit()) {
            digits += 1;
        }
        if digits > 0 && matches!(self.peek(digits), Some('<' | '>')) {
            self.at += digits;
            self.redirect(current);
            return;
        }
        let start = self.at;
        let word = self.word();
        // A character that begins no word must not stop the reader.
        self.at = self.at.max(start + 1);
        if word.text.starts_with('{') && !word.quoted && matches!(self.peek(0), Some('<' | '>')) {
            self.script.mark("a redirection of a variable");
            return;
        }
        let command = &mut self.script.commands[current];
        // After `time` the grammar expects a pipeline: control flow may begin there as well.
        let is_first = command.words.iter().all(|word| matches!(word.text.as_str(), "time" | "-p"));
        if is_first {
            if command.words.is_empty() && word.assigned_name().is_some() {
                command.assignments.push(word);
                return;
            }
            if !word.quoted && RESERVED.contains(&word.text.as_str()) {
                self.script.mark("control flow");
                return;
            }
        }
        command.words.push(word);
    }

    fn redirect(&mut self, current: usize) {
        if self.is_next("<(") || self.is_next(">(") {
            self.at += 2;
            self.substitution();
            self.script.commands[current]
                .words
                .push(Word { opaque: Some("a process substitution"), ..Word::default() });
            return;
        }
        if self.take("<<<") {
            let text = self.target().text;
            self.script.commands[current].documents.push(Document { text, literal: false });
            return;
        }
        if self.is_next("<<") {
            self.here_document(current);
            return;
        }
        let both = self.take("<>");
        let duplicates = !both && (self.is_next(">&") || self.is_next("<&"));
        let writes = both || self.is_next(">") || self.is_next("&>");
        let _known =
            both || ["&>>", "&>", ">>", ">|", ">&", "<&", ">", "<"].iter().any(|o| self.take(o));
        let target = self.target();
        let is_descriptor = !target.quoted
            && target.text.trim_end_matches('-').bytes().all(|b| b.is_ascii_digit())
            && !target.text.is_empty();
        if duplicates && is_descriptor && target.is_literal() {
            return;
        }
        let direction = match (both, writes) {
            (true, _) => Direction::Both,
            (false, true) => Direction::Write,
            (false, false) => Direction::Read,
        };
        self.script.commands[current].redirects.push(Redirect { direction, target });
    }

    fn target(&mut self) -> Word {
        self.blanks();
        let start = self.at;
        let word = self.word();
        if self.at == start {
            self.script.mark("a redirection without a target");
        }
        word
    }

    fn here_document(&mut self, current: usize) {
        self.at += 2;
        let tabs = self.take("-");
        let delimiter = self.target();
        if !delimiter.is_literal() || delimiter.is_glob() || delimiter.text.contains('\n') {
            self.script.mark("a here-document with an odd delimiter");
        }
        let (quoted, delimiter) = (delimiter.quoted, delimiter.text);
        self.pending.push(Pending { command: current, delimiter, quoted, tabs });
    }

    /// Reads the bodies that follow a line.
    fn bodies(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let mut text = String::new();
            let mut closed = false;
            while self.at < self.chars.len() && !closed {
                let line = self.line();
                let line = if pending.tabs { line.trim_start_matches('\t') } else { &line };
                closed = line == pending.delimiter;
                if !closed {
                    text.push_str(line);
                    text.push('\n');
                }
            }
            if !closed {
                self.script.mark("a here-document without an end");
            }
            let plain = !text.contains(['$', '`', '\\']);
            let document = Document { text, literal: closed && (pending.quoted || plain) };
            if !document.literal {
                self.script.mark("a here-document that expands");
                self.expansions(&document.text);
            }
            self.script.commands[pending.command].documents.push(document);
        }
    }

    /// Finds the commands that run while the shell expands a text.
    fn expansions(&mut self, text: &str) {
        let chars: Vec<char> = text.chars().collect();
        let script = Script::default();
        let depth = self.depth + 1;
        let mut inner = Lexer { chars: &chars, at: 0, script, depth, pending: Vec::new() };
        while let Some(c) = inner.peek(0) {
            match c {
                '$' => inner.dollar(&mut Word::default(), Quotes::Double),
                '`' => inner.backticks(&mut Word::default()),
                '\\' => inner.at += 2,
                _ => inner.at += 1,
            }
        }
        inner.script.opaque.iter().for_each(|why| self.script.mark(why));
        self.script.commands.extend(inner.script.commands.into_iter().filter(|c| !c.is_empty()));
    }

    fn bodies_missing(&mut self) {
        if !self.pending.is_empty() {
            self.pending.clear();
            self.script.mark("a here-document without an end");
        }
    }

    fn line(&mut self) -> String {
        let start = self.at;
        while self.peek(0).is_some_and(|c| c != '\n') {
            self.at += 1;
        }
        let line = self.chars[start..self.at].iter().collect();
        self.at = (self.at + 1).min(self.chars.len());
        line
    }

    /// Reads commands up to the closing parenthesis; says where in the script they begin.
    pub(super) fn substitution(&mut self) -> usize {
        let first = self.script.commands.len();
        if self.depth >= NESTING {
            self.script.mark("nested too deep");
            self.at = self.chars.len();
            return first;
        }
        self.depth += 1;
        let pending = std::mem::take(&mut self.pending);
        self.commands(Until::Parenthesis);
        self.pending = pending;
        self.depth -= 1;
        first
    }
}
