//! A session as everybody sees it.

use std::fmt;

use crate::{
    HostId, Incarnation, Labels, Mandate, OutputPosition, SessionId, SessionName, TerminalSize,
    Timestamp,
};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitStatus {
    /// It returned this code, 0 to 255.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl ExitStatus {
    /// What a shell shows for it: the code, or 128 plus the signal.
    #[must_use]
    pub const fn shell_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// Why an incarnation is over. Each incarnation gets exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Its process ended and the status is known.
    Exited(ExitStatus),
    /// Its shim is gone without a status: killed, or the machine restarted.
    Lost {
        /// What is known of the cause, for people.
        cause: String,
    },
    /// It could not be started.
    Failed {
        /// Which step did not work: `spawn`, `exec`, `cwd`, ….
        step: String,
        /// What happened, for people.
        message: String,
    },
}

/// The state of a session's *process*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Its shim is being started.
    Starting,
    /// Its process runs.
    Running,
    /// It was told to stop and has not ended yet.
    Stopping,
    /// It ended and will be started again at this time.
    Restarting {
        /// When.
        until: Timestamp,
    },
    /// It is over.
    Ended(EndReason),
}

impl SessionState {
    /// Whether a process may be there.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        match self {
            Self::Starting | Self::Running | Self::Stopping | Self::Restarting { .. } => true,
            Self::Ended(_) => false,
        }
    }

    /// The state without its data.
    #[must_use]
    pub const fn name(&self) -> StateName {
        match self {
            Self::Starting => StateName::Starting,
            Self::Running => StateName::Running,
            Self::Stopping => StateName::Stopping,
            Self::Restarting { .. } => StateName::Restarting,
            Self::Ended(EndReason::Exited(_)) => StateName::Exited,
            Self::Ended(EndReason::Lost { .. }) => StateName::Lost,
            Self::Ended(EndReason::Failed { .. }) => StateName::Failed,
        }
    }
}

/// The state without its data: what filters, tables and `wait --for state=` name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is documented at SessionState and EndReason")]
pub enum StateName {
    Starting,
    Running,
    Stopping,
    Restarting,
    Exited,
    Lost,
    Failed,
}

impl StateName {
    /// All of them, in the order of a session's life.
    pub const ALL: [Self; 7] = [
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Restarting,
        Self::Exited,
        Self::Lost,
        Self::Failed,
    ];

    /// The name as people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
            Self::Lost => "lost",
            Self::Failed => "failed",
        }
    }

    /// Reads the name, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What does not change in a session's life but by its user's wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// The daemon it belongs to.
    pub host: HostId,
    /// A name, unique among the sessions that exist.
    pub name: Option<SessionName>,
    /// Labels, for selection.
    pub labels: Labels,
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// Absolute path of the directory it starts in.
    pub cwd: String,
    /// Size it starts with.
    pub size: TerminalSize,
    /// Which adapter knows its dialect; `generic` knows none.
    pub provider: String,
    /// What created it: `cli`, `api`, ….
    pub source: String,
    /// The session it was created for, if any.
    pub parent: Option<SessionId>,
    /// Whether processes that outlive the natural end of the command are left alone.
    pub keep: bool,
    /// What it was given when it was created.
    pub mandate: Mandate,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What it was created with.
    pub spec: NewSession,
    /// Its newest run.
    pub incarnation: Incarnation,
    /// The state of its process.
    pub state: SessionState,
    /// When the newest run's process was started.
    pub started_at: Option<Timestamp>,
    /// When the newest run ended.
    pub ended_at: Option<Timestamp>,
    /// Counts the changes of the row; what `etag` is made of.
    pub version: i64,
}

impl Session {
    /// A session whose shim is about to be started.
    #[must_use]
    pub const fn starting(spec: NewSession) -> Self {
        Self {
            spec,
            incarnation: Incarnation::FIRST,
            state: SessionState::Starting,
            started_at: None,
            ended_at: None,
            version: 1,
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.spec.id
    }

    /// The first position of the newest run.
    #[must_use]
    pub const fn start_position(&self) -> OutputPosition {
        OutputPosition { incarnation: self.incarnation, offset: crate::Offset::ZERO }
    }
}
