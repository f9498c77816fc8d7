//! `cpctl resize`.

use codeplane_client::v1;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::parse;

/// Set the size of a session's terminal
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cpctl resize web 120x40")]
pub(crate) struct Args {
    /// Id, beginning of the id, or name
    session: String,
    /// Columns and rows
    #[arg(value_name = "COLSxROWS", value_parser = parse::size)]
    size: v1::TerminalSize,
    /// Set it even though somebody else holds control
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let request = v1::ResizeTerminalRequest {
        session: args.session,
        size: Some(args.size),
        force: args.force,
        ..Default::default()
    };
    client.resize_terminal(request).await?;
    Ok(Exit::Done)
}
