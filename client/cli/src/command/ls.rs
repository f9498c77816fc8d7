//! `cpctl ls`.

use codeplane_client::{v1, visible};
use jiff::Timestamp;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::parse::Pair;
use crate::select::{filter_value, label_filter};
use crate::table::Table;
use crate::{output, parse, text};

/// List sessions
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "list",
    after_help = "Examples:
  cpctl ls
  cpctl ls --state running --label team=infra
  cpctl ls -o json | jq -r '.[].id'"
)]
pub(crate) struct Args {
    /// Only sessions in this state
    #[arg(long, value_parser = parse::state)]
    state: Option<v1::SessionState>,
    /// Only sessions with this label; given several times, with all of them
    #[arg(long, value_name = "KEY=VALUE")]
    label: Vec<Pair>,
    /// Only what this lets pass: field=value AND … over state, name, provider, source, parent,
    /// gate, activity, labels.KEY
    #[arg(long)]
    filter: Option<String>,
    /// Print ids only
    #[arg(short, long, conflicts_with = "format")]
    quiet: bool,
    #[command(flatten)]
    output: FormatArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let sessions = client.all_sessions(&filter(&args)).await?;
    if args.quiet {
        sessions.iter().try_for_each(|session| output::line(&session.id))?;
        return Ok(Exit::Done);
    }
    match args.output.format {
        Format::Table => table(&sessions, Timestamp::now()).print()?,
        format => output::messages(format, "Session", &sessions)?,
    }
    Ok(Exit::Done)
}

fn filter(args: &Args) -> String {
    let state = args.state.map(|state| format!("state={}", filter_value(text::state(state))));
    let labels = Some(label_filter(&args.label)).filter(|labels| !labels.is_empty());
    let terms: Vec<String> = [state, labels, args.filter.clone()].into_iter().flatten().collect();
    terms.join(" AND ")
}

fn table(sessions: &[v1::Session], now: Timestamp) -> Table {
    let mut table =
        Table::new(vec!["ID", "NAME", "STATE", "AGENT", "COMMAND", "CREATED", "ATTACHED"], 4);
    for session in sessions {
        table.row(vec![
            text::short(&session.id).to_owned(),
            visible(&session.name).into_owned(),
            state(session),
            text::agent(session),
            text::command(&session.command),
            text::ago(session.create_time, now),
            session.attachment_count.to_string(),
        ]);
    }
    table
}

/// Its state, and what nobody should overlook.
fn state(session: &v1::Session) -> String {
    let state = text::state_of(session);
    if session.dangerous { format!("{state}, DANGEROUS") } else { state }
}
