//! The audit log: an append-only chain.

use codeplane_core::HostId;
use codeplane_core::audit::{AuditRecord, AuditSeq, ChainHash, NewAudit};
use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::{audit_checkpoints, audit_records};
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

/// Where the chain has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The newest record.
    pub(crate) seq: AuditSeq,
    /// The hash after it.
    pub(crate) hash: ChainHash,
}

impl Head {
    /// Reads it back: the newest record, or where records were removed the checkpoint before the next.
    pub(crate) fn load(connection: &mut SqliteConnection, host: HostId) -> QueryResult<Self> {
        let record: Option<(i64, Vec<u8>)> = audit_records::table
            .select((audit_records::seq, audit_records::hash))
            .order(audit_records::seq.desc())
            .first(connection)
            .optional()?;
        let newest = match record {
            Some(newest) => Some(newest),
            None => audit_checkpoints::table
                .select((audit_checkpoints::seq, audit_checkpoints::hash))
                .order(audit_checkpoints::seq.desc())
                .first(connection)
                .optional()?,
        };
        let Some((seq, hash)) = newest else {
            return Ok(Self { seq: AuditSeq::NONE, hash: ChainHash::genesis(host) });
        };
        let damaged = |what: &str| diesel::result::Error::DeserializationError(what.into());
        Ok(Self {
            seq: AuditSeq(seq.try_into().map_err(|_| damaged("a negative audit number"))?),
            hash: ChainHash(hash.try_into().map_err(|_| damaged("an audit hash is not 32 bytes"))?),
        })
    }
}

impl Store {
    /// Writes records, all or none of them. Answers the number of the last; of none, that of the
    /// newest record.
    ///
    /// They may be refused while the disk is full: what must not happen without its record does not
    /// happen then. What has happened already is recorded with what it changed, by the writes that
    /// take a [`Trail`](crate::Trail).
    ///
    /// # Errors
    /// Those of every write.
    pub async fn append_audit(&self, records: Vec<NewAudit>) -> Result<AuditSeq, StoreError> {
        self.write(Urgency::Ordinary, move |transaction| append_all(transaction, &records)).await
    }
}

/// Writes records in their order. Answers the number of the newest.
pub(crate) fn append_all(
    transaction: &mut Transaction<'_>,
    facts: &[NewAudit],
) -> Result<AuditSeq, StoreError> {
    facts.iter().try_for_each(|fact| append(transaction, fact).map(drop))?;
    Ok(transaction.audit.seq)
}

/// Writes one record, in the transaction of what it is about.
pub(crate) fn append(
    transaction: &mut Transaction<'_>,
    fact: &NewAudit,
) -> Result<AuditSeq, StoreError> {
    let Head { seq, hash } = transaction.audit;
    let seq = seq.next();
    let record = AuditRecord::of(seq, transaction.host, fact).encode();
    let hash = hash.after(&record);
    let row = (
        audit_records::seq.eq(i64::try_from(seq.0).unwrap_or(i64::MAX)),
        audit_records::time.eq(fact.time.as_micros()),
        audit_records::kind.eq(fact.kind.name()),
        audit_records::session.eq(fact.session.map(|session| session.to_string())),
        audit_records::principal.eq(&fact.principal),
        audit_records::record.eq(record),
        audit_records::hash.eq(hash.0.as_slice()),
    );
    diesel::insert_into(audit_records::table).values(row).execute(transaction.connection)?;
    transaction.audit = Head { seq, hash };
    Ok(seq)
}
