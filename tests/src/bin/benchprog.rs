//! The small programs of the benchmarks: the user's program of every session, and the smallest
//! session daemon with its smallest client, as yardsticks, and the agents that ask. See `codeplane_tests::bench`.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use codeplane_tests::bench::{asking, copier, judge, program};

const USAGE: &str = "usage: benchprog run ID DIR UNIT [LINES] | serve SOCKET COMMAND… | \
    attach SOCKET | start SOCKET COMMAND… | hooks NOTE ID COUNT HOOK… | \
    ask NOTE ID CONNECTIONS COUNT COMMAND [GATE] | judge DIR | note RECORD";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let mode = arguments.first().and_then(|mode| mode.to_str());
    let rest = arguments.get(1..).unwrap_or_default();
    let result = match mode {
        Some("run") => program::run(rest),
        Some("serve") => copier::serve(rest),
        Some("serve-inherited") => copier::serve_inherited(rest),
        Some("attach") => copier::attach(rest),
        Some("start") => copier::start(rest),
        Some("hooks") => asking::hooks(rest),
        Some("ask") => asking::ask(rest),
        Some("judge") => judge::serve(rest),
        Some("note") => judge::note(rest),
        _ => Err(USAGE.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "benchprog: {error}"));
            ExitCode::FAILURE
        }
    }
}
