//! What a hook program answers its agent.

use codeplane_core::is_printable;
use codeplane_core::policy::Value;

/// What was decided about a hook event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing: the agent goes on as without us.
    NoOpinion,
    /// The call may be made.
    Allow {
        /// JSON text of the input to use instead; none: as asked.
        updated_input: Option<String>,
    },
    /// The call must not be made.
    Deny {
        /// What the agent reads.
        reason: String,
    },
    /// The agent shall ask in its own dialog.
    AskInDialog {
        /// What the dialog quotes.
        reason: String,
    },
}

/// What the hook program prints, and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HookAnswer {
    /// Its standard output, verbatim.
    pub(crate) stdout: String,
    /// Its standard error, verbatim.
    pub(crate) stderr: String,
    /// Its exit code.
    pub(crate) exit_code: u8,
}

/// Longest reason, in characters: it goes into a model's context and onto a screen.
const REASON_CHARS: usize = 1000;

/// What is said where nothing was.
const NO_REASON: &str = "denied by policy";

/// No opinion, or nothing to say.
pub(super) const fn silence() -> HookAnswer {
    HookAnswer { stdout: String::new(), stderr: String::new(), exit_code: 0 }
}

/// A refusal that holds even if one of its three ways is lost.
///
/// Claude Code and Codex take exit code 2 for a refusal. Codex does so only with something on standard error: without
/// it the call goes on (0.169.0). Claude Code reads the JSON beside it and shows its reason (2.1.329).
pub(super) fn refusal(stdout: String, reason: &str) -> HookAnswer {
    HookAnswer { stdout, stderr: format!("{reason}\n"), exit_code: 2 }
}

/// The answer with reasons made fit, and with an edited input only if it is one: agents ignore an answer that they
/// cannot read, and an ignored answer lets the call through.
pub(super) fn checked(answer: &Answer) -> Answer {
    match answer {
        Answer::NoOpinion => Answer::NoOpinion,
        Answer::Allow { updated_input } => match updated_input {
            Some(input) if !is_object(input) => Answer::Deny {
                reason: "the edited input is no JSON object: edit it again".to_owned(),
            },
            Some(_) | None => answer.clone(),
        },
        Answer::Deny { reason } => Answer::Deny { reason: readable(reason) },
        Answer::AskInDialog { reason } => Answer::AskInDialog { reason: readable(reason) },
    }
}

/// What an agent is told of input that was edited.
pub(super) fn edited(input: &str) -> String {
    readable(&format!(
        "a person changed the input of this call before it was allowed; it ran with {input}"
    ))
}

fn is_object(text: &str) -> bool {
    matches!(Value::parse(text.as_bytes()), Ok(value @ Value::Map(_)) if value.flaw().is_none())
}

/// The reason in one bounded line without characters that act on a terminal, and never empty.
pub(super) fn readable(reason: &str) -> String {
    let mut text = String::new();
    for (count, char) in reason.trim().chars().enumerate() {
        if count == REASON_CHARS {
            text.push('…');
            break;
        }
        if is_printable(char) { text.push(char) } else { text.extend(char.escape_default()) }
    }
    if text.is_empty() { NO_REASON.to_owned() } else { text }
}
