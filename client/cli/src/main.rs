//! `cpctl`, the command line of Codeplane.

mod autostart;
mod cli;
mod command;
mod context;
mod daemon_entry;
mod exit;
mod json;
mod os;
mod output;
mod parse;
mod select;
mod table;
mod terminal;
mod text;

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: a shim has neither a runtime nor this command line.
    if daemon_entry::is_shim() {
        return daemon_entry::shim();
    }
    match cli::parse() {
        Ok(cli) => command::run(cli),
        Err(error) => {
            // Help and version go to standard output with 0, mistakes to standard error with 2.
            drop(error.print());
            ExitCode::from(if error.use_stderr() { exit::Exit::Usage } else { exit::Exit::Done })
        }
    }
}
