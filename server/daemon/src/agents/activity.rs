//! What an agent does at the moment, as far as it tells.

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// It works on a turn.
    Working,
    /// It waits for a prompt.
    Idle,
    /// It waits for an answer to a question.
    WaitingForInput,
    /// It waits for leave to do something.
    WaitingForApproval,
    /// It may not ask its model for now.
    RateLimited,
}

/// What a program says of itself by OSC 7501.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgramStatus {
    /// What it does; none: it takes back what it said.
    pub(crate) activity: Option<Activity>,
    /// Who says so.
    pub(crate) app: Option<String>,
    /// What it says about it.
    pub(crate) message: Option<String>,
}
