//! Who is to look again.

use std::sync::{Mutex, PoisonError};
use std::task::Waker;

/// The wakers of all followers of one session.
///
/// A wake-up carries no data: it says that something is different and nothing about what. A
/// follower registers first and looks then, so that no change falls between the two.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    wakers: Vec<Option<Waker>>,
    /// Slots nobody owns.
    free: Vec<usize>,
}

impl Wakers {
    /// A place for one follower, which it gives back with [`Wakers::leave`].
    pub(crate) fn join(&self) -> usize {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.free.pop().unwrap_or_else(|| {
            slots.wakers.push(None);
            slots.wakers.len() - 1
        })
    }

    /// Gives a place back.
    pub(crate) fn leave(&self, slot: usize) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.wakers[slot] = None;
        slots.free.push(slot);
    }

    /// Asks to be woken at the next change.
    pub(crate) fn register(&self, slot: usize, waker: &Waker) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut slots.wakers[slot] {
            Some(old) if old.will_wake(waker) => {}
            place => *place = Some(waker.clone()),
        }
    }

    /// Wakes everybody who waits.
    pub(crate) fn wake(&self) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in &mut slots.wakers {
            if let Some(waker) = slot.take() {
                waker.wake();
            }
        }
    }
}
