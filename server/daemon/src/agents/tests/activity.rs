use codeplane_core::ActivityName;

use super::super::{Agent, Background, HookKind, Notification};
use super::call;

#[test]
fn what_happened_says_what_the_agent_does_now() {
    let text = |text: &str| text.to_owned();
    let notified = |notification| HookKind::Notified { notification };
    let finished = |background| HookKind::TurnFinished { background };

    for (kind, activity) in [
        (HookKind::PromptSubmitted, Some(ActivityName::Working)),
        (HookKind::ToolRequested(call(Agent::Claude, "x", "{}")), Some(ActivityName::Working)),
        (
            HookKind::PermissionRequested(call(Agent::Claude, "x", "{}")),
            Some(ActivityName::WaitingForApproval),
        ),
        (HookKind::SessionStarted { cause: text("startup") }, Some(ActivityName::Idle)),
        (HookKind::SessionStarted { cause: text("compact") }, None),
        (finished(Background::Nothing), Some(ActivityName::Idle)),
        (finished(Background::Running), Some(ActivityName::Working)),
        (HookKind::Interrupted, Some(ActivityName::Idle)),
        (HookKind::TurnFailed { error: text("rate_limit") }, Some(ActivityName::RateLimited)),
        (HookKind::TurnFailed { error: text("unknown") }, Some(ActivityName::Idle)),
        (notified(Notification::PermissionPrompt), Some(ActivityName::WaitingForApproval)),
        (notified(Notification::Idle), Some(ActivityName::Idle)),
        (notified(Notification::Other(text("auth"))), None),
        (
            notified(Notification::Other(text("elicitation_dialog"))),
            Some(ActivityName::WaitingForInput),
        ),
        (HookKind::SubagentFinished, None),
        (HookKind::SessionEnded { reason: text("other") }, Some(ActivityName::Unknown)),
    ] {
        assert_eq!(kind.activity(), activity, "{kind:?}");
    }
}
