//! `cpd`, the daemon: the entry points of the crate and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    codeplane_server::entry::run_cpd(std::env::args_os())
}
