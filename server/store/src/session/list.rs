//! Sessions page by page.

use codeplane_core::{Filter, HostId, Labels, Session, SessionId, StateName, Term, Timestamp};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::row::SessionRow;
use crate::error::StoreError;
use crate::schema::sessions;
use crate::sqlite::{json_extract, json_path};
use crate::store::Store;

/// What sessions can be filtered on; `labels.` stands for every label.
pub const SESSION_FILTER_FIELDS: [&str; 7] =
    ["state", "name", "labels.", "provider", "source", "parent", "host"];

/// Most conditions of one filter.
const FILTER_TERMS: usize = 16;

/// A place in the list: behind this session, whether or not it still exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionCursor {
    /// When it was created.
    pub created_at: Timestamp,
    /// Its id, which orders sessions of the same moment.
    pub id: SessionId,
}

impl SessionCursor {
    /// The place behind a session.
    #[must_use]
    pub const fn behind(session: &Session) -> Self {
        Self { created_at: session.spec.created_at, id: session.spec.id }
    }
}

/// Some sessions, and where the next page begins if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions, oldest first.
    pub sessions: Vec<Session>,
    /// To be given to the next call.
    pub next: Option<SessionCursor>,
}

impl Store {
    /// The sessions that match, oldest first, from behind `after`. What is created while a client
    /// pages comes on the last page; nothing is shown twice or left out.
    ///
    /// # Errors
    /// [`StoreError::BadFilter`], and those of every read.
    pub async fn list_sessions(
        &self,
        filter: Filter,
        page_size: usize,
        after: Option<SessionCursor>,
    ) -> Result<SessionPage, StoreError> {
        self.read(move |connection| list(connection, &filter, page_size, after)).await
    }
}

type Query<'a> = sessions::BoxedQuery<'a, Sqlite>;

fn list(
    connection: &mut SqliteConnection,
    filter: &Filter,
    page_size: usize,
    after: Option<SessionCursor>,
) -> Result<SessionPage, StoreError> {
    let mut query = sessions::table.order((sessions::created_at, sessions::id)).into_boxed();
    for (i, term) in filter.terms().iter().enumerate() {
        if i == FILTER_TERMS {
            return Err(bad(term, format!("a filter has at most {FILTER_TERMS} conditions")));
        }
        query = narrow(query, term)?;
    }
    if let Some(SessionCursor { created_at, id }) = after {
        let created_at = created_at.as_micros();
        let same_moment = sessions::created_at.eq(created_at).and(sessions::id.gt(id.to_string()));
        query = query.filter(sessions::created_at.gt(created_at).or(same_moment));
    }
    // One more than asked for tells whether there is a next page.
    let limit = i64::try_from(page_size).unwrap_or(i64::MAX - 1).saturating_add(1);
    let rows: Vec<SessionRow> =
        query.limit(limit).select(SessionRow::as_select()).load(connection)?;
    let has_more = rows.len() > page_size;
    let sessions = rows
        .into_iter()
        .take(page_size)
        .map(Session::try_from)
        .collect::<Result<Vec<_>, StoreError>>()?;
    let next = sessions.last().filter(|_| has_more).map(SessionCursor::behind);
    Ok(SessionPage { sessions, next })
}

fn narrow<'a>(query: Query<'a>, term: &Term) -> Result<Query<'a>, StoreError> {
    let Term { field, value } = term.clone();
    if let Some(key) = field.strip_prefix("labels.") {
        // Checked, because it becomes part of a JSON path.
        Labels::new([(key.to_owned(), String::new())])
            .map_err(|violations| bad(term, violations.to_string()))?;
        return Ok(query.filter(json_extract(sessions::labels, json_path(key)).eq(value)));
    }
    Ok(match field.as_str() {
        "name" => query.filter(sessions::name.eq(value)),
        "provider" => query.filter(sessions::provider.eq(value)),
        "source" => query.filter(sessions::source.eq(value)),
        "state" => {
            let state = StateName::parse(&value).ok_or_else(|| {
                bad(
                    term,
                    format!(
                        "a state is one of {}",
                        StateName::ALL.map(StateName::as_str).join(", ")
                    ),
                )
            })?;
            query.filter(sessions::state.eq(state.as_str()))
        }
        "parent" => {
            let parent: SessionId = value.parse().map_err(|error| bad(term, format!("{error}")))?;
            query.filter(sessions::parent.eq(parent.to_string()))
        }
        "host" => {
            let host: HostId = value.parse().map_err(|error| bad(term, format!("{error}")))?;
            query.filter(sessions::host.eq(host.to_string()))
        }
        _ => return Err(bad(term, format!("the fields are {}", SESSION_FILTER_FIELDS.join(", ")))),
    })
}

fn bad(term: &Term, problem: String) -> StoreError {
    StoreError::BadFilter { field: term.field.clone(), value: term.value.clone(), problem }
}
