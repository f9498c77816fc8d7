//! What an agent did, compared with what was decided.

use crate::{SessionId, Timestamp};

/// A tool call that ran without a decision or against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The session whose agent made it.
    pub session: SessionId,
    /// The agent's id of the call; where it has none, the id of the report that told of it.
    pub call: String,
    /// The tool.
    pub tool: String,
    /// What happened, for people.
    pub problem: String,
    /// Whether there was a decision that it ran against.
    pub judged: bool,
    /// When it was noticed.
    pub found_at: Timestamp,
}

/// How many tool calls of a session are known, from its hooks and its transcripts, and how many of them
/// were judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Calls that were judged, whatever the answer.
    pub judged: u64,
    /// Calls that ran and nobody had judged.
    pub unjudged: u64,
}

impl Coverage {
    /// All calls that are known of.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.judged.saturating_add(self.unjudged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_what_was_judged_and_what_was_not() {
        assert_eq!(Coverage { judged: 40, unjudged: 2 }.seen(), 42);
        assert_eq!(Coverage { judged: u64::MAX, unjudged: 2 }.seen(), u64::MAX);
    }
}
