//! Approvals as rows.

use codeplane_core::audit::NewAudit;
use codeplane_core::{
    Approval, ApprovalChange, ApprovalId, ApprovalKind, ApprovalState, DecisionId, GateMode, Grant,
    GrantId, NewApproval, NewEvent, RequestDigest, Resolution, SessionAgent, SessionId, Settled,
    Timestamp,
};
use diesel::prelude::*;
use serde_json::Value;

use super::{Read, agent, damaged, decision, grant, hash, id, incarnation, strings, time, word};
use crate::error::StoreError;
use crate::event::append;
use crate::schema::approvals;
use crate::store::Store;
use crate::trail::Trail;
use crate::transaction::{Transaction, Urgency};

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = approvals)]
struct ApprovalRow {
    id: String,
    decision: String,
    session: String,
    incarnation: i64,
    kind: String,
    digest: Vec<u8>,
    subject: String,
    owner: String,
    four_eyes: bool,
    not_grantable: Option<String>,
    patterns: String,
    mode: String,
    asked_at: i64,
    expires_at: i64,
    state: String,
    resolved_by: Option<String>,
    resolved_at: Option<i64>,
    message: Option<String>,
    updated_input: Option<String>,
    grants: Option<String>,
    delivered_at: Option<i64>,
}

/// Which approvals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovalFilter {
    /// Of this session only.
    pub session: Option<SessionId>,
    /// In this state only.
    pub state: Option<ApprovalState>,
}

/// Some approvals, and where the next page begins if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalPage {
    /// The newest first.
    pub approvals: Vec<Approval>,
    /// To be given to the next call.
    pub next: Option<(Timestamp, ApprovalId)>,
}

/// How an approval ends, with everything that is written with it.
#[derive(Clone, Debug)]
pub struct Resolve {
    /// Which, and how.
    pub change: ApprovalChange,
    /// The answer of its decision.
    pub settled: Settled,
    /// The grants that were given with it.
    pub grants: Vec<Grant>,
    /// What the session's agent is then said to do.
    pub agent: Option<(SessionId, SessionAgent)>,
    /// Facts.
    pub events: Vec<NewEvent>,
    /// Who asked for it, and the records of the audit log.
    pub trail: Trail,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// It ended so.
    Now(Approval),
    /// It had ended before; nothing was written.
    Before(Approval),
}

impl Store {
    /// Ends an approval that waits, exactly once: of several that try, one wins.
    ///
    /// # Errors
    /// [`StoreError::UnknownApproval`]; [`StoreError::RequestRepeated`] and
    /// [`StoreError::RequestReused`]; and those of every write.
    pub async fn resolve_approval(&self, resolve: Resolve) -> Result<Resolved, StoreError> {
        // Only what allows may be refused for want of room.
        let urgency = match resolve.change.resolution.state {
            ApprovalState::Allowed => Urgency::Ordinary,
            ApprovalState::Pending
            | ApprovalState::Denied
            | ApprovalState::Expired
            | ApprovalState::Cancelled => Urgency::Essential,
        };
        self.write(urgency, move |transaction| change(transaction, &resolve)).await
    }

    /// Notes that the agent's hook has the answer.
    ///
    /// # Errors
    /// [`StoreError::UnknownApproval`], and those of every write.
    pub async fn deliver_approval(
        &self,
        id: ApprovalId,
        at: Timestamp,
        audit: NewAudit,
    ) -> Result<(), StoreError> {
        self.write(Urgency::Ordinary, move |transaction| {
            let row =
                approvals::table.find(id.to_string()).filter(approvals::delivered_at.is_null());
            let changed = diesel::update(row)
                .set(approvals::delivered_at.eq(at.as_micros()))
                .execute(transaction.connection)?;
            if changed > 0 {
                crate::audit::append(transaction, &audit)?;
            }
            Ok(())
        })
        .await
    }

    /// One approval.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`], and those of every read.
    pub async fn approval(&self, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
        self.read(move |connection| find(connection, id)).await
    }

    /// The approval that a decision waits for, or waited for.
    ///
    /// # Errors
    /// As [`Store::approval`].
    pub async fn approval_of_decision(
        &self,
        decision: DecisionId,
    ) -> Result<Option<Approval>, StoreError> {
        self.read(move |connection| {
            let row: Option<ApprovalRow> = approvals::table
                .filter(approvals::decision.eq(decision.to_string()))
                .select(ApprovalRow::as_select())
                .first(connection)
                .optional()?;
            row.map(Approval::try_from).transpose()
        })
        .await
    }

    /// The approvals whose id begins so, at most two: one is the answer, two are too many.
    ///
    /// # Errors
    /// As [`Store::approval`].
    pub async fn approvals_with_prefix(&self, prefix: String) -> Result<Vec<Approval>, StoreError> {
        self.read(move |connection| {
            let rows =
                approvals::table.filter(approvals::id.ge(&prefix)).order(approvals::id).limit(2);
            let rows: Vec<ApprovalRow> = rows.select(ApprovalRow::as_select()).load(connection)?;
            let matching = rows.into_iter().filter(|row| row.id.starts_with(&prefix));
            matching.map(Approval::try_from).collect()
        })
        .await
    }

    /// Every approval that waits.
    ///
    /// # Errors
    /// As [`Store::approval`].
    pub async fn pending_approvals(&self) -> Result<Vec<Approval>, StoreError> {
        self.read(|connection| {
            let rows = approvals::table.filter(approvals::state.eq("pending"));
            let rows: Vec<ApprovalRow> = rows
                .order(approvals::asked_at)
                .select(ApprovalRow::as_select())
                .load(connection)?;
            rows.into_iter().map(Approval::try_from).collect()
        })
        .await
    }

    /// Approvals, the newest first, from behind `after`.
    ///
    /// # Errors
    /// As [`Store::approval`].
    pub async fn list_approvals(
        &self,
        filter: ApprovalFilter,
        page_size: usize,
        after: Option<(Timestamp, ApprovalId)>,
    ) -> Result<ApprovalPage, StoreError> {
        self.read(move |connection| list(connection, &filter, page_size, after)).await
    }
}

fn change(transaction: &mut Transaction<'_>, resolve: &Resolve) -> Result<Resolved, StoreError> {
    let ApprovalChange { id, resolution } = &resolve.change;
    resolve.trail.leave_request(transaction)?;
    let there = find(transaction.connection, *id)?.ok_or(StoreError::UnknownApproval(*id))?;
    if there.state() != ApprovalState::Pending {
        return Ok(Resolved::Before(there));
    }
    let grants: Vec<String> = resolution.grants.iter().map(ToString::to_string).collect();
    diesel::update(approvals::table.find(id.to_string()))
        .set((
            approvals::state.eq(resolution.state.as_str()),
            approvals::resolved_by.eq(&resolution.by),
            approvals::resolved_at.eq(resolution.at.as_micros()),
            approvals::message.eq(&resolution.message),
            approvals::updated_input.eq(&resolution.updated_input),
            approvals::grants.eq(Value::from(grants).to_string()),
        ))
        .execute(transaction.connection)?;
    decision::settle(transaction, there.asked.decision, &resolve.settled)?;
    resolve.grants.iter().try_for_each(|granted| grant::insert(transaction, granted))?;
    if let Some((session, known)) = &resolve.agent {
        agent::write(transaction, *session, known)?;
    }
    for event in &resolve.events {
        append(transaction, event)?;
    }
    resolve.trail.leave_audit(transaction)?;
    Ok(Resolved::Now(Approval { resolution: Some(resolution.clone()), ..there }))
}

fn list(
    connection: &mut SqliteConnection,
    filter: &ApprovalFilter,
    page_size: usize,
    after: Option<(Timestamp, ApprovalId)>,
) -> Result<ApprovalPage, StoreError> {
    let mut query =
        approvals::table.order((approvals::asked_at.desc(), approvals::id.desc())).into_boxed();
    if let Some(session) = filter.session {
        query = query.filter(approvals::session.eq(session.to_string()));
    }
    if let Some(state) = filter.state {
        query = query.filter(approvals::state.eq(state.as_str()));
    }
    if let Some((at, id)) = after {
        let at = at.as_micros();
        let same_moment = approvals::asked_at.eq(at).and(approvals::id.lt(id.to_string()));
        query = query.filter(approvals::asked_at.lt(at).or(same_moment));
    }
    let limit = i64::try_from(page_size).unwrap_or(i64::MAX - 1).saturating_add(1);
    let rows: Vec<ApprovalRow> =
        query.limit(limit).select(ApprovalRow::as_select()).load(connection)?;
    let has_more = rows.len() > page_size;
    let rows = rows.into_iter().take(page_size);
    let approvals = rows.map(Approval::try_from).collect::<Result<Vec<_>, _>>()?;
    let next = approvals.last().filter(|_| has_more).map(|one| (one.asked.asked_at, one.asked.id));
    Ok(ApprovalPage { approvals, next })
}

fn find(connection: &mut SqliteConnection, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
    let row: Option<ApprovalRow> = approvals::table
        .find(id.to_string())
        .select(ApprovalRow::as_select())
        .first(connection)
        .optional()?;
    row.map(Approval::try_from).transpose()
}

pub(super) fn insert(
    transaction: &mut Transaction<'_>,
    asked: &NewApproval,
) -> Result<(), StoreError> {
    let row = ApprovalRow {
        id: asked.id.to_string(),
        decision: asked.decision.to_string(),
        session: asked.session.to_string(),
        incarnation: asked.incarnation.0.into(),
        kind: asked.kind.as_str().to_owned(),
        digest: asked.digest.as_bytes().to_vec(),
        subject: asked.subject.clone(),
        owner: asked.owner.clone(),
        four_eyes: asked.four_eyes,
        not_grantable: asked.not_grantable.clone(),
        patterns: Value::from(asked.patterns.clone()).to_string(),
        mode: asked.mode.as_str().to_owned(),
        asked_at: asked.asked_at.as_micros(),
        expires_at: asked.expires_at.as_micros(),
        state: ApprovalState::Pending.as_str().to_owned(),
        resolved_by: None,
        resolved_at: None,
        message: None,
        updated_input: None,
        grants: None,
        delivered_at: None,
    };
    diesel::insert_into(approvals::table).values(row).execute(transaction.connection)?;
    Ok(())
}

impl ApprovalRow {
    fn resolution(&self) -> Read<Option<Resolution>> {
        let state = word(&self.state, ApprovalState::parse)?;
        let (Some(by), Some(at), Some(message)) =
            (&self.resolved_by, self.resolved_at, &self.message)
        else {
            return Ok(None);
        };
        Ok(Some(Resolution {
            state,
            by: by.clone(),
            at: Timestamp::from_micros(at),
            message: message.clone(),
            updated_input: self.updated_input.clone(),
            grants: self.granted()?,
        }))
    }

    fn granted(&self) -> Read<Vec<GrantId>> {
        let ids = self.grants.as_deref().map(strings).transpose()?;
        ids.unwrap_or_default().iter().map(|one| id(one)).collect()
    }

    fn read(&self) -> Read<Approval> {
        Ok(Approval {
            asked: NewApproval {
                id: id(&self.id)?,
                decision: id(&self.decision)?,
                session: id(&self.session)?,
                incarnation: incarnation(self.incarnation)?,
                kind: word(&self.kind, ApprovalKind::parse)?,
                digest: RequestDigest::from_bytes(hash(&self.digest)?),
                subject: self.subject.clone(),
                owner: self.owner.clone(),
                four_eyes: self.four_eyes,
                not_grantable: self.not_grantable.clone(),
                patterns: strings(&self.patterns)?,
                mode: word(&self.mode, GateMode::parse)?,
                asked_at: Timestamp::from_micros(self.asked_at),
                expires_at: Timestamp::from_micros(self.expires_at),
            },
            resolution: self.resolution()?,
            delivered_at: time(self.delivered_at),
        })
    }
}

impl TryFrom<ApprovalRow> for Approval {
    type Error = StoreError;

    fn try_from(row: ApprovalRow) -> Result<Self, StoreError> {
        row.read().map_err(|problem| damaged("approvals", &row.id, problem))
    }
}
