//! Follows a live log: what a program asks, says and sets, without a grid.

use codeplane_core::{Offset, TerminalSize};

use crate::modes::{Effect, Modes, TITLE_CHARS};
use crate::query::Query;
use crate::status::ProgramStatus;
use crate::stream::{Machine, Sink, Span, Token};

const BEL: u8 = 0x07;

/// Longest text of a notification that is kept, in characters.
const NOTICE_CHARS: usize = 4096;

/// Something a program's output says besides text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Where the sequence is that says it.
    pub span: Span,
    /// What it says.
    pub kind: FactKind,
}

/// What a sequence says. Texts may hold any character but C0 controls: escape them with
/// [`visible`](crate::visible) before they are printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// The program asks its terminal something.
    Query(Query),
    /// The window has another title.
    Title(String),
    /// The bell rang.
    Bell,
    /// The program wants its user to notice (OSC 9, 99, 777).
    Notification {
        /// Empty if it has none.
        title: String,
        /// Empty if it has none.
        body: String,
    },
    /// The directory the program works in, as a path (OSC 7).
    WorkingDirectory(String),
    /// The program says what it does (OSC 7501).
    ProgramStatus(ProgramStatus),
    /// The terminal's behaviour towards its user changed: input modes, screen, cursor, colours.
    Modes,
}

/// Follows every byte of a log and knows the [`Modes`] at its end.
#[derive(Clone, Debug)]
pub struct Scanner {
    machine: Machine,
    modes: Modes,
    end: Offset,
}

impl Scanner {
    /// Of a new terminal at the beginning of an output.
    #[must_use]
    pub fn new(size: TerminalSize) -> Self {
        Self::resume(Offset::ZERO, Modes::new(size))
    }

    /// Of a terminal in `modes` at `offset`, which must be [ground](Self::is_ground).
    #[must_use]
    pub fn resume(offset: Offset, modes: Modes) -> Self {
        Self { machine: Machine::default(), modes, end: offset }
    }

    /// Follows `bytes`, which begin at `offset`, and tells `sink` what they say, each fact with the
    /// modes right after it. A sequence that is cut by the end of `bytes` is told with the bytes
    /// that complete it.
    pub fn scan(&mut self, offset: Offset, bytes: &[u8], sink: &mut impl FnMut(Fact, &Modes)) {
        let mut follow = Follow { modes: &mut self.modes, sink };
        self.machine.scan(offset, bytes, &mut follow);
        self.end = offset.plus(bytes.len());
    }

    /// The terminal got another size after what was scanned.
    pub fn resize(&mut self, size: TerminalSize) {
        self.modes.resize(self.end, size);
    }

    /// The modes after what was scanned; those of a sequence that is still cut are not in it.
    #[must_use]
    pub const fn modes(&self) -> &Modes {
        &self.modes
    }

    /// Where the next bytes begin.
    #[must_use]
    pub const fn end(&self) -> Offset {
        self.end
    }

    /// Whether the end of what was scanned is neither in a sequence nor in a character.
    #[must_use]
    pub fn is_ground(&self) -> bool {
        self.unfinished_since().is_none()
    }

    /// Where the sequence or character begins that is cut by the end of what was scanned.
    #[must_use]
    pub fn unfinished_since(&self) -> Option<Offset> {
        self.machine.unfinished_since(self.end)
    }
}

struct Follow<'a, F> {
    modes: &'a mut Modes,
    sink: &'a mut F,
}

impl<F: FnMut(Fact, &Modes)> Sink for Follow<'_, F> {
    fn text(&mut self, _at: Offset, _bytes: &[u8]) {}

    fn token(&mut self, span: Span, token: Token<'_>) {
        if let Token::Csi(csi) = token
            && (csi.only_moves_or_erases() || csi.is_plain() && csi.last == b'm')
        {
            // Most sequences are of these, and say nothing.
            self.modes.apply(span.end, &token);
            return;
        }
        let effect = self.modes.apply(span.end, &token);
        // A sequence may set one colour and ask for another.
        let facts = [changed(effect, self.modes), said(&token)];
        for kind in facts.into_iter().flatten() {
            (self.sink)(Fact { span, kind }, self.modes);
        }
    }
}

fn changed(effect: Effect, modes: &Modes) -> Option<FactKind> {
    match effect {
        Effect::Terminal => Some(FactKind::Modes),
        Effect::Title => modes.title().map(|title| FactKind::Title(title.to_owned())),
        Effect::Drawing => None,
    }
}

fn said(token: &Token<'_>) -> Option<FactKind> {
    if let Some(query) = Query::of(token) {
        return Some(FactKind::Query(query));
    }
    match *token {
        Token::Control(BEL) | Token::Embedded(BEL) => Some(FactKind::Bell),
        Token::Osc { payload, .. } => notice(payload),
        Token::Control(_)
        | Token::Embedded(_)
        | Token::Escape { .. }
        | Token::Csi(_)
        | Token::Dcs { .. }
        | Token::Apc { .. }
        | Token::Ignored
        | Token::Overlong => None,
    }
}

/// What an OSC says to the user.
fn notice(payload: &[u8]) -> Option<FactKind> {
    let text = String::from_utf8_lossy(payload);
    let (code, rest) = text.split_once(';')?;
    match code {
        "7" => working_directory(rest).map(FactKind::WorkingDirectory),
        // ConEmu uses the same number for other things, such as progress: a number comes first.
        "9" if !is_number(rest.split(';').next().unwrap_or_default()) => notification("", rest),
        "99" => kitty_notification(rest),
        "777" => {
            let (title, body) = rest.strip_prefix("notify;")?.split_once(';')?;
            notification(title, body)
        }
        "7501" => ProgramStatus::parse(rest).map(FactKind::ProgramStatus),
        _ => None,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn notification(title: &str, body: &str) -> Option<FactKind> {
    let (title, body) = (shortened(title, TITLE_CHARS), shortened(body, NOTICE_CHARS));
    (!title.is_empty() || !body.is_empty()).then_some(FactKind::Notification { title, body })
}

/// `metadata ; payload`. What is encoded, or is neither title nor body, is not for eyes.
fn kitty_notification(rest: &str) -> Option<FactKind> {
    let (metadata, payload) = rest.split_once(';')?;
    let value = |key: &str| metadata.split(':').find_map(|pair| pair.strip_prefix(key));
    if value("e=") == Some("1") {
        return None;
    }
    match value("p=") {
        None | Some("title") => notification(payload, ""),
        Some("body") => notification("", payload),
        Some(_) => None,
    }
}

fn shortened(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// The path of a `file:` URL.
fn working_directory(url: &str) -> Option<String> {
    let path = url.strip_prefix("file://")?;
    let path = &path[path.find('/')?..];
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (first, escape.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|path| !path.contains('\0'))
}

#[cfg(test)]
mod tests;
