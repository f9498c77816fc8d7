//! New revisions, rollback, delete.

use codeplane_core::PolicyName;
use codeplane_core::policy::Format;
use diesel::prelude::*;

use super::read::find;
use super::row::RevisionRow;
use super::snapshot::{PolicySnapshot, changed, snapshot};
use super::{PolicyAuthor, PolicyRevision, audit};
use crate::error::StoreError;
use crate::request::{RecordedRequest, record};
use crate::schema::{policies, policy_bindings, policy_revisions};
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

/// A document that is to become the newest revision of its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRevision {
    /// The policy.
    pub name: PolicyName,
    /// Canonical JSON.
    pub document: String,
    /// What was written.
    pub source: String,
    /// In which format.
    pub format: Format,
    /// SHA-256 of the document.
    pub hash: [u8; 32],
    /// The revision that the policy must have, if the change depends on it; 0: it must not exist.
    pub expected: Option<i64>,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// There was no such policy.
    Created,
    /// The policy has a new revision.
    Changed,
    /// The policy said just that already: nothing was written.
    Unchanged,
}

/// A document that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedPolicy {
    /// The policy's newest revision.
    pub revision: PolicyRevision,
    /// What became of the document.
    pub applied: Applied,
}

/// What to do about a policy that is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfBound {
    /// Refuse.
    Refuse,
    /// Unbind it.
    Unbind,
}

impl Store {
    /// Makes each document the newest revision of its policy, unless it is already: all or nothing.
    ///
    /// `answer` makes the record of the request from what became of the documents.
    ///
    /// # Errors
    /// [`StoreError::StalePolicy`]; [`StoreError::RequestRepeated`] and
    /// [`StoreError::RequestReused`]; and those of every write.
    pub async fn apply_policies(
        &self,
        revisions: Vec<NewRevision>,
        author: PolicyAuthor,
        request: Option<RecordedRequest>,
    ) -> Result<(Vec<AppliedPolicy>, PolicySnapshot), StoreError> {
        self.write(Urgency::Ordinary, move |transaction| {
            let applied = revisions
                .iter()
                .map(|new| apply(transaction, new, &author))
                .collect::<Result<Vec<_>, _>>()?;
            answer(transaction, request.as_ref(), &applied)?;
            let is_new = |one: &AppliedPolicy| one.applied != Applied::Unchanged;
            if !applied.iter().any(is_new) {
                return Ok((applied, snapshot(transaction.connection)?));
            }
            Ok((applied, changed(transaction.connection)?))
        })
        .await
    }

    /// What [`Store::apply_policies`] would do, without doing it.
    ///
    /// # Errors
    /// [`StoreError::StalePolicy`], and those of every read.
    pub async fn try_policies(
        &self,
        revisions: Vec<NewRevision>,
        author: PolicyAuthor,
    ) -> Result<Vec<AppliedPolicy>, StoreError> {
        self.read(move |connection| {
            revisions.iter().map(|new| plan(connection, new, &author)).collect()
        })
        .await
    }

    /// Makes the content of an older revision the newest one, also of a policy that was deleted.
    ///
    /// # Errors
    /// [`StoreError::UnknownPolicy`], [`StoreError::UnknownRevision`], [`StoreError::StalePolicy`];
    /// [`StoreError::RequestRepeated`] and [`StoreError::RequestReused`]; and those of every write.
    pub async fn roll_back_policy(
        &self,
        (name, revision): (PolicyName, i64),
        expected: Option<i64>,
        author: PolicyAuthor,
        request: Option<RecordedRequest>,
    ) -> Result<(AppliedPolicy, PolicySnapshot), StoreError> {
        self.write(Urgency::Ordinary, move |transaction| {
            let old = find(transaction.connection, &name, revision)?;
            let new = NewRevision {
                name: old.name,
                document: old.document,
                source: old.source,
                format: old.format,
                hash: old.hash,
                expected,
            };
            let applied = apply(transaction, &new, &author)?;
            answer(transaction, request.as_ref(), std::slice::from_ref(&applied))?;
            Ok((applied, changed(transaction.connection)?))
        })
        .await
    }

    /// Deletes a policy; its history stays, and goes on if it comes back.
    ///
    /// # Errors
    /// [`StoreError::UnknownPolicy`], [`StoreError::StalePolicy`]; [`StoreError::PolicyBound`] if
    /// `if_bound` refuses; [`StoreError::RequestRepeated`] and [`StoreError::RequestReused`]; and
    /// those of every write.
    pub async fn delete_policy(
        &self,
        (name, if_bound): (PolicyName, IfBound),
        expected: Option<i64>,
        author: PolicyAuthor,
        request: Option<RecordedRequest>,
    ) -> Result<PolicySnapshot, StoreError> {
        self.write(Urgency::Ordinary, move |transaction| {
            record(transaction, request.as_ref())?;
            delete(transaction, &name, if_bound, expected, &author)?;
            changed(transaction.connection)
        })
        .await
    }
}

/// A policy's newest revision and whether it exists.
pub(super) struct Current {
    pub(super) revision: i64,
    pub(super) is_deleted: bool,
}

pub(super) fn current(
    connection: &mut SqliteConnection,
    name: &PolicyName,
) -> Result<Option<Current>, StoreError> {
    let row: Option<(i64, Option<i64>)> = policies::table
        .find(name.as_str())
        .select((policies::revision, policies::deleted_at))
        .first(connection)
        .optional()?;
    Ok(row.map(|(revision, deleted)| Current { revision, is_deleted: deleted.is_some() }))
}

/// An error unless the policy is as the caller has seen it.
fn check(
    name: &PolicyName,
    current: Option<&Current>,
    expected: Option<i64>,
) -> Result<(), StoreError> {
    let is = current.filter(|current| !current.is_deleted).map_or(0, |current| current.revision);
    match expected {
        Some(expected) if expected != is => {
            Err(StoreError::StalePolicy { policy: name.clone(), expected, current: is })
        }
        Some(_) | None => Ok(()),
    }
}

/// What is to become of a document.
fn plan(
    connection: &mut SqliteConnection,
    new: &NewRevision,
    author: &PolicyAuthor,
) -> Result<AppliedPolicy, StoreError> {
    let current = current(connection, &new.name)?;
    check(&new.name, current.as_ref(), new.expected)?;
    if let Some(current) = current.as_ref().filter(|current| !current.is_deleted) {
        let revision = find(connection, &new.name, current.revision)?;
        let is_same = revision.hash == new.hash
            && revision.source == new.source
            && revision.format == new.format;
        if is_same {
            return Ok(AppliedPolicy { revision, applied: Applied::Unchanged });
        }
    }
    let exists = current.as_ref().is_some_and(|current| !current.is_deleted);
    Ok(AppliedPolicy {
        revision: PolicyRevision {
            name: new.name.clone(),
            revision: current.map_or(0, |current| current.revision) + 1,
            document: new.document.clone(),
            source: new.source.clone(),
            format: new.format,
            hash: new.hash,
            author: author.clone(),
        },
        applied: if exists { Applied::Changed } else { Applied::Created },
    })
}

fn apply(
    transaction: &mut Transaction<'_>,
    new: &NewRevision,
    author: &PolicyAuthor,
) -> Result<AppliedPolicy, StoreError> {
    let applied = plan(transaction.connection, new, author)?;
    if applied.applied == Applied::Unchanged {
        return Ok(applied);
    }
    let (number, at) = (applied.revision.revision, author.at.as_micros());
    diesel::insert_into(policy_revisions::table)
        .values(RevisionRow::from(&applied.revision))
        .execute(transaction.connection)?;
    diesel::insert_into(policies::table)
        .values((
            policies::name.eq(new.name.as_str()),
            policies::revision.eq(number),
            policies::created_at.eq(at),
        ))
        .on_conflict(policies::name)
        .do_update()
        .set((policies::revision.eq(number), policies::deleted_at.eq(None::<i64>)))
        .execute(transaction.connection)?;
    audit::applied(transaction, &applied)?;
    Ok(applied)
}

/// The request with the numbers that were given: a repetition is answered with them.
fn answer(
    transaction: &mut Transaction<'_>,
    request: Option<&RecordedRequest>,
    applied: &[AppliedPolicy],
) -> Result<(), StoreError> {
    let Some(request) = request else { return Ok(()) };
    let lines: Vec<String> = applied.iter().map(AppliedPolicy::line).collect();
    let answer = lines.join("\n").into_bytes();
    record(transaction, Some(&RecordedRequest { answer, ..request.clone() }))
}

impl AppliedPolicy {
    /// Name, number and what became of it, as the answer to a request is kept.
    fn line(&self) -> String {
        let word = match self.applied {
            Applied::Created => "created",
            Applied::Changed => "changed",
            Applied::Unchanged => "unchanged",
        };
        format!("{} {} {word}", self.revision.name, self.revision.revision)
    }

    /// Reads the answers to a request that were kept: name, number, what became of it.
    #[must_use]
    pub fn kept(answer: &str) -> Option<Vec<(PolicyName, i64, Applied)>> {
        answer
            .lines()
            .map(|line| {
                let mut words = line.split(' ');
                let name = PolicyName::new(words.next()?).ok()?;
                let revision = words.next()?.parse().ok()?;
                let applied = match words.next()? {
                    "created" => Applied::Created,
                    "changed" => Applied::Changed,
                    "unchanged" => Applied::Unchanged,
                    _ => return None,
                };
                Some((name, revision, applied))
            })
            .collect()
    }
}

fn delete(
    transaction: &mut Transaction<'_>,
    name: &PolicyName,
    if_bound: IfBound,
    expected: Option<i64>,
    author: &PolicyAuthor,
) -> Result<(), StoreError> {
    let current = current(transaction.connection, name)?.filter(|current| !current.is_deleted);
    let Some(current) = current else { return Err(StoreError::UnknownPolicy(name.clone())) };
    check(name, Some(&current), expected)?;
    let bound = policy_bindings::table.filter(policy_bindings::policy.eq(name.as_str()));
    let bindings = match if_bound {
        IfBound::Refuse => bound.count().get_result(transaction.connection)?,
        IfBound::Unbind => 0,
    };
    if bindings > 0 {
        return Err(StoreError::PolicyBound { policy: name.clone(), bindings });
    }
    diesel::delete(bound).execute(transaction.connection)?;
    diesel::update(policies::table.find(name.as_str()))
        .set(policies::deleted_at.eq(author.at.as_micros()))
        .execute(transaction.connection)?;
    let revision = find(transaction.connection, name, current.revision)?;
    audit::deleted(transaction, &revision, author)
}
