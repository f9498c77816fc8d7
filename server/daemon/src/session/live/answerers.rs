//! Who answers terminal queries, along the output.

use std::collections::VecDeque;

use codeplane_core::Offset;

use crate::session::seat::Answers;

/// Changes that are remembered. More than that many within the time in which a query is answered,
/// each behind other output, are no people at keyboards.
const CHANGES: usize = 64;

/// Who answers from which position on. At every position it is exactly one.
#[derive(Debug, Default)]
pub(super) struct Answerers {
    changes: VecDeque<(Offset, Answers)>,
    /// The newest change that was forgotten; at first it is the daemon.
    before: Option<Answers>,
}

impl Answerers {
    /// From `at` on it is `who`.
    pub(super) fn change(&mut self, at: Offset, who: Answers) {
        while self.changes.back().is_some_and(|(from, _)| *from >= at) {
            self.changes.pop_back();
        }
        if self.changes.len() == CHANGES {
            self.before = self.changes.pop_front().map(|(_, who)| who);
        }
        self.changes.push_back((at, who));
    }

    /// Who answers a query that begins at `at`. Of two changes at one position the later counts.
    pub(super) fn at(&self, at: Offset) -> Answers {
        let change = self.changes.iter().rev().find(|(from, _)| *from <= at);
        change.map(|(_, who)| *who).or(self.before).unwrap_or(Answers::Daemon)
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

    #[test]
    fn who_comes_and_goes_at_one_position_changes_nothing_before_it() {
        let mut answerers = Answerers::default();
        answerers.change(Offset(10), Answers::Client);

        for _ in 0..10 * CHANGES {
            answerers.change(Offset(20), Answers::Daemon);
            answerers.change(Offset(20), Answers::Client);
        }

        assert_eq!(answerers.at(Offset(9)), Answers::Daemon);
        assert_eq!(answerers.at(Offset(15)), Answers::Client);
    }

    #[test]
    fn what_is_forgotten_is_not_handed_to_the_daemon() {
        let mut answerers = Answerers::default();
        for at in 0..2 * CHANGES as u64 {
            answerers.change(Offset(10 * at), Answers::Client);
        }

        assert_eq!(answerers.at(Offset(5)), Answers::Client);
    }
}
