//! Cuts terminal output into text and control sequences, wherever the bytes are cut.

mod csi;
mod machine;
mod partial;

pub(crate) use csi::{Csi, Param};
pub(crate) use machine::{Machine, Unfinished};

#[cfg(feature = "emulator")]
pub(crate) use partial::ends_in_begun_character;

use codeplane_core::Offset;

/// Longest control sequence that has a meaning, in bytes from its first to its last.
///
/// Nothing a program sends on purpose is longer but images, which no part of Codeplane reads; what
/// is longer is skipped without being kept, so that no output can make the memory grow.
pub const SEQUENCE_LIMIT: usize = 64 * 1024;

/// Where a sequence begins and where the output goes on after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Of its first byte.
    pub start: Offset,
    /// Of the first byte after it.
    pub end: Offset,
}

/// How an operating system command was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Terminator {
    /// `BEL`, as xterm has always allowed.
    Bell,
    /// `ESC \`, or another sequence or control that cut it off.
    String,
}

/// One control sequence or control character.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token<'a> {
    /// A C0 control outside of sequences: bell, shift in and out, enquiry.
    Control(u8),
    /// Any C0 control inside a sequence, where it is obeyed at once.
    Embedded(u8),
    /// `ESC`, intermediates, a last byte.
    Escape { intermediates: &'a [u8], last: u8 },
    /// `ESC [`.
    Csi(Csi<'a>),
    /// `ESC ]`: everything between the bracket and the terminator but controls.
    Osc { payload: &'a [u8], terminator: Terminator },
    /// `ESC P`: its parameters and last byte look like those of a CSI.
    Dcs { head: Csi<'a>, payload: &'a [u8] },
    /// `ESC _`.
    Apc { payload: &'a [u8] },
    /// Cancelled, malformed, cut off by the next sequence, or of a kind without a meaning.
    Ignored,
    /// Longer than [`SEQUENCE_LIMIT`].
    Overlong,
}

/// Takes what a [`Machine`] finds, in order of the ends.
pub(crate) trait Sink {
    /// Bytes outside of sequences: text, and the controls that only move the cursor.
    fn text(&mut self, at: Offset, bytes: &[u8]);

    /// A complete sequence.
    fn token(&mut self, span: Span, token: Token<'_>);
}
