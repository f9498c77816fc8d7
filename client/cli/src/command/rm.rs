//! `cpctl rm`.

use codeplane_client::v1;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::select::{Among, Selection, settle};

/// Remove ended sessions with their output
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl rm web
  cpctl rm --all                     every session that has ended
  cpctl rm --force web               kills it first if it runs")]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Kill what still runs
    #[arg(short, long)]
    force: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let among = if args.force { Among::All } else { Among::Ended };
    let mut results = Vec::new();
    for session in args.selection.resolve(&client, among).await? {
        let request = v1::DeleteSessionRequest { session, force: args.force, ..Default::default() };
        results.push(client.delete_session(request).await.map_err(Failure::from));
    }
    Ok(settle(results))
}
