//! What an agent does at the moment, as far as it tells.

use codeplane_core::ActivityName;

use super::hook::{Background, HookKind, Notification};

/// What a program says of itself by OSC 7501.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgramStatus {
    /// What it does.
    pub(crate) activity: ActivityName,
    /// Who says so.
    pub(crate) app: Option<String>,
    /// What it says about it.
    pub(crate) message: Option<String>,
}

impl ProgramStatus {
    /// Reads `state=STATE[:app=NAME][:kind=KIND][:msg=BASE64]`, as Claude Code 2.1.329 and Codex 0.169.0 send it; none if it
    /// has no state that is known.
    ///
    /// It is the only sign of a turn that was broken off in Claude Code: hooks tell nothing of it.
    pub(crate) fn parse(payload: &str) -> Option<Self> {
        let value = |name: &str| {
            payload.split(':').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let activity = match (value("state")?, value("kind")) {
            ("working", _) => ActivityName::Working,
            ("idle" | "done", _) => ActivityName::Idle,
            ("blocked", Some("permission")) => ActivityName::WaitingForApproval,
            ("blocked", _) => ActivityName::WaitingForInput,
            ("clear", _) => ActivityName::Unknown,
            (_, _) => return None,
        };
        let app = value("app").map(ToOwned::to_owned);
        Some(Self { activity, app, message: value("msg").and_then(decoded) })
    }
}

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

/// The text that Base64 stands for, as far as it goes: a long one arrives shortened.
fn decoded(base64: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(base64.len());
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in base64.bytes().take_while(|byte| *byte != b'=') {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(six)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.extend((bits >> count).to_le_bytes().first());
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    Some(text.trim_end_matches('\u{fffd}').to_owned())
}
