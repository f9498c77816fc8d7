//! What Codex 0.169.0 understands of an answer.

use super::super::answer::{Answer, HookAnswer, checked, refusal, silence};
use super::super::json::quoted;

/// Why a question is a refusal: an `ask` from a hook is no answer there, and the call is made.
const CANNOT_ASK: &str = "this needs a person's leave, and Codex cannot ask for it";

/// The answer to `event`. Other events decide nothing and are answered by nothing.
pub(in super::super) fn answer(event: &str, answer: &Answer) -> HookAnswer {
    match (event, checked(answer)) {
        ("PreToolUse", answer) => before_tool(&answer),
        ("PermissionRequest", answer) => permission(&answer),
        (_, _) => silence(),
    }
}

fn before_tool(answer: &Answer) -> HookAnswer {
    let say = |decision: &str, more: &str| {
        let head = "\"hookEventName\":\"PreToolUse\",\"permissionDecision\"";
        format!("{{\"hookSpecificOutput\":{{{head}:\"{decision}\",{more}}}}}")
    };
    let deny = |reason: &str| {
        refusal(say("deny", &format!("\"permissionDecisionReason\":{}", quoted(reason))), reason)
    };
    match answer {
        // A bare allow is unsupported and changes nothing; silence says the same without a warning on screen.
        Answer::NoOpinion | Answer::Allow { updated_input: None } => silence(),
        Answer::Allow { updated_input: Some(input) } => {
            HookAnswer { stdout: say("allow", &format!("\"updatedInput\":{input}")), ..silence() }
        }
        Answer::Deny { reason } => deny(reason),
        Answer::AskInDialog { reason } => deny(&format!("{reason}: {CANNOT_ASK}")),
    }
}

fn permission(answer: &Answer) -> HookAnswer {
    let say = |decision: &str| {
        let head = "\"hookEventName\":\"PermissionRequest\",\"decision\"";
        format!("{{\"hookSpecificOutput\":{{{head}:{{{decision}}}}}}}")
    };
    let deny = |reason: &str| {
        refusal(say(&format!("\"behavior\":\"deny\",\"message\":{}", quoted(reason))), reason)
    };
    match answer {
        // Silence brings the dialog, which has waited for us.
        Answer::NoOpinion | Answer::AskInDialog { .. } => silence(),
        Answer::Allow { updated_input: None } => {
            HookAnswer { stdout: say("\"behavior\":\"allow\""), ..silence() }
        }
        // The input cannot be changed here, and must not be run unchanged.
        Answer::Allow { updated_input: Some(_) } => {
            deny("Codex takes no edited input at this point: deny it, or allow it as it is")
        }
        Answer::Deny { reason } => deny(reason),
    }
}
