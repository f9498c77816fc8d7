//! Live sessions: what the daemon holds in memory of each, and how bytes get in and out.
//!
//! Output is a file that the shim appends to; a [`Follower`] reads it by position. Whatever else a
//! follower must know is a level in [`Live`], never a message in a queue: a wake-up only says
//! "look again", so that no reader, however slow, can lose anything or make a queue grow.

mod follower;
mod found;
mod frame;
mod input;
mod link;
mod live;
mod old_output;
mod orders;
mod piece;
mod registry;
mod search;
mod seat;
mod shims;
mod surroundings;
mod task;
mod view;
mod wakers;
mod watch;

pub(crate) use follower::{Follow, Follower, Until};
pub(crate) use frame::{Attached, Control, Frame, SeatFacts, StreamEnd};
pub(crate) use input::{InputError, UnaryInput};
pub(crate) use link::{Begun, Link};
pub(crate) use live::{Live, Passed, ProgramNews};
pub(crate) use registry::{Admission, Lookup, Registry};
pub(crate) use seat::{Answers, INPUT_BYTES, Seat};
pub(crate) use surroundings::Surroundings;
pub(crate) use task::{Fact, adopt, born, receive};
pub(crate) use view::{LogHealth, View};
pub(crate) use watch::Watcher;

// The data of the shim's client: what a session is launched with, and its files.
pub(crate) use codeplane_shim::{Bundle, GivenUp, Keep, LaunchSpec, ShimBinary, ShimRecord};
pub(crate) use found::{Greeting, Leftovers, OnDisk, Program, ShimState, ask, greet};
pub(crate) use old_output::{Limits, remove_before, too_much};
pub(crate) use orders::StopPlan;
pub(crate) use piece::Piece;
pub(crate) use search::Search;
pub(crate) use shims::{BundleFile, Shims, Started};
