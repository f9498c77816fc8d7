//! `cpctl keys`.

use codeplane_client::v1;

use crate::context::Context;
use crate::exit::{Exit, Failure};

/// Press keys in a session, encoded as its program expects them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl keys web ctrl+c
  cpctl keys web up up enter
  cpctl keys web alt+x shift+tab f5 pagedown y")]
pub(crate) struct Args {
    /// Id, beginning of the id, or name
    session: String,
    /// enter, tab, escape, up, f5, ctrl+c, alt+x, shift+tab, …, or one character
    #[arg(required = true, value_name = "KEY", allow_hyphen_values = true)]
    keys: Vec<String>,
    /// Type even though somebody else holds control
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let request = v1::SendKeysRequest {
        session: args.session,
        keys: args.keys,
        force: args.force,
        ..Default::default()
    };
    client.send_keys(request).await?;
    Ok(Exit::Done)
}
