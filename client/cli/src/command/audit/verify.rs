//! `cpctl audit verify`.

use std::path::PathBuf;

use crate::autostart::Autostart;
use crate::context::Context;
use crate::daemon_entry::{self, AuditVerdict};
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, FormatArgs};
use crate::text;

/// Go through the audit log and name the first record that is not as it was written
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl audit verify
  cpctl audit verify --public-key signing.pub --checkpoints audit-checkpoints.jsonl
  cpctl audit verify --export audit.jsonl --public-key signing.pub

The hash stands for all records up to the newest: who kept it can tell that none of them was exchanged.

Reads the state directory itself, also while the daemon runs, and needs no daemon; with --endpoint, the
daemon there is asked. Ends with 0 if every record is as it was written, and with 1 if one is not.

Without --public-key the keys beside the log are trusted (audit/signing.pub in the state directory):
keep a copy elsewhere, for whoever can write there could exchange both.")]
pub(super) struct Args {
    /// A file that cpctl audit export wrote, instead of the state directory
    #[arg(long, value_name = "FILE", requires = "public_key")]
    export: Option<PathBuf>,
    /// The keys to trust, one a line: a copy of audit/signing.pub
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Checkpoints that were kept elsewhere: what they sign must be there
    #[arg(long, value_name = "FILE", conflicts_with = "export")]
    checkpoints: Option<PathBuf>,
    #[command(flatten)]
    output: FormatArgs,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let verdict = match (&args.export, &args.public_key) {
        (Some(export), Some(key)) => daemon_entry::verify_audit_export(export, key),
        (None, None) if context.autostart == Autostart::ForeignDaemon => ask(context).await?,
        (None, _) if context.autostart == Autostart::ForeignDaemon => {
            let why = "--public-key is for a state directory or an export: with --endpoint the \
                       daemon trusts its own keys; export its log and verify that";
            return Err(Failure::Usage(why.to_owned()));
        }
        // The command line asks for the key; without one nothing would be proven.
        (Some(_), None) => return Err(Failure::Usage("--export needs --public-key".to_owned())),
        (None, key) => daemon_entry::verify_audit_state(
            &context.directories.state,
            key.as_deref(),
            args.checkpoints.as_deref(),
        ),
    };
    show(&verdict, args.output.format)
}

async fn ask(context: &Context) -> Result<AuditVerdict, Failure> {
    let answer = context.connect_only().await?.verify_audit().await?;
    Ok(match answer.finding {
        Some(finding) => AuditVerdict::Tampered { seq: finding.seq, problem: finding.problem },
        None => AuditVerdict::Sound {
            records: answer.records,
            first: answer.first_seq,
            last: answer.last_seq,
            signed_through: answer.signed_through_seq,
            hash: answer.hash,
        },
    })
}

fn show(verdict: &AuditVerdict, format: Format) -> Result<Exit, Failure> {
    let (exit, value) = match verdict {
        AuditVerdict::Sound { records, first, last, signed_through, hash } => (
            Exit::Done,
            serde_json::json!({"sound": true, "records": records, "first": first, "last": last,
                "signed_through": signed_through, "hash": hash}),
        ),
        AuditVerdict::Tampered { seq, problem } => {
            (Exit::No, serde_json::json!({"sound": false, "seq": seq, "problem": problem}))
        }
        AuditVerdict::Unreadable(problem) => {
            return Err(Failure::Usage(text::printable(problem)));
        }
    };
    match format {
        Format::Table => output::line(&said(verdict))?,
        Format::Json | Format::Jsonl => output::value(format, &value)?,
    }
    Ok(exit)
}

fn said(verdict: &AuditVerdict) -> String {
    match verdict {
        AuditVerdict::Sound { records: 0, .. } => "the audit log is empty".to_owned(),
        AuditVerdict::Sound { records, first, last, signed_through, hash } => {
            let unsigned = last.saturating_sub(*signed_through);
            let signed = match (signed_through, unsigned) {
                (0, _) => "none is signed yet".to_owned(),
                (_, 0) => "all are signed".to_owned(),
                (through, 1) => format!("signed through {through}, 1 more is not yet"),
                (through, more) => format!("signed through {through}, {more} more are not yet"),
            };
            format!(
                "{records} records, {first} to {last}, are as they were written; {signed}\n\
                 hash after record {last}: {hash}"
            )
        }
        AuditVerdict::Tampered { seq, problem } => {
            text::printable(&format!("record {seq}: {problem}"))
        }
        AuditVerdict::Unreadable(problem) => text::printable(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_what_is_proven() {
        let sound = |first, last, signed_through| AuditVerdict::Sound {
            records: last - first + 1,
            first,
            last,
            signed_through,
            hash: "00".to_owned(),
        };

        assert_eq!(
            said(&sound(11, 30, 28)),
            "20 records, 11 to 30, are as they were written; signed through 28, 2 more are not yet\n\
             hash after record 30: 00"
        );
        assert!(said(&sound(1, 9, 9)).contains("all are signed"));
        assert!(said(&sound(1, 9, 0)).contains("none is signed yet"));
        let bad = AuditVerdict::Tampered { seq: 13, problem: "it is missing".to_owned() };
        assert_eq!(said(&bad), "record 13: it is missing");
    }
}
