//! `cpctl rename`.

use codeplane_client::v1;

use crate::context::Context;
use crate::exit::{Exit, Failure};

/// Give a session another name
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl rename 3f2a web
  cpctl rename web ''                takes its name away")]
pub(crate) struct Args {
    /// Id, beginning of the id, or name
    session: String,
    /// The new name
    name: String,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let request = v1::UpdateSessionRequest {
        session: args.session,
        name: Some(args.name),
        ..Default::default()
    };
    client.update_session(request).await?;
    Ok(Exit::Done)
}
