//! `cpctl approvals watch`.

mod ask;
mod editor;
mod keys;
mod lines;
mod model;
mod page;
mod queue;
mod screen;
mod source;
#[cfg(test)]
mod tests;
mod view;

use self::source::Source;
use super::ls::{Shown, filter};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::{os, output};

/// Decide in a queue of all that waits, as it comes in
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl approvals watch
  cpctl approvals watch --session web
  cpctl approvals watch -o jsonl | while read -r approval; do …; done

In a terminal: j k move, a allows, d denies with a message, g allows and remembers, e edits the input
in $EDITOR, A answers questions, Space reads on, Enter gives all of it the whole screen, ? tells the
keys, q leaves. Elsewhere each approval is a line when it comes in and when it is decided.")]
pub(crate) struct Args {
    /// Only those of this session
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    #[command(flatten)]
    output: FormatArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let filter = filter(&client, Shown::Pending, args.session.as_deref()).await?;
    let is_screen = output::is_terminal() && os::stdin_is_terminal();
    match args.output.format {
        Format::Table if is_screen => {
            let source = Source::open(client.clone(), filter, context.rejoin()).await?;
            screen::run(client, source).await
        }
        format => {
            let source = Source::open(client, filter, context.rejoin_telling()).await?;
            lines::run(source, format).await
        }
    }
}
