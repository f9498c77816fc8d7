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

    /// The last change at or before `offset`, and the number of the one behind it.
    pub(super) fn up_to(&self, offset: Offset) -> Option<(TerminalSize, u64)> {
        let behind = self.list.partition_point(|(at, _)| *at <= offset);
        let (_, size) = self.list.get(behind.checked_sub(1)?)?;
        Some((*size, self.first + behind as u64))
    }
}
