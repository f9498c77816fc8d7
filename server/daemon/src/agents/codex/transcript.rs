//! The rollout of Codex 0.169.0: JSON lines.

use codeplane_core::policy::Value;

use super::super::json::{member, parts, quoted, text};
use super::super::transcript::{ToolFate, TranscriptFact};

/// Tools that touch nothing but the conversation: hooks do not see them.
const TALK: &[&str] = &[
    "update_plan",
    "request_user_input",
    "get_goal",
    "create_goal",
    "update_goal",
    "wait_agent",
    "list_agents",
];

/// How a result begins whose call was not made.
const REFUSALS: &[&str] = &[
    "Command blocked by PreToolUse hook",
    "Tool call blocked by PreToolUse hook",
    "unsupported call: ",
    "unsupported custom tool call: ",
    "exec command rejected by user",
    "patch rejected by user",
];

/// What a line says of tool calls. Most kinds of lines say nothing; what is no line of a rollout neither.
pub(in super::super) fn line(line: &[u8]) -> Vec<TranscriptFact> {
    let facts = || {
        let line = parts(line)?;
        (text(member(&line, "type")?)? == "response_item").then_some(())?;
        let payload = parts(member(&line, "payload")?)?;
        let word = |name| member(&payload, name).and_then(text);
        let call_id = word("call_id")?;
        match word("type")?.as_str() {
            "function_call" => call(call_id, &word("name")?, &word("arguments")?),
            "custom_tool_call" => {
                let input = format!("{{\"command\":{}}}", quoted(&word("input")?));
                Some(vec![used(call_id, word("name")?, input)])
            }
            "function_call_output" | "custom_tool_call_output" => {
                Some(vec![result(call_id, &word("output").unwrap_or_default())])
            }
            _ => None,
        }
    };
    facts().unwrap_or_default()
}

fn call(id: String, name: &str, arguments: &str) -> Option<Vec<TranscriptFact>> {
    if TALK.contains(&name) {
        return None;
    }
    let input = Value::parse(arguments.as_bytes()).unwrap_or(Value::Null);
    let given = |name: &str| input.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    let unseen = |what: &str| TranscriptFact::Unseen {
        tool_use_id: id.clone(),
        tool: name.to_owned(),
        what: what.to_owned(),
    };
    match name {
        // Only polls: what it reads was allowed when it was started.
        "write_stdin" if given("chars").is_none() => None,
        "write_stdin" => Some(vec![unseen("it typed into a command that runs")]),
        "exec_command" => {
            let unseen = given("shell").map(|_| unseen("it chose the shell that runs the command"));
            let command = quoted(given("cmd").unwrap_or_default());
            let used = used(id.clone(), "Bash".to_owned(), format!("{{\"command\":{command}}}"));
            Some(std::iter::once(used).chain(unseen).collect())
        }
        _ => Some(vec![used(id, name.to_owned(), arguments.to_owned())]),
    }
}

fn used(tool_use_id: String, tool: String, input_text: String) -> TranscriptFact {
    TranscriptFact::ToolUse { tool_use_id, tool, input_text }
}

fn result(tool_use_id: String, output: &str) -> TranscriptFact {
    let refused = REFUSALS.iter().any(|refusal| output.starts_with(refusal));
    let fate = if refused { ToolFate::Refused } else { ToolFate::Ran };
    TranscriptFact::ToolResult { tool_use_id, fate }
}
