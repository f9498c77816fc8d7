//! The answers a client can act on.

use codeplane_core::{
    AttachmentId, CannotDecide, Revision, SessionId, SessionRef, StateName, Violations,
};

pub(crate) use super::spec::Missing;

/// Why a use case did not do what was asked. Each variant is one answer a client can act on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such session.
    #[error("no session '{0}': {hint}see cpctl ls", hint = hint(.0))]
    SessionNotFound(String),
    /// A prefix that several sessions have.
    #[error("'{text}' is the beginning of {count} session ids: give more digits")]
    AmbiguousSession {
        /// What was given.
        text: String,
        /// How many match.
        count: usize,
    },
    /// No such attachment on this session.
    #[error("no attachment {0} on this session")]
    AttachmentNotFound(AttachmentId),
    /// The name is taken.
    #[error(
        "the name '{name}' means session {by} already: choose another one, or cpctl rm it once it has ended"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// Whose it is.
        by: SessionId,
    },
    /// The same `request_id` was used for another request.
    #[error("request_id {0} was used for another request: make a new one")]
    RequestReused(String),
    /// The request is wrong.
    #[error("{0}")]
    Invalid(Violations),
    /// The program is not there or cannot be executed; with whatever else is wrong.
    #[error("{violations}")]
    CannotRun {
        /// What is wrong with the program.
        missing: Missing,
        /// Everything that is wrong.
        violations: Violations,
    },
    /// The session is in a state in which this cannot be done.
    #[error("session {session} is {is}: {wanted}")]
    WrongState {
        /// Which session.
        session: SessionId,
        /// Its state.
        is: StateName,
        /// What would have to be.
        wanted: &'static str,
    },
    /// Another client types.
    #[error(
        "another client (attachment {holder}) controls session {session}: take control, or observe"
    )]
    ControlTaken {
        /// Which session.
        session: SessionId,
        /// Who controls it.
        holder: AttachmentId,
    },
    /// The etag is an old one.
    #[error("session {session} was changed meanwhile (etag is {current}): read it again")]
    Stale {
        /// Which session.
        session: SessionId,
        /// The etag it has now.
        current: String,
    },
    /// What was asked of a policy cannot be done.
    #[error(transparent)]
    Policy(#[from] PolicyProblem),
    /// A limit of the daemon is reached.
    #[error("{description}")]
    Quota {
        /// Which limit.
        subject: &'static str,
        /// What to do.
        description: String,
    },
    /// The daemon takes no new sessions.
    #[error("the daemon is draining: it takes no new sessions")]
    Draining,
    /// The daemon ends.
    #[error("the daemon is stopping: connect again")]
    Stopping,
    /// A position that is not there.
    #[error("position {asked} is beyond the end {end}")]
    BeyondEnd {
        /// What was asked for.
        asked: String,
        /// The end.
        end: String,
    },
    /// History does not go back that far.
    #[error("events up to revision {oldest} are gone: begin there or list anew")]
    EventsGone {
        /// The oldest that can be given as a start.
        oldest: Revision,
    },
    /// The time is over.
    #[error("timed out after {0}")]
    TimedOut(String),
    /// The file is there already.
    #[error("{0} exists: choose another path")]
    FileExists(String),
    /// The caller may not.
    #[error("{0}")]
    Denied(String),
    /// The disk is full.
    #[error("the disk is full: make room in {0}")]
    DiskFull(String),
    /// No such thing, but for sessions.
    #[error("no {what} '{name}'{}", see(what))]
    NoSuch {
        /// What kind of thing.
        what: &'static str,
        /// What was given.
        name: String,
    },
    /// A prefix that several ids have.
    #[error("'{text}' is the beginning of {count} or more {what} ids: give more digits")]
    Ambiguous {
        /// What kind of thing.
        what: &'static str,
        /// What was given.
        text: String,
        /// How many match, at least.
        count: usize,
    },
    /// It is over and cannot be changed.
    #[error("{0}")]
    Over(String),
    /// The approval cannot be decided so.
    #[error("{0}")]
    CannotDecide(#[source] CannotDecide),
    /// The answer cannot be remembered.
    #[error("this answer cannot be remembered: {0}")]
    NotGrantable(String),
    /// A rule denies the edited input.
    #[error("the edited input is denied: {0}")]
    EditedDenied(String),
    /// The token of a hook is not that of a running incarnation.
    #[error("the hook token is not that of a running session: start the agent with cpctl run")]
    BadToken,
    /// The id of a report was used for another one.
    #[error("event_id {0} was used for another report: make a new one")]
    ReportReused(String),
    /// Too much at once.
    #[error("the daemon is busy: try again")]
    Busy,
    /// Our own fault.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why something cannot be done to a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PolicyProblem {
    /// No such policy.
    #[error("no policy '{0}': see cpctl policy ls, or cpctl policy history {0} if it was deleted")]
    NotFound(String),
    /// The policy has no such revision; 0: it has none before its newest.
    #[error("policy '{policy}' has no {}: see cpctl policy history", earlier(*.revision))]
    RevisionNotFound {
        /// The policy.
        policy: String,
        /// What was asked for.
        revision: i64,
    },
    /// The policy's etag is an old one.
    #[error("policy '{policy}' was changed meanwhile (etag is {current}): read it again")]
    Stale {
        /// The policy.
        policy: String,
        /// The revision it has now; 0 if it does not exist.
        current: i64,
    },
    /// The policy cannot be deleted while it is bound.
    #[error(
        "policy '{policy}' is bound ({bindings} in cpctl policy bindings {policy}): unbind it, or use force (--force)"
    )]
    Bound {
        /// The policy.
        policy: String,
        /// How often.
        bindings: i64,
    },
    /// The policy is not bound so.
    #[error("policy '{policy}' is not bound to {target}: see cpctl policy bindings")]
    NotBound {
        /// The policy.
        policy: String,
        /// To what.
        target: String,
    },
}

/// What is worth a word beside that there is no such session.
fn hint(reference: &str) -> &'static str {
    let is_short = reference.len() < SessionRef::FEWEST_DIGITS;
    let is_beginning = is_short && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_beginning { "ids may be shortened to 4 digits, not more; " } else { "" }
}

/// A revision as a sentence names it.
fn earlier(revision: i64) -> String {
    if revision == 0 { "earlier revision".to_owned() } else { format!("revision {revision}") }
}

impl Error {
    /// Our own fault, for a cause of any type.
    pub(crate) fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// One field is wrong.
    pub(crate) fn invalid(field: impl Into<String>, description: impl std::fmt::Display) -> Self {
        Self::Invalid(Violations::one(field, description))
    }
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations)
    }
}

/// Where the things of a kind are listed.
fn see(what: &str) -> &'static str {
    match what {
        "approval" => ": see cpctl approvals ls --all",
        "grant" => ": see cpctl grants ls --all",
        "decision" => ": see cpctl decisions ls",
        _ => "",
    }
}
