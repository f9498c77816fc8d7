//! What a follower of a terminal receives.

use bytes::Bytes;
use codeplane_core::{
    AttachmentId, EndReason, Incarnation, Offset, OutputPosition, StateName, TerminalSize,
};

/// One frame. `Attached` comes first, `End` last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The attachment stands.
    Attached(Attached),
    /// The screen at a position; output goes on there.
    Snapshot {
        /// Where.
        position: OutputPosition,
        /// Escape sequences that paint it.
        data: Bytes,
        /// The size it was made for.
        size: TerminalSize,
    },
    /// Bytes the program printed.
    Output {
        /// Which run.
        incarnation: Incarnation,
        /// Position of the first one.
        offset: Offset,
        /// The bytes.
        data: Bytes,
    },
    /// Bytes that are gone.
    Gap {
        /// The first.
        from: OutputPosition,
        /// Behind the last.
        to: OutputPosition,
    },
    /// The terminal has another size.
    Resized {
        /// From here on.
        at: OutputPosition,
        /// The size.
        size: TerminalSize,
    },
    /// Somebody else holds control.
    ControlChanged {
        /// Who.
        holder: Option<AttachmentId>,
        /// From here on.
        at: OutputPosition,
    },
    /// Input up to this number was written to the terminal.
    InputAck(u64),
    /// Input was not typed, the newest of it with this number: a permission may be asked for on the
    /// screen, and whoever is attached may not give it.
    InputRefused(u64),
    /// The session's state changed.
    StateChanged {
        /// The state.
        state: StateName,
        /// The newest run.
        incarnation: Incarnation,
    },
    /// The incarnation is over; all its output so far was sent.
    Exited {
        /// How.
        reason: EndReason,
        /// The end of its output.
        position: OutputPosition,
    },
    /// Answers a ping.
    Pong(u64),
    /// The last frame.
    End(StreamEnd),
}

/// The first frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attached {
    /// Where output begins.
    pub position: OutputPosition,
    /// The present size.
    pub size: TerminalSize,
    /// The session's state.
    pub state: StateName,
    /// What only an attachment has; a tail has none.
    pub seat: Option<SeatFacts>,
}

/// What an attachment is told of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeatFacts {
    /// Its id.
    pub id: AttachmentId,
    /// Its secret.
    pub token: [u8; 16],
    /// Whether it holds control.
    pub control: Control,
    /// The last input number that was applied.
    pub input_seq: u64,
}

/// Whether an attachment may type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// It may.
    Held {
        /// From here on its terminal answers queries; none if the daemon goes on to answer them.
        answers_from: Option<OutputPosition>,
    },
    /// It sees only.
    No,
}

/// Why a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// The client asked to leave.
    Detached,
    /// The same client attached again; this is the old stream.
    Replaced,
    /// The session ended and will not go on.
    SessionEnded,
    /// The session was deleted.
    SessionDeleted,
    /// The daemon ends; the session goes on.
    DaemonStopping,
    /// The daemon is being drained; the session goes on.
    Draining,
    /// The client sent what cannot be.
    Refused(String),
    /// A reader that does not follow has everything.
    LimitReached,
}
