//! `cpctl kill`.

use codeplane_client::v1;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::parse;
use crate::select::{Among, Selection, settle};

/// Send a signal to sessions
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl kill web                     SIGKILL to every process of the session
  cpctl kill -s INT web
  cpctl kill --label team=infra")]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// Name or number of the signal
    #[arg(short, long, default_value = "KILL", value_parser = parse::signal)]
    signal: String,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let mut results = Vec::new();
    for session in args.selection.resolve(&client, Among::Live).await? {
        let signal = args.signal.clone();
        let request = v1::KillSessionRequest { session, signal, ..Default::default() };
        results.push(client.kill_session(request).await.map(drop).map_err(Failure::from));
    }
    Ok(settle(results))
}
