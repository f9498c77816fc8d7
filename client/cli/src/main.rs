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

use clap::error::ErrorKind;

fn main() -> ExitCode {
    // First of all: a shim has neither a runtime nor this command line.
    if daemon_entry::is_shim() {
        return daemon_entry::shim();
    }
    match cli::parse() {
        Ok(cli) => command::run(cli),
        // Help and version go to standard output with 0, mistakes to standard error with 2.
        Err(error) if !error.use_stderr() => {
            drop(error.print());
            exit::Exit::Done.into()
        }
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            drop(error.print());
            exit::Exit::Usage.into()
        }
        Err(error) => {
            output::failure(&exit::Failure::Usage(cli::in_one_line(&error)));
            exit::Exit::Usage.into()
        }
    }
}
