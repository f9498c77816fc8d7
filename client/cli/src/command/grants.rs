//! `cpctl grants`.

use codeplane_client::{v1, visible};
use jiff::Timestamp;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::select::settle;
use crate::table::Table;
use crate::{approval, output, text};

/// Look at remembered answers and forget them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Ls(Ls),
    Revoke(Revoke),
}

/// List remembered answers
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "list",
    after_help = "Examples:
  cpctl grants ls
  cpctl grants ls --all -o json"
)]
struct Ls {
    /// Also those that were revoked or have ended
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: FormatArgs,
}

/// Forget remembered answers: the next call that one would have answered asks again
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cpctl grants revoke 12ab 77b0")]
struct Revoke {
    /// Ids, or beginnings of ids
    #[arg(value_name = "GRANT", required = true)]
    grants: Vec<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Ls(args) => ls(args, context).await,
        Verb::Revoke(args) => revoke(args, context).await,
    }
}

async fn ls(args: Ls, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let request =
        v1::ListGrantsRequest { page_size: 1000, show_ended: args.all, ..Default::default() };
    let grants = client.all_grants(request).await?;
    match args.output.format {
        Format::Table => table(&grants, Timestamp::now()).print()?,
        format => output::messages(format, "Grant", &grants)?,
    }
    Ok(Exit::Done)
}

fn table(grants: &[v1::Grant], now: Timestamp) -> Table {
    let heading = vec!["ID", "SCOPE", "WHERE", "TOOL", "WHAT", "BY", "GRANTED", "ENDS"];
    let mut table = Table::new(heading, 4);
    for grant in grants {
        let place = match grant.scope() {
            v1::GrantScope::Session => text::short(&grant.scope_value).to_owned(),
            v1::GrantScope::Workspace | v1::GrantScope::Unspecified => grant.scope_value.clone(),
        };
        let what = if grant.pattern.is_empty() { &grant.subject } else { &grant.pattern };
        table.row(vec![
            text::short(&grant.id).to_owned(),
            approval::scope(grant.scope()).to_owned(),
            visible(&place).into_owned(),
            visible(&grant.tool).into_owned(),
            text::printable(what),
            visible(&grant.created_by).into_owned(),
            text::ago(grant.create_time, now),
            ends(grant, now),
        ]);
    }
    table
}

fn ends(grant: &v1::Grant, now: Timestamp) -> String {
    if grant.revoke_time.is_some() {
        return "revoked".to_owned();
    }
    match grant.expire_time {
        Some(time) if time.seconds <= now.as_second() => "ended".to_owned(),
        time => text::until(time, now),
    }
}

async fn revoke(args: Revoke, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let mut results = Vec::new();
    for grant in args.grants {
        let request = v1::RevokeGrantRequest { grant, ..Default::default() };
        results.push(match client.revoke_grant(request).await {
            Ok(grant) => output::line(&format!("revoked {}", text::short(&grant.id))),
            Err(error) => Err(error.into()),
        });
    }
    Ok(settle(results))
}
