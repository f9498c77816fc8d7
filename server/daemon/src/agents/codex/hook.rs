//! The events of Codex 0.169.0: Claude Code's shape with differences.

use super::super::claude::CALL;
use super::super::envelope::{Dialect, Envelope};
use super::super::hook::{Background, HookKind, Outcome};

/// How Codex reports. A shell command is `Bash` with `command` whatever tool the model used; `cwd` is where that
/// command will run, the `workdir` the model asked for included; the `shell` it asked for is told nobody.
pub(in super::super) const DIALECT: Dialect =
    Dialect { event: "hook_event_name", is_gating, kind, ids: ("session_id", "agent_id") };

/// Whether the answer to an event decides about a call.
pub(in super::super) fn is_gating(event: &str) -> bool {
    matches!(event, "PreToolUse" | "PermissionRequest")
}

fn kind(event: &str, body: &Envelope<'_>) -> Result<HookKind, String> {
    Ok(match event {
        "PreToolUse" => HookKind::ToolRequested(body.call(CALL)?),
        "PermissionRequest" => HookKind::PermissionRequested(body.call(CALL)?),
        // There is no event for a call that failed: this one comes for both.
        "PostToolUse" => {
            HookKind::ToolFinished { call: body.call(CALL)?, outcome: Outcome::Succeeded }
        }
        // It comes with the first prompt, not at the start.
        "SessionStart" => HookKind::SessionStarted { cause: body.word("source") },
        "UserPromptSubmit" => HookKind::PromptSubmitted,
        "Stop" => HookKind::TurnFinished { background: Background::Nothing },
        "Interrupt" => HookKind::Interrupted,
        "SubagentStart" => HookKind::SubagentStarted,
        "SubagentStop" => HookKind::SubagentFinished,
        "SessionEnd" => HookKind::SessionEnded { reason: body.word("reason") },
        _ => HookKind::Other,
    })
}
