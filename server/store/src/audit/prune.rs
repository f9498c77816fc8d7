//! The oldest records go, and the chain stays one that can be verified.

use codeplane_core::Timestamp;
use codeplane_core::audit::{AuditKind, AuditSeq, NewAudit};
use diesel::prelude::*;

use super::append;
use super::row::{number, seq};
use crate::error::StoreError;
use crate::event::Keep;
use crate::schema::{audit_checkpoints, audit_records};
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

/// Most records that one transaction removes, so that no other write waits for long.
const REMOVED_AT_ONCE: i64 = 5_000;

impl Store {
    /// Removes the oldest records, through the newest checkpoint that only covers such. That
    /// checkpoint stays: the chain begins behind it, and a record says so. Answers the oldest record
    /// that is kept.
    ///
    /// # Errors
    /// Those of every write. Some may have been removed before an error.
    pub async fn prune_audit(&self, keep: Keep, now: Timestamp) -> Result<AuditSeq, StoreError> {
        loop {
            let step =
                self.write(Urgency::Essential, move |transaction| prune(transaction, keep, now));
            if let Pruned::All(oldest) = step.await? {
                return Ok(oldest);
            }
        }
    }
}

enum Pruned {
    Some,
    All(AuditSeq),
}

fn prune(
    transaction: &mut Transaction<'_>,
    keep: Keep,
    now: Timestamp,
) -> Result<Pruned, StoreError> {
    let oldest: Option<i64> = audit_records::table
        .select(diesel::dsl::min(audit_records::seq))
        .first(transaction.connection)?;
    let Some(oldest) = oldest else { return Ok(Pruned::All(AuditSeq::NONE)) };
    let last = last_to_go(transaction, keep)?;
    let Some(through) = boundary(transaction.connection, oldest, last)? else {
        return Ok(Pruned::All(seq(oldest)));
    };
    let removed = diesel::delete(audit_records::table.filter(audit_records::seq.le(through)))
        .execute(transaction.connection)?;
    diesel::delete(audit_checkpoints::table.filter(audit_checkpoints::seq.lt(through)))
        .execute(transaction.connection)?;
    let said = NewAudit::by_daemon(now, AuditKind::RecordsRemoved)
        .with("through", through.to_string())
        .with("records", removed.to_string());
    append(transaction, &said)?;
    Ok(Pruned::Some)
}

/// The newest record that does not stay.
fn last_to_go(transaction: &mut Transaction<'_>, keep: Keep) -> QueryResult<i64> {
    let newest = number(transaction.audit.seq);
    match keep {
        Keep::Newest(count) => Ok(newest - i64::from(count)),
        Keep::Since(time) => {
            // The wall clock may have been set back: records stay from the first young one on.
            let first_to_stay: Option<i64> = audit_records::table
                .select(audit_records::seq)
                .filter(audit_records::time.ge(time.as_micros()))
                .order(audit_records::seq)
                .first(transaction.connection)
                .optional()?;
            Ok(first_to_stay.map_or(newest, |stays| stays - 1))
        }
    }
}

/// Through which checkpoint the next step goes: the newest that is near, or else the next.
fn boundary(connection: &mut SqliteConnection, oldest: i64, last: i64) -> QueryResult<Option<i64>> {
    let near = last.min(oldest + REMOVED_AT_ONCE - 1);
    let within = |from: i64, to: i64| {
        audit_checkpoints::table
            .select(audit_checkpoints::seq)
            .filter(audit_checkpoints::seq.between(from, to))
    };
    let newest =
        within(oldest, near).order(audit_checkpoints::seq.desc()).first(connection).optional()?;
    match newest {
        Some(newest) => Ok(Some(newest)),
        None => {
            within(oldest, last).order(audit_checkpoints::seq.asc()).first(connection).optional()
        }
    }
}
