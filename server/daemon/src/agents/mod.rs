//! What the daemon knows of each agent: how it is started, how its hooks speak, what its transcript says.
//!
//! Pure values in, pure values out: nothing here waits, and files are read by the caller. What was found out by trying
//! names the version it was tried with: Claude Code 2.1.329, Codex 0.169.0.
#![expect(dead_code, unused_imports, reason = "the use cases that call this come next")]

mod activity;
mod answer;
mod hook;
mod interaction;
mod launch;
mod transcript;

pub(crate) use activity::{Activity, ProgramStatus};
pub(crate) use answer::{Answer, HookAnswer};
pub(crate) use hook::{
    Background, HookKind, HookReport, Notification, Outcome, ToolCall, Unreadable,
};
pub(crate) use interaction::{Choice, Interaction, Question};
pub(crate) use launch::{Dialog, Gate, Launch, LaunchContext, LaunchFile};
pub(crate) use transcript::{ToolFate, TranscriptFact};

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Agent {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
    /// Any program that speaks our own dialect.
    Generic,
}

impl Agent {
    /// The name in the API and in rules.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Generic => "generic",
        }
    }

    /// The agent of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Claude, Self::Codex, Self::Generic].into_iter().find(|agent| agent.name() == name)
    }
}
