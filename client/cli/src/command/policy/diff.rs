//! `cpctl policy diff`.

use codeplane_client::visible;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::{line_diff, output};

/// Show what changed between two revisions of a policy
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy diff team          the newest revision and the one before
  cpctl policy diff team 3 5")]
pub(crate) struct Args {
    /// The policy
    name: String,
    /// The older revision [default: the one before the newer]
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    from: Option<i64>,
    /// The newer revision [default: the newest]
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    to: Option<i64>,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let newer = client.get_policy(&args.name, args.to.unwrap_or_default()).await?;
    let from = args.from.unwrap_or(newer.revision - 1);
    if from < 1 {
        let name = visible(&newer.name);
        return Err(Failure::Usage(format!(
            "policy '{name}' has one revision: there is no change"
        )));
    }
    let older = client.get_policy(&args.name, from).await?;
    let lines = line_diff::unified(&older.text, &newer.text);
    if !lines.is_empty() {
        output::line(&format!("--- {} revision {}", visible(&older.name), older.revision))?;
        output::line(&format!("+++ {} revision {}", visible(&newer.name), newer.revision))?;
    }
    lines.iter().try_for_each(|line| output::line(&visible(&line.replace('\t', "    "))))?;
    Ok(Exit::Done)
}
