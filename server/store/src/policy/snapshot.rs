//! All policies that exist and all bindings, at one moment.

use codeplane_core::{PolicyBinding, Timestamp};
use diesel::prelude::*;

use super::PolicyRevision;
use super::row::{BindingRow, RevisionRow};
use crate::error::StoreError;
use crate::schema::{policies, policy_bindings, policy_revisions, policy_state};
use crate::store::Store;

/// A policy that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySummary {
    /// Its newest revision.
    pub current: PolicyRevision,
    /// When its first revision was made.
    pub created_at: Timestamp,
}

/// All policies that exist and all bindings, as one change left them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicySnapshot {
    /// Counts the changes: of two snapshots the one with the higher number is newer.
    pub generation: i64,
    /// The policies in the order of their names.
    pub policies: Vec<PolicySummary>,
    /// The bindings in the order of policy, kind and target.
    pub bindings: Vec<PolicyBinding>,
}

impl Store {
    /// All policies that exist and all bindings.
    ///
    /// # Errors
    /// Those of every read.
    pub async fn policies(&self) -> Result<PolicySnapshot, StoreError> {
        self.read(|connection| connection.transaction(snapshot)).await
    }
}

/// Counts a change, and reads what it left.
pub(super) fn changed(connection: &mut SqliteConnection) -> Result<PolicySnapshot, StoreError> {
    count_change(connection)?;
    snapshot(connection)
}

/// Counts a change.
pub(super) fn count_change(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    diesel::update(policy_state::table)
        .set(policy_state::generation.eq(policy_state::generation + 1))
        .execute(connection)?;
    Ok(())
}

pub(super) fn snapshot(connection: &mut SqliteConnection) -> Result<PolicySnapshot, StoreError> {
    let generation = policy_state::table.select(policy_state::generation).first(connection)?;
    let newest = policy_revisions::table.inner_join(
        policies::table.on(policies::name
            .eq(policy_revisions::name)
            .and(policies::revision.eq(policy_revisions::revision))),
    );
    let rows: Vec<(RevisionRow, i64)> = newest
        .filter(policies::deleted_at.is_null())
        .order(policies::name)
        .select((RevisionRow::as_select(), policies::created_at))
        .load(connection)?;
    let policies = rows.into_iter().map(|(row, created_at)| {
        let created_at = Timestamp::from_micros(created_at);
        Ok(PolicySummary { current: row.try_into()?, created_at })
    });
    let bindings: Vec<BindingRow> = policy_bindings::table
        .order((
            policy_bindings::policy,
            policy_bindings::kind,
            policy_bindings::target,
            policy_bindings::detail,
        ))
        .select(BindingRow::as_select())
        .load(connection)?;
    Ok(PolicySnapshot {
        generation,
        policies: policies.collect::<Result<_, StoreError>>()?,
        bindings: bindings.into_iter().map(PolicyBinding::try_from).collect::<Result<_, _>>()?,
    })
}
