//! `cpctl audit export`.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use codeplane_client::{AuditExport, v1};

use super::Which;
use crate::context::Context;
use crate::exit::{Exit, Failure};
use crate::output;

/// Write the audit log as a file that can be kept and verified elsewhere
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cpctl audit export --to audit.jsonl
  cpctl audit export --format csv --since 7d --kind decision.made > decisions.csv

JSON lines hold every record with its hash and the signed checkpoints: cpctl audit verify --export reads
them, or any program that knows SHA-256 and Ed25519. In a table for spreadsheets no cell is a formula.")]
pub(super) struct Args {
    /// What to write
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: Form,
    /// The file to write, which must not exist; default standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// One JSON object a line: it can be verified
    Jsonl,
    /// A table for spreadsheets
    Csv,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let client = context.connect().await?;
    let format = match args.format {
        Form::Jsonl => v1::AuditExportFormat::Jsonl,
        Form::Csv => v1::AuditExportFormat::Csv,
    };
    let request = v1::ExportAuditRequest {
        format: format.into(),
        since: args.which.since.map(Into::into),
        until: args.which.until.map(Into::into),
        filter: args.which.filter(),
    };
    let export = client.export_audit(request).await?;
    match args.to {
        None => copy(export, output::bytes).await?,
        Some(path) => {
            let shown = path.display().to_string();
            let failed = |what: &str| Failure::system(format!("cannot {what} '{shown}'"));
            let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            let mut file = opened.map_err(failed("create"))?;
            copy(export, |data| file.write_all(data).map_err(failed("write"))).await?;
            file.sync_all().map_err(failed("write"))?;
        }
    }
    Ok(Exit::Done)
}

async fn copy(
    mut export: AuditExport,
    mut write: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    while let Some(data) = export.next().await? {
        write(&data)?;
    }
    Ok(())
}
