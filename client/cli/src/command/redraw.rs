//! `cpctl redraw`.

use crate::context::Context;
use crate::exit::{Exit, Failure};

/// Make a session's program paint its screen again
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cpctl redraw web")]
pub(crate) struct Args {
    /// Id, beginning of the id, or name
    session: String,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    client.redraw_terminal(&args.session).await?;
    Ok(Exit::Done)
}
