//! What the watching thread asks of a session, and tells it.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use codeplane_core::{Offset, TerminalSize};
use tokio::sync::mpsc;

use super::Live;
use crate::session::seat::Answers;
use crate::session::task::Fact;

impl Live {
    /// Claims the one look that may be queued; false if it is.
    pub(in crate::session) fn claim_look(&self) -> bool {
        !self.look.swap(true, Ordering::AcqRel)
    }

    /// The look begins, or could not be queued: the next output queues another one.
    pub(in crate::session) fn release_look(&self) {
        self.look.store(false, Ordering::Release);
    }

    /// Has the watching thread look again, though nothing was printed.
    pub(super) fn watch_again(&self) {
        if let Some(own) = self.own.upgrade() {
            self.watcher().grown(&own);
        }
    }

    /// The change of size with this number or the first one after it: its number, place and size.
    pub(in crate::session) fn resize_after(
        &self,
        number: u64,
    ) -> Option<(u64, Offset, TerminalSize)> {
        self.lock().resizes.at_or_after(number)
    }

    /// The size at `offset`, and the number of the first change behind it.
    pub(in crate::session) fn resizes_up_to(&self, offset: Offset) -> (TerminalSize, u64) {
        let state = self.lock();
        state.resizes.up_to(offset).unwrap_or((state.first_size, 0))
    }

    /// The oldest output that is there.
    pub(in crate::session) fn oldest(&self) -> Offset {
        self.lock().oldest
    }

    /// What is known from the index of a log that another daemon followed.
    pub(crate) fn set_sizes(&self, first: TerminalSize, later: &[(Offset, TerminalSize)]) {
        let mut state = self.lock();
        state.first_size = first;
        for (at, size) in later {
            state.resizes.push(*at, *size);
        }
        state.size = later.last().map_or(first, |(_, size)| *size);
    }

    /// The log was this far before the daemon came: nothing in it is answered.
    pub(in crate::session) fn came_at(&self, end: Offset) {
        self.ages.lock().unwrap_or_else(PoisonError::into_inner).came_at(end);
    }

    pub(super) fn mark(&self, end: Offset) {
        self.ages.lock().unwrap_or_else(PoisonError::into_inner).mark(end, Instant::now());
    }

    /// Whether the byte before `offset` came longer than `age` ago.
    pub(in crate::session) fn is_older(&self, offset: Offset, age: Duration) -> bool {
        let ages = self.ages.lock().unwrap_or_else(PoisonError::into_inner);
        ages.is_older(offset, age, Instant::now())
    }

    /// Whether it is the daemon that answers a query which begins at `at`.
    pub(in crate::session) fn daemon_answers(&self, at: Offset) -> bool {
        self.lock().answerers.at(at) == Answers::Daemon
    }

    /// The program set its title.
    pub(in crate::session) fn set_title(&self, title: String) {
        self.change(|state| state.title = title);
    }

    /// Where facts of the session are written down.
    pub(crate) fn set_recorder(&self, facts: mpsc::Sender<Fact>) {
        self.lock().facts = Some(facts);
    }

    /// Hands on what is to be written down; a flood of it is not.
    pub(in crate::session) fn record(&self, fact: Fact) {
        let facts = self.lock().facts.clone();
        if facts.is_none_or(|facts| facts.try_send(fact).is_err()) {
            tracing::debug!(session.id = %self.id, "a fact of the terminal was not recorded");
        }
    }
}
