//! What is known of the agent in a session.

use super::{Activity, Gate, GateMode};
use crate::Incarnation;

/// What is known of the agent in a session that exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionAgent {
    /// The principal that the session belongs to.
    pub owner: String,
    /// What `~` means in it.
    pub home: String,
    /// Directories with settings of agents that its environment names: protected, as those in the home.
    pub settings: Vec<String>,
    /// The identity of its workspace: a directory.
    pub workspace: String,
    /// Where people are asked.
    pub mode: GateMode,
    /// Whether its calls are judged.
    pub gate: Gate,
    /// The run whose hooks may report, and SHA-256 of their token; none when none may.
    pub token: Option<(Incarnation, [u8; 32])>,
    /// The agent's own id of its conversation.
    pub conversation: Option<String>,
    /// The file in which the agent writes its conversation down.
    pub transcript: Option<String>,
    /// What it is doing, as far as anybody said.
    pub activity: Option<Activity>,
    /// Rises with every change.
    pub version: i64,
}
