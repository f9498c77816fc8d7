//! A session as it is at one moment.

use codeplane_core::{AttachmentId, Coverage, OutputPosition, Session, SessionAgent, TerminalSize};

/// What is known of a session at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// The row.
    pub session: Session,
    /// Its program's process id; 0 if it does not run.
    pub pid: i32,
    /// The present size of its terminal.
    pub size: TerminalSize,
    /// The oldest output that is there.
    pub output_start: OutputPosition,
    /// The end of the output.
    pub output_end: OutputPosition,
    /// How many attachments there are.
    pub attachments: usize,
    /// Who holds control.
    pub holder: Option<AttachmentId>,
    /// The title the program set last; not escaped.
    pub title: String,
    /// Whether output can be written.
    pub log: LogHealth,
    /// What is known of its agent.
    pub agent: SessionAgent,
    /// How many of its calls wait for a person.
    pub pending: usize,
    /// How many of its calls are known of, and were judged.
    pub coverage: Coverage,
}

/// Whether output can be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogHealth {
    /// It is.
    #[default]
    Written,
    /// The disk is full: the program goes on, its output is not kept.
    Degraded,
}
