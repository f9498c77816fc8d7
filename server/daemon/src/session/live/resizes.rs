//! Changes of a terminal's size that followers may still have to be told.

use std::collections::VecDeque;

use codeplane_core::{Offset, TerminalSize};

/// How many are remembered for followers that are behind.
const RESIZES: usize = 256;

/// Changes of size in the order of their positions; numbered, so that each is seen once.
#[derive(Debug, Default)]
pub(super) struct Resizes {
    first: u64,
    list: VecDeque<(Offset, TerminalSize)>,
}

impl Resizes {
    pub(super) fn push(&mut self, at: Offset, size: TerminalSize) {
        if self.list.len() == RESIZES {
            self.list.pop_front();
            self.first += 1;
        }
        self.list.push_back((at, size));
    }

    /// The change with this number or the oldest one after it, with its number.
    pub(super) fn at_or_after(&self, number: u64) -> Option<(u64, Offset, TerminalSize)> {
        let number = number.max(self.first);
        let index = usize::try_from(number - self.first).ok()?;
        self.list.get(index).map(|(at, size)| (number, *at, *size))
    }

    pub(super) fn next_number(&self) -> u64 {
        self.first + self.list.len() as u64
    }
}
