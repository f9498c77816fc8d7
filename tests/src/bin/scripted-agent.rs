//! The program of the tests' sessions: see `codeplane_tests::agent`.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    match codeplane_tests::agent::run_script(env::args().skip(1)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            drop(writeln!(io::stderr(), "scripted-agent: {error}"));
            ExitCode::from(99)
        }
    }
}
