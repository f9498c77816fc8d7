//! What Claude Code 2.1.329 understands of an answer.

use super::super::answer::{Answer, HookAnswer, checked, edited, refusal, silence};
use super::super::hook::ToolCall;
use super::super::json::quoted;

/// The answer to `event`.
///
/// A permission request is answered by JSON and exit code 0 only: code 2 leaves its dialog open. Other events decide
/// nothing and are answered by nothing.
pub(in super::super) fn answer(
    event: &str,
    call: Option<&ToolCall>,
    answer: &Answer,
) -> HookAnswer {
    match (event, checked(&completed(call, answer))) {
        ("PreToolUse", given) => before_tool(&given, &told(call, answer)),
        ("PermissionRequest", answer) => permission(&answer),
        (_, _) => silence(),
    }
}

/// Leaving plan mode waits for a person even when a hook allows it, unless the hook gives an input: then that counts as
/// the person's. (So does a question, but its input needs the answers.)
fn completed(call: Option<&ToolCall>, answer: &Answer) -> Answer {
    match (answer, call) {
        (Answer::Allow { updated_input: None }, Some(call)) if call.tool == "ExitPlanMode" => {
            let input = String::from_utf8(call.input_text.clone()).ok();
            Answer::Allow { updated_input: input.filter(|text| !text.is_empty()) }
        }
        (_, _) => answer.clone(),
    }
}

/// What the model is told beside the result of a call that ran with other input: it takes that for the result of what it
/// asked. It has the answers to its questions anyway.
fn told(call: Option<&ToolCall>, answer: &Answer) -> String {
    match answer {
        Answer::Allow { updated_input: Some(input) }
            if call.is_none_or(|call| call.tool != "AskUserQuestion") =>
        {
            format!(",\"additionalContext\":{}", quoted(&edited(input)))
        }
        Answer::Allow { .. }
        | Answer::NoOpinion
        | Answer::Deny { .. }
        | Answer::AskInDialog { .. } => String::new(),
    }
}

fn before_tool(answer: &Answer, told: &str) -> HookAnswer {
    let say = |decision: &str, more: &str| {
        let head = "\"hookEventName\":\"PreToolUse\",\"permissionDecision\"";
        format!("{{\"hookSpecificOutput\":{{{head}:\"{decision}\"{more}}}}}")
    };
    let why = |reason: &str| format!(",\"permissionDecisionReason\":{}", quoted(reason));
    match answer {
        Answer::NoOpinion => silence(),
        Answer::Allow { updated_input } => {
            print(say("allow", &format!("{}{told}", updated(updated_input.as_deref()))))
        }
        Answer::Deny { reason } => refusal(say("deny", &why(reason)), reason),
        Answer::AskInDialog { reason } => print(say("ask", &why(reason))),
    }
}

fn permission(answer: &Answer) -> HookAnswer {
    let say = |decision: &str| {
        let head = "\"hookEventName\":\"PermissionRequest\",\"decision\"";
        print(format!("{{\"hookSpecificOutput\":{{{head}:{{{decision}}}}}}}"))
    };
    match answer {
        // Silence leaves the dialog to whoever sits before it.
        Answer::NoOpinion | Answer::AskInDialog { .. } => silence(),
        Answer::Allow { updated_input } => {
            say(&format!("\"behavior\":\"allow\"{}", updated(updated_input.as_deref())))
        }
        Answer::Deny { reason } => {
            say(&format!("\"behavior\":\"deny\",\"message\":{}", quoted(reason)))
        }
    }
}

fn updated(input: Option<&str>) -> String {
    input.map(|input| format!(",\"updatedInput\":{input}")).unwrap_or_default()
}

fn print(stdout: String) -> HookAnswer {
    HookAnswer { stdout, ..silence() }
}
