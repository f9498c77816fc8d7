//! `cpctl approvals ls`.

use codeplane_client::{Client, Error, v1, visible};
use jiff::Timestamp;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::select::filter_value;
use crate::table::{Table, cut};
use crate::{approval, output, text};

/// List what waits for a decision, the oldest first
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "list",
    after_help = "Examples:
  cpctl approvals ls
  cpctl approvals ls --all --session web
  cpctl approvals ls -o json | jq -r '.[].id'"
)]
pub(crate) struct Args {
    /// Also those that are decided
    #[arg(long)]
    all: bool,
    /// Only those of this session
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    #[command(flatten)]
    output: FormatArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let filter = filter(&client, Shown::from(args.all), args.session.as_deref()).await?;
    let mut approvals = client.all_approvals(&filter).await?;
    approvals.reverse();
    match args.output.format {
        Format::Table if approvals.is_empty() => output::note(nothing(Shown::from(args.all))),
        Format::Table => table(&approvals, Shown::from(args.all), Timestamp::now()).print()?,
        format => output::messages(format, "Approval", &approvals)?,
    }
    Ok(Exit::Done)
}

/// Which approvals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Pending,
    All,
}

impl From<bool> for Shown {
    fn from(all: bool) -> Self {
        if all { Self::All } else { Self::Pending }
    }
}

const fn nothing(shown: Shown) -> &'static str {
    match shown {
        Shown::Pending => {
            "nothing waits for a decision: cpctl approvals ls --all has the decided ones"
        }
        Shown::All => "nothing was asked",
    }
}

/// In the daemon's filter grammar.
pub(super) async fn filter(
    client: &Client,
    shown: Shown,
    session: Option<&str>,
) -> Result<String, Failure> {
    let mut terms = Vec::new();
    if shown == Shown::Pending {
        terms.push("state=pending".to_owned());
    }
    if let Some(session) = session {
        // Approvals outlive their session: then only the whole id finds them.
        let id = match client.get_session(session).await {
            Ok(session) => session.id,
            Err(Error::NotFound { .. }) => session.to_owned(),
            Err(error) => return Err(error.into()),
        };
        terms.push(format!("session={}", filter_value(&id)));
    }
    Ok(terms.join(" AND "))
}

fn table(approvals: &[v1::Approval], shown: Shown, now: Timestamp) -> Table {
    let mut heading = vec!["ID", "SESSION", "TOOL", "WHAT", "ASKED"];
    heading.push(if shown == Shown::All { "STATE" } else { "EXPIRES" });
    let mut table = Table::new(heading, 3);
    for approval in approvals {
        let last = match shown {
            Shown::All => approval::progress(approval).to_owned(),
            Shown::Pending if approval.in_dialog => {
                format!("{}, or in its dialog", text::until(approval.expire_time, now))
            }
            Shown::Pending => text::until(approval.expire_time, now),
        };
        table.row(vec![
            text::short(&approval.id).to_owned(),
            approval::session(approval),
            visible(&approval.tool).into_owned(),
            cut(&approval::summary(approval), approval::SUMMARY_COLUMNS),
            text::ago(approval.create_time, now),
            last,
        ]);
    }
    table
}
