//! Attachments: who sits where, and who holds control.

use std::sync::Arc;

use codeplane_core::{Acquire, AttachmentId, ControlChange, ControlTaken, Offset, OutputPosition};

use super::{Live, Remembered, State};
use crate::session::frame::StreamEnd;
use crate::session::seat::{Answers, Seat};

/// The attachment cannot be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ResumeError;

/// Control has passed: the attachment that had it, the one that has it, and their principals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// From where on.
    pub at: OutputPosition,
    /// Who had it.
    pub from: Option<(AttachmentId, String)>,
    /// Who has it.
    pub to: Option<(AttachmentId, String)>,
}

impl State {
    /// Somebody else holds control from `at` on, or nobody: so much for who answers queries, and for
    /// who is to be recorded.
    fn control_passes(&mut self, at: Offset) {
        self.control_at = at;
        let holder = self.lease.holder().and_then(|id| self.seats.get(&id));
        self.answerers.change(at, holder.map_or(Answers::Daemon, |seat| seat.answers()));
        let to = holder.map(|seat| (seat.id(), seat.principal().to_owned()));
        let from = std::mem::replace(&mut self.controller, to.clone());
        let at = OutputPosition { incarnation: self.session.incarnation, offset: at };
        self.passed.push(Passed { at, from, to });
    }
}

impl Live {
    /// Takes a seat: a new attachment, or with its token an earlier one that goes on.
    ///
    /// # Errors
    /// [`ResumeError`] if nobody remembers the token.
    pub(crate) fn sit(
        &self,
        resume: Option<[u8; 16]>,
        principal: &str,
        answers: Answers,
    ) -> Result<Arc<Seat>, ResumeError> {
        let mut state = self.lock();
        let (id, token, seq) = match resume {
            None => (AttachmentId::random(), *AttachmentId::random().as_bytes(), 0),
            Some(token) => {
                let seated = state.seats.values().find(|seat| seat.token() == token).cloned();
                let known = match (&seated, state.remembered.get(&token)) {
                    (Some(old), _) => Remembered { attachment: old.id(), seq: old.acked() },
                    (None, Some(remembered)) => *remembered,
                    (None, None) => return Err(ResumeError),
                };
                // A client that comes back before its old connection is seen to be dead.
                if let Some(old) = seated {
                    old.depart(StreamEnd::Replaced);
                }
                (known.attachment, token, known.seq)
            }
        };
        let seat = Arc::new(Seat::new(id, token, principal.to_owned(), answers));
        seat.set_acked(seq);
        state.remembered.insert(token, Remembered { attachment: id, seq });
        state.seats.insert(id, Arc::clone(&seat));
        drop(state);
        self.changed();
        Ok(seat)
    }

    /// Leaves a seat; the newest remaining controller follows.
    pub(crate) fn leave(&self, seat: &Arc<Seat>) {
        let end = self.end();
        let mut state = self.lock();
        let own = state.seats.get(&seat.id()).is_some_and(|one| Arc::ptr_eq(one, seat));
        if own {
            state.seats.remove(&seat.id());
            if let Some(remembered) = state.remembered.get_mut(&seat.token()) {
                remembered.seq = remembered.seq.max(seat.acked());
            }
            if state.lease.release(seat.id()) == ControlChange::Changed {
                // Not before it began: there others answered.
                let at = seat.passes_at(end).max(state.control_at);
                state.control_passes(at);
            }
        }
        drop(state);
        self.changed();
        // Questions that its terminal did not get to see are the daemon's now.
        self.watch_again();
    }

    /// A seat by its id.
    #[must_use]
    pub(crate) fn seat(&self, id: AttachmentId) -> Option<Arc<Seat>> {
        self.lock().seats.get(&id).cloned()
    }

    /// Asks for control. Answers from which position on it holds.
    ///
    /// # Errors
    /// [`ControlTaken`] if another attachment holds it and `how` does not steal.
    pub(crate) fn acquire(
        &self,
        who: AttachmentId,
        how: Acquire,
    ) -> Result<OutputPosition, ControlTaken> {
        let end = self.end();
        let mut state = self.lock();
        if state.lease.acquire(who, how)? == ControlChange::Changed {
            state.control_passes(end);
        }
        let at =
            OutputPosition { incarnation: state.session.incarnation, offset: state.control_at };
        drop(state);
        self.changed();
        Ok(at)
    }

    /// Gives control up. Answers who holds it now.
    pub(crate) fn release(&self, who: AttachmentId) -> Option<AttachmentId> {
        let end = self.end();
        let mut state = self.lock();
        let at = state.seats.get(&who).map_or(end, |seat| seat.passes_at(end));
        let at = at.max(state.control_at);
        if state.lease.release(who) == ControlChange::Changed {
            state.control_passes(at);
        }
        let holder = state.lease.holder();
        drop(state);
        self.changed();
        self.watch_again();
        holder
    }

    /// How control has passed since the last time somebody asked. Everybody who may have made it
    /// pass asks, so that there are never more than such calls under way.
    #[must_use]
    pub(crate) fn take_passed(&self) -> Vec<Passed> {
        std::mem::take(&mut self.lock().passed)
    }

    /// Who holds control.
    #[must_use]
    pub(crate) fn holder(&self) -> Option<Arc<Seat>> {
        let state = self.lock();
        state.lease.holder().and_then(|id| state.seats.get(&id).cloned())
    }

    /// Whether this attachment holds control.
    pub(in crate::session) fn is_holder(&self, who: AttachmentId) -> bool {
        self.lock().lease.holder() == Some(who)
    }

    /// The shim refused an attachment's input, as its number was not the next one.
    pub(in crate::session) fn input_refused(&self, token: [u8; 16], expected: u64) {
        let seat = self.lock().seats.values().find(|seat| seat.token() == token).cloned();
        if let Some(seat) = seat {
            let why = format!("input.seq: the next number is {expected}");
            seat.depart(StreamEnd::Refused(why));
            self.changed();
        }
    }

    /// Input of an attachment was applied.
    pub(in crate::session) fn acked(&self, token: [u8; 16], seq: u64) {
        let mut state = self.lock();
        if let Some(remembered) = state.remembered.get_mut(&token) {
            remembered.seq = remembered.seq.max(seq);
        }
        let seat = state.seats.values().find(|seat| seat.token() == token).cloned();
        drop(state);
        if let Some(seat) = seat {
            seat.set_acked(seq);
            self.changed();
        }
    }
}
