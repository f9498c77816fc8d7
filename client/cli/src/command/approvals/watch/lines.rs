//! The queue as lines.

use codeplane_client::v1;

use super::source::{Change, Source};
use crate::exit::{Exit, Failure};
use crate::output::Format;
use crate::{approval, output, text};

/// Prints a line for each approval that comes in and for each that ends. It has no end of its own.
pub(super) async fn run(mut source: Source, format: Format) -> Result<Exit, Failure> {
    loop {
        match source.next().await? {
            Change::Approvals(approvals) => {
                approvals.iter().try_for_each(|approval| print(approval, format))?;
            }
            Change::Away(why) => output::note(&format!("cpctl: {why}: waiting")),
        }
    }
}

fn print(approval: &v1::Approval, format: Format) -> Result<(), Failure> {
    match format {
        Format::Table => {
            let pending = approval.state() == v1::ApprovalState::Pending;
            let time = if pending { approval.create_time } else { approval.decide_time };
            let state = approval::progress(approval);
            let time = text::wire_time(time);
            output::line(&format!("{time:<27}  {state:<9}  {}", approval::called(approval)))
        }
        Format::Json | Format::Jsonl => output::message(Format::Jsonl, "Approval", approval),
    }
}
