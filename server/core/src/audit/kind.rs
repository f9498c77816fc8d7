//! What the audit log has records of.

/// What a record is about. The names are on disk: none is ever changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AuditKind {
    /// A tool call was judged.
    DecisionMade,
    /// A tool call waits for a person.
    ApprovalRequested,
    /// A person answered.
    ApprovalDecided,
    /// Nobody answered in time.
    ApprovalExpired,
    /// The question went away before an answer.
    ApprovalCancelled,
    /// The agent's hook has taken the answer.
    AnswerDelivered,
    /// It has not, in time: the call was not allowed by it.
    AnswerVoid,
    /// An answer is remembered.
    GrantCreated,
    /// A remembered answer is forgotten.
    GrantRevoked,
    /// A policy has a new version.
    PolicyApplied,
    /// A policy was deleted.
    PolicyDeleted,
    /// A policy applies from now on.
    PolicyBound,
    /// A policy does not apply any more.
    PolicyUnbound,
    /// A session was created.
    SessionCreated,
    /// Its process runs.
    SessionStarted,
    /// Its process is over.
    SessionEnded,
    /// Somebody asked it to stop.
    SessionStopped,
    /// Somebody killed it.
    SessionKilled,
    /// It was deleted with its output.
    SessionDeleted,
    /// Its name or labels were changed.
    SessionUpdated,
    /// It may do everything without being asked about.
    SessionDangerous,
    /// Its tool calls are judged from now on.
    SessionGated,
    /// Its tool calls are not judged.
    SessionUngated,
    /// A tool ran without a decision or against one.
    Violation,
    /// Somebody has the keyboard of a session.
    ControlTaken,
    /// Somebody gave the keyboard back or lost it.
    ControlReleased,
    /// Somebody typed while another had the keyboard.
    InputForced,
    /// The hooks of an agent were edited.
    HooksEdited,
    /// The daemon started.
    DaemonStarted,
    /// The daemon ended as it was asked to.
    DaemonStopped,
    /// Checkpoints are signed with this key from now on.
    CheckpointKey,
    /// Old records were removed, through a number that a checkpoint signs.
    RecordsRemoved,
}

impl AuditKind {
    /// All kinds.
    pub const ALL: [Self; 32] = [
        Self::DecisionMade,
        Self::ApprovalRequested,
        Self::ApprovalDecided,
        Self::ApprovalExpired,
        Self::ApprovalCancelled,
        Self::AnswerDelivered,
        Self::AnswerVoid,
        Self::GrantCreated,
        Self::GrantRevoked,
        Self::PolicyApplied,
        Self::PolicyDeleted,
        Self::PolicyBound,
        Self::PolicyUnbound,
        Self::SessionCreated,
        Self::SessionStarted,
        Self::SessionEnded,
        Self::SessionStopped,
        Self::SessionKilled,
        Self::SessionDeleted,
        Self::SessionUpdated,
        Self::SessionDangerous,
        Self::SessionGated,
        Self::SessionUngated,
        Self::Violation,
        Self::ControlTaken,
        Self::ControlReleased,
        Self::InputForced,
        Self::HooksEdited,
        Self::DaemonStarted,
        Self::DaemonStopped,
        Self::CheckpointKey,
        Self::RecordsRemoved,
    ];

    /// The name, as records, filters and tables write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DecisionMade => "decision.made",
            Self::ApprovalRequested => "approval.requested",
            Self::ApprovalDecided => "approval.decided",
            Self::ApprovalExpired => "approval.expired",
            Self::ApprovalCancelled => "approval.cancelled",
            Self::AnswerDelivered => "answer.delivered",
            Self::AnswerVoid => "answer.void",
            Self::GrantCreated => "grant.created",
            Self::GrantRevoked => "grant.revoked",
            Self::PolicyApplied => "policy.applied",
            Self::PolicyDeleted => "policy.deleted",
            Self::PolicyBound => "policy.bound",
            Self::PolicyUnbound => "policy.unbound",
            Self::SessionCreated => "session.created",
            Self::SessionStarted => "session.started",
            Self::SessionEnded => "session.ended",
            Self::SessionStopped => "session.stopped",
            Self::SessionKilled => "session.killed",
            Self::SessionDeleted => "session.deleted",
            Self::SessionUpdated => "session.updated",
            Self::SessionDangerous => "session.dangerous",
            Self::SessionGated => "session.gated",
            Self::SessionUngated => "session.ungated",
            Self::Violation => "violation",
            Self::ControlTaken => "control.taken",
            Self::ControlReleased => "control.released",
            Self::InputForced => "input.forced",
            Self::HooksEdited => "hooks.edited",
            Self::DaemonStarted => "daemon.started",
            Self::DaemonStopped => "daemon.stopped",
            Self::CheckpointKey => "checkpoint.key",
            Self::RecordsRemoved => "records.removed",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
