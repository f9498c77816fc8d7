//! The private protocol between daemon and shim, over a socket that keeps messages apart.
//!
//! A message is a tag byte and little-endian fields. Whoever reads ignores tags it does not know
//! and bytes after the fields it knows; a field that a later version added has a default where it
//! is missing. So everything is additive: after an upgrade the daemon is new and the shims are old.
//! `Hello` and `Shutdown` never change at all.

mod codec;
mod from_shim;
mod hello;
mod to_shim;

pub(crate) use codec::{Reader, Writer};
pub(crate) use from_shim::Switch;
pub use from_shim::{DiskState, FromShim, RefusedReason, TermMode};
pub use hello::{HelloReply, LoggedSize, ProcessState, RememberedInput};
pub use to_shim::{Part, SignalTarget, StopStep, ToShim};

/// The version of the protocol: counted up when a message is added, so that the daemon can tell
/// what an old shim understands.
pub const PROTOCOL: u16 = 1;

/// No message is longer, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Most bytes of input, or of a launch, in one message.
pub const INPUT_PART_BYTES: usize = 32 * 1024;

/// Attached input that may be under way, in bytes: sent by the daemon and not yet acknowledged.
///
/// Beyond it the shim stops reading that connection until the program has read some, and what
/// else was sent on it waits too. A daemon that keeps to the window can always get a stop or a
/// signal through; one that does not has to open another connection for them.
pub const INPUT_WINDOW_BYTES: usize = 64 * 1024;

/// Names an attachment towards the shim, so that its input is applied once across reconnects and
/// daemons. Chosen at random by the daemon; knowing it is the right to continue the sequence.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InputToken(pub [u8; 16]);

impl std::fmt::Debug for InputToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It is a capability: not for logs.
        f.write_str("InputToken(..)")
    }
}
