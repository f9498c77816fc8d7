//! `cpctl audit ls`.

use std::collections::BTreeMap;

use codeplane_client::{Client, v1};

use super::{Which, row};
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, FormatArgs};

/// Most records of one call.
const PAGE: usize = 1000;

/// Show the newest records of the audit log, the last one last
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl audit ls
  cpctl audit ls --session web --kind decision.made
  cpctl audit ls --since 2026-11-20T08:00:00Z --all -o jsonl

Times are in UTC. RULE/BY is what decided: rules, a grant, or who did it. cpctl audit show SEQ shows all
of a record.")]
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
        Format::Table => {
            let names = names(&client, &records).await;
            row::table(&records, &names).print()?;
        }
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
        filter: which.filter(),
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

/// The names of the sessions of records, by their ids; also of those that were removed.
async fn names(client: &Client, records: &[v1::AuditRecord]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for record in records.iter().filter(|record| !record.session_id.is_empty()) {
        if names.contains_key(&record.session_id) {
            continue;
        }
        let name = match client.get_session(&record.session_id).await {
            Ok(session) => session.name,
            // A table without a name is better than none.
            Err(_) => recorded_name(client, &record.session_id).await.unwrap_or_default(),
        };
        names.insert(record.session_id.clone(), name);
    }
    names
}

/// What a session that is not there any more was called last.
async fn recorded_name(client: &Client, session: &str) -> Option<String> {
    let request = v1::ListAuditRecordsRequest {
        filter: format!("session={session} AND kind=session.created AND kind=session.updated"),
        newest_first: true,
        page_size: 100,
        ..v1::ListAuditRecordsRequest::default()
    };
    let page = client.list_audit_records(request).await.ok()?;
    let mut details = page.records.into_iter().flat_map(|record| record.detail);
    details.find(|detail| detail.name == "name").map(|detail| detail.value)
}
