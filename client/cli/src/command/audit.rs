//! `cpctl audit`.

mod export;
mod list;
mod row;
mod show;
mod verify;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::parse::Moment;
use crate::select::filter_value;

/// Show, verify and export what was decided and done
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Ls(list::Args),
    Show(show::Args),
    Verify(verify::Args),
    Export(export::Args),
}

/// Which records.
#[derive(Debug, clap::Args)]
struct Which {
    /// Only records about this session: name, id or the beginning of it, also of one that was removed
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Only records of this kind, such as decision.made
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only what this principal did, such as uid:1000 or daemon
    #[arg(long, value_name = "PRINCIPAL")]
    principal: Option<String>,
    /// Only records of this time or later: RFC 3339, or so long ago (2h)
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only records of before this time: RFC 3339, or so long ago (2h)
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
}

impl Which {
    /// The conditions on fields, as the daemon reads them. It knows sessions that were removed, too.
    fn filter(&self) -> String {
        let terms =
            [("session", &self.session), ("kind", &self.kind), ("principal", &self.principal)];
        let terms = terms.into_iter().filter_map(|(field, value)| {
            Some(format!("{field}={}", filter_value(value.as_ref()?)))
        });
        terms.collect::<Vec<_>>().join(" AND ")
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Ls(args) => list::run(args, context).await,
        Verb::Show(args) => show::run(args, context).await,
        Verb::Verify(args) => verify::run(args, context).await,
        Verb::Export(args) => export::run(args, context).await,
    }
}
