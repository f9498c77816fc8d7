//! `cpctl backup`.

use std::path::PathBuf;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::{output, text};

/// Write a consistent copy of the daemon's database while everything goes on
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cpctl backup /backups/codeplane-$(date +%F).db")]
pub(crate) struct Args {
    /// Where to; the file must not exist
    path: PathBuf,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let shown = args.path.display().to_string();
    let path = std::path::absolute(&args.path)
        .map_err(Failure::system(format!("cannot resolve '{shown}'")))?;
    let path = path
        .into_os_string()
        .into_string()
        .map_err(|_| Failure::Usage(format!("'{shown}' is not UTF-8: choose another path")))?;
    let client = context.connect().await?;
    let answer = client.backup(&path).await?;
    output::line(&format!("{} ({})", text::printable(&answer.path), text::bytes(answer.bytes)))?;
    Ok(Exit::Done)
}
