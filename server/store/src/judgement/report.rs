//! What agents' hooks reported.

use codeplane_core::audit::NewAudit;
use codeplane_core::{
    Decision, DecisionId, HookEventId, Incarnation, NewApproval, NewEvent, Outcome, SessionAgent,
    SessionId, Timestamp,
};
use diesel::prelude::*;

use super::receipt::{self, Found};
use super::{Read, agent, approval, damaged, decision, hash, id};

use crate::audit::append_all;
use crate::error::StoreError;
use crate::event::append;
use crate::schema::hook_reports;
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

/// One report as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRecord {
    /// Its id, made by the reporter.
    pub id: HookEventId,
    /// The session whose token it bore.
    pub session: SessionId,
    /// In which run.
    pub incarnation: Incarnation,
    /// Its dialect.
    pub provider: String,
    /// The event, by the agent's name for it.
    pub name: String,
    /// The beginning of what the agent wrote.
    pub body: Vec<u8>,
    /// How many bytes it wrote.
    pub body_bytes: u64,
    /// SHA-256 of what came.
    pub body_hash: [u8; 32],
    /// When.
    pub reported_at: Timestamp,
}

/// A report with everything that follows from it, to be written as one.
#[derive(Clone, Debug)]
pub struct Report {
    /// The report.
    pub record: HookRecord,
    /// The decision it led to.
    pub decision: Option<Decision>,
    /// The approval that waits.
    pub approval: Option<NewApproval>,
    /// What is now known of the session's agent.
    pub agent: Option<SessionAgent>,
    /// What it shows to have run without a decision or against it.
    pub violation: Option<Found>,
    /// Facts.
    pub events: Vec<NewEvent>,
    /// The records of the audit log.
    pub audit: Vec<NewAudit>,
}

/// A report that was written before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The session it was of.
    pub session: SessionId,
    /// SHA-256 of what came.
    pub body_hash: [u8; 32],
    /// The decision it led to.
    pub decision: Option<DecisionId>,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    /// It is on disk.
    New,
    /// It was there already; nothing was written.
    Before(Known),
}

impl Store {
    /// Writes a report and what follows from it: all or nothing, and once.
    ///
    /// # Errors
    /// Those of every write; [`StoreError::DiskFull`] only where a call is allowed or asked about: a denial
    /// has the reserve.
    pub async fn report(&self, report: Report) -> Result<Reported, StoreError> {
        let denies = report
            .decision
            .as_ref()
            .and_then(|decision| decision.settled.as_ref())
            .is_some_and(|settled| settled.outcome == Outcome::Denied);
        let urgency = if denies { Urgency::Essential } else { Urgency::Ordinary };
        self.write(urgency, move |transaction| write(transaction, &report)).await
    }

    /// A report, if it was made.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`], and those of every read.
    pub async fn known_report(&self, id: HookEventId) -> Result<Option<Known>, StoreError> {
        self.read(move |connection| find(connection, id)).await
    }

    /// Removes reports, decisions and violations made before `before`, but for decisions that still wait. Answers
    /// how many reports.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn forget_reports(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.write(Urgency::Essential, move |transaction| {
            use crate::schema::{decisions, violations};
            let before = before.as_micros();
            let old = decisions::table
                .filter(decisions::asked_at.lt(before))
                .filter(decisions::outcome.is_not_null());
            diesel::delete(old).execute(transaction.connection)?;
            let old = violations::table.filter(violations::found_at.lt(before));
            diesel::delete(old).execute(transaction.connection)?;
            let old = hook_reports::table.filter(hook_reports::reported_at.lt(before));
            Ok(diesel::delete(old).execute(transaction.connection)?)
        })
        .await
    }
}

fn write(transaction: &mut Transaction<'_>, report: &Report) -> Result<Reported, StoreError> {
    let record = &report.record;
    if let Some(known) = find(transaction.connection, record.id)? {
        return Ok(Reported::Before(known));
    }
    diesel::insert_into(hook_reports::table)
        .values((
            hook_reports::id.eq(record.id.to_string()),
            hook_reports::session.eq(record.session.to_string()),
            hook_reports::incarnation.eq(i64::from(record.incarnation.0)),
            hook_reports::provider.eq(&record.provider),
            hook_reports::name.eq(&record.name),
            hook_reports::body.eq(&record.body),
            hook_reports::body_bytes.eq(i64::try_from(record.body_bytes).unwrap_or(i64::MAX)),
            hook_reports::body_hash.eq(record.body_hash.to_vec()),
            hook_reports::reported_at.eq(record.reported_at.as_micros()),
            hook_reports::decision.eq(report.decision.as_ref().map(|one| one.id.to_string())),
        ))
        .execute(transaction.connection)?;
    if let Some(made) = &report.decision {
        decision::insert(transaction, made)?;
    }
    if let Some(asked) = &report.approval {
        approval::insert(transaction, asked)?;
    }
    if let Some(known) = &report.agent {
        agent::write(transaction, record.session, known)?;
    }
    for event in &report.events {
        append(transaction, event)?;
    }
    append_all(transaction, &report.audit)?;
    if let Some(found) = &report.violation {
        receipt::insert(transaction, found)?;
    }
    Ok(Reported::New)
}

type KnownRow = (String, Vec<u8>, Option<String>);

fn find(connection: &mut SqliteConnection, key: HookEventId) -> Result<Option<Known>, StoreError> {
    let row: Option<KnownRow> = hook_reports::table
        .find(key.to_string())
        .select((hook_reports::session, hook_reports::body_hash, hook_reports::decision))
        .first(connection)
        .optional()?;
    let read = |(session, body_hash, decision): KnownRow| -> Read<Known> {
        Ok(Known {
            session: id(&session)?,
            body_hash: hash(&body_hash)?,
            decision: decision.as_deref().map(id).transpose()?,
        })
    };
    row.map(read).transpose().map_err(|problem| damaged("hook_reports", &key.to_string(), problem))
}
