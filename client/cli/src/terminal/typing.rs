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
    Stream,
}

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

    pub(super) fn of_stream(input: AttachmentInput, role: Role) -> Self {
        Self::new(input, role, Source::Stream)
    }

    const fn new(input: AttachmentInput, role: Role, source: Source) -> Self {
        Self { input, role, source, backlog: VecDeque::new(), backlog_bytes: 0 }
    }

    /// Whether more is to be read.
    pub(super) const fn wants_more(&self) -> bool {
        match self.source {
            Source::Person(_) => self.backlog_bytes < BACKLOG_BYTES,
            Source::Stream => self.backlog_bytes == 0,
        }
    }

    /// Whether something waits for room.
    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// What the end of what is read means: a terminal that hung up takes its user with it, the end
    /// of a file or pipe does not.
    pub(super) const fn at_end(&self) -> Wish {
        match self.source {
            Source::Person(_) => Wish::Leave,
            Source::Stream => Wish::Stay,
        }
    }

    /// Takes what was typed and sends on what can be sent without waiting.
    pub(super) async fn take(&mut self, typed: &Bytes) -> Wish {
        let typed = match &mut self.source {
            Source::Person(watch) => watch.take(typed),
            Source::Stream => Typed::Input(typed.clone()),
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
            (Role::Observe, Source::Person(_) | Source::Stream) => wish,
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

/// Whether Ctrl-C was typed, which ends observing.
fn interrupts(typed: &[u8]) -> bool {
    tokens(typed).any(|(token, _)| Chord::INTERRUPT.is(token))
}
