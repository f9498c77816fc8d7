//! Everything this crate asks of the operating system beyond files and what `std` and `nix` offer
//! portably: the one place to change for another system.

mod cgroup;
mod limit;
mod pidfd;
mod poll;
mod process;
mod socket;
mod spawn;
mod terminal;
mod title;
mod tree;

pub(crate) use cgroup::{Cgroup, kill as kill_cgroup, remove as remove_cgroup};
pub use limit::SessionLimit;
pub(crate) use pidfd::{PidFd, kill_marked, signal_descendant};
pub(crate) use poll::{Interest, Poll};
pub(crate) use process::{
    Awaited, Identity, Reaped, SignalDoor, adopt_descendants, boot_id, close_inherited,
    forget_umask, keep_one_heap, lazy_buffer, leave_standard_error, limit_core_dumps, name_process,
    reap, redirect_standard_input, seal, signal_group, start_time, take_over_signals, trim_heap,
    wall_clock,
};
pub(crate) use socket::{Accepted, Delivered, Received, SeqPacket, accept, connect, listen, pair};
pub(crate) use spawn::{Program, SpawnFault, SpawnStep, c_string, spawn};
pub(crate) use terminal::{foreground_group, local_flags, number, open_terminal, set_size};
pub(crate) use title::{Title, UNNAMED};
pub(crate) use tree::{SHIM_NAME, descendants, kinship};
