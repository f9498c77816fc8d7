//! `cpctl completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::{Exit, Failure};
use crate::output;

/// Print what makes a shell complete this command
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl completions bash > ~/.local/share/bash-completion/completions/cpctl
  cpctl completions fish > ~/.config/fish/completions/cpctl.fish")]
pub(crate) struct Args {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "cpctl", &mut script);
    output::bytes(&script)?;
    Ok(Exit::Done)
}
