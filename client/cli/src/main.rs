//! `cpctl`, the command line of Codeplane.

mod approval;
mod autostart;
mod cli;
mod command;
mod context;
mod daemon_entry;
mod decision;
mod exit;
mod hook;
mod json;
mod line_diff;
mod os;
mod output;
mod parse;
mod policy_file;
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
    let arguments: Vec<_> = std::env::args_os().collect();
    // Before anything that takes time: an agent waits.
    if let Some(hook) = hook::arguments(&arguments) {
        return hook::answer(hook).into();
    }
    if let Some(code) = hook::trial(&arguments) {
        return code.into();
    }
    match cli::parse(&arguments) {
        Ok(cli) => command::run(cli),
        // Help and version go to standard output with 0, mistakes to standard error with 2.
        Err(error) if !error.use_stderr() => {
            drop(error.print());
            exit::Exit::Done.into()
        }
        // Nothing was asked for: what can be.
        Err(error) if is_bare(&error) => {
            drop(cli::print_help(&arguments));
            exit::Exit::Usage.into()
        }
        Err(error) => {
            output::failure(&exit::Failure::Usage(cli::in_one_line(&error, &arguments)));
            exit::Exit::Usage.into()
        }
    }
}

fn is_bare(error: &clap::Error) -> bool {
    error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        || error.kind() == ErrorKind::MissingSubcommand
}
