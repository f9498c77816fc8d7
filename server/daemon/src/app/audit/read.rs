//! Reading records, and having all of them verified.

use codeplane_core::audit::{
    AuditKind, AuditPublicKey, AuditRecord, AuditSeq, Checkpoint, Finding, Verified,
};
use codeplane_core::{Filter, SessionId, Timestamp};
use codeplane_store::{AuditFilter, EventOrder};

use super::super::App;
use super::super::approvals::id_digits;
use super::super::error::Error;

/// So many records are looked at at once.
const PAGE: usize = 1000;

/// What records can be filtered on.
pub(crate) const AUDIT_FILTER_FIELDS: [&str; 3] = ["session", "kind", "principal"];

/// Which records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuditQuery {
    /// Conditions on their fields.
    pub filter: Filter,
    /// Of this time or later.
    pub since: Option<Timestamp>,
    /// Of before this time.
    pub until: Option<Timestamp>,
}

/// In which order they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuditOrder {
    /// As they happened.
    OldestFirst,
    /// The newest first.
    NewestFirst,
}

/// Some records, and where the next page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditList {
    /// In the order asked for.
    pub records: Vec<AuditRecord>,
    /// To be given to the next call; none at the end.
    pub next: Option<AuditSeq>,
}

impl App {
    /// A session by its id, the beginning of that, or its name; one that was deleted as well, as long as
    /// there are records of it. Of several of one name, that which had it last.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`], [`Error::AmbiguousSession`]; those of the store.
    pub(in crate::app) async fn find_recorded(&self, reference: &str) -> Result<SessionId, Error> {
        // What outlives a session outlives its row: any whole id will do.
        if let Ok(id) = reference.parse() {
            return Ok(id);
        }
        let missing = match self.find(reference) {
            Ok(live) => return Ok(live.id()),
            Err(error @ Error::SessionNotFound(_)) => error,
            Err(error) => return Err(error),
        };
        let mut after = None;
        loop {
            let naming = AuditFilter { kinds: NAMING.to_vec(), ..AuditFilter::default() };
            let page = self.store.audit_records(naming, EventOrder::NewestFirst, PAGE, after).await;
            let page = page.map_err(|error| self.store_error(error))?;
            let found = page.records.iter().find(|record| is_called(record, reference));
            if let Some(session) = found.and_then(|record| record.session) {
                return Ok(session);
            }
            if page.next.is_none() {
                return Err(missing);
            }
            after = page.next;
        }
    }

    /// Reads records.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter that cannot be.
    pub(crate) async fn list_audit(
        &self,
        query: &AuditQuery,
        order: AuditOrder,
        size: usize,
        after: Option<AuditSeq>,
    ) -> Result<AuditList, Error> {
        let filter = self.audit_filter(query).await?;
        let order = match order {
            AuditOrder::OldestFirst => EventOrder::OldestFirst,
            AuditOrder::NewestFirst => EventOrder::NewestFirst,
        };
        let page = self.store.audit_records(filter, order, size, after).await;
        let page = page.map_err(|error| self.store_error(error))?;
        Ok(AuditList { records: page.records, next: page.next })
    }

    /// Goes through the whole chain; the inner error is the first record that is not as it was
    /// written.
    ///
    /// # Errors
    /// [`Error::Busy`] while a check or a backup runs.
    pub(crate) async fn verify_audit(&self) -> Result<Result<Verified, Finding>, Error> {
        let keys = self.audit_keys.public.clone();
        self.store.verify_audit(keys, Vec::new()).await.map_err(|error| self.store_error(error))
    }

    /// The keys whose checkpoints are trusted.
    #[must_use]
    pub(crate) fn audit_public_keys(&self) -> &[AuditPublicKey] {
        &self.audit_keys.public
    }

    /// At most `size` checkpoints behind a record, and where to go on.
    ///
    /// # Errors
    /// Those of every read.
    pub(crate) async fn list_checkpoints(
        &self,
        size: usize,
        after: AuditSeq,
    ) -> Result<(Vec<Checkpoint>, Option<AuditSeq>), Error> {
        let read = self.store.audit_checkpoints(after, size.saturating_add(1)).await;
        let mut checkpoints = read.map_err(|error| self.store_error(error))?;
        let has_more = checkpoints.len() > size;
        checkpoints.truncate(size);
        let next = checkpoints.last().filter(|_| has_more).map(|last| last.statement.seq);
        Ok((checkpoints, next))
    }

    pub(super) async fn audit_filter(&self, query: &AuditQuery) -> Result<AuditFilter, Error> {
        let mut wanted =
            AuditFilter { since: query.since, until: query.until, ..AuditFilter::default() };
        for term in query.filter.terms() {
            match term.field.as_str() {
                "session" => wanted.session = Some(self.find_recorded(&term.value).await?),
                "principal" => wanted.principal = Some(term.value.clone()),
                _ => wanted.kinds.push(kind(&term.value)?),
            }
        }
        Ok(wanted)
    }
}

/// What tells how sessions were called.
const NAMING: [AuditKind; 2] = [AuditKind::SessionCreated, AuditKind::SessionUpdated];

/// Whether a record is about the session that somebody calls `reference`.
fn is_called(record: &AuditRecord, reference: &str) -> bool {
    let begins = record.session.is_some_and(|id| {
        id_digits(reference).is_some_and(|digits| id.to_string().starts_with(&digits))
    });
    begins || record.detail.iter().any(|(name, value)| name == "name" && value == reference)
}

fn kind(name: &str) -> Result<AuditKind, Error> {
    AuditKind::parse(name).ok_or_else(|| {
        let names = AuditKind::ALL.map(AuditKind::name).join(", ");
        Error::invalid("filter", format!("kind '{}' is none of {names}", name.escape_debug()))
    })
}
