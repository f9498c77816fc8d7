//! Events are read from a revision on, or page by page.

use codeplane_core::{Event, Revision, SessionId};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::prune::oldest;
use super::row::EventRow;
use crate::error::StoreError;
use crate::schema::events;
use crate::store::Store;

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Of this session only.
    pub session: Option<SessionId>,
    /// Of these types only, as [`codeplane_core::EventKind::TYPE_NAMES`] writes them; none for all.
    pub types: Vec<String>,
}

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventOrder {
    /// As they happened.
    OldestFirst,
    /// The newest first.
    NewestFirst,
}

/// Some events, and where the next page begins if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// The events, in the order asked for.
    pub events: Vec<Event>,
    /// To be given to the next call.
    pub next: Option<Revision>,
}

impl Store {
    /// At most `limit` events after a revision, as they happened.
    ///
    /// Fewer than `limit`: there were no more, up to at least the revision that
    /// [`Store::newest_revision`] gave before the call. So a watcher that takes the value of
    /// [`Store::revisions`] before it reads may go on from there, whatever its filter left out.
    ///
    /// # Errors
    /// [`StoreError::EventsRemoved`] if retention has passed `after`; [`StoreError::DamagedRow`]; and
    /// those of every read.
    pub async fn events_after(
        &self,
        after: Revision,
        filter: EventFilter,
        limit: usize,
    ) -> Result<Vec<Event>, StoreError> {
        self.read(move |connection| {
            // One snapshot for both, so that nothing is removed between the check and the read.
            connection.transaction(|connection| {
                let oldest = oldest(connection)?;
                if after.0 < oldest.0 - 1 {
                    return Err(StoreError::EventsRemoved { after, oldest });
                }
                let query = matching(&filter)
                    .filter(events::revision.gt(after.0))
                    .order(events::revision)
                    .limit(i64::try_from(limit).unwrap_or(i64::MAX));
                load(connection, query)
            })
        })
        .await
    }

    /// A page of the events that are kept, from behind `after`.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`], and those of every read.
    pub async fn list_events(
        &self,
        filter: EventFilter,
        order: EventOrder,
        page_size: usize,
        after: Option<Revision>,
    ) -> Result<EventPage, StoreError> {
        self.read(move |connection| {
            let mut query = matching(&filter);
            query = match order {
                EventOrder::OldestFirst => query.order(events::revision.asc()),
                EventOrder::NewestFirst => query.order(events::revision.desc()),
            };
            if let Some(after) = after {
                query = match order {
                    EventOrder::OldestFirst => query.filter(events::revision.gt(after.0)),
                    EventOrder::NewestFirst => query.filter(events::revision.lt(after.0)),
                };
            }
            // One more than asked for tells whether there is a next page.
            let limit = i64::try_from(page_size).unwrap_or(i64::MAX).saturating_add(1);
            let mut events = load(connection, query.limit(limit))?;
            let has_more = events.len() > page_size;
            events.truncate(page_size);
            let next = events.last().filter(|_| has_more).map(|event| event.revision);
            Ok(EventPage { events, next })
        })
        .await
    }
}

type Query<'a> = events::BoxedQuery<'a, Sqlite>;

fn matching(filter: &EventFilter) -> Query<'_> {
    let mut query = events::table.into_boxed();
    if let Some(session) = filter.session {
        query = query.filter(events::session.eq(session.to_string()));
    }
    if !filter.types.is_empty() {
        query = query.filter(events::type_name.eq_any(&filter.types));
    }
    query
}

fn load(connection: &mut SqliteConnection, query: Query<'_>) -> Result<Vec<Event>, StoreError> {
    let rows: Vec<EventRow> = query.select(EventRow::as_select()).load(connection)?;
    rows.into_iter().map(Event::try_from).collect()
}
