//! The events of Claude Code 2.1.329.

use super::super::envelope::{Dialect, Envelope};
use super::super::hook::{Background, HookKind, Notification, Outcome};
use super::super::json;

/// How Claude Code reports.
pub(in super::super) const DIALECT: Dialect =
    Dialect { event: "hook_event_name", is_gating, kind, ids: ("session_id", "agent_id") };

/// The members of a tool call.
pub(in super::super) const CALL: [&str; 3] = ["tool_name", "tool_input", "tool_use_id"];

/// Whether the answer to an event decides about a call.
pub(in super::super) fn is_gating(event: &str) -> bool {
    matches!(event, "PreToolUse" | "PermissionRequest")
}

fn kind(event: &str, body: &Envelope<'_>) -> Result<HookKind, String> {
    Ok(match event {
        "PreToolUse" => HookKind::ToolRequested(body.call(CALL)?),
        "PermissionRequest" => HookKind::PermissionRequested(body.call(CALL)?),
        "PostToolUse" => finished(body, Outcome::Succeeded)?,
        "PostToolUseFailure" => {
            let interrupted = body.raw("is_interrupt") == Some(b"true");
            let failed = || Outcome::Failed(body.word("error"));
            finished(body, if interrupted { Outcome::Interrupted } else { failed() })?
        }
        "PermissionDenied" => finished(body, Outcome::Refused(body.word("reason")))?,
        "PostToolBatch" => HookKind::ToolBatchFinished { tool_use_ids: batch(body) },
        "SessionStart" => HookKind::SessionStarted { cause: body.word("source") },
        "UserPromptSubmit" => HookKind::PromptSubmitted,
        "Stop" => HookKind::TurnFinished { background: background(body) },
        "StopFailure" => HookKind::TurnFailed { error: body.word("error") },
        "Notification" => HookKind::Notified { notification: notification(body) },
        "SubagentStart" => HookKind::SubagentStarted,
        "SubagentStop" => HookKind::SubagentFinished,
        "SessionEnd" => HookKind::SessionEnded { reason: body.word("reason") },
        _ => HookKind::Other,
    })
}

fn finished(body: &Envelope<'_>, outcome: Outcome) -> Result<HookKind, String> {
    Ok(HookKind::ToolFinished { call: body.call(CALL)?, outcome })
}

fn batch(body: &Envelope<'_>) -> Vec<String> {
    let calls = body.raw("tool_calls").and_then(json::items).unwrap_or_default();
    let id = |call: &[u8]| json::text(json::member(&json::parts(call)?, "tool_use_id")?);
    calls.into_iter().filter_map(id).collect()
}

/// Commands that run in the background may be servers that never end; subagents start a turn when they do.
fn background(body: &Envelope<'_>) -> Background {
    let tasks = body.raw("background_tasks").and_then(json::items).unwrap_or_default();
    let is_subagent = |task: &[u8]| {
        let parts = json::parts(task).unwrap_or_default();
        let word = |name| json::member(&parts, name).and_then(json::text);
        word("type").as_deref() == Some("subagent") && word("status").as_deref() == Some("running")
    };
    if tasks.into_iter().any(is_subagent) { Background::Running } else { Background::Nothing }
}

fn notification(body: &Envelope<'_>) -> Notification {
    match body.word("notification_type").as_str() {
        "permission_prompt" => Notification::PermissionPrompt,
        "idle_prompt" => Notification::Idle,
        other => Notification::Other(other.to_owned()),
    }
}
