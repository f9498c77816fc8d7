//! The agents of the benchmark: programs of sessions that ask whether they may do something.
//!
//! `benchprog hooks` runs a hook for each call, as an agent does; `benchprog ask` reports calls itself
//! over connections that it keeps. Both leave what they measured in a note: what they print would go
//! through the peer.

mod execute;
mod report;

use std::{fs, path::Path};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::Result;

pub use execute::hooks;
pub use report::{Asking, ask};

/// A call of the benchmark's agents that every set of rules here allows.
pub const ALLOWED: &str = "git log --oneline -n 5";

/// One that no rule says anything of, so that a person is asked.
pub const ASKED: &str = "curl https://example.org/";

/// One call as its agent knows it. Times are microseconds since 1970.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Call {
    /// When it was asked.
    pub asked_us: i64,
    /// When the answer was there.
    pub answered_us: i64,
    /// Whether it may be made.
    pub allowed: bool,
}

impl Call {
    /// How long the agent waited, in milliseconds.
    #[must_use]
    pub fn wait_ms(&self) -> f64 {
        (self.answered_us - self.asked_us) as f64 / 1e3
    }
}

/// Call number `number` of session `id`, as Claude Code 2.1.329 words it for its hooks.
#[must_use]
pub fn event(id: &str, number: usize, command: &str) -> String {
    json!({
        "session_id": "5f0c5bd5-6c0b-4dd1-a7f7-6b4a6d2f3c11",
        "transcript_path": "/tmp/transcript.jsonl",
        "cwd": "/tmp",
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": command, "description": "Look at what was done last"},
        "tool_use_id": format!("toolu_{id}_{number}"),
    })
    .to_string()
}

/// Whether a hook's answer lets the call pass; a hook that says nothing would too, but means no.
fn is_allow(answer: &[u8]) -> bool {
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    answer["hookSpecificOutput"]["permissionDecision"] == "allow"
}

/// Leaves `result` in a note that is there whole or not at all.
fn leave(note: &Path, result: &impl Serialize) -> Result<()> {
    let unfinished = note.with_extension("unfinished");
    fs::write(&unfinished, serde_json::to_vec(result)?)?;
    Ok(fs::rename(unfinished, note)?)
}

/// What an agent left.
///
/// # Errors
/// If there is no note, or it says why the agent failed.
pub fn read<T: DeserializeOwned>(note: &Path) -> Result<T> {
    let left: std::result::Result<T, String> = serde_json::from_slice(&fs::read(note)?)?;
    left.map_err(|why| format!("the agent failed: {why}").into())
}

/// Leaves what `work` brings, or why it failed.
fn note_outcome<T: Serialize>(note: &Path, work: impl FnOnce() -> Result<T>) -> Result<()> {
    leave(note, &work().map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_allow_that_is_said_is_one() {
        let said = |decision: &str| {
            json!({"hookSpecificOutput": {"permissionDecision": decision}}).to_string()
        };

        assert!(is_allow(said("allow").as_bytes()));
        assert!(!is_allow(said("deny").as_bytes()));
        assert!(!is_allow(b""));
    }

    #[test]
    fn what_an_agent_leaves_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let note = directory.path().join("a.done");

        note_outcome(&note, || Ok(vec![1.5_f64])).unwrap();
        assert_eq!(read::<Vec<f64>>(&note).unwrap(), [1.5]);

        note_outcome(&note, || Err::<(), _>("no daemon".into())).unwrap();
        assert!(read::<()>(&note).unwrap_err().to_string().contains("no daemon"));
    }
}
