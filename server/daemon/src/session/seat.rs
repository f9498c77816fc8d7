//! One client on one terminal, as the parts that serve it share it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use codeplane_core::{AttachmentId, Offset, TerminalSize};

use super::frame::StreamEnd;

/// Most bytes of one input frame: it travels to the shim as one message.
pub(crate) const INPUT_BYTES: usize = 32 << 10;

/// Who answers terminal queries while an attachment holds control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// The client's own terminal.
    Client,
    /// The daemon.
    Daemon,
}

/// An attachment's place. Its stream reads it, its inbound messages write it.
#[derive(Debug)]
pub(crate) struct Seat {
    id: AttachmentId,
    token: [u8; 16],
    /// Who attached, for the rule that another principal's control is respected.
    principal: String,
    answers: Answers,
    acked: AtomicU64,
    /// The newest input that was not typed, as its client may not answer the dialog on the screen; 0: none.
    refused: AtomicU64,
    /// The newest ping's id plus one; 0: none.
    ping: AtomicU64,
    /// Whether its client is to be told again who holds control.
    retell: AtomicBool,
    /// Whether the shim was told of it: it need not know of those who never type.
    announced: AtomicBool,
    /// Why it leaves, once it does.
    departure: OnceLock<StreamEnd>,
    size: Mutex<Option<TerminalSize>>,
    /// Up to where its client's terminal has been given the output; `u64::MAX`: everything.
    shown: AtomicU64,
}

impl Seat {
    /// A seat whose input up to `acked` was applied before.
    #[must_use]
    pub(crate) const fn new(
        id: AttachmentId,
        token: [u8; 16],
        principal: String,
        answers: Answers,
    ) -> Self {
        Self {
            id,
            token,
            principal,
            answers,
            acked: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            ping: AtomicU64::new(0),
            retell: AtomicBool::new(false),
            announced: AtomicBool::new(false),
            departure: OnceLock::new(),
            size: Mutex::new(None),
            shown: AtomicU64::new(u64::MAX),
        }
    }

    /// Its id.
    #[must_use]
    pub(crate) const fn id(&self) -> AttachmentId {
        self.id
    }

    /// Its secret.
    #[must_use]
    pub(crate) const fn token(&self) -> [u8; 16] {
        self.token
    }

    /// Who attached.
    #[must_use]
    pub(crate) fn principal(&self) -> &str {
        &self.principal
    }

    /// Who answers the program's queries while it holds control.
    #[must_use]
    pub(crate) const fn answers(&self) -> Answers {
        self.answers
    }

    /// The last input number that was applied.
    #[must_use]
    pub(crate) fn acked(&self) -> u64 {
        self.acked.load(Ordering::Acquire)
    }

    pub(super) fn set_acked(&self, seq: u64) {
        self.acked.fetch_max(seq, Ordering::AcqRel);
    }

    /// The newest input that was not typed because of a dialog; 0: none.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Acquire)
    }

    pub(super) fn set_refused(&self, seq: u64) {
        self.refused.fetch_max(seq, Ordering::AcqRel);
    }

    /// Remembers a ping; only the newest is answered.
    pub(super) fn set_ping(&self, id: u64) {
        self.ping.store(id.wrapping_add(1), Ordering::Release);
    }

    pub(super) fn take_ping(&self) -> Option<u64> {
        self.ping.swap(0, Ordering::AcqRel).checked_sub(1)
    }

    /// Its client's terminal has been given the output up to here, and is given no more.
    pub(super) fn set_shown(&self, shown: Offset) {
        self.shown.store(shown.0, Ordering::Release);
    }

    /// Where control passes on if it is given up when the output ends at `end`.
    pub(super) fn passes_at(&self, end: Offset) -> Offset {
        Offset(self.shown.load(Ordering::Acquire)).min(end)
    }

    /// It leaves; the first reason stays.
    pub(super) fn depart(&self, why: StreamEnd) {
        drop(self.departure.set(why));
    }

    pub(super) fn departure(&self) -> Option<StreamEnd> {
        self.departure.get().cloned()
    }

    /// What its client sent that cannot be, if it did.
    pub(crate) fn refusal(&self) -> Option<String> {
        match self.departure() {
            Some(StreamEnd::Refused(why)) => Some(why),
            Some(
                StreamEnd::Detached
                | StreamEnd::Replaced
                | StreamEnd::SessionEnded
                | StreamEnd::SessionDeleted
                | StreamEnd::DaemonStopping
                | StreamEnd::Draining
                | StreamEnd::LimitReached,
            )
            | None => None,
        }
    }

    /// Whether the shim was told of it.
    pub(super) fn is_announced(&self) -> bool {
        self.announced.load(Ordering::Acquire)
    }

    pub(super) fn set_announced(&self) {
        self.announced.store(true, Ordering::Release);
    }

    /// A wish for control was refused: its client is told who holds it.
    pub(super) fn set_retell(&self) {
        self.retell.store(true, Ordering::Release);
    }

    pub(super) fn take_retell(&self) -> bool {
        self.retell.swap(false, Ordering::AcqRel)
    }

    /// The size of its client's terminal.
    #[must_use]
    pub(crate) fn size(&self) -> Option<TerminalSize> {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The size of its client's terminal is this.
    pub(crate) fn note_size(&self, size: TerminalSize) {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner) = Some(size);
    }
}
