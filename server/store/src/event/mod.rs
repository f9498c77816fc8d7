//! Events: an append-only table.

mod agent;
mod kind;
mod prune;
mod read;
mod row;

use codeplane_core::{NewEvent, Revision};
use diesel::prelude::*;

pub use self::prune::Keep;
pub use self::read::{EventFilter, EventOrder, EventPage};

use self::row::NewEventRow;
use crate::error::StoreError;
use crate::schema::{events, host};
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

impl Store {
    /// Writes facts, all or none of them. Answers their revisions in the same order.
    ///
    /// # Errors
    /// [`StoreError::EndedBefore`] for a second ending of an incarnation, and those of every write.
    pub async fn append_events(&self, events: Vec<NewEvent>) -> Result<Vec<Revision>, StoreError> {
        let urgency = if events.iter().any(|event| kind::is_essential(&event.kind)) {
            Urgency::Essential
        } else {
            Urgency::Ordinary
        };
        self.write(urgency, move |transaction| {
            events.iter().map(|event| append(transaction, event)).collect()
        })
        .await
    }

    /// The revision of the newest event; that of none is 0. Without a look at the disk.
    #[must_use]
    pub fn newest_revision(&self) -> Revision {
        *self.parts().newest.borrow()
    }
}

/// Writes one fact.
pub(crate) fn append(
    transaction: &mut Transaction<'_>,
    event: &NewEvent,
) -> Result<Revision, StoreError> {
    let row = NewEventRow::of(event, transaction.host);
    check_ending(transaction, event)?;
    let revision = diesel::insert_into(events::table)
        .values(row)
        .returning(events::revision)
        .get_result(transaction.connection)
        .map(Revision)?;
    transaction.newest = Some(revision);
    Ok(revision)
}

/// An incarnation ends once. The index would refuse the second ending as well, with fewer words.
fn check_ending(transaction: &mut Transaction<'_>, event: &NewEvent) -> Result<(), StoreError> {
    let (Some(session), Some(incarnation)) = (event.session, kind::ended(&event.kind)) else {
        return Ok(());
    };
    let endings: i64 = events::table
        .filter(events::session.eq(session.to_string()))
        .filter(events::ended_incarnation.eq(i64::from(incarnation.0)))
        .count()
        .get_result(transaction.connection)?;
    if endings == 0 { Ok(()) } else { Err(StoreError::EndedBefore { session, incarnation }) }
}

/// The newest revision that was ever given, but for those of a transaction that was rolled back.
pub(crate) fn newest(connection: &mut SqliteConnection) -> QueryResult<Revision> {
    let newest: Option<i64> =
        events::table.select(diesel::dsl::max(events::revision)).first(connection)?;
    let pruned: i64 = host::table.select(host::pruned_through).first(connection)?;
    Ok(Revision(newest.unwrap_or(0).max(pruned)))
}
