//! What an agent does at the moment, as far as it tells.

use codeplane_core::ActivityName;

use super::hook::{Background, HookKind, Notification};

impl HookKind {
    /// What the agent does once this happened; none: what it did before.
    ///
    /// Observing hooks run beside the agent, so two that follow each other closely may arrive the other way round.
    pub(crate) fn activity(&self) -> Option<ActivityName> {
        match self {
            Self::ToolRequested(_) | Self::ToolFinished { .. } | Self::PromptSubmitted => {
                Some(ActivityName::Working)
            }
            Self::PermissionRequested(_) => Some(ActivityName::WaitingForApproval),
            Self::SessionStarted { cause } => (cause != "compact").then_some(ActivityName::Idle),
            Self::TurnFinished { background: Background::Running } => Some(ActivityName::Working),
            Self::TurnFinished { background: Background::Nothing } | Self::Interrupted => {
                Some(ActivityName::Idle)
            }
            Self::TurnFailed { error } if error == "rate_limit" => Some(ActivityName::RateLimited),
            Self::TurnFailed { .. } => Some(ActivityName::Idle),
            Self::Notified { notification } => notified(notification),
            Self::SessionEnded { .. } => Some(ActivityName::Unknown),
            Self::ToolBatchFinished { .. }
            | Self::SubagentStarted
            | Self::SubagentFinished
            | Self::Other => None,
        }
    }
}

fn notified(notification: &Notification) -> Option<ActivityName> {
    match notification {
        Notification::PermissionPrompt => Some(ActivityName::WaitingForApproval),
        Notification::Idle => Some(ActivityName::Idle),
        Notification::Other(word) => {
            matches!(word.as_str(), "elicitation_dialog" | "waiting_for_input")
                .then_some(ActivityName::WaitingForInput)
        }
    }
}
