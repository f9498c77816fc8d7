//! `cpctl drain`.

use codeplane_client::v1;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output;

/// Take no new sessions, so that the machine can be emptied; running sessions go on
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl drain
  cpctl drain --undo")]
pub(crate) struct Args {
    /// Take sessions again
    #[arg(long)]
    undo: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect_only().await?;
    let answer = client.drain(v1::DrainRequest { undo: args.undo }).await?;
    let word = if answer.draining { "draining: no new sessions" } else { "taking sessions" };
    output::line(&format!("{word}; {} sessions run", answer.live_sessions))?;
    Ok(Exit::Done)
}
