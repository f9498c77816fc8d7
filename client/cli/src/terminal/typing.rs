//! What the user types: on its way to the session, or the keys that leave it.

use std::collections::VecDeque;

use bytes::Bytes;
use codeplane_client::{AttachmentInput, InputRefused};

use super::Role;
use super::chord::{Chord, tokens};
use super::detach::{DetachKeys, DetachWatch, Typed};

/// Typing kept while the program takes none, so that the detach keys behind it are still seen.
const BACKLOG_BYTES: usize = 1024 * 1024;

/// The typing side of an attachment that is shown.
#[derive(Debug)]
pub(super) struct Typing {
    input: AttachmentInput,
    role: Role,
    source: Source,
    backlog: VecDeque<Bytes>,
    backlog_bytes: usize,
}

/// Where the typing comes from.
#[derive(Debug)]
enum Source {
    /// A person, who may want to leave.
    Person(DetachWatch),
    /// A file or pipe: nothing in it detaches, and it is read as fast as the program takes it.
    Stream { at_end: AtEnd, last: Option<u8> },
}

/// What the end of a file or pipe means to the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtEnd {
    /// The end of its input as well.
    EndsInput,
    /// Nothing: others type too.
    Nothing,
}

/// What a terminal takes for the end of input, where a line begins (`VEOF` of termios(3), Ctrl-D).
const END_OF_INPUT: u8 = 0x04;

/// Whether the user stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Stay,
    Leave,
}

impl Typing {
    pub(super) fn of_person(input: AttachmentInput, role: Role, keys: DetachKeys) -> Self {
        Self::new(input, role, Source::Person(DetachWatch::new(keys)))
    }

    pub(super) fn of_stream(input: AttachmentInput, role: Role, at_end: AtEnd) -> Self {
        Self::new(input, role, Source::Stream { at_end, last: None })
    }

    const fn new(input: AttachmentInput, role: Role, source: Source) -> Self {
        Self { input, role, source, backlog: VecDeque::new(), backlog_bytes: 0 }
    }

    /// Whether more is to be read.
    pub(super) const fn wants_more(&self) -> bool {
        match self.source {
            Source::Person(_) => self.backlog_bytes < BACKLOG_BYTES,
            Source::Stream { .. } => self.backlog_bytes == 0,
        }
    }

    /// Whether something waits for room.
    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// At the end of what is read: a terminal that hung up takes its user with it, the end of a file
    /// or pipe does not, but is handed on.
    pub(super) async fn end(&mut self) -> Wish {
        let Source::Stream { at_end, last } = self.source else { return Wish::Leave };
        if at_end == AtEnd::EndsInput && self.role == Role::Control {
            self.keep(end_of_input(last));
            self.send().await;
        }
        Wish::Stay
    }

    /// Takes what was typed and sends on what can be sent without waiting.
    pub(super) async fn take(&mut self, typed: &Bytes) -> Wish {
        let typed = match &mut self.source {
            Source::Person(watch) => watch.take(typed),
            Source::Stream { last, .. } => {
                *last = typed.last().copied().or(*last);
                Typed::Input(typed.clone())
            }
        };
        let (bytes, wish) = match typed {
            Typed::Input(bytes) => (bytes, Wish::Stay),
            Typed::Detach(before) => (before, Wish::Leave),
        };
        match (self.role, &self.source) {
            (Role::Control, _) => {
                self.keep(bytes);
                self.send().await;
                wish
            }
            (Role::Observe, Source::Person(_)) if interrupts(&bytes) => Wish::Leave,
            (Role::Observe, Source::Person(_) | Source::Stream { .. }) => wish,
        }
    }

    /// Sends what can be sent without waiting.
    pub(super) async fn send(&mut self) {
        while self.input.has_room()
            && let Some(bytes) = self.backlog.pop_front()
        {
            self.backlog_bytes -= bytes.len();
            match self.input.send(bytes).await {
                // Typed by somebody who has lost control: they were told.
                Ok(()) | Err(InputRefused::Observing | InputRefused::Ended) => {}
            }
        }
    }

    fn keep(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.backlog_bytes += bytes.len();
            self.backlog.push_back(bytes);
        }
    }
}

/// After an unfinished line, the first one only hands that line to the program.
fn end_of_input(last: Option<u8>) -> Bytes {
    match last {
        None | Some(b'\n') => Bytes::from_static(&[END_OF_INPUT]),
        Some(_) => Bytes::from_static(&[END_OF_INPUT, END_OF_INPUT]),
    }
}

/// Whether Ctrl-C was typed, which ends observing.
fn interrupts(typed: &[u8]) -> bool {
    tokens(typed).any(|(token, _)| Chord::INTERRUPT.is(token))
}
