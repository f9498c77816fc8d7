//! Records page by page.

use codeplane_core::audit::{AuditKind, AuditRecord, AuditSeq};
use codeplane_core::{SessionId, Timestamp};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;

use super::row::{AuditRow, number, seq};
use crate::error::StoreError;
use crate::event::EventOrder;
use crate::schema::audit_records;
use crate::store::Store;

/// Which records. All of the conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// About this session only.
    pub session: Option<SessionId>,
    /// Of these kinds only; none for all.
    pub kinds: Vec<AuditKind>,
    /// By this principal only.
    pub principal: Option<String>,
    /// Of this time or later.
    pub since: Option<Timestamp>,
    /// Of before this time.
    pub until: Option<Timestamp>,
}

/// Some records, and where the next page begins if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// The records, in the order asked for.
    pub records: Vec<AuditRecord>,
    /// To be given to the next call.
    pub next: Option<AuditSeq>,
}

impl Store {
    /// A page of the records that are kept, from behind `after`.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`] for one that was changed, and those of every read.
    pub async fn audit_records(
        &self,
        filter: AuditFilter,
        order: EventOrder,
        page_size: usize,
        after: Option<AuditSeq>,
    ) -> Result<AuditPage, StoreError> {
        self.read(move |connection| {
            // One more than asked for tells whether there is a next page.
            let limit = i64::try_from(page_size).unwrap_or(i64::MAX).saturating_add(1);
            let query = matching(&filter, order, after).limit(limit);
            let rows: Vec<AuditRow> = query.select(AuditRow::as_select()).load(connection)?;
            let has_more = rows.len() > page_size;
            let kept = &rows[..rows.len().min(page_size)];
            let next = kept.last().filter(|_| has_more).map(|row| seq(row.seq));
            let records = kept.iter().map(AuditRow::decode).collect::<Result<_, _>>()?;
            Ok(AuditPage { records, next })
        })
        .await
    }
}

type Query<'a> = audit_records::BoxedQuery<'a, Sqlite>;

fn matching(filter: &AuditFilter, order: EventOrder, after: Option<AuditSeq>) -> Query<'_> {
    use audit_records as table;
    let mut query = table::table.into_boxed();
    query = match order {
        EventOrder::OldestFirst => query.order(table::seq.asc()),
        EventOrder::NewestFirst => query.order(table::seq.desc()),
    };
    if let Some(after) = after.map(number) {
        query = match order {
            EventOrder::OldestFirst => query.filter(table::seq.gt(after)),
            EventOrder::NewestFirst => query.filter(table::seq.lt(after)),
        };
    }
    if let Some(session) = filter.session {
        query = query.filter(table::session.eq(session.to_string()));
    }
    if !filter.kinds.is_empty() {
        query = query.filter(table::kind.eq_any(filter.kinds.iter().map(|kind| kind.name())));
    }
    if let Some(principal) = &filter.principal {
        query = query.filter(table::principal.eq(principal));
    }
    if let Some(since) = filter.since {
        query = query.filter(table::time.ge(since.as_micros()));
    }
    if let Some(until) = filter.until {
        query = query.filter(table::time.lt(until.as_micros()));
    }
    query
}
