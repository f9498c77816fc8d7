//! `cpctl approvals show`.

use jiff::Timestamp;

use crate::approval::{Line, Tone, details};
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

fn print(Line { tone, text }: &Line) -> Result<(), Failure> {
    let pen = match tone {
        Tone::Plain => None,
        Tone::Heading | Tone::Asked => Some("1"),
        Tone::Allow => Some("32"),
        Tone::Ask => Some("33"),
        Tone::Deny => Some("31"),
        Tone::Warning => Some("7"),
    };
    match pen {
        Some(pen) if output::colours() => output::line(&format!("\x1b[{pen}m{text}\x1b[0m")),
        _ => output::line(text),
    }
}
