//! What the agent is told when the daemon tells nothing.
//!
//! All else about the agents' dialects is the daemon's. This much has to be here, because it is needed
//! exactly when no daemon can be asked: how each agent is told "no", and which events ask nothing,
//! where a "no" would make an agent repeat its last step for ever.

use serde_json::json;

use super::Provider;
use super::body::BodyEvent;
use crate::os::LastWord;
use crate::text;

/// Longest reason, in characters: it becomes part of what a model reads.
const REASON_CHARACTERS: usize = 600;

/// Events that only tell something, of all dialects. Any other name asks something, or may.
///
/// Those of Claude Code 2.1.329 and Codex 0.169.0, and our own.
const TELLING: [&str; 43] = [
    "SessionStart",
    "SessionEnd",
    "Setup",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "PermissionDenied",
    "Notification",
    "MessageDisplay",
    "Stop",
    "StopFailure",
    "Interrupt",
    "SubagentStart",
    "SubagentStop",
    "PreCompact",
    "PostCompact",
    "PreModelSwitch",
    "PostModelSwitch",
    "TeammateIdle",
    "TaskCreated",
    "TaskCompleted",
    "Elicitation",
    "ElicitationResult",
    "ConfigChange",
    "WorktreeCreate",
    "WorktreeRemove",
    "InstructionsLoaded",
    "CwdChanged",
    "FileChanged",
    "DirectoryAdded",
    "tool_finished",
    "session_started",
    "session_ended",
    "prompt_submitted",
    "turn_finished",
    "turn_failed",
    "interrupted",
    "waiting_for_permission",
    "waiting_for_input",
    "subagent_started",
    "subagent_finished",
];

/// What an event is to an agent that gets no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Asks whether a permission dialog may be passed over.
    PermissionRequest,
    /// Asks whether a tool may be used; or is not known, and may ask just that.
    Asking,
    /// Asks for a line on the agent's screen.
    StatusLine,
    /// Asks nothing.
    Telling,
}

impl Event {
    /// The event that the command line names.
    pub(super) fn named(name: Option<&str>) -> Self {
        match name {
            Some("PermissionRequest") => Self::PermissionRequest,
            Some("StatusLine") => Self::StatusLine,
            Some(name) if TELLING.contains(&name) => Self::Telling,
            Some(_) | None => Self::Asking,
        }
    }

    /// The event that the command line and the body name; where they differ, what asks more.
    pub(super) fn of(named: Option<&str>, body: BodyEvent) -> Self {
        let calls_itself = match body {
            BodyEvent::Named(name) => Self::named(Some(&name)),
            // Whoever configured the hook knows what it is for.
            BodyEvent::Nameless | BodyEvent::Unreadable => return Self::named(named),
        };
        match (calls_itself, named) {
            (Self::PermissionRequest | Self::Asking, _) | (_, None) => calls_itself,
            (Self::StatusLine | Self::Telling, Some(name)) => Self::named(Some(name)),
        }
    }
}

/// How to say "no".
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    provider: Option<Provider>,
    event: Event,
}

impl Refusal {
    pub(super) const fn new(provider: Option<Provider>, event: Event) -> Self {
        Self { provider, event }
    }

    pub(super) fn is_status_line(&self) -> bool {
        self.event == Event::StatusLine
    }

    /// The exit code of an answer that nobody can read.
    pub(super) const fn unsaid(&self) -> u8 {
        match self.event {
            Event::PermissionRequest | Event::Asking => super::BLOCKED,
            Event::StatusLine | Event::Telling => 0,
        }
    }

    /// "No", for this reason.
    pub(super) fn because(&self, problem: &str) -> LastWord {
        let reason: String = text::printable(&format!("denied: {problem}"))
            .chars()
            .take(REASON_CHARACTERS)
            .collect();
        let stdout = match (self.event, self.provider) {
            (Event::Telling, _) => String::new(),
            (Event::StatusLine, _) => "\n".to_owned(),
            (Event::PermissionRequest, Some(Provider::Claude)) => permission_denied(&reason),
            (Event::PermissionRequest | Event::Asking, Some(Provider::Generic)) => {
                format!("{}\n", json!({ "decision": "deny", "reason": reason }))
            }
            // With exit code 2 these read standard error.
            (Event::Asking, Some(Provider::Claude) | None)
            | (Event::PermissionRequest | Event::Asking, Some(Provider::Codex))
            | (Event::PermissionRequest, None) => String::new(),
        };
        let code = match (self.event, self.provider) {
            // Claude Code leaves its dialog open when this hook exits with 2; it reads the JSON.
            (Event::PermissionRequest, Some(Provider::Claude)) => 0,
            _ => self.unsaid(),
        };
        let stderr = if code == 0 { String::new() } else { format!("{reason}\n") };
        LastWord { stdout: stdout.into(), stderr: stderr.into(), code }
    }
}

fn permission_denied(reason: &str) -> String {
    let decision = json!({ "behavior": "deny", "message": reason });
    json!({ "hookSpecificOutput": { "hookEventName": "PermissionRequest", "decision": decision } })
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Option<Provider>; 4] =
        [Some(Provider::Claude), Some(Provider::Codex), Some(Provider::Generic), None];

    fn said(provider: Option<Provider>, event: &str) -> (String, String, u8) {
        let word = Refusal::new(provider, Event::named(Some(event))).because("no\x1b[2J\ndaemon");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(word.stdout), text(word.stderr), word.code)
    }

    #[test]
    fn each_agent_is_refused_in_the_way_it_understands() {
        let reason = "denied: no\\x1b[2J\\ndaemon";
        let line = format!("{reason}\n");
        let json = format!("{}\n", json!({ "decision": "deny", "reason": reason }));

        assert_eq!(said(ALL[0], "PreToolUse"), (String::new(), line.clone(), 2));
        assert_eq!(said(ALL[1], "PreToolUse"), (String::new(), line.clone(), 2));
        assert_eq!(said(ALL[1], "PermissionRequest"), (String::new(), line.clone(), 2));
        assert_eq!(said(ALL[2], "tool_requested"), (json, line.clone(), 2));
        assert_eq!(said(None, "PreToolUse"), (String::new(), line, 2));
        let (stdout, stderr, code) = said(ALL[0], "PermissionRequest");
        let decision =
            &serde_json::from_str::<serde_json::Value>(&stdout).unwrap()["hookSpecificOutput"];
        assert_eq!(decision["hookEventName"], "PermissionRequest");
        assert_eq!(decision["decision"], json!({ "behavior": "deny", "message": reason }));
        assert_eq!((stderr.as_str(), code), ("", 0));
    }

    #[test]
    fn an_event_that_is_not_known_is_refused_and_one_that_tells_is_not() {
        for provider in ALL {
            assert_eq!(said(provider, "Stop"), (String::new(), String::new(), 0));
            assert_eq!(said(provider, "StatusLine"), ("\n".into(), String::new(), 0));
            for unknown in ["", "stop", "PreToolUse2", "PreToolUse"] {
                assert_eq!(said(provider, unknown).2, 2, "{provider:?} {unknown}");
            }
        }
    }

    #[test]
    fn where_command_line_and_body_differ_the_one_that_asks_counts() {
        let named = |name: &str| BodyEvent::Named(name.into());

        assert_eq!(Event::of(Some("Stop"), named("PreToolUse")), Event::Asking);
        assert_eq!(Event::of(Some("PreToolUse"), named("Stop")), Event::Asking);
        assert_eq!(Event::of(Some("Stop"), named("Stop")), Event::Telling);
        assert_eq!(Event::of(None, named("Stop")), Event::Telling);
        assert_eq!(Event::of(Some("StatusLine"), BodyEvent::Nameless), Event::StatusLine);
        assert_eq!(Event::of(Some("Stop"), BodyEvent::Unreadable), Event::Telling);
        assert_eq!(Event::of(None, BodyEvent::Unreadable), Event::Asking);
        assert_eq!(Event::of(None, BodyEvent::Nameless), Event::Asking);
        assert_eq!(
            Event::of(Some("PreToolUse"), named("PermissionRequest")),
            Event::PermissionRequest
        );
    }

    #[test]
    fn a_reason_has_a_limit() {
        let word = Refusal::new(None, Event::Asking).because(&"x".repeat(10_000));

        assert_eq!(word.stderr.len(), REASON_CHARACTERS + 1);
    }
}
