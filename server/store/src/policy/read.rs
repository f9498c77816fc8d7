//! The history of a policy.

use codeplane_core::PolicyName;
use diesel::prelude::*;

use super::PolicyRevision;
use super::row::RevisionRow;
use crate::error::StoreError;
use crate::schema::{policies, policy_revisions};
use crate::store::Store;

/// Some revisions, and where the next page begins if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionPage {
    /// The revisions, newest first.
    pub revisions: Vec<PolicyRevision>,
    /// To be given to the next call.
    pub next: Option<i64>,
}

impl Store {
    /// One revision of a policy, whether or not the policy still exists.
    ///
    /// # Errors
    /// [`StoreError::UnknownPolicy`], [`StoreError::UnknownRevision`], and those of every read.
    pub async fn policy_revision(
        &self,
        name: PolicyName,
        revision: i64,
    ) -> Result<PolicyRevision, StoreError> {
        self.read(move |connection| find(connection, &name, revision)).await
    }

    /// A page of a policy's history, newest first, from before `before`, whether or not the policy
    /// still exists.
    ///
    /// # Errors
    /// [`StoreError::UnknownPolicy`] for a name that never was one, and those of every read.
    pub async fn policy_revisions(
        &self,
        name: PolicyName,
        page_size: usize,
        before: Option<i64>,
    ) -> Result<RevisionPage, StoreError> {
        self.read(move |connection| page(connection, &name, page_size, before)).await
    }
}

/// One revision.
pub(super) fn find(
    connection: &mut SqliteConnection,
    name: &PolicyName,
    revision: i64,
) -> Result<PolicyRevision, StoreError> {
    let row: Option<RevisionRow> = policy_revisions::table
        .find((name.as_str(), revision))
        .select(RevisionRow::as_select())
        .first(connection)
        .optional()?;
    match row {
        Some(row) => row.try_into(),
        None if was_there(connection, name)? => {
            Err(StoreError::UnknownRevision { policy: name.clone(), revision })
        }
        None => Err(StoreError::UnknownPolicy(name.clone())),
    }
}

fn page(
    connection: &mut SqliteConnection,
    name: &PolicyName,
    page_size: usize,
    before: Option<i64>,
) -> Result<RevisionPage, StoreError> {
    if !was_there(connection, name)? {
        return Err(StoreError::UnknownPolicy(name.clone()));
    }
    // One more than asked for tells whether there is a next page.
    let limit = i64::try_from(page_size).unwrap_or(i64::MAX).saturating_add(1);
    let rows: Vec<RevisionRow> = policy_revisions::table
        .filter(policy_revisions::name.eq(name.as_str()))
        .filter(policy_revisions::revision.lt(before.unwrap_or(i64::MAX)))
        .order(policy_revisions::revision.desc())
        .limit(limit)
        .select(RevisionRow::as_select())
        .load(connection)?;
    let has_more = rows.len() > page_size;
    let revisions = rows
        .into_iter()
        .take(page_size)
        .map(PolicyRevision::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    let next = revisions.last().filter(|_| has_more).map(|last| last.revision);
    Ok(RevisionPage { revisions, next })
}

fn was_there(connection: &mut SqliteConnection, name: &PolicyName) -> Result<bool, StoreError> {
    let count: i64 = policies::table.find(name.as_str()).count().get_result(connection)?;
    Ok(count > 0)
}
