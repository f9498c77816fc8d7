//! `cpctl policy diff`.

use codeplane_client::v1::diff_policy_response::Item;
use codeplane_client::{Client, v1, visible};
use jiff::Timestamp;
use serde_json::json;

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{Format, FormatArgs};
use crate::table::Table;
use crate::{decision, json as message, line_diff, output, text};

/// Show what changed between two revisions of a policy, and what it changes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl policy diff team          the newest revision and the one before
  cpctl policy diff team 3 5
  cpctl policy diff team 3 5 --last 1000

With --last the newest recorded calls of sessions that the policy was bound to are judged by both revisions, as
they were made: other policies as they were bound, paths as they were, remembered answers left out. Those that
get another answer are listed.")]
pub(crate) struct Args {
    /// The policy
    name: String,
    /// The older revision [default: the one before the newer]
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    from: Option<i64>,
    /// The newer revision [default: the newest]
    #[arg(value_parser = clap::value_parser!(i64).range(1..))]
    to: Option<i64>,
    /// Also judge so many recorded calls by both
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..=10_000))]
    last: Option<i32>,
    #[command(flatten)]
    output: FormatArgs,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    if args.last.is_none() && args.output.format != Format::Table {
        return Err(Failure::Usage("-o needs --last COUNT: it prints changed answers".to_owned()));
    }
    let client = context.connect().await?;
    let newer = client.get_policy(&args.name, args.to.unwrap_or_default()).await?;
    let from = args.from.unwrap_or(newer.revision - 1);
    if from < 1 {
        let name = visible(&newer.name);
        return Err(Failure::Usage(format!(
            "policy '{name}' has one revision: there is no change"
        )));
    }
    if args.output.format == Format::Table {
        let older = client.get_policy(&args.name, from).await?;
        texts(&older, &newer)?;
    }
    let Some(last) = args.last else { return Ok(Exit::Done) };
    let request = v1::DiffPolicyRequest {
        policy: args.name,
        from_revision: from,
        to_revision: newer.revision,
        last,
    };
    answers(&client, request, args.output.format).await
}

fn texts(older: &v1::Policy, newer: &v1::Policy) -> Result<(), Failure> {
    let lines = line_diff::unified(&older.text, &newer.text);
    if !lines.is_empty() {
        output::line(&format!("--- {} revision {}", visible(&older.name), older.revision))?;
        output::line(&format!("+++ {} revision {}", visible(&newer.name), newer.revision))?;
    }
    lines.iter().try_for_each(|line| output::line(&visible(&line.replace('\t', "    "))))
}

async fn answers(
    client: &Client,
    request: v1::DiffPolicyRequest,
    format: Format,
) -> Result<Exit, Failure> {
    let mut diff = client.diff_policy(request).await?;
    let (mut changed, mut summary) = (Vec::new(), v1::PolicyDiffSummary::default());
    while let Some(item) = diff.next().await? {
        match item {
            Item::Changed(one) if format == Format::Jsonl => {
                output::message(format, "ChangedAnswer", &one)?;
            }
            Item::Changed(one) => changed.push(one),
            Item::Summary(all) => summary = all,
        }
    }
    match format {
        Format::Table => {
            if !changed.is_empty() {
                table(&changed, Timestamp::now()).print()?;
            }
            output::line(&counted(summary))?;
        }
        Format::Json => {
            let changed = changed.iter().map(|one| message::of("ChangedAnswer", one));
            let changed: Vec<_> = changed.collect();
            let summary = message::of("PolicyDiffSummary", &summary);
            output::value(format, &json!({ "changed": changed, "summary": summary }))?;
        }
        Format::Jsonl => output::message(format, "PolicyDiffSummary", &summary)?,
    }
    Ok(Exit::Done)
}

fn counted(summary: v1::PolicyDiffSummary) -> String {
    let v1::PolicyDiffSummary { judged, changed, left_out } = summary;
    let calls = if judged == 1 { "call" } else { "calls" };
    let mut text = format!("{judged} {calls} judged by both, {changed} with another answer");
    if left_out > 0 {
        text.push_str(&format!("; {left_out} cannot be judged again"));
    }
    text
}

fn table(changed: &[v1::ChangedAnswer], now: Timestamp) -> Table {
    let mut table = Table::new(vec!["ID", "SESSION", "CHANGE", "TOOL", "WHAT", "WHEN", "WHY"], 4);
    for one in changed {
        let call = one.decision.clone().unwrap_or_default();
        let says = |judged: &Option<v1::JudgedRequest>| {
            judged.as_ref().map_or("nothing", |judged| decision::effect(judged.decision()))
        };
        let why =
            one.after.as_ref().and_then(|after| after.rules.first().or(after.reasons.first()));
        table.row(vec![
            text::short(&call.id).to_owned(),
            decision::session(&call),
            format!("{} -> {}", says(&one.before), says(&one.after)),
            visible(&call.tool).into_owned(),
            text::printable(&call.subject),
            text::ago(call.create_time, now),
            why.map_or_else(String::new, |why| text::printable(why)),
        ]);
    }
    table
}
