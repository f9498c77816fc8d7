//! Takes out of an output what must not reach a user's terminal.

use std::borrow::Cow;

use codeplane_core::Offset;
use memchr::memchr_iter;

use crate::modes::ScreenKind;
use crate::query::{ITERM_QUERIES, Query, can_ask, is_graphics_query};
use crate::stream::{Csi, Machine, Sink, Span, Token, Unfinished};

/// Longest sequence that is held back until it is decided, in bytes. No question is longer; what
/// is, and might still be a harmful one, is dropped.
const HOLD_LIMIT: usize = 4096;

const ENQ: u8 = 0x05;
/// First byte of U+0080 to U+00BF.
const C1_LEAD: u8 = 0xc2;

/// Passes output on to a user's terminal, without the questions it must not answer.
///
/// Harmful ones ([`Query::is_harmful`]) and everything of OSC 7501, which the daemon answers, are
/// always taken out; the others where the terminal is not the one that answers.
#[derive(Clone, Debug)]
pub struct OutputFilter {
    machine: Machine,
    answers_from: Option<Offset>,
    /// The begun sequence at the end of what was passed on, where it may be one to take out.
    held: Vec<u8>,
    fate: Fate,
    /// Whether the last byte passed on may be the first of a C1 control.
    ends_in_lead: bool,
    /// Which screen the program has switched to.
    screen: ScreenKind,
}

/// What becomes of the sequence that was begun in an earlier piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is in `held`, as far as there is one.
    Held,
    /// It was passed on as far as it came.
    Passed,
    /// It is dropped to its end.
    Dropped,
}

impl OutputFilter {
    /// A filter for a terminal that answers nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            machine: Machine::default(),
            answers_from: None,
            held: Vec::new(),
            fate: Fate::Held,
            ends_in_lead: false,
            screen: ScreenKind::Primary,
        }
    }

    /// The screen that the terminal shows after all that was passed on.
    #[must_use]
    pub const fn screen(&self) -> ScreenKind {
        self.screen
    }

    /// The terminal answers the questions that begin at `offset` or after it; none with `None`.
    pub const fn set_answers_from(&mut self, offset: Option<Offset>) {
        self.answers_from = offset;
    }

    /// What to pass on of `bytes`, which begin at `offset`, after what was held back before.
    ///
    /// Nothing is copied unless something is taken out, or a sequence lies across two pieces.
    pub fn filter<'a>(&mut self, offset: Offset, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let kept = self.without_sequences(offset, bytes);
        self.without_c1(kept)
    }

    /// Takes out the C1 controls in UTF-8: some terminals take U+009B for the beginning of a
    /// sequence, which would then be one that nobody has looked at.
    fn without_c1<'a>(&mut self, kept: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        let Some(last) = kept.last() else { return kept };
        let follows_lead = std::mem::replace(&mut self.ends_in_lead, *last == C1_LEAD);
        let is_c1 = |index: usize| kept.get(index).is_some_and(|byte| matches!(byte, 0x80..=0x9f));
        let begins_in_c1 = follows_lead && is_c1(0);
        let mut leads = memchr_iter(C1_LEAD, &kept).filter(|lead| is_c1(lead + 1)).peekable();
        if leads.peek().is_none() && !begins_in_c1 {
            return kept;
        }
        let mut clean = Vec::with_capacity(kept.len());
        let mut from = usize::from(begins_in_c1);
        for lead in leads {
            clean.extend_from_slice(&kept[from..lead]);
            from = lead + 2;
        }
        clean.extend_from_slice(&kept[from..]);
        Cow::Owned(clean)
    }

    fn without_sequences<'a>(&mut self, offset: Offset, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut cut = Cut {
            offset,
            bytes,
            answers_from: self.answers_from,
            output: Output { bytes, copied: None, from: 0 },
            held: std::mem::take(&mut self.held),
            fate: self.fate,
            screen: self.screen,
        };
        self.machine.scan(offset, bytes, &mut cut);
        let Cut { mut output, held, fate, screen, .. } = cut;
        self.screen = screen;
        let start = self.machine.unfinished_since(offset.plus(bytes.len()));
        let Some((unfinished, start)) = self.machine.unfinished().zip(start) else {
            self.fate = Fate::Held;
            return output.finish(bytes.len());
        };
        // In this piece, the sequence begins here, if it does not go on from an earlier one.
        let begin = usize::try_from(start.since(offset)).unwrap_or(usize::MAX).min(bytes.len());
        let goes_on = start < offset;
        let so_far = held.len() + bytes.len() - begin;
        let fate = match fate {
            Fate::Passed | Fate::Dropped if goes_on => fate,
            Fate::Held | Fate::Passed | Fate::Dropped => self.fate_of(&unfinished, start, so_far),
        };
        match fate {
            Fate::Held => {
                self.held = held;
                self.held.extend_from_slice(&bytes[begin..]);
                self.fate = fate;
                output.finish(begin)
            }
            Fate::Dropped => {
                self.fate = fate;
                output.finish(begin)
            }
            Fate::Passed => {
                self.fate = fate;
                output.insert(begin, &held);
                output.finish(bytes.len())
            }
        }
    }

    /// What is still held back, when the output has ended or goes on elsewhere. The filter is then
    /// as new, but for who answers.
    #[must_use]
    pub fn finish(&mut self) -> Vec<u8> {
        self.machine = Machine::default();
        self.fate = Fate::Held;
        std::mem::take(&mut self.held)
    }

    /// What can be said of a sequence by its beginning, `length` bytes long.
    fn fate_of(&self, unfinished: &Unfinished<'_>, start: Offset, length: usize) -> Fate {
        let undecided = if length > HOLD_LIMIT { Fate::Dropped } else { Fate::Held };
        match *unfinished {
            Unfinished::Short | Unfinished::Dcs(None) => undecided,
            Unfinished::Ignored => Fate::Passed,
            Unfinished::Dcs(Some(head)) => {
                let is_query = matches!(head.function(), (_, b"$" | b"+", b'q'));
                if is_query { undecided } else { Fate::Passed }
            }
            Unfinished::Apc(payload) => {
                let may_ask = payload.is_empty() || payload.starts_with(b"G");
                let is_open = !payload.contains(&b';') || is_graphics_query(payload);
                if may_ask && is_open { undecided } else { Fate::Passed }
            }
            Unfinished::Osc(payload) => {
                if may_be_taken_out(payload) || !self.is_answered(start) && may_ask(payload) {
                    undecided
                } else {
                    Fate::Passed
                }
            }
        }
    }

    fn is_answered(&self, start: Offset) -> bool {
        self.answers_from.is_some_and(|from| start >= from)
    }
}

impl Default for OutputFilter {
    fn default() -> Self {
        Self::new()
    }
}

/// Code and arguments of an OSC of which only the beginning may be there; no arguments while the
/// code may go on.
fn split_osc(payload: &[u8]) -> (&[u8], Option<&[u8]>) {
    match payload.iter().position(|byte| *byte == b';') {
        Some(end) => (&payload[..end], Some(&payload[end + 1..])),
        None => (payload, None),
    }
}

/// Whether the beginning of an OSC may be that of one that is always taken out.
fn may_be_taken_out(payload: &[u8]) -> bool {
    let (code, arguments) = split_osc(payload);
    let Some(arguments) = arguments else { return true };
    match crate::query::number(code) {
        Some(7501) => true,
        // A clipboard's content never begins with a question mark.
        Some(52) => match split_osc(arguments).1 {
            None => true,
            Some(content) => content.is_empty() || content.starts_with(b"?"),
        },
        _ => false,
    }
}

/// Whether the beginning of an OSC may be that of a question.
fn may_ask(payload: &[u8]) -> bool {
    let (code, arguments) = split_osc(payload);
    let Some(arguments) = arguments else { return true };
    if !can_ask(code) {
        return false;
    }
    match crate::query::number(code) {
        Some(1337) => ITERM_QUERIES
            .iter()
            .any(|query| arguments.starts_with(query) || query.starts_with(arguments)),
        // Decided by whether it may be taken out.
        Some(52 | 7501) => false,
        Some(99) => !arguments.contains(&b';') || arguments.windows(3).any(|pair| pair == b"p=?"),
        _ => true,
    }
}

/// The screen that a sequence switches to.
fn switched(token: &Token<'_>) -> Option<ScreenKind> {
    let switches = |csi: &Csi<'_>| csi.values().any(|mode| matches!(mode, 47 | 1047 | 1049));
    match token {
        Token::Csi(csi) => match csi.function() {
            (b'?', b"", b'h') if switches(csi) => Some(ScreenKind::Alternate),
            (b'?', b"", b'l') if switches(csi) => Some(ScreenKind::Primary),
            _ => None,
        },
        // A full reset.
        Token::Escape { intermediates: b"", last: b'c' } => Some(ScreenKind::Primary),
        _ => None,
    }
}

/// Filters one piece.
struct Cut<'a> {
    offset: Offset,
    bytes: &'a [u8],
    answers_from: Option<Offset>,
    output: Output<'a>,
    held: Vec<u8>,
    fate: Fate,
    screen: ScreenKind,
}

impl Sink for Cut<'_> {
    fn text(&mut self, _at: Offset, _bytes: &[u8]) {}

    fn token(&mut self, span: Span, token: Token<'_>) {
        if let Token::Embedded(_) = token {
            // Decided with the sequence it is in.
            return;
        }
        self.screen = switched(&token).unwrap_or(self.screen);
        let end = self.index(span.end);
        if span.start >= self.offset {
            let start = self.index(span.start);
            if self.is_taken_out(span, &token, &[]) {
                self.output.skip(start, end);
            }
            return;
        }
        // Begun in an earlier piece.
        let held = std::mem::take(&mut self.held);
        match std::mem::replace(&mut self.fate, Fate::Held) {
            Fate::Passed => {}
            Fate::Dropped => self.output.skip(0, end),
            Fate::Held if self.is_taken_out(span, &token, &held) => self.output.skip(0, end),
            Fate::Held => self.output.insert(0, &held),
        }
    }
}

impl Cut<'_> {
    fn index(&self, offset: Offset) -> usize {
        usize::try_from(offset.since(self.offset))
            .map_or(self.bytes.len(), |index| index.min(self.bytes.len()))
    }

    /// Whether to take a sequence out, of which `held` was in an earlier piece.
    fn is_taken_out(&self, span: Span, token: &Token<'_>, held: &[u8]) -> bool {
        if let Token::Osc { payload, .. } = token
            && crate::query::number(split_osc(payload).0) == Some(7501)
        {
            return true;
        }
        let query = Query::of(token);
        if self.answers_from.is_some_and(|from| span.start >= from) {
            return query.is_some_and(|query| query.is_harmful());
        }
        let here = &self.bytes[self.index(span.start)..self.index(span.end)];
        query.is_some() || held.contains(&ENQ) || here.contains(&ENQ)
    }
}

/// The piece without what was taken out; a copy only where it must be.
struct Output<'a> {
    bytes: &'a [u8],
    copied: Option<Vec<u8>>,
    /// Up to here the piece is dealt with.
    from: usize,
}

impl<'a> Output<'a> {
    /// Leaves `start..end` out.
    fn skip(&mut self, start: usize, end: usize) {
        if start > self.from || self.copied.is_some() {
            let copied = self.copied.get_or_insert_default();
            copied.extend_from_slice(&self.bytes[self.from..start]);
        }
        self.from = end;
    }

    /// Puts `held` before what follows at `at`.
    fn insert(&mut self, at: usize, held: &[u8]) {
        if !held.is_empty() {
            let copied = self.copied.get_or_insert_default();
            copied.extend_from_slice(&self.bytes[self.from..at]);
            copied.extend_from_slice(held);
            self.from = at;
        }
    }

    /// All up to `end`.
    fn finish(self, end: usize) -> Cow<'a, [u8]> {
        let rest = &self.bytes[self.from..end];
        match self.copied {
            None => Cow::Borrowed(rest),
            Some(mut copied) => {
                copied.extend_from_slice(rest);
                Cow::Owned(copied)
            }
        }
    }
}

#[cfg(test)]
mod tests;
