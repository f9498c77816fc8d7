//! What agents start as their hook: runs a program with Codeplane's own variables and no others.
//!
//! Settings of the project that an agent works on may set variables of its hooks. The dynamic loader obeys some before a
//! program does anything (`LD_TRACE_LOADED_OBJECTS`: print and exit 0), and agents take such an end for "no objection". So
//! this is linked statically, and what it runs gets none of them.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// What agents take for a refusal.
const BLOCKED: u8 = 2;

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else { return refused("no program is named") };
    let own = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b"CODEPLANE_");
    let kept = std::env::vars_os().filter(|(name, _)| own(name));
    let error = Command::new(&program).args(words).env_clear().envs(kept).exec();
    refused(&format!("cannot run {}: {error}", program.display()))
}

fn refused(problem: &str) -> ExitCode {
    let mut stderr = std::io::stderr();
    drop(writeln!(stderr, "codeplane: {problem}: denied, because nothing can be asked"));
    ExitCode::from(BLOCKED)
}
