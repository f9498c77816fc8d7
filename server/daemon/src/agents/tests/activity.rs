use codeplane_core::ActivityName;

use super::super::{Agent, Background, HookKind, Notification, ProgramStatus};
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

#[test]
fn a_program_says_by_osc_7501_what_it_does() {
    let activity = |payload: &str| ProgramStatus::parse(payload).map(|status| status.activity);

    assert_eq!(activity("state=working:app=x"), Some(ActivityName::Working));
    assert_eq!(activity("state=idle"), Some(ActivityName::Idle));
    assert_eq!(activity("app=x:state=done"), Some(ActivityName::Idle));
    assert_eq!(activity("state=blocked:kind=permission"), Some(ActivityName::WaitingForApproval));
    assert_eq!(activity("state=blocked:kind=question"), Some(ActivityName::WaitingForInput));
    assert_eq!(activity("state=clear"), Some(ActivityName::Unknown));
    assert_eq!(activity("state=dancing"), None);
    assert_eq!(activity("?"), None);
    assert_eq!(activity(""), None);
}

#[test]
fn its_message_is_read_as_far_as_it_came() {
    let message = |msg: &str| {
        let status = ProgramStatus::parse(&format!("state=idle:app=claude-code:msg={msg}"));
        let status = status.unwrap();
        assert_eq!(status.app.as_deref(), Some("claude-code"));
        status.message
    };

    assert_eq!(message("YXBwcm92ZSBCYXNo").as_deref(), Some("approve Bash"));
    assert_eq!(message("w6Q=").as_deref(), Some("ä"));
    assert_eq!(message("YcOk").as_deref(), Some("aä"));
    assert_eq!(message("YcM").as_deref(), Some("a"));
    assert_eq!(message("Y!"), None);
}
