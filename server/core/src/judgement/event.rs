//! Durable facts about what agents asked and were answered.

use super::{ActivityName, ActivitySource, ApprovalState, Outcome};
use crate::{ApprovalId, DecisionId, GrantId, HookEventId, Timestamp};

/// What can happen around an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// An agent reported something.
    HookReported {
        /// The report.
        report: HookEventId,
        /// Its dialect.
        provider: String,
        /// The event, by the agent's name for it.
        name: String,
        /// The tool it is about; empty for none.
        tool: String,
        /// The agent's id of the call; empty for none.
        tool_use_id: String,
    },
    /// A tool call was answered.
    DecisionMade {
        /// The decision.
        decision: DecisionId,
        /// The tool.
        tool: String,
        /// The answer.
        outcome: Outcome,
        /// Why: the word of [`crate::DecisionSource`].
        source: String,
        /// Who.
        by: String,
        /// For the agent and for people.
        reason: String,
    },
    /// A tool call waits for a person.
    ApprovalRequested {
        /// The approval.
        approval: ApprovalId,
        /// The tool.
        tool: String,
        /// What is asked, shortened.
        subject: String,
        /// When it is denied if nobody decides.
        expires_at: Timestamp,
    },
    /// It waits no more.
    ApprovalResolved {
        /// The approval.
        approval: ApprovalId,
        /// How it ended.
        state: ApprovalState,
        /// Who decided.
        by: String,
    },
    /// An answer is remembered.
    GrantCreated {
        /// The grant.
        grant: GrantId,
        /// What it answers.
        subject: String,
        /// Who granted it.
        by: String,
    },
    /// An answer is remembered no more.
    GrantRevoked {
        /// The grant.
        grant: GrantId,
        /// Who revoked it.
        by: String,
    },
    /// Whether the calls of the session's agent are judged.
    GateChanged {
        /// The word of [`crate::Gate`].
        gate: String,
        /// Why, where it is ungated.
        reason: String,
    },
    /// The agent does something else.
    ActivityChanged {
        /// What.
        activity: ActivityName,
        /// How that is known.
        source: ActivitySource,
    },
    /// A tool ran without a decision, or against one.
    Violation {
        /// The agent's id of the call; may be empty.
        tool_use_id: String,
        /// The tool.
        tool: String,
        /// What happened, for people.
        problem: String,
    },
    /// A file that configures the agent's hooks was changed.
    HooksEdited {
        /// The file.
        path: String,
        /// What about hooks changed, for people.
        change: String,
    },
}

impl AgentEvent {
    /// The names of all kinds.
    pub const TYPE_NAMES: [&'static str; 10] = [
        "hook.reported",
        "decision.made",
        "approval.requested",
        "approval.resolved",
        "grant.created",
        "grant.revoked",
        "gate.changed",
        "activity.changed",
        "violation",
        "hooks.edited",
    ];

    /// The name of the kind.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::HookReported { .. } => "hook.reported",
            Self::DecisionMade { .. } => "decision.made",
            Self::ApprovalRequested { .. } => "approval.requested",
            Self::ApprovalResolved { .. } => "approval.resolved",
            Self::GrantCreated { .. } => "grant.created",
            Self::GrantRevoked { .. } => "grant.revoked",
            Self::GateChanged { .. } => "gate.changed",
            Self::ActivityChanged { .. } => "activity.changed",
            Self::Violation { .. } => "violation",
            Self::HooksEdited { .. } => "hooks.edited",
        }
    }
}
