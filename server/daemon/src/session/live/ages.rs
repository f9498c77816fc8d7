//! When output came, roughly.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use codeplane_core::Offset;

/// No two marks are closer than this: it is how exact an age is.
const APART: Duration = Duration::from_millis(50);

/// How many are kept: a little more than the longest age anybody asks for.
const MARKS: usize = 32;

/// Marks of how far the log was at some moments.
#[derive(Debug, Default)]
pub(super) struct Ages {
    /// What was there before anybody looked is older than everything.
    before: Offset,
    marks: VecDeque<(Offset, Instant)>,
}

impl Ages {
    /// The log was this far before the daemon came.
    pub(super) fn came_at(&mut self, end: Offset) {
        self.before = end;
    }

    /// The log is this far now.
    pub(super) fn mark(&mut self, end: Offset, now: Instant) {
        if self.marks.back().is_some_and(|(_, last)| now.duration_since(*last) < APART) {
            return;
        }
        if self.marks.len() == MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back((end, now));
    }

    /// Whether the byte before `offset` came longer than `age` ago.
    pub(super) fn is_older(&self, offset: Offset, age: Duration, now: Instant) -> bool {
        let came = self.marks.iter().find(|(end, _)| *end >= offset);
        offset <= self.before || came.is_some_and(|(_, then)| now.duration_since(*then) > age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_as_old_as_the_first_mark_that_has_it() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut ages = Ages::default();
        ages.mark(Offset(10), at(0));
        ages.mark(Offset(20), at(30));
        ages.mark(Offset(30), at(100));

        let limit = Duration::from_millis(500);
        assert!(!ages.is_older(Offset(10), limit, at(500)));
        assert!(ages.is_older(Offset(10), limit, at(501)));
        assert!(!ages.is_older(Offset(20), limit, at(501)), "the second mark was too close");
        assert!(ages.is_older(Offset(20), limit, at(601)));
        assert!(!ages.is_older(Offset(31), limit, at(9999)), "no mark has it: it has just come");
    }

    #[test]
    fn what_was_there_before_is_older_than_everything() {
        let mut ages = Ages::default();
        ages.came_at(Offset(5));

        assert!(ages.is_older(Offset(5), Duration::from_secs(1), Instant::now()));
        assert!(!ages.is_older(Offset(6), Duration::from_secs(1), Instant::now()));
    }
}
