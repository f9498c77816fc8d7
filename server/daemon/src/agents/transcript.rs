//! What an agent's transcript says of tool calls.

use super::json::{member, parts, text};

/// When a line was written, where it says so in `timestamp` by RFC 3339. Lines that are copied into another conversation keep
/// theirs.
pub(super) fn time(line: &[u8]) -> Option<i64> {
    codeplane_core::policy::parse_time(&text(member(&parts(line)?, "timestamp")?)?)
}

/// One fact of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TranscriptFact {
    /// The model asked for a tool.
    ToolUse {
        /// The call's id.
        tool_use_id: String,
        /// The tool, by the name that rules use.
        tool: String,
        /// JSON text of its input.
        input_text: String,
    },
    /// A call has its result. One for an id that no use named is of no interest: it was only talk.
    ToolResult {
        /// The call's id.
        tool_use_id: String,
        /// What became of it.
        fate: ToolFate,
    },
    /// The agent was asked for something that it shows no hook.
    Unseen {
        /// The call's id.
        tool_use_id: String,
        /// The tool, as the agent calls it.
        tool: String,
        /// What nobody could judge.
        what: String,
    },
}

/// What became of a tool call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolFate {
    /// It ran, with whatever result.
    Ran,
    /// It was refused: nothing ran.
    Refused,
    /// It was broken off: it may have begun.
    Interrupted,
}
