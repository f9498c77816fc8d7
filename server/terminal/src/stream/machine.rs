//! The state machine. It agrees with `vte`, the emulator's parser, on where sequences begin and
//! end; a property test compares them.

use codeplane_core::Offset;
use memchr::{memchr2, memchr3};

use super::partial::Partial;
use super::{Csi, SEQUENCE_LIMIT, Sink, Span, Terminator, Token};

const ENQ: u8 = 0x05;
const BEL: u8 = 0x07;
const SO: u8 = 0x0e;
const SI: u8 = 0x0f;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const ESC: u8 = 0x1b;

/// Where in a sequence the machine is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    EscapeIntermediate,
    Csi,
    DcsHead,
    String(Kind),
    /// After an `ESC` in a string: the string's terminator or the next sequence.
    StringEnd(Kind),
}

/// What a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Osc,
    Dcs,
    Apc,
    /// A start of string, a privacy message, or a DCS whose head is out of order.
    Ignored,
}

/// Finds sequences in a stream that arrives in pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    state: State,
    /// Of the sequence it is in.
    start: Offset,
    /// What was kept of that sequence.
    body: Vec<u8>,
    /// How much of `body` is the head of a DCS.
    head: usize,
    /// The first bytes of a character whose last bytes are still to come.
    partial: Partial,
}

/// The begun sequence at the end of what was scanned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unfinished<'a> {
    /// `ESC`, an escape sequence or a CSI: nothing can be said of it yet.
    Short,
    /// An OSC and what is known of its payload.
    Osc(&'a [u8]),
    /// A DCS with its head, once that is complete.
    Dcs(Option<Csi<'a>>),
    /// An APC and what is known of its payload.
    Apc(&'a [u8]),
    /// A string without a meaning.
    Ignored,
}

/// The piece being scanned.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    offset: Offset,
    bytes: &'a [u8],
}

impl Chunk<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span { start: self.offset.plus(start), end: self.offset.plus(end) }
    }
}

impl Machine {
    /// Follows `bytes`, which begin at `offset`.
    pub(crate) fn scan(&mut self, offset: Offset, bytes: &[u8], sink: &mut impl Sink) {
        let chunk = Chunk { offset, bytes };
        let mut at = 0;
        while at < bytes.len() {
            at = match self.state {
                State::Ground => self.ground(chunk, at, sink),
                State::String(kind) => self.payload(kind, chunk, at, sink),
                State::Escape
                | State::EscapeIntermediate
                | State::Csi
                | State::DcsHead
                | State::StringEnd(_) => {
                    self.step(chunk, at, sink);
                    at + 1
                }
            };
        }
    }

    /// Where the unfinished sequence or character at the end of the bytes so far begins, if there
    /// is one; `end` is where the next bytes will begin.
    pub(crate) fn unfinished_since(&self, end: Offset) -> Option<Offset> {
        match (self.state, self.partial.length()) {
            (State::Ground, 0) => None,
            (State::Ground, length) => Some(Offset(end.0 - length as u64)),
            (_, _) => Some(self.start),
        }
    }

    /// The unfinished sequence, if the machine is in one.
    pub(crate) fn unfinished(&self) -> Option<Unfinished<'_>> {
        let kind = match self.state {
            State::Ground => return None,
            State::Escape | State::EscapeIntermediate | State::Csi => {
                return Some(Unfinished::Short);
            }
            State::DcsHead => return Some(Unfinished::Dcs(None)),
            State::String(kind) | State::StringEnd(kind) => kind,
        };
        Some(match kind {
            Kind::Osc => Unfinished::Osc(&self.body),
            Kind::Dcs => Unfinished::Dcs(dcs_head(&self.body[..self.head])),
            Kind::Apc => Unfinished::Apc(&self.body),
            Kind::Ignored => Unfinished::Ignored,
        })
    }

    /// Text up to the next sequence or control. Returns where to go on.
    fn ground(&mut self, chunk: Chunk<'_>, at: usize, sink: &mut impl Sink) -> usize {
        let rest = &chunk.bytes[at..];
        let stop = memchr3(ESC, BEL, SO, rest).unwrap_or(rest.len());
        let mut from = 0;
        // Each byte is searched for the rare controls once, however many of them there are.
        while let Some(found) = memchr2(SI, ENQ, &rest[from..stop]) {
            let control = from + found;
            Self::text(chunk, at + from, at + control, sink);
            let token = Token::Control(rest[control]);
            sink.token(chunk.span(at + control, at + control + 1), token);
            from = control + 1;
        }
        Self::text(chunk, at + from, at + stop, sink);
        match rest.get(stop) {
            None => {
                let continues = from == 0 && at == 0;
                let before = if continues { self.partial } else { Partial::default() };
                self.partial = before.after(&rest[from..]);
                chunk.bytes.len()
            }
            Some(&ESC) => {
                self.partial = Partial::default();
                self.escape(chunk, at + stop, sink)
            }
            Some(&control) => {
                self.partial = Partial::default();
                let end = at + stop + 1;
                sink.token(chunk.span(at + stop, end), Token::Control(control));
                end
            }
        }
    }

    fn text(chunk: Chunk<'_>, start: usize, end: usize, sink: &mut impl Sink) {
        if start < end {
            sink.text(chunk.offset.plus(start), &chunk.bytes[start..end]);
        }
    }

    /// An `ESC` in ground state. Nearly every sequence is a CSI that lies in one piece: it is read
    /// where it is, without a copy.
    fn escape(&mut self, chunk: Chunk<'_>, at: usize, sink: &mut impl Sink) -> usize {
        if let Some([b'[', rest @ ..]) = chunk.bytes.get(at + 1..)
            && let Some(length) = rest.iter().position(|byte| !(0x20..=0x3f).contains(byte))
            && let last @ 0x40..=0x7e = rest[length]
        {
            let end = at + 3 + length;
            let token = csi(&rest[..length], last);
            sink.token(chunk.span(at, end), within_limit(end - at, token));
            return end;
        }
        self.begin(chunk.offset.plus(at));
        at + 1
    }

    fn begin(&mut self, start: Offset) {
        self.start = start;
        self.state = State::Escape;
        self.body.clear();
    }

    /// One byte of a short sequence, or the one after the `ESC` in a string.
    fn step(&mut self, chunk: Chunk<'_>, at: usize, sink: &mut impl Sink) {
        let byte = chunk.bytes[at];
        match self.state {
            State::Escape => self.step_escape(chunk, at, byte, sink),
            State::EscapeIntermediate | State::Csi => self.step_body(chunk, at, byte, sink),
            State::DcsHead => self.step_dcs_head(chunk, at, byte, sink),
            State::StringEnd(kind) => self.step_end(kind, chunk, at, sink),
            // These are left by whole runs, not by single bytes.
            State::Ground | State::String(_) => {}
        }
    }

    fn step_escape(&mut self, chunk: Chunk<'_>, at: usize, byte: u8, sink: &mut impl Sink) {
        match byte {
            b'[' => self.state = State::Csi,
            b']' => self.state = State::String(Kind::Osc),
            b'P' => self.state = State::DcsHead,
            b'_' => self.state = State::String(Kind::Apc),
            b'X' | b'^' => self.state = State::String(Kind::Ignored),
            0x20..=0x2f => {
                self.keep(&[byte]);
                self.state = State::EscapeIntermediate;
            }
            0x30..=0x7e => self.finish(chunk.offset.plus(at + 1), byte, sink),
            0x00..=0x1f | 0x7f..=0xff => self.step_control(chunk, at, byte, sink),
        }
    }

    fn step_body(&mut self, chunk: Chunk<'_>, at: usize, byte: u8, sink: &mut impl Sink) {
        let end = chunk.offset.plus(at + 1);
        match (self.state, byte) {
            (State::Csi, 0x20..=0x3f) | (_, 0x20..=0x2f) => self.keep(&[byte]),
            (State::Csi, 0x40..=0x7e) | (_, 0x30..=0x7e) => self.finish(end, byte, sink),
            (_, 0x00..=0x1f | 0x7f..=0xff) => self.step_control(chunk, at, byte, sink),
        }
    }

    fn step_dcs_head(&mut self, chunk: Chunk<'_>, at: usize, byte: u8, sink: &mut impl Sink) {
        match byte {
            0x20..=0x3f => self.keep(&[byte]),
            0x40..=0x7e => {
                let is_ordered = Csi::split(&self.body, byte).is_some();
                self.keep(&[byte]);
                self.head = self.body.len();
                let kind = if is_ordered { Kind::Dcs } else { Kind::Ignored };
                self.state = State::String(kind);
            }
            CAN | SUB | ESC => self.step_control(chunk, at, byte, sink),
            // Unlike those in a CSI, controls here are not obeyed.
            0x00..=0x1f | 0x7f..=0xff => {}
        }
    }

    /// A control in a sequence: obeyed, but for those that end it. Other bytes are dropped.
    fn step_control(&mut self, chunk: Chunk<'_>, at: usize, byte: u8, sink: &mut impl Sink) {
        match byte {
            CAN | SUB => {
                let span = Span { start: self.start, end: chunk.offset.plus(at + 1) };
                self.dispatch(span, Token::Ignored, sink);
            }
            ESC => {
                let span = Span { start: self.start, end: chunk.offset.plus(at) };
                self.dispatch(span, Token::Ignored, sink);
                self.begin(span.end);
            }
            0x00..=0x1f => sink.token(chunk.span(at, at + 1), Token::Embedded(byte)),
            0x20..=0xff => {}
        }
    }

    /// The byte after an `ESC` in a string.
    fn step_end(&mut self, kind: Kind, chunk: Chunk<'_>, at: usize, sink: &mut impl Sink) {
        let byte = chunk.bytes[at];
        if byte == b'\\' {
            self.finish_string(kind, chunk.offset.plus(at + 1), Terminator::String, sink);
            return;
        }
        let escape = Offset(chunk.offset.plus(at).0 - 1);
        self.finish_string(kind, escape, Terminator::String, sink);
        self.begin(escape);
        self.step_escape(chunk, at, byte, sink);
    }

    /// The payload of a string, up to the control that may end it. Returns where to go on.
    fn payload(&mut self, kind: Kind, chunk: Chunk<'_>, at: usize, sink: &mut impl Sink) -> usize {
        let rest = &chunk.bytes[at..];
        // 0x9c ends a DCS even where it is part of a character: the emulator has it so.
        let ends_dcs = |byte: u8| kind == Kind::Dcs && byte == 0x9c;
        let control = rest.iter().position(|byte| *byte < 0x20 || ends_dcs(*byte));
        let length = control.unwrap_or(rest.len());
        if kind != Kind::Ignored {
            self.keep(&rest[..length]);
        }
        if let Some(&byte) = rest.get(length) {
            self.step_payload(kind, chunk.offset.plus(at + length + 1), byte, sink);
        }
        at + (length + 1).min(rest.len())
    }

    fn step_payload(&mut self, kind: Kind, end: Offset, byte: u8, sink: &mut impl Sink) {
        match (byte, kind) {
            (ESC, _) => self.state = State::StringEnd(kind),
            (BEL, Kind::Osc) => self.finish_string(kind, end, Terminator::Bell, sink),
            (CAN | SUB, Kind::Osc) | (0x9c, _) => {
                self.finish_string(kind, end, Terminator::String, sink);
            }
            (CAN | SUB, Kind::Dcs | Kind::Apc | Kind::Ignored) => {
                self.dispatch(Span { start: self.start, end }, Token::Ignored, sink);
            }
            (_, Kind::Dcs) => self.keep(&[byte]),
            (_, Kind::Osc | Kind::Apc | Kind::Ignored) => {}
        }
    }

    /// Keeps a part of the sequence, unless it is too long to have a meaning.
    fn keep(&mut self, bytes: &[u8]) {
        let room = SEQUENCE_LIMIT - self.body.len();
        self.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn finish(&mut self, end: Offset, last: u8, sink: &mut impl Sink) {
        let body = std::mem::take(&mut self.body);
        let token = if self.state == State::Csi {
            csi(&body, last)
        } else {
            Token::Escape { intermediates: &body, last }
        };
        self.dispatch(Span { start: self.start, end }, token, sink);
        self.body = body;
    }

    fn finish_string(
        &mut self,
        kind: Kind,
        end: Offset,
        terminator: Terminator,
        sink: &mut impl Sink,
    ) {
        let body = std::mem::take(&mut self.body);
        let token = match kind {
            Kind::Osc => Token::Osc { payload: &body, terminator },
            Kind::Dcs => {
                let (head, payload) = body.split_at(self.head);
                dcs_head(head).map_or(Token::Ignored, |head| Token::Dcs { head, payload })
            }
            Kind::Apc => Token::Apc { payload: &body },
            Kind::Ignored => Token::Ignored,
        };
        self.dispatch(Span { start: self.start, end }, token, sink);
        self.body = body;
        // A large payload must not stay for the rest of the session.
        self.body.clear();
        self.body.shrink_to(256);
    }

    fn dispatch(&mut self, span: Span, token: Token<'_>, sink: &mut impl Sink) {
        self.state = State::Ground;
        let length = usize::try_from(span.end.since(span.start)).unwrap_or(usize::MAX);
        sink.token(span, within_limit(length, token));
    }
}

fn csi(body: &[u8], last: u8) -> Token<'_> {
    Csi::parse(body, last).map_or(Token::Ignored, Token::Csi)
}

fn dcs_head(head: &[u8]) -> Option<Csi<'_>> {
    let (&last, body) = head.split_last()?;
    Csi::parse(body, last)
}

fn within_limit(length: usize, token: Token<'_>) -> Token<'_> {
    if length > SEQUENCE_LIMIT { Token::Overlong } else { token }
}
