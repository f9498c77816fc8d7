//! The system as its users meet it: the kit of the end-to-end tests, and the benchmarks.
//!
//! A test starts a [`TestDaemon`] with private directories, runs `cpctl` through it or in a
//! [`Tty`], lets a session run `scripted-agent`, and polls facts with [`wait_until`]. The kit ends
//! every process that a test has started, also those that a killed daemon left behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is a test kit: a failure of it is a failed test"
)]

pub mod agent;
pub mod attached;
pub mod bench;
mod binaries;
mod command;
mod daemon;
mod digest;
mod emulator;
pub mod model;
pub mod processes;
mod pty;
pub mod real;
mod refusal;
mod stream;
mod tty;
mod wait;

pub use attached::Attached;
pub use binaries::{binary, repository};
pub use command::{Finished, run};
pub use daemon::{DaemonOptions, TestDaemon, Traces, scripted};
pub use digest::{Digest, sha256};
pub use emulator::Emulator;
pub use pty::{Ended, PtyProcess, TerminalSize, cook_output, environment};
pub use refusal::{Refusal, refused};
pub use stream::{Stream, stream};
pub use tty::Tty;
pub use wait::{
    AGENT_PATIENCE, Fact, PATIENCE, as_root_only, pause, rounds, wait_until, wait_until_async,
};
