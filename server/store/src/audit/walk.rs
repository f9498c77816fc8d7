//! The chain from one end to the other.

use codeplane_core::HostId;
use codeplane_core::audit::{
    AuditPublicKey, AuditRecord, AuditSeq, Beginning, Checkpoint, Finding, StoredRecord, Verified,
    Verifier,
};
use diesel::prelude::*;

use super::row::{AuditRow, CheckpointRow, number, seq};
use crate::error::StoreError;
use crate::schema::{audit_checkpoints, audit_records, host};
use crate::store::Store;

/// How many records are in memory at a time: some may have details of 64 KiB.
const BATCH: i64 = 256;

/// One link of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditItem {
    /// A record.
    Record(StoredRecord),
    /// A checkpoint of the record before it.
    Checkpoint(Checkpoint),
}

/// Some links, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walked {
    /// The links; before the first record the checkpoint it begins behind, if records were removed.
    pub items: Vec<AuditItem>,
    /// The last record of them, to be given to the next call; none at the end.
    pub next: Option<AuditSeq>,
}

impl Store {
    /// Goes through the whole chain. The inner answer is the first record that is not as it was
    /// written. `witnesses` are checkpoints that were kept elsewhere: what they sign must be there.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while a check or a backup runs, and those of every read.
    pub async fn verify_audit(
        &self,
        keys: Vec<AuditPublicKey>,
        witnesses: Vec<Checkpoint>,
    ) -> Result<Result<Verified, Finding>, StoreError> {
        self.parts().slow.read(move |connection| verify(connection, &keys, &witnesses)).await
    }

    /// The links behind a record, with their bytes as they are stored. With [`AuditSeq::NONE`] from
    /// the beginning of what is kept.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`] for a checkpoint that is none, and those of every read.
    pub async fn audit_chain(&self, after: AuditSeq) -> Result<Walked, StoreError> {
        self.read(move |connection| {
            connection.transaction(|connection| {
                let mut walked = Walked { items: Vec::new(), next: None };
                let step = step(connection, after, |link| {
                    walked.items.push(match link {
                        Link::Record(row) => AuditItem::Record(row.stored()),
                        Link::Checkpoint(checkpoint) => AuditItem::Checkpoint(checkpoint),
                    });
                    Ok::<_, Finding>(())
                })?;
                walked.next = match step {
                    Step::On(next) => Some(next),
                    Step::End | Step::Found(_) => None,
                };
                Ok(walked)
            })
        })
        .await
    }
}

/// See [`Store::verify_audit`]. All of it in one snapshot: what is removed or written meanwhile is
/// neither missing nor too much.
pub(super) fn verify(
    connection: &mut SqliteConnection,
    keys: &[AuditPublicKey],
    witnesses: &[Checkpoint],
) -> Result<Result<Verified, Finding>, StoreError> {
    connection.transaction(|connection| {
        let host = host_of(connection)?;
        let mut verifier = Verifier::new(host, keys, Beginning::Whole);
        let mut witnesses = Witnesses::of(connection, witnesses)?;
        let mut after = AuditSeq::NONE;
        loop {
            let step = step(connection, after, |link| match link {
                Link::Record(row) => {
                    witnesses.heard_before(seq(row.seq), &mut verifier)?;
                    let record: AuditRecord = verifier.record(&row.stored())?;
                    row.check_columns(&record)
                }
                Link::Checkpoint(checkpoint) => {
                    witnesses.heard_before(checkpoint.statement.seq, &mut verifier)?;
                    verifier.checkpoint(&checkpoint)
                }
            })?;
            match step {
                Step::On(next) => after = next,
                Step::Found(finding) => return Ok(Err(finding)),
                Step::End => break,
            }
        }
        let end = AuditSeq(u64::MAX);
        Ok(witnesses.heard_before(end, &mut verifier).and_then(|()| verifier.finish()))
    })
}

pub(super) fn host_of(connection: &mut SqliteConnection) -> Result<HostId, StoreError> {
    let text: String = host::table.select(host::id).first(connection)?;
    text.parse().map_err(|error| StoreError::DamagedRow {
        table: "host",
        key: "1".to_owned(),
        problem: format!("{error}"),
    })
}

/// Checkpoints that were kept elsewhere, in order.
struct Witnesses(std::vec::IntoIter<Checkpoint>);

impl Witnesses {
    /// Those of records that are kept.
    fn of(connection: &mut SqliteConnection, all: &[Checkpoint]) -> Result<Self, StoreError> {
        let oldest: Option<i64> =
            audit_records::table.select(diesel::dsl::min(audit_records::seq)).first(connection)?;
        let oldest = oldest.map_or(AuditSeq::NONE, seq);
        let mut kept: Vec<_> =
            all.iter().filter(|checkpoint| checkpoint.statement.seq >= oldest).cloned().collect();
        kept.sort_by_key(|checkpoint| checkpoint.statement.seq);
        Ok(Self(kept.into_iter()))
    }

    /// Has those be checked that sign a record before `seq`.
    fn heard_before(&mut self, seq: AuditSeq, verifier: &mut Verifier<'_>) -> Result<(), Finding> {
        while let Some(next) = self.0.as_slice().first()
            && next.statement.seq < seq
        {
            verifier.checkpoint(next)?;
            self.0.next();
        }
        Ok(())
    }
}

enum Link {
    Record(AuditRow),
    Checkpoint(Checkpoint),
}

enum Step {
    /// There is more behind this record.
    On(AuditSeq),
    End,
    Found(Finding),
}

/// Some links behind a record, each checkpoint behind its own.
fn step(
    connection: &mut SqliteConnection,
    after: AuditSeq,
    mut each: impl FnMut(Link) -> Result<(), Finding>,
) -> Result<Step, StoreError> {
    let rows: Vec<AuditRow> = audit_records::table
        .filter(audit_records::seq.gt(number(after)))
        .order(audit_records::seq)
        .limit(BATCH)
        .select(AuditRow::as_select())
        .load(connection)?;
    let is_last = i64::try_from(rows.len()).unwrap_or(i64::MAX) < BATCH;
    let through = match rows.last() {
        Some(row) if !is_last => row.seq,
        Some(_) | None => i64::MAX,
    };
    let mut checkpoints = checkpoints(connection, after, through)?.into_iter().peekable();
    for row in rows {
        while let Some(due) = checkpoints.next_if(|due| due.seq < row.seq) {
            if let Err(finding) = each(Link::Checkpoint(due.try_into()?)) {
                return Ok(Step::Found(finding));
            }
        }
        if let Err(finding) = each(Link::Record(row)) {
            return Ok(Step::Found(finding));
        }
    }
    for due in checkpoints {
        if let Err(finding) = each(Link::Checkpoint(due.try_into()?)) {
            return Ok(Step::Found(finding));
        }
    }
    Ok(if is_last { Step::End } else { Step::On(seq(through)) })
}

fn checkpoints(
    connection: &mut SqliteConnection,
    after: AuditSeq,
    through: i64,
) -> QueryResult<Vec<CheckpointRow>> {
    audit_checkpoints::table
        .filter(audit_checkpoints::seq.gt(number(after)))
        .filter(audit_checkpoints::seq.le(through))
        .order(audit_checkpoints::seq)
        .select(CheckpointRow::as_select())
        .load(connection)
}
