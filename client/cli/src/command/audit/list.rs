//! `cpctl audit ls`.

use codeplane_client::{Client, v1, visible};

use super::Which;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, FormatArgs};
use crate::table::Table;
use crate::text;

/// Most records of one call.
const PAGE: usize = 1000;

/// Show the newest records of the audit log, the last one last
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl audit ls
  cpctl audit ls --session web --kind decision.made
  cpctl audit ls --since 2026-11-20T08:00:00Z --all -o jsonl")]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// How many at most
    #[arg(short = 'n', long, value_name = "COUNT", default_value = "100")]
    limit: usize,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    output: FormatArgs,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let limit = if args.all { usize::MAX } else { args.limit };
    let records = newest(&client, &args.which, limit).await?;
    match args.output.format {
        Format::Table => table(&records)?,
        format => output::messages(format, "AuditRecord", &records)?,
    }
    Ok(Exit::Done)
}

/// The newest `limit` records, in the order in which they happened.
async fn newest(
    client: &Client,
    which: &Which,
    limit: usize,
) -> Result<Vec<v1::AuditRecord>, Failure> {
    let mut request = v1::ListAuditRecordsRequest {
        filter: which.filter(client).await?,
        since: which.since.map(Into::into),
        until: which.until.map(Into::into),
        newest_first: true,
        ..v1::ListAuditRecordsRequest::default()
    };
    let mut records = Vec::new();
    while records.len() < limit {
        let size = (limit - records.len()).min(PAGE);
        request.page_size = i32::try_from(size).unwrap_or(i32::MAX);
        let page = client.list_audit_records(request.clone()).await?;
        records.extend(page.records);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    records.reverse();
    Ok(records)
}

fn table(records: &[v1::AuditRecord]) -> Result<(), Failure> {
    let heading = vec!["SEQ", "TIME", "KIND", "PRINCIPAL", "SESSION", "DETAIL"];
    let mut table = Table::new(heading, 5);
    for record in records {
        let session = text::short(&record.session_id);
        table.row(vec![
            record.seq.to_string(),
            text::wire_time(record.time),
            visible(&record.kind).into_owned(),
            principal(&record.principal),
            visible(if session.is_empty() { "-" } else { session }).into_owned(),
            detail(record),
        ]);
    }
    table.print()
}

/// An agent's is its session's, which has a column of its own.
fn principal(name: &str) -> String {
    let shown = match name.split_once(':') {
        Some(("agent", id)) => format!("agent:{}", text::short(id)),
        Some(_) | None => name.to_owned(),
    };
    visible(&shown).into_owned()
}

fn detail(record: &v1::AuditRecord) -> String {
    let pairs = record
        .detail
        .iter()
        .map(|detail| format!("{}={}", visible(&detail.name), visible(&detail.value)));
    pairs.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_acts_on_no_terminal() {
        let command = v1::AuditDetail { name: "command".into(), value: "a\x1b]0;b\nc".into() };
        let again = v1::AuditDetail { name: "cwd".into(), value: "/\u{202e}".into() };
        let record = v1::AuditRecord { detail: vec![command, again], ..Default::default() };

        assert_eq!(detail(&record), "command=a\\x1b]0;b\\nc cwd=/<U+202E>");
        assert_eq!(principal("agent:3f2a0000-0000-4000-8000-000000000000"), "agent:3f2a0000");
        assert_eq!(principal("uid:1000"), "uid:1000");
    }
}
