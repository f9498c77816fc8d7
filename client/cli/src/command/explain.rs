//! `cpctl explain`.

use jiff::Timestamp;

use crate::approval::print;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::{decision, output};

/// Tell why a tool call was allowed or denied
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl explain 3f2a
  cpctl explain 3f2a -o json | jq .recorded

The request is judged again by the revisions that were bound then, with what was known of its paths then:
if that is another verdict, it says so and ends with 1. Values that look like secrets are masked.")]
pub(crate) struct Args {
    /// Id of a decision, or beginning of the id: see cpctl decisions ls
    decision: String,
    #[command(flatten)]
    output: FormatArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let told = client.explain_decision(&args.decision).await?;
    match args.output.format {
        Format::Table => {
            decision::explanation(&told, Timestamp::now()).iter().try_for_each(print)?;
        }
        format => output::message(format, "ExplainDecisionResponse", &told)?,
    }
    Ok(if told.again.is_some() && !told.repeats { Exit::No } else { Exit::Done })
}
