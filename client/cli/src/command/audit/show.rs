//! `cpctl audit show`.

use codeplane_client::{v1, visible};

use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, FormatArgs};
use crate::text;

/// Show one record with everything that is known
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cpctl audit show 1042")]
pub(super) struct Args {
    /// Its number, as audit ls shows it
    #[arg(value_parser = number)]
    seq: u64,
    #[command(flatten)]
    output: FormatArgs,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let request = v1::ListAuditRecordsRequest {
        page_size: 1,
        after_seq: args.seq - 1,
        ..v1::ListAuditRecordsRequest::default()
    };
    let page = client.list_audit_records(request).await?;
    let Some(record) = page.records.first().filter(|record| record.seq == args.seq) else {
        let seq = args.seq;
        output::note(&format!("cpctl: there is no record {seq}: see cpctl audit ls"));
        return Ok(Exit::NotFound);
    };
    match args.output.format {
        Format::Table => lines(record).iter().try_for_each(|line| output::line(line))?,
        format => output::message(format, "AuditRecord", record)?,
    }
    Ok(Exit::Done)
}

fn number(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "a record has a number from 1 on: see cpctl audit ls".to_owned())
}

fn lines(record: &v1::AuditRecord) -> Vec<String> {
    let mut facts = vec![
        ("record", record.seq.to_string()),
        ("time", text::wire_time(record.time)),
        ("kind", record.kind.clone()),
        ("principal", record.principal.clone()),
    ];
    if !record.session_id.is_empty() {
        facts.push(("session", record.session_id.clone()));
    }
    if record.incarnation > 0 {
        facts.push(("run", record.incarnation.to_string()));
    }
    if record.position.is_some() {
        let (session, at) = (text::short(&record.session_id), text::position(record.position));
        facts.push(("position", at.clone()));
        facts.push(("output", format!("cpctl tail --from {at} {session}")));
    }
    let detail = record.detail.iter().map(|one| (one.name.as_str(), one.value.clone()));
    let shown = facts
        .into_iter()
        .chain(detail)
        .map(|(name, value)| format!("{:<12} {}", visible(name), visible(&value)));
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_leads_to_its_moment_in_the_output() {
        let record = v1::AuditRecord {
            seq: 7,
            time: Some(prost_types::Timestamp { seconds: 0, nanos: 0 }),
            kind: "decision.made".into(),
            principal: "uid:1000".into(),
            session_id: "3f2a0000-0000-4000-8000-000000000000".into(),
            incarnation: 1,
            position: Some(v1::OutputPosition { incarnation: 1, offset: 99 }),
            detail: vec![v1::AuditDetail { name: "command".into(), value: "a\x1bb".into() }],
            ..Default::default()
        };

        assert_eq!(
            lines(&record),
            [
                "record       7",
                "time         1970-01-01T00:00:00Z",
                "kind         decision.made",
                "principal    uid:1000",
                "session      3f2a0000-0000-4000-8000-000000000000",
                "run          1",
                "position     1:99",
                "output       cpctl tail --from 1:99 3f2a0000",
                "command      a\\x1bb",
            ]
        );
    }
}
