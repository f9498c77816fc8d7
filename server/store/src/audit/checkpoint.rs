//! Signed hashes.

use codeplane_core::audit::{AuditSeq, Checkpoint};
use diesel::prelude::*;

use super::row::{self, CheckpointRow, number};
use crate::error::StoreError;
use crate::schema::{audit_checkpoints, audit_records};
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

impl Store {
    /// Keeps a checkpoint of a record that is there. One that is there already stays.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`] if the record has another hash than was signed: somebody else wrote
    /// into the table; and those of every write.
    pub async fn insert_checkpoint(&self, checkpoint: Checkpoint) -> Result<(), StoreError> {
        self.write(Urgency::Ordinary, move |transaction| insert(transaction, &checkpoint)).await
    }

    /// At most `limit` checkpoints behind a record, in order.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`], and those of every read.
    pub async fn audit_checkpoints(
        &self,
        after: AuditSeq,
        limit: usize,
    ) -> Result<Vec<Checkpoint>, StoreError> {
        self.read(move |connection| {
            let rows: Vec<CheckpointRow> = audit_checkpoints::table
                .filter(audit_checkpoints::seq.gt(number(after)))
                .order(audit_checkpoints::seq)
                .limit(i64::try_from(limit).unwrap_or(i64::MAX))
                .select(CheckpointRow::as_select())
                .load(connection)?;
            rows.into_iter().map(Checkpoint::try_from).collect()
        })
        .await
    }

    /// The newest checkpoint of a record before `seq`: a part of the chain may begin behind it.
    ///
    /// # Errors
    /// Those of every read.
    pub async fn checkpoint_before(&self, seq: AuditSeq) -> Result<Option<AuditSeq>, StoreError> {
        self.read(move |connection| {
            let found: Option<i64> = audit_checkpoints::table
                .select(audit_checkpoints::seq)
                .filter(audit_checkpoints::seq.lt(number(seq)))
                .order(audit_checkpoints::seq.desc())
                .first(connection)
                .optional()?;
            Ok(found.map(row::seq))
        })
        .await
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`], and those of every read.
    pub async fn newest_checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        self.read(|connection| {
            let row: Option<CheckpointRow> = audit_checkpoints::table
                .order(audit_checkpoints::seq.desc())
                .select(CheckpointRow::as_select())
                .first(connection)
                .optional()?;
            row.map(Checkpoint::try_from).transpose()
        })
        .await
    }
}

fn insert(transaction: &mut Transaction<'_>, checkpoint: &Checkpoint) -> Result<(), StoreError> {
    let seq = number(checkpoint.statement.seq);
    let hash: Option<Vec<u8>> = audit_records::table
        .find(seq)
        .select(audit_records::hash)
        .first(transaction.connection)
        .optional()?;
    if hash.is_none_or(|hash| hash != checkpoint.statement.hash.0) {
        return Err(StoreError::DamagedRow {
            table: "audit_records",
            key: seq.to_string(),
            problem: "it is not the record that was written".to_owned(),
        });
    }
    diesel::insert_or_ignore_into(audit_checkpoints::table)
        .values(CheckpointRow::of(checkpoint))
        .execute(transaction.connection)?;
    Ok(())
}
