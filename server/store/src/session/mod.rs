//! Sessions: one row each.

mod change;
mod list;
mod row;

use codeplane_core::{
    NewEvent, PolicyBinding, Revision, Session, SessionId, SessionName, SessionState,
};
use diesel::prelude::*;

pub use self::change::{Patch, SessionChange, Update};
pub use self::list::{SESSION_FILTER_FIELDS, SessionCursor, SessionPage};

use self::change::{Applied, ended};
use self::row::SessionRow;
use crate::audit;
use crate::error::StoreError;
use crate::event::append;
use crate::policy::{PolicySnapshot, bind_session, unbind_session};
use crate::schema::sessions;
use crate::store::Store;
use crate::trail::Trail;
use crate::transaction::{Transaction, Urgency};

/// A session that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inserted {
    /// The revision of the event of its creation.
    pub revision: Revision,
    /// All policies and bindings, if any was bound to it.
    pub policies: Option<PolicySnapshot>,
}

impl Store {
    /// Writes a new session, the event of its creation and its trail: all or nothing. Answers the event's revision.
    ///
    /// # Errors
    /// As [`Store::insert_session_bound`].
    pub async fn insert_session(
        &self,
        session: Session,
        event: NewEvent,
        trail: impl Into<Trail>,
    ) -> Result<Revision, StoreError> {
        let inserted = self.insert_session_bound(session, Vec::new(), event, trail).await?;
        Ok(inserted.revision)
    }

    /// As [`Store::insert_session`], and binds policies to it in the same transaction.
    ///
    /// # Errors
    /// [`StoreError::SessionExists`], [`StoreError::NameTaken`], [`StoreError::UnknownPolicy`];
    /// [`StoreError::RequestRepeated`] with the first answer or [`StoreError::RequestReused`] if the
    /// request is known; and those of every write.
    pub async fn insert_session_bound(
        &self,
        session: Session,
        bindings: Vec<PolicyBinding>,
        event: NewEvent,
        trail: impl Into<Trail>,
    ) -> Result<Inserted, StoreError> {
        let urgency = match session.state {
            SessionState::Starting => Urgency::Ordinary,
            // It is put back by a recovery: it is there, whether there is room or not.
            SessionState::Running
            | SessionState::Stopping
            | SessionState::Restarting { .. }
            | SessionState::Ended(_) => Urgency::Essential,
        };
        let trail = trail.into();
        self.write(urgency, move |transaction| {
            trail.leave(transaction)?;
            insert(transaction, &session)?;
            trail.leave_agent(transaction)?;
            let policies = bind_session(transaction, &bindings)?;
            Ok(Inserted { revision: append(transaction, &event)?, policies })
        })
        .await
    }

    /// Changes a session, and writes the events and the trail that belong to it: all or nothing.
    ///
    /// For [`SessionChange::Ended`] the store adds the ending event and the audit record of it itself,
    /// so that no incarnation ends without them or twice; `events` and the trail are what is to be
    /// said besides.
    ///
    /// # Errors
    /// [`StoreError::UnknownSession`]; [`StoreError::NameTaken`] and [`StoreError::StaleVersion`] of a
    /// description; [`StoreError::RequestRepeated`] and [`StoreError::RequestReused`]; and those of
    /// every write.
    pub async fn update_session(
        &self,
        id: SessionId,
        change: SessionChange,
        events: Vec<NewEvent>,
        trail: impl Into<Trail>,
    ) -> Result<Update, StoreError> {
        let trail = trail.into();
        self.write(change.urgency(), move |transaction| {
            trail.leave_request(transaction)?;
            let update = update(transaction, id, &change, &events)?;
            match update {
                Update::Changed(_) => trail.leave_audit(transaction)?,
                // There is nothing to record twice.
                Update::EndedBefore(_) => {}
            }
            Ok(update)
        })
        .await
    }

    /// Removes a session's row and what was bound to it; its events and audit records stay. Answers the revision of `event`, which says so.
    ///
    /// # Errors
    /// [`StoreError::UnknownSession`]; [`StoreError::RequestRepeated`] and
    /// [`StoreError::RequestReused`]; and those of every write.
    pub async fn delete_session(
        &self,
        id: SessionId,
        event: NewEvent,
        trail: impl Into<Trail>,
    ) -> Result<Revision, StoreError> {
        let trail = trail.into();
        self.write(Urgency::Essential, move |transaction| {
            trail.leave(transaction)?;
            let removed = diesel::delete(sessions::table.find(id.to_string()))
                .execute(transaction.connection)?;
            if removed == 0 {
                return Err(StoreError::UnknownSession(id));
            }
            unbind_session(transaction, id)?;
            append(transaction, &event)
        })
        .await
    }

    /// One session.
    ///
    /// # Errors
    /// [`StoreError::UnknownSession`], and those of every read.
    pub async fn session(&self, id: SessionId) -> Result<Session, StoreError> {
        self.read(move |connection| find(connection, id)).await
    }

    /// All sessions, oldest first.
    ///
    /// # Errors
    /// Those of every read.
    pub async fn sessions(&self) -> Result<Vec<Session>, StoreError> {
        self.read(|connection| {
            let rows: Vec<SessionRow> = sessions::table
                .order((sessions::created_at, sessions::id))
                .select(SessionRow::as_select())
                .load(connection)?;
            rows.into_iter().map(Session::try_from).collect()
        })
        .await
    }
}

fn find(connection: &mut SqliteConnection, id: SessionId) -> Result<Session, StoreError> {
    let row: Option<SessionRow> = sessions::table
        .find(id.to_string())
        .select(SessionRow::as_select())
        .first(connection)
        .optional()?;
    row.ok_or(StoreError::UnknownSession(id))?.try_into()
}

fn insert(transaction: &mut Transaction<'_>, session: &Session) -> Result<(), StoreError> {
    let id = session.id();
    let is_there = sessions::table.find(id.to_string()).count();
    if is_there.get_result::<i64>(transaction.connection)? > 0 {
        return Err(StoreError::SessionExists(id));
    }
    check_name(transaction, id, session.spec.name.as_ref())?;
    diesel::insert_into(sessions::table)
        .values(SessionRow::from(session))
        .execute(transaction.connection)?;
    Ok(())
}

fn update(
    transaction: &mut Transaction<'_>,
    id: SessionId,
    change: &SessionChange,
    events: &[NewEvent],
) -> Result<Update, StoreError> {
    let mut session = find(transaction.connection, id)?;
    let ending = match change.apply(&mut session)? {
        Applied::EndedBefore => return Ok(Update::EndedBefore(session)),
        Applied::Changed(ending) => ending,
    };
    check_name(transaction, id, session.spec.name.as_ref())?;
    session.version += 1;
    diesel::update(sessions::table.find(id.to_string()))
        .set(SessionRow::from(&session))
        .execute(transaction.connection)?;
    if let Some(ending) = &ending {
        audit::append(transaction, &ended(ending, &session))?;
    }
    for event in ending.iter().chain(events) {
        append(transaction, event)?;
    }
    Ok(Update::Changed(session))
}

/// The one writer is in its transaction, so that nobody takes the name between this and the write.
fn check_name(
    transaction: &mut Transaction<'_>,
    id: SessionId,
    name: Option<&SessionName>,
) -> Result<(), StoreError> {
    let Some(name) = name else {
        return Ok(());
    };
    let holder: Option<SessionRow> = sessions::table
        .filter(sessions::name.eq(name.as_str()))
        .filter(sessions::id.ne(id.to_string()))
        .select(SessionRow::as_select())
        .first(transaction.connection)
        .optional()?;
    match holder {
        None => Ok(()),
        Some(row) => {
            Err(StoreError::NameTaken { name: name.clone(), by: Session::try_from(row)?.id() })
        }
    }
}
