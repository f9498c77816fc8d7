//! What a hook program answers its agent.

/// What was decided about a hook event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing: the agent goes on as without us.
    NoOpinion,
    /// The call may be made.
    Allow {
        /// JSON text of the input to use instead; none: as asked.
        updated_input: Option<String>,
    },
    /// The call must not be made.
    Deny {
        /// What the agent reads.
        reason: String,
    },
    /// The agent shall ask in its own dialog.
    AskInDialog {
        /// What the dialog quotes.
        reason: String,
    },
}

/// What the hook program prints, and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HookAnswer {
    /// Its standard output, verbatim.
    pub(crate) stdout: String,
    /// Its standard error, verbatim.
    pub(crate) stderr: String,
    /// Its exit code.
    pub(crate) exit_code: u8,
}
