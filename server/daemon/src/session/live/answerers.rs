//! Who answers terminal queries, along the output.

use std::collections::VecDeque;

use codeplane_core::Offset;

use crate::session::seat::Answers;

/// Changes that are remembered; a query older than that many is not answered anyway.
const CHANGES: usize = 16;

/// Who answers from which position on. At every position it is exactly one.
#[derive(Debug, Default)]
pub(super) struct Answerers {
    changes: VecDeque<(Offset, Answers)>,
}

impl Answerers {
    /// From `at` on it is `who`.
    pub(super) fn change(&mut self, at: Offset, who: Answers) {
        if self.changes.len() == CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back((at, who));
    }

    /// Who answers a query that begins at `at`. Of two changes at one position the later counts.
    pub(super) fn at(&self, at: Offset) -> Answers {
        let change = self.changes.iter().rev().find(|(from, _)| *from <= at);
        change.map_or(Answers::Daemon, |(_, who)| *who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_over_carries_an_offset() {
        let mut answerers = Answerers::default();
        answerers.change(Offset(10), Answers::Client);
        answerers.change(Offset(20), Answers::Daemon);
        answerers.change(Offset(20), Answers::Client);
        answerers.change(Offset(30), Answers::Daemon);

        assert_eq!(answerers.at(Offset(9)), Answers::Daemon);
        assert_eq!(answerers.at(Offset(10)), Answers::Client);
        assert_eq!(answerers.at(Offset(20)), Answers::Client);
        assert_eq!(answerers.at(Offset(30)), Answers::Daemon);
    }
}
