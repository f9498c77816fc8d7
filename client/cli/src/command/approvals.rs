//! `cpctl approvals`.

mod allow;
mod answer;
mod decide;
mod deny;
mod ls;
mod show;
mod watch;

use crate::context::Context;
use crate::exit::{Exit, Failure};

/// Decide what agents have asked for
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Ls(ls::Args),
    Show(show::Args),
    Allow(allow::Args),
    Deny(deny::Args),
    Answer(answer::Args),
    Watch(watch::Args),
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Ls(args) => ls::run(args, context).await,
        Verb::Show(args) => show::run(args, context).await,
        Verb::Allow(args) => allow::run(args, context).await,
        Verb::Deny(args) => deny::run(args, context).await,
        Verb::Answer(args) => answer::run(args, context).await,
        Verb::Watch(args) => watch::run(args, context).await,
    }
}
