//! `cpctl grants`.

use std::path::{Path, PathBuf};

use codeplane_client::{Error, v1, visible};
use jiff::Timestamp;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::select::settle;
use crate::table::{Table, cut};
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
  cpctl grants ls --session web
  cpctl grants ls --all -o json"
)]
struct Ls {
    /// Also those that were revoked or have ended
    #[arg(long)]
    all: bool,
    /// Only those of this session alone
    #[arg(long, value_name = "SESSION", conflicts_with = "workspace")]
    session: Option<String>,
    /// Only those of every session in this workspace
    #[arg(long, value_name = "DIRECTORY")]
    workspace: Option<PathBuf>,
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
    #[command(flatten)]
    output: FormatArgs,
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
    let mut grants = client.all_grants(request).await?;
    if let Some(session) = &args.session {
        // Grants outlive their session: then only its id finds them.
        let id = match client.get_session(session).await {
            Ok(session) => session.id,
            Err(Error::NotFound { .. }) => session.clone(),
            Err(error) => return Err(error.into()),
        };
        grants.retain(|one| {
            one.scope() == v1::GrantScope::Session && one.scope_value.starts_with(&id)
        });
    }
    if let Some(directory) = &args.workspace {
        let directory = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.clone());
        grants.retain(|one| one.scope() == v1::GrantScope::Workspace && is_of(one, &directory));
    }
    match args.output.format {
        Format::Table if grants.is_empty() => output::note("nothing is granted"),
        Format::Table => table(&grants, Timestamp::now()).print()?,
        format => output::messages(format, "Grant", &grants)?,
    }
    Ok(Exit::Done)
}

/// Whether it is of the workspace that this directory, or what it is a repository of, is in.
fn is_of(grant: &v1::Grant, directory: &Path) -> bool {
    let place = Path::new(&grant.scope_value);
    let root = if place.ends_with(".git") { place.parent().unwrap_or(place) } else { place };
    directory == place || directory.starts_with(root)
}

fn table(grants: &[v1::Grant], now: Timestamp) -> Table {
    let heading = vec!["ID", "SCOPE", "WHERE", "WHAT", "BY", "GRANTED", "ENDS"];
    let mut table = Table::new(heading, 3);
    for grant in grants {
        let place = match grant.scope() {
            v1::GrantScope::Session => text::short(&grant.scope_value).to_owned(),
            v1::GrantScope::Workspace | v1::GrantScope::Unspecified => {
                text::workspace(&grant.scope_value).to_owned()
            }
        };
        // A pattern names its tool.
        let what = match grant.pattern.as_str() {
            "" => format!("{} {}", grant.tool, grant.subject),
            pattern => pattern.to_owned(),
        };
        table.row(vec![
            text::short(&grant.id).to_owned(),
            approval::scope(grant.scope()).to_owned(),
            visible(&place).into_owned(),
            cut(&text::printable(&what), approval::SUMMARY_COLUMNS),
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
        None => "never".to_owned(),
        Some(time) if time.seconds <= now.as_second() => "ended".to_owned(),
        time => text::until(time, now),
    }
}

async fn revoke(args: Revoke, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let (mut results, mut revoked) = (Vec::new(), Vec::new());
    for grant in args.grants {
        let request = v1::RevokeGrantRequest { grant, ..Default::default() };
        results.push(match client.revoke_grant(request).await {
            Ok(grant) => {
                let told = match args.output.format {
                    Format::Table => output::line(&format!("revoked {}", text::short(&grant.id))),
                    Format::Json | Format::Jsonl => Ok(()),
                };
                revoked.push(grant);
                told
            }
            Err(error) => Err(error.into()),
        });
    }
    match args.output.format {
        Format::Table => {}
        format => results.push(output::messages(format, "Grant", &revoked)),
    }
    Ok(settle(results))
}
