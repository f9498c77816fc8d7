//! `cpctl man`, for packagers.

use std::path::PathBuf;

use clap::CommandFactory;

use crate::cli::Cli;
use crate::exit::{Exit, Failure};

/// Write the manual pages into a directory
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cpctl man /usr/local/share/man/man1")]
pub(crate) struct Args {
    /// Where to
    directory: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<Exit, Failure> {
    clap_mangen::generate_to(Cli::command(), &args.directory)
        .map_err(Failure::system(format!("cannot write to {}", args.directory.display())))?;
    Ok(Exit::Done)
}
