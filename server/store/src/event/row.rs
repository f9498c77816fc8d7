//! An event as a row.

use codeplane_core::{Event, HostId, NewEvent, Revision, Timestamp};
use diesel::prelude::*;

use super::kind;
use crate::error::StoreError;
use crate::schema::events;

#[derive(Insertable)]
#[diesel(table_name = events)]
pub(super) struct NewEventRow {
    host: String,
    time: i64,
    session: Option<String>,
    type_name: &'static str,
    payload: String,
    ended_incarnation: Option<i64>,
}

impl NewEventRow {
    pub(super) fn of(event: &NewEvent, host: HostId) -> Self {
        Self {
            host: host.to_string(),
            time: event.time.as_micros(),
            session: event.session.map(|session| session.to_string()),
            type_name: event.kind.type_name(),
            payload: kind::payload(&event.kind).to_string(),
            ended_incarnation: kind::ended(&event.kind).map(|incarnation| incarnation.0.into()),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
pub(super) struct EventRow {
    revision: i64,
    host: String,
    time: i64,
    session: Option<String>,
    type_name: String,
    payload: String,
}

impl EventRow {
    fn event(&self) -> Result<Event, String> {
        let session = self.session.as_deref().map(str::parse).transpose();
        let payload = serde_json::from_str(&self.payload).map_err(|error| error.to_string())?;
        Ok(Event {
            revision: Revision(self.revision),
            host: self.host.parse().map_err(|error| format!("{error}"))?,
            fact: NewEvent {
                time: Timestamp::from_micros(self.time),
                session: session.map_err(|error| format!("{error}"))?,
                kind: kind::kind(&self.type_name, &payload)?,
            },
        })
    }
}

impl TryFrom<EventRow> for Event {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        row.event().map_err(|problem| StoreError::DamagedRow {
            table: "events",
            key: row.revision.to_string(),
            problem,
        })
    }
}
