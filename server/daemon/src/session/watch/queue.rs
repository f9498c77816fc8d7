//! Things to be done a little later, all after the same delay.

use std::collections::VecDeque;
use std::time::Instant;

/// First in, first due.
#[derive(Debug)]
pub(super) struct Queue<T>(VecDeque<(Instant, T)>);

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Queue<T> {
    pub(super) fn push(&mut self, due: Instant, item: T) {
        self.0.push_back((due, item));
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.0.front().map(|(due, _)| *due)
    }

    /// The next one, if it is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<T> {
        if self.next_due()? > now {
            return None;
        }
        self.0.pop_front().map(|(_, item)| item)
    }
}
