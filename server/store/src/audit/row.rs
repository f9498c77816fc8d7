//! Records and checkpoints as rows.

use codeplane_core::Timestamp;
use codeplane_core::audit::{
    AuditPublicKey, AuditRecord, AuditSeq, ChainHash, Checkpoint, Finding, Flaw, Statement,
    StoredRecord,
};
use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::{audit_checkpoints, audit_records};

/// A number as `SQLite` has it: the chain would need to grow for ages to be beyond it.
pub(super) fn number(seq: AuditSeq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

pub(super) fn seq(number: i64) -> AuditSeq {
    // The table has a CHECK.
    AuditSeq(u64::try_from(number).unwrap_or_default())
}

#[derive(Insertable)]
#[diesel(table_name = audit_records)]
pub(super) struct NewAuditRow<'r> {
    seq: i64,
    time: i64,
    kind: &'r str,
    session: Option<String>,
    principal: &'r str,
    record: Vec<u8>,
    hash: Vec<u8>,
}

impl<'r> NewAuditRow<'r> {
    pub(super) fn of(record: &'r AuditRecord, bytes: Vec<u8>, hash: ChainHash) -> Self {
        Self {
            seq: number(record.seq),
            time: record.time.as_micros(),
            kind: &record.kind,
            session: record.session.map(|session| session.to_string()),
            principal: &record.principal,
            record: bytes,
            hash: hash.0.to_vec(),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_records)]
pub(super) struct AuditRow {
    pub(super) seq: i64,
    time: i64,
    kind: String,
    session: Option<String>,
    principal: String,
    record: Vec<u8>,
    hash: Vec<u8>,
}

impl AuditRow {
    /// What the record says; the columns only find it.
    pub(super) fn decode(&self) -> Result<AuditRecord, StoreError> {
        AuditRecord::decode(&self.record).map_err(|error| StoreError::DamagedRow {
            table: "audit_records",
            key: self.seq.to_string(),
            problem: error.to_string(),
        })
    }

    pub(super) fn stored(&self) -> StoredRecord {
        // A hash of another length is none that anything has: it is found as changed.
        let hash = ChainHash(self.hash.as_slice().try_into().unwrap_or_default());
        StoredRecord { seq: seq(self.seq), record: self.record.clone(), hash }
    }

    /// Whether the columns say what the record says.
    pub(super) fn check_columns(&self, record: &AuditRecord) -> Result<(), Finding> {
        let session = record.session.map(|session| session.to_string());
        let columns = [
            ("time", self.time == record.time.as_micros()),
            ("kind", self.kind == record.kind),
            ("session", self.session == session),
            ("principal", self.principal == record.principal),
        ];
        match columns.into_iter().find(|(_, is_same)| !is_same) {
            Some((name, _)) => Err(Finding { seq: record.seq, flaw: Flaw::Misfiled(name) }),
            None => Ok(()),
        }
    }
}

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = audit_checkpoints)]
pub(super) struct CheckpointRow {
    pub(super) seq: i64,
    hash: Vec<u8>,
    time: i64,
    boot: String,
    key: Vec<u8>,
    signature: Vec<u8>,
}

impl CheckpointRow {
    pub(super) fn of(checkpoint: &Checkpoint) -> Self {
        let Checkpoint { statement, key, signature } = checkpoint;
        Self {
            seq: number(statement.seq),
            hash: statement.hash.0.to_vec(),
            time: statement.time.as_micros(),
            boot: statement.boot.clone(),
            key: key.0.to_vec(),
            signature: signature.to_vec(),
        }
    }
}

impl TryFrom<CheckpointRow> for Checkpoint {
    type Error = StoreError;

    fn try_from(row: CheckpointRow) -> Result<Self, StoreError> {
        let key = row.seq.to_string();
        let damaged = |_| StoreError::DamagedRow {
            table: "audit_checkpoints",
            key: key.clone(),
            problem: "a hash, key or signature has another length".to_owned(),
        };
        Ok(Self {
            statement: Statement {
                seq: seq(row.seq),
                hash: ChainHash(row.hash.try_into().map_err(damaged)?),
                time: Timestamp::from_micros(row.time),
                boot: row.boot,
            },
            key: AuditPublicKey(row.key.try_into().map_err(damaged)?),
            signature: row.signature.try_into().map_err(damaged)?,
        })
    }
}
