//! The shim as a small binary of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    codeplane_shim::shim_main(std::env::args_os().skip(1))
}
