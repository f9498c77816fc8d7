//! The oldest events go.

use codeplane_core::{Revision, Timestamp};
use diesel::prelude::*;

use crate::error::StoreError;
use crate::schema::{events, host};
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

/// Most events that one transaction removes, so that no other write waits for long.
const PRUNED_AT_ONCE: i64 = 5_000;

/// What stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many of the newest.
    Newest(u32),
    /// Everything from the first event that is not older than this.
    Since(Timestamp),
}

impl Store {
    /// Removes the oldest events. Answers the first revision that was not removed, ever: whoever
    /// has seen all before it misses nothing.
    ///
    /// # Errors
    /// Those of every write. Some may have been removed before an error.
    pub async fn prune_events(&self, keep: Keep) -> Result<Revision, StoreError> {
        loop {
            let step = self.write(Urgency::Essential, move |transaction| prune(transaction, keep));
            if let Pruned::All(oldest) = step.await? {
                return Ok(oldest);
            }
        }
    }

    /// The first revision that was not removed, whether or not an event has it yet.
    ///
    /// # Errors
    /// Those of every read.
    pub async fn oldest_revision(&self) -> Result<Revision, StoreError> {
        self.read(|connection| Ok(oldest(connection)?)).await
    }
}

enum Pruned {
    Some,
    All(Revision),
}

/// See [`Store::oldest_revision`].
pub(super) fn oldest(connection: &mut SqliteConnection) -> QueryResult<Revision> {
    let pruned: i64 = host::table.select(host::pruned_through).first(connection)?;
    Ok(Revision(pruned + 1))
}

fn prune(transaction: &mut Transaction<'_>, keep: Keep) -> Result<Pruned, StoreError> {
    let connection = &mut *transaction.connection;
    let Some(last) = last_to_go(connection, keep)? else {
        return Ok(Pruned::All(oldest(connection)?));
    };
    // Not a range of revisions: they may have holes, and the rows are what takes time.
    let step: Option<i64> = events::table
        .select(events::revision)
        .order(events::revision)
        .offset(PRUNED_AT_ONCE - 1)
        .first(connection)
        .optional()?;
    let through = step.map_or(last, |step| step.min(last));
    diesel::delete(events::table.filter(events::revision.le(through))).execute(connection)?;
    diesel::update(host::table).set(host::pruned_through.eq(through)).execute(connection)?;
    Ok(if through == last { Pruned::All(Revision(last + 1)) } else { Pruned::Some })
}

/// The newest event that does not stay.
fn last_to_go(connection: &mut SqliteConnection, keep: Keep) -> QueryResult<Option<i64>> {
    let revisions = events::table.select(events::revision);
    let newest_first = revisions.order(events::revision.desc());
    match keep {
        Keep::Newest(count) => newest_first.offset(count.into()).first(connection).optional(),
        Keep::Since(time) => {
            // The wall clock may have been set back: events stay from the first young one on.
            let first_to_stay: Option<i64> = revisions
                .filter(events::time.ge(time.as_micros()))
                .order(events::revision)
                .first(connection)
                .optional()?;
            match first_to_stay {
                None => newest_first.first(connection).optional(),
                Some(stays) => {
                    newest_first.filter(events::revision.lt(stays)).first(connection).optional()
                }
            }
        }
    }
}
