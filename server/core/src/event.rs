//! Durable facts.

use std::fmt;

use crate::{
    AgentEvent, ExitStatus, HostId, Incarnation, OutputPosition, SessionId, TerminalSize, Timestamp,
};

/// Number of an event: strictly increasing, not contiguous, opaque to clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub i64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A fact that is about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// When it happened.
    pub time: Timestamp,
    /// The session it is about; none for the daemon's own.
    pub session: Option<SessionId>,
    /// What happened.
    pub kind: EventKind,
}

/// A fact that is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub revision: Revision,
    /// The daemon that wrote it.
    pub host: HostId,
    /// The fact.
    pub fact: NewEvent,
}

/// Everything that can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A session was created; its process is being started.
    SessionCreated,
    /// The process runs.
    SessionStarted {
        /// Which run.
        incarnation: Incarnation,
    },
    /// Somebody asked it to stop.
    SessionStopping,
    /// The process ended. Ends the incarnation.
    SessionExited {
        /// Which run.
        incarnation: Incarnation,
        /// How.
        status: ExitStatus,
    },
    /// The process is gone and nobody knows how. Ends the incarnation.
    SessionLost {
        /// Which run.
        incarnation: Incarnation,
        /// What is known of the cause.
        cause: String,
    },
    /// The process could not be started. Ends the incarnation.
    SessionFailed {
        /// Which run.
        incarnation: Incarnation,
        /// Which step did not work.
        step: String,
        /// What happened.
        message: String,
    },
    /// Its name or labels were changed.
    SessionUpdated,
    /// It was deleted with its output.
    SessionDeleted,
    /// The size of its terminal changed.
    TerminalResized {
        /// The new size.
        size: TerminalSize,
    },
    /// The program set its title.
    TerminalTitle {
        /// The title, as the program wrote it.
        title: String,
    },
    /// The program rang the bell.
    TerminalBell,
    /// The program raised a notification.
    TerminalNotification {
        /// Its title; may be empty.
        title: String,
        /// Its text.
        body: String,
    },
    /// Output could not be written; the program goes on.
    OutputDegraded {
        /// First byte that was not written.
        since: OutputPosition,
    },
    /// Output is written again.
    OutputRestored {
        /// The bytes in between are gone: from here
        from: OutputPosition,
        /// to here.
        to: OutputPosition,
    },
    /// Old output was removed to keep within the limits.
    OutputRemoved {
        /// The oldest position that is still there.
        oldest: OutputPosition,
    },
    /// Something happened around the session's agent.
    Agent(AgentEvent),
    /// The daemon started and has adopted what was running.
    DaemonStarted {
        /// Its version.
        version: String,
    },
    /// The daemon takes no new sessions.
    DaemonDraining,
    /// The daemon ends; sessions go on.
    DaemonStopping,
}

impl EventKind {
    /// The names of all kinds, as filters and tables write them.
    pub const TYPE_NAMES: [&'static str; 28] = [
        "session.created",
        "session.started",
        "session.stopping",
        "session.exited",
        "session.lost",
        "session.failed",
        "session.updated",
        "session.deleted",
        "terminal.resized",
        "terminal.title",
        "terminal.bell",
        "terminal.notification",
        "output.degraded",
        "output.restored",
        "output.removed",
        "daemon.started",
        "daemon.draining",
        "daemon.stopping",
        AgentEvent::TYPE_NAMES[0],
        AgentEvent::TYPE_NAMES[1],
        AgentEvent::TYPE_NAMES[2],
        AgentEvent::TYPE_NAMES[3],
        AgentEvent::TYPE_NAMES[4],
        AgentEvent::TYPE_NAMES[5],
        AgentEvent::TYPE_NAMES[6],
        AgentEvent::TYPE_NAMES[7],
        AgentEvent::TYPE_NAMES[8],
        AgentEvent::TYPE_NAMES[9],
    ];

    /// The name of the kind.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::SessionCreated => "session.created",
            Self::SessionStarted { .. } => "session.started",
            Self::SessionStopping => "session.stopping",
            Self::SessionExited { .. } => "session.exited",
            Self::SessionLost { .. } => "session.lost",
            Self::SessionFailed { .. } => "session.failed",
            Self::SessionUpdated => "session.updated",
            Self::SessionDeleted => "session.deleted",
            Self::TerminalResized { .. } => "terminal.resized",
            Self::TerminalTitle { .. } => "terminal.title",
            Self::TerminalBell => "terminal.bell",
            Self::TerminalNotification { .. } => "terminal.notification",
            Self::OutputDegraded { .. } => "output.degraded",
            Self::OutputRestored { .. } => "output.restored",
            Self::OutputRemoved { .. } => "output.removed",
            Self::Agent(event) => event.type_name(),
            Self::DaemonStarted { .. } => "daemon.started",
            Self::DaemonDraining => "daemon.draining",
            Self::DaemonStopping => "daemon.stopping",
        }
    }

    /// Whether it ends an incarnation.
    #[must_use]
    pub const fn is_ending(&self) -> bool {
        match self {
            Self::SessionExited { .. } | Self::SessionLost { .. } | Self::SessionFailed { .. } => {
                true
            }
            Self::SessionCreated
            | Self::SessionStarted { .. }
            | Self::SessionStopping
            | Self::SessionUpdated
            | Self::SessionDeleted
            | Self::TerminalResized { .. }
            | Self::TerminalTitle { .. }
            | Self::TerminalBell
            | Self::TerminalNotification { .. }
            | Self::OutputDegraded { .. }
            | Self::OutputRestored { .. }
            | Self::OutputRemoved { .. }
            | Self::Agent(_)
            | Self::DaemonStarted { .. }
            | Self::DaemonDraining
            | Self::DaemonStopping => false,
        }
    }
}
