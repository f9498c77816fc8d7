//! The audit log: an append-only chain.

mod checkpoint;
mod head;
mod offline;
mod prune;
mod read;
mod row;
mod walk;

use codeplane_core::audit::{AuditRecord, AuditSeq, NewAudit};
use codeplane_core::secret::mask;
use diesel::prelude::*;
use tokio::sync::watch;

pub use self::head::AuditHead;
pub use self::offline::AuditFile;
pub use self::read::{AuditFilter, AuditPage};
pub use self::walk::{AuditItem, Walked};

use self::row::NewAuditRow;
use crate::error::StoreError;
use crate::schema::audit_records;
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

/// The longest detail that is kept whole, in bytes: a record stays a line that can be read.
const VALUE_BYTES: usize = 64 * 1024;

impl Store {
    /// Writes records, all or none of them. Answers the number of the last; of none, that of the
    /// newest record.
    ///
    /// They may be refused while the disk is full: what must not happen without its record does not
    /// happen then. What belongs to a change is written with it, see [`Trail`](crate::Trail).
    ///
    /// # Errors
    /// Those of every write.
    pub async fn append_audit(&self, records: Vec<NewAudit>) -> Result<AuditSeq, StoreError> {
        self.write(Urgency::Ordinary, move |transaction| append_all(transaction, &records)).await
    }

    /// Writes records of what has happened already, whether there is room or not.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn note_audit(&self, records: Vec<NewAudit>) -> Result<AuditSeq, StoreError> {
        self.write(Urgency::Essential, move |transaction| append_all(transaction, &records)).await
    }

    /// Where the chain has come to, and a wake-up after each commit that wrote records. It says
    /// "look again" and no more: several commits may be one wake-up.
    #[must_use]
    pub fn audit_head(&self) -> watch::Receiver<AuditHead> {
        self.parts().audit.clone()
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
    let AuditHead { seq, hash } = transaction.audit;
    let seq = seq.next();
    let mut record = AuditRecord::of(seq, transaction.host, fact);
    for (_, value) in &mut record.detail {
        *value = kept(value);
    }
    let bytes = record.encode();
    let hash = hash.after(&bytes);
    diesel::insert_into(audit_records::table)
        .values(NewAuditRow::of(&record, bytes, hash))
        .execute(transaction.connection)?;
    transaction.audit = AuditHead { seq, hash };
    Ok(seq)
}

/// A detail without its secrets and not longer than is kept.
fn kept(value: &str) -> String {
    let masked = mask(value);
    if masked.len() <= VALUE_BYTES {
        return masked.into_owned();
    }
    let chars = masked.char_indices().map_while(|(at, c)| (at < VALUE_BYTES).then_some(c));
    format!("{}… ({} bytes)", chars.collect::<String>(), masked.len())
}
