//! The shim: one process that owns one incarnation of one session.
//!
//! It holds the pseudo-terminal, appends every byte the program prints to the output log *before*
//! it tells anyone, applies input exactly once, and writes the exit status to disk before it
//! announces it. It survives the daemon, which finds it again by the session's directory.
//!
//! For the daemon there are [`ShimBinary`] to start one, [`ShimSocket`] to talk to it, [`LogReader`]
//! and [`IndexReader`] for what it wrote, and [`Bundle`], which names every file.
//!
//! Everything the daemon must know is a *level*: a [`HelloReply`] repeats it, so that no message
//! is ever needed twice and none can be lost. The shim waits for nobody.

mod bundle;
mod client;
mod durable;
mod fault;
mod index;
mod launch;
mod os;
mod output_log;
mod record;
mod run;
mod spec;
mod wire;

pub use bundle::{Bundle, GivenUp, IncarnationDir};
pub use client::{ClientError, ShimSocket, Started, TryReceive, TrySend, probe};
pub use fault::{StartFault, StartStep};
pub use index::{IndexReader, IndexRecord, IndexRecordKind};
pub use launch::{Launched, Newborn, ShimBinary};
pub use os::SessionLimit;
pub use output_log::{LogReader, Read, Segment, log_end, remove_segment, segments};
pub use record::{ExitRecord, Outcome, ShimRecord, host_boot_id};
pub use run::{run_from_inherited_socket, shim_main};
pub use spec::{Keep, LaunchSpec};
pub use wire::{
    DiskState, FromShim, HelloReply, INPUT_PART_BYTES, INPUT_WINDOW_BYTES, InputToken, LoggedSize,
    MAX_MESSAGE_BYTES, PROTOCOL, Part, ProcessState, RefusedReason, RememberedInput, SignalTarget,
    StopStep, TermMode, ToShim,
};

/// What this code was built from: version and a hash of its sources. Daemon and shim talk over an
/// additive protocol, so a difference is no error; it only decides which executable is started.
pub const BUILD_ID: &str = env!("CODEPLANE_SHIM_BUILD_ID");
