//! `cpctl decisions`.

use codeplane_client::{Client, Error, v1, visible};
use jiff::Timestamp;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::select::filter_value;
use crate::table::Table;
use crate::{decision, output, text};

/// Most decisions of one call.
const PAGE: usize = 200;

/// Look at what was answered to agents
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Ls(Ls),
}

/// List decisions, the newest first
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "list",
    after_help = "Examples:
  cpctl decisions ls
  cpctl decisions ls --session web --denied
  cpctl decisions ls --tool Bash --all -o jsonl | jq -r .subject

cpctl explain ID tells why."
)]
struct Ls {
    /// Only those of this session
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Only those that deny
    #[arg(long, conflicts_with = "allowed")]
    denied: bool,
    /// Only those that allow
    #[arg(long)]
    allowed: bool,
    /// Only those about this tool
    #[arg(long, value_name = "TOOL")]
    tool: Option<String>,
    /// How many at most
    #[arg(short = 'n', long, value_name = "COUNT", default_value = "100")]
    limit: usize,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    output: FormatArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Ls(args) => ls(args, context).await,
    }
}

async fn ls(args: Ls, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let limit = if args.all { usize::MAX } else { args.limit };
    let decisions = newest(&client, filter(&client, &args).await?, limit).await?;
    match args.output.format {
        Format::Table => table(&decisions, Timestamp::now()).print()?,
        format => output::messages(format, "Decision", &decisions)?,
    }
    Ok(Exit::Done)
}

/// In the daemon's filter grammar.
async fn filter(client: &Client, args: &Ls) -> Result<String, Failure> {
    let mut terms = Vec::new();
    if let Some(session) = &args.session {
        // Decisions outlive their session: then only the whole id finds them.
        let id = match client.get_session(session).await {
            Ok(session) => session.id,
            Err(Error::NotFound { .. }) => session.clone(),
            Err(error) => return Err(error.into()),
        };
        terms.push(format!("session={}", filter_value(&id)));
    }
    if args.denied {
        terms.push("outcome=denied".to_owned());
    }
    if args.allowed {
        terms.push("outcome=allowed".to_owned());
    }
    if let Some(tool) = &args.tool {
        terms.push(format!("tool={}", filter_value(tool)));
    }
    Ok(terms.join(" AND "))
}

async fn newest(
    client: &Client,
    filter: String,
    limit: usize,
) -> Result<Vec<v1::Decision>, Failure> {
    let mut request = v1::ListDecisionsRequest { filter, ..Default::default() };
    let mut decisions = Vec::new();
    while decisions.len() < limit {
        let size = (limit - decisions.len()).min(PAGE);
        request.page_size = i32::try_from(size).unwrap_or(i32::MAX);
        let page = client.list_decisions(request.clone()).await?;
        decisions.extend(page.decisions);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(decisions)
}

/// What was asked; what became of it, where somebody edited it.
fn what(one: &v1::Decision) -> String {
    let asked = text::printable(&one.subject);
    if one.updated_subject.is_empty() {
        return asked;
    }
    format!("{} (edited, asked: {asked})", text::printable(&one.updated_subject))
}

fn table(decisions: &[v1::Decision], now: Timestamp) -> Table {
    let heading = vec!["ID", "SESSION", "ANSWER", "FROM", "BY", "TOOL", "WHAT", "WHEN"];
    let mut table = Table::new(heading, 6);
    for one in decisions {
        table.row(vec![
            text::short(&one.id).to_owned(),
            decision::session(one),
            decision::outcome(one.outcome()).to_owned(),
            visible(&one.source).into_owned(),
            visible(&one.decided_by).into_owned(),
            visible(&one.tool).into_owned(),
            what(one),
            text::ago(one.create_time, now),
        ]);
    }
    table
}
