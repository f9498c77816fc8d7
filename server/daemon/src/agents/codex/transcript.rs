//! The rollout of Codex 0.169.0: JSON lines.
//!
//! A model either calls tools one by one (`function_call`, `custom_tool_call`, by the ids that hooks see) or writes programs
//! that do (`exec`). What such a program did is told by items of its own, whose ids begin with `exec-` and are those that
//! hooks see; of what it typed into commands nothing is told but the program.

use codeplane_core::policy::Value;

use super::super::json::{items, member, parts, quoted, text};
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
    "wait",
];

/// Where a machine's own shells are, and how they are called.
const SHELL_DIRECTORIES: &[&str] =
    &["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin", "/run/current-system/sw/bin"];
const SHELLS: &[&str] = &["bash", "sh", "zsh", "fish", "dash", "ksh"];

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
        let payload = parts(member(&line, "payload")?)?;
        match text(member(&line, "type")?)?.as_str() {
            "response_item" => response(&payload),
            "event_msg" if word(&payload, "type")? == "item_completed" => {
                item(&parts(member(&payload, "item")?)?)
            }
            _ => None,
        }
    };
    facts().unwrap_or_default()
}

fn word(members: &[(String, &[u8])], name: &str) -> Option<String> {
    member(members, name).and_then(text)
}

fn response(payload: &[(String, &[u8])]) -> Option<Vec<TranscriptFact>> {
    let word = |name| word(payload, name);
    let call_id = word("call_id")?;
    match word("type")?.as_str() {
        "function_call" => called(call_id, &word("name")?, &word("arguments")?),
        "custom_tool_call" if word("name")? == "exec" => program(call_id, &word("input")?),
        "custom_tool_call" => {
            let input = format!("{{\"command\":{}}}", quoted(&word("input")?));
            Some(vec![used(call_id, word("name")?, input)])
        }
        "function_call_output" | "custom_tool_call_output" => {
            let output = word("output").unwrap_or_default();
            Some(vec![result(call_id, fate(&output))])
        }
        _ => None,
    }
}

/// What became of a call, by its result. One that its user broke off has nothing but the time it took; what a program
/// prints comes behind more.
fn fate(output: &str) -> ToolFate {
    let rest = output.strip_prefix("Wall time: ").and_then(|rest| rest.split_once(" seconds"));
    if rest.is_some_and(|(_, rest)| rest.trim() == "aborted by user") {
        return ToolFate::Interrupted;
    }
    let is_refused = REFUSALS.iter().any(|refusal| output.starts_with(refusal));
    if is_refused { ToolFate::Refused } else { ToolFate::Ran }
}

fn called(id: String, name: &str, arguments: &str) -> Option<Vec<TranscriptFact>> {
    let input = Value::parse(arguments.as_bytes()).unwrap_or(Value::Null);
    let given = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
    match name {
        name if TALK.contains(&name) => None,
        // Without text it only waits: what it reads was allowed when it was started.
        "write_stdin" if given("chars").is_empty() => None,
        "write_stdin" => Some(vec![unseen(id, name, "it typed into a command that runs")]),
        "exec_command" => Some(vec![command(id, given("cmd"))]),
        _ => Some(vec![used(id, name.to_owned(), arguments.to_owned())]),
    }
}

fn program(id: String, javascript: &str) -> Option<Vec<TranscriptFact>> {
    let types = javascript.contains("write_stdin") && javascript.contains("chars");
    types.then(|| vec![unseen(id, "exec", "its program may type into a command that runs")])
}

/// Something that was done.
fn item(item: &[(String, &[u8])]) -> Option<Vec<TranscriptFact>> {
    let word = |name| word(item, name);
    let id = word("id")?;
    let argv: Vec<String> = member(item, "command")
        .and_then(items)
        .unwrap_or_default()
        .into_iter()
        .filter_map(text)
        .collect();
    let mut facts = match (word("type")?.as_str(), id.starts_with("exec-")) {
        ("CommandExecution", true) => vec![command(id.clone(), argv.last()?)],
        ("FileChange", true) => {
            let changes = String::from_utf8_lossy(member(item, "changes")?).into_owned();
            vec![used(id.clone(), "apply_patch".to_owned(), changes)]
        }
        ("McpToolCall", true) => {
            let tool = format!("mcp__{}__{}", word("server")?, word("tool")?);
            vec![used(id.clone(), tool, "{}".to_owned())]
        }
        ("CommandExecution", false) => Vec::new(),
        _ => return None,
    };
    if !facts.is_empty() {
        let declined = word("status").as_deref() == Some("declined");
        facts.push(result(id.clone(), if declined { ToolFate::Refused } else { ToolFate::Ran }));
    }
    if argv.first().is_some_and(|shell| !is_shell(shell)) {
        facts.push(unseen(id, "exec_command", "it chose what runs the command"));
    }
    Some(facts)
}

/// A model may name the program that is given the command; hooks are told the command alone.
fn is_shell(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(directory, name)| {
        SHELL_DIRECTORIES.contains(&directory) && SHELLS.contains(&name)
    })
}

fn command(id: String, command: &str) -> TranscriptFact {
    used(id, "Bash".to_owned(), format!("{{\"command\":{}}}", quoted(command)))
}

fn unseen(tool_use_id: String, tool: &str, what: &str) -> TranscriptFact {
    TranscriptFact::Unseen { tool_use_id, tool: tool.to_owned(), what: what.to_owned() }
}

fn used(tool_use_id: String, tool: String, input_text: String) -> TranscriptFact {
    TranscriptFact::ToolUse { tool_use_id, tool, input_text }
}

fn result(tool_use_id: String, fate: ToolFate) -> TranscriptFact {
    TranscriptFact::ToolResult { tool_use_id, fate }
}
