//! What an agent reports about itself.

use std::path::PathBuf;

use codeplane_core::policy::Value;

/// One call of a hook, read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HookReport {
    /// The event, as the agent calls it.
    pub(crate) name: String,
    /// What it means.
    pub(crate) kind: HookKind,
    /// The agent's own id of the conversation.
    pub(crate) conversation: Option<String>,
    /// Where the agent says its transcript is, or will be: it is announced before it exists.
    pub(crate) transcript: Option<PathBuf>,
    /// The agent's working directory.
    pub(crate) cwd: Option<String>,
    /// The id of the subagent, if one reports.
    pub(crate) subagent: Option<String>,
    /// The agent's own permission mode, as it calls it.
    pub(crate) permission_mode: Option<String>,
}

/// What a hook event means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HookKind {
    /// A tool is about to be used: the gate.
    ToolRequested(ToolCall),
    /// The agent would ask its user: the second net.
    PermissionRequested(ToolCall),
    /// A tool was used, or the agent itself refused it.
    ToolFinished {
        /// What was run: its input may differ from the one asked for.
        call: ToolCall,
        /// How it went.
        outcome: Outcome,
    },
    /// All calls of one answer of the model are done, the refused ones too.
    ToolBatchFinished {
        /// Their ids.
        tool_use_ids: Vec<String>,
    },
    /// A conversation began, or went on.
    SessionStarted {
        /// `startup`, `resume`, `clear`, `compact`, `fork`, or a later word.
        cause: String,
    },
    /// A prompt was sent, or queued behind the running turn.
    PromptSubmitted,
    /// The agent waits for the next prompt.
    TurnFinished {
        /// Whether something of it still runs.
        background: Background,
    },
    /// The model could not be reached or refused.
    TurnFailed {
        /// The agent's word for why.
        error: String,
    },
    /// The user broke the turn off.
    Interrupted,
    /// The agent calls for its user.
    Notified {
        /// Why.
        notification: Notification,
    },
    /// A subagent began.
    SubagentStarted,
    /// A subagent ended.
    SubagentFinished,
    /// The conversation ended.
    SessionEnded {
        /// The agent's word for why.
        reason: String,
    },
    /// Anything else.
    Other,
}

/// A tool call, as the agent reports it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    /// The tool, by the name that rules use.
    pub(crate) tool: String,
    /// Its input, or why nobody should judge by it.
    pub(crate) input: Result<Value, String>,
    /// The JSON text of the input, byte by byte as sent; empty where there is none.
    pub(crate) input_text: Vec<u8>,
    /// The call's id; none in permission requests.
    pub(crate) tool_use_id: Option<String>,
}

/// How a tool call went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The tool ran to its end.
    Succeeded,
    /// The tool ran and failed: what the agent says of it.
    Failed(String),
    /// The user broke it off while it ran.
    Interrupted,
    /// The agent itself refused it: nothing ran.
    Refused(String),
}

/// Whether something of a turn runs on after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Background {
    /// Nothing that the agent tells of.
    Nothing,
    /// Subagents or commands: their end starts a turn by itself.
    Running,
}

/// Why an agent calls for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notification {
    /// A permission dialog is on screen and nobody answers.
    PermissionPrompt,
    /// Nobody has typed for a while.
    Idle,
    /// Another reason, in the agent's word.
    Other(String),
}

/// A body that is no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// What is wrong, in one line.
    pub(crate) why: String,
    /// Whether it is, or may be, an event whose answer decides: then it must be answered by a refusal.
    pub(crate) gating: bool,
}

/// One thing that a call has to be allowed as.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// Whose rules judge it.
    pub(crate) tool: String,
    /// The input they judge, or why there is none.
    pub(crate) input: Result<Value, String>,
}
