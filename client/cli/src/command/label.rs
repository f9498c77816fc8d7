//! `cpctl label`.

use codeplane_client::{v1, visible};

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::parse::{LabelChange, Pair};

/// Set and remove labels; without changes, show them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl label web team=infra owner=ada
  cpctl label web owner-             removes it
  cpctl label web")]
pub(crate) struct Args {
    /// Id, beginning of the id, or name
    session: String,
    /// KEY=VALUE sets, KEY- removes
    #[arg(value_name = "CHANGE")]
    changes: Vec<LabelChange>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    if args.changes.is_empty() {
        let session = client.get_session(&args.session).await?;
        let mut labels: Vec<_> = session.labels.iter().collect();
        labels.sort();
        for (key, value) in labels {
            output::line(&format!("{}={}", visible(key), visible(value)))?;
        }
        return Ok(Exit::Done);
    }
    let mut request = v1::UpdateSessionRequest { session: args.session, ..Default::default() };
    for change in args.changes {
        match change {
            LabelChange::Set(Pair { key, value }) => {
                request.set_labels.insert(key, value);
            }
            LabelChange::Remove(key) => request.remove_labels.push(key),
        }
    }
    client.update_session(request).await?;
    Ok(Exit::Done)
}
