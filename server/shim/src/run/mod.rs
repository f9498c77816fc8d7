//! The shim's own process: start, one poll loop, end.
//!
//! One thread owns everything. It waits for the terminal, its signals and its connections, and for
//! nothing else: no lock, no reader, no daemon. When nothing happens it sleeps without a timer.

mod complaint;
mod connection;
mod door;
mod ending;
mod flush;
mod input;
mod output;
mod program;
mod receive;
mod shim;
mod signals;
mod start;
mod sync;
mod terminal;
mod timers;
mod tokens;
mod unary;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::BUILD_ID;

pub(crate) use complaint::complain;

/// The small binary's `main`: `--build-id` prints [`BUILD_ID`]; everything else is a shim. Other
/// arguments are for people who look at `ps`.
pub fn shim_main(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    if arguments.next().is_some_and(|first| first == "--build-id") {
        return match writeln!(io::stdout(), "{BUILD_ID}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    run_from_inherited_socket()
}

/// Becomes the shim that the socket on standard input describes, and returns when its session is
/// over. The process must have no other thread: it forks, and changes what a process has one of.
pub fn run_from_inherited_socket() -> ExitCode {
    match start::start() {
        Ok(Some(shim)) => {
            shim.run();
            ExitCode::SUCCESS
        }
        // The daemon died before it had said what to start, or was told why it does not start.
        Ok(None) => ExitCode::FAILURE,
        Err(error) => {
            complain(format_args!("start: {error}"));
            ExitCode::FAILURE
        }
    }
}
