//! Our own dialect, for any program.
//!
//! A program runs `cpctl hook generic` with one JSON object on standard input:
//!
//! ```json
//! {"event": "tool_requested", "tool": "Bash", "input": {"command": "ls"}, "tool_use_id": "1", "cwd": "/work"}
//! ```
//!
//! It reads one JSON object, `{"decision": "allow" | "deny" | "ask", "reason": "…", "updated_input": {…}}`, and the exit
//! code says the same: 0 is allow, anything else is not. `updated_input`, if there, is used instead of the input.
//! `ask` means that the program shall ask its own user, and refuse if it has none.
//!
//! | event | members |
//! |---|---|
//! | `tool_requested` | `tool`, `input`, `tool_use_id` |
//! | `tool_finished` | the same, and `outcome`: `succeeded`, `failed`, `interrupted`, `refused`; `error` |
//! | `session_started` | `cause` |
//! | `prompt_submitted`, `turn_finished`, `interrupted`, `subagent_started`, `subagent_finished` | |
//! | `turn_failed` | `error` |
//! | `waiting_for_permission`, `waiting_for_input` | |
//! | `session_ended` | `reason` |
//!
//! Each may have `conversation`, `transcript_path`, `cwd`, `subagent` and `permission_mode`. `cwd` is absolute; without it
//! a call is judged in the directory of the session. Another event is refused: it may be the gate, mistyped.

use super::answer::{Answer, HookAnswer, checked, edited, refusal, silence};
use super::envelope::{Dialect, Envelope};
use super::hook::{Background, HookKind, Notification, Outcome};
use super::json::quoted;

/// How generic programs report.
pub(super) const DIALECT: Dialect =
    Dialect { event: "event", is_gating, kind, ids: ("conversation", "subagent") };

const CALL: [&str; 3] = ["tool", "input", "tool_use_id"];

/// The event that asks.
const GATE: &str = "tool_requested";

/// The events that only tell something. `cpctl hook` has them too, for when there is no daemon.
const TELLING: [&str; 11] = [
    "tool_finished",
    "session_started",
    "prompt_submitted",
    "turn_finished",
    "turn_failed",
    "interrupted",
    "waiting_for_permission",
    "waiting_for_input",
    "subagent_started",
    "subagent_finished",
    "session_ended",
];

/// Whether the answer to an event decides about a call, or may: what is not known may be the gate, mistyped.
pub(super) fn is_gating(event: &str) -> bool {
    !TELLING.contains(&event)
}

fn kind(event: &str, body: &Envelope<'_>) -> Result<HookKind, String> {
    if let Some(cwd) = body.text("cwd")?
        && !cwd.starts_with('/')
    {
        return Err(format!("'cwd' is '{}': give an absolute path", cwd.escape_debug()));
    }
    let notified = |notification| HookKind::Notified { notification };
    Ok(match event {
        GATE => HookKind::ToolRequested(body.call(CALL)?),
        "tool_finished" => {
            HookKind::ToolFinished { call: body.call(CALL)?, outcome: outcome(body)? }
        }
        "session_started" => HookKind::SessionStarted { cause: body.word("cause") },
        "prompt_submitted" => HookKind::PromptSubmitted,
        "turn_finished" => HookKind::TurnFinished { background: Background::Nothing },
        "turn_failed" => HookKind::TurnFailed { error: body.word("error") },
        "interrupted" => HookKind::Interrupted,
        "waiting_for_permission" => notified(Notification::PermissionPrompt),
        "waiting_for_input" => notified(Notification::Other(event.to_owned())),
        "subagent_started" => HookKind::SubagentStarted,
        "subagent_finished" => HookKind::SubagentFinished,
        "session_ended" => HookKind::SessionEnded { reason: body.word("reason") },
        unknown => {
            let unknown = unknown.escape_debug();
            let known = TELLING.join(", ");
            return Err(format!("'{unknown}' is no event: it is {GATE}, {known}"));
        }
    })
}

fn outcome(body: &Envelope<'_>) -> Result<Outcome, String> {
    match body.word("outcome").as_str() {
        "" | "succeeded" => Ok(Outcome::Succeeded),
        "failed" => Ok(Outcome::Failed(body.word("error"))),
        "interrupted" => Ok(Outcome::Interrupted),
        "refused" => Ok(Outcome::Refused(body.word("error"))),
        other => Err(format!("'{}' is no outcome", other.escape_debug())),
    }
}

/// The answer. A program that looks at nothing but the exit code refuses unless it is allowed.
pub(super) fn answer(event: &str, answer: &Answer) -> HookAnswer {
    if !is_gating(event) {
        return silence();
    }
    let say = |decision: &str, reason: &str| {
        format!("{{\"decision\":\"{decision}\",\"reason\":{}}}\n", quoted(reason))
    };
    let updated = |input: &str| {
        let reason = quoted(&edited(input));
        format!("{{\"decision\":\"allow\",\"reason\":{reason},\"updated_input\":{input}}}")
    };
    match checked(answer) {
        Answer::Allow { updated_input: None } => print("{\"decision\":\"allow\"}"),
        Answer::Allow { updated_input: Some(input) } => print(&updated(&input)),
        Answer::Deny { reason } => refusal(say("deny", &reason), &reason),
        Answer::AskInDialog { reason } => refusal(say("ask", &reason), &reason),
        Answer::NoOpinion => refusal(say("deny", UNJUDGED), UNJUDGED),
    }
}

/// There is no flow of permissions that such a program would fall back to.
const UNJUDGED: &str = "nothing decided about this call";

fn print(stdout: &str) -> HookAnswer {
    HookAnswer { stdout: format!("{stdout}\n"), ..silence() }
}
