//! What an agent is doing, and how that is known.

use crate::Timestamp;

/// What an agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivityName {
    /// Nobody knows.
    Unknown,
    /// A turn is under way.
    Working,
    /// It takes a prompt.
    Idle,
    /// It asks its user something.
    WaitingForInput,
    /// A tool call waits for a person.
    WaitingForApproval,
    /// Its provider refuses requests for a time.
    RateLimited,
}

impl ActivityName {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Unknown,
        Self::Working,
        Self::Idle,
        Self::WaitingForInput,
        Self::WaitingForApproval,
        Self::RateLimited,
    ];

    /// The word on disk and in filters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Working => "working",
            Self::Idle => "idle",
            Self::WaitingForInput => "waiting_for_input",
            Self::WaitingForApproval => "waiting_for_approval",
            Self::RateLimited => "rate_limited",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

/// How an activity is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivitySource {
    /// An agent's hook said so.
    Hook,
    /// The program said so on its terminal, by OSC 7501.
    ProgramStatus,
    /// The daemon itself holds a call of the agent.
    Daemon,
}

impl ActivitySource {
    /// The word on disk.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::ProgramStatus => "program_status",
            Self::Daemon => "daemon",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Hook, Self::ProgramStatus, Self::Daemon]
            .into_iter()
            .find(|source| source.as_str() == text)
    }
}

/// What an agent is doing, since when, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// What.
    pub name: ActivityName,
    /// How that is known.
    pub source: ActivitySource,
    /// Since when.
    pub since: Timestamp,
}
