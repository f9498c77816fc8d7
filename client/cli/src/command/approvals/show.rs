//! `cpctl approvals show`.

use jiff::Timestamp;

use crate::approval::{details, print};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::output::{Format, FormatArgs};

/// Show everything about what is asked
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl approvals show 3f2a
  cpctl approvals show 3f2a -o json | jq -r .request_hash

What is asked is shown whole; characters that do not print as \\x1b or <U+202E>.")]
pub(crate) struct Args {
    /// Id, or beginning of the id
    approval: String,
    #[command(flatten)]
    output: FormatArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let approval = client.get_approval(&args.approval).await?;
    match args.output.format {
        Format::Table => {
            details(&approval, Timestamp::now()).lines.iter().try_for_each(print)?;
        }
        format => output::message(format, "Approval", &approval)?,
    }
    Ok(Exit::Done)
}
