//! Decisions as rows.

use codeplane_core::{
    Decision, DecisionId, DecisionSource, HookEventId, Outcome, PolicyRef, RequestDigest,
    SessionId, Settled, Timestamp, ToolRequest,
};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::{Read, damaged, hash, id, incarnation, word};
use crate::error::StoreError;
use crate::schema::decisions;
use crate::store::Store;
use crate::transaction::Transaction;

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = decisions)]
pub(super) struct DecisionRow {
    id: String,
    session: String,
    incarnation: i64,
    report: String,
    provider: String,
    tool: String,
    input: String,
    tool_use_id: Option<String>,
    cwd: Option<String>,
    subagent: Option<String>,
    digest: Vec<u8>,
    verdict: String,
    policies: String,
    facts: String,
    asked_at: i64,
    outcome: Option<String>,
    source: Option<String>,
    source_subject: Option<String>,
    decided_by: Option<String>,
    reason: Option<String>,
    updated_input: Option<String>,
    decided_at: Option<i64>,
}

/// Which decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionFilter {
    /// Of this session only.
    pub session: Option<SessionId>,
    /// With this answer only.
    pub outcome: Option<Outcome>,
    /// About calls of this tool only.
    pub tool: Option<String>,
}

/// Some decisions, and where the next page begins if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionPage {
    /// The newest first.
    pub decisions: Vec<Decision>,
    /// To be given to the next call.
    pub next: Option<(Timestamp, DecisionId)>,
}

impl Store {
    /// One decision.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`], and those of every read.
    pub async fn decision(&self, id: DecisionId) -> Result<Option<Decision>, StoreError> {
        self.read(move |connection| find(connection, id)).await
    }

    /// The decisions whose id begins with these hexadecimal digits and hyphens, at most two: one is
    /// the answer, two are too many.
    ///
    /// # Errors
    /// As [`Store::decision`].
    pub async fn decisions_with_prefix(&self, prefix: String) -> Result<Vec<Decision>, StoreError> {
        self.read(move |connection| {
            let rows =
                decisions::table.filter(decisions::id.ge(&prefix)).order(decisions::id).limit(2);
            let rows: Vec<DecisionRow> = rows.select(DecisionRow::as_select()).load(connection)?;
            let matching = rows.into_iter().filter(|row| row.id.starts_with(&prefix));
            matching.map(Decision::try_from).collect()
        })
        .await
    }

    /// Decisions, the newest first, from behind `after`.
    ///
    /// # Errors
    /// As [`Store::decision`].
    pub async fn list_decisions(
        &self,
        filter: DecisionFilter,
        page_size: usize,
        after: Option<(Timestamp, DecisionId)>,
    ) -> Result<DecisionPage, StoreError> {
        self.read(move |connection| list(connection, &filter, page_size, after)).await
    }

    /// The newest decision of a session about a call with this id of the agent's.
    ///
    /// # Errors
    /// As [`Store::decision`].
    pub async fn decision_of_call(
        &self,
        session: SessionId,
        tool_use_id: String,
    ) -> Result<Option<Decision>, StoreError> {
        self.read(move |connection| {
            let row: Option<DecisionRow> = decisions::table
                .filter(decisions::session.eq(session.to_string()))
                .filter(decisions::tool_use_id.eq(tool_use_id))
                .order(decisions::asked_at.desc())
                .select(DecisionRow::as_select())
                .first(connection)
                .optional()?;
            row.map(Decision::try_from).transpose()
        })
        .await
    }

    /// The newest decision of a session about a request with this hash.
    ///
    /// # Errors
    /// As [`Store::decision`].
    pub async fn decision_of_request(
        &self,
        session: SessionId,
        digest: RequestDigest,
    ) -> Result<Option<Decision>, StoreError> {
        self.read(move |connection| {
            let row: Option<DecisionRow> = decisions::table
                .filter(decisions::session.eq(session.to_string()))
                .filter(decisions::digest.eq(digest.as_bytes().to_vec()))
                .order(decisions::asked_at.desc())
                .select(DecisionRow::as_select())
                .first(connection)
                .optional()?;
            row.map(Decision::try_from).transpose()
        })
        .await
    }
}

fn list(
    connection: &mut SqliteConnection,
    filter: &DecisionFilter,
    page_size: usize,
    after: Option<(Timestamp, DecisionId)>,
) -> Result<DecisionPage, StoreError> {
    let mut query =
        decisions::table.order((decisions::asked_at.desc(), decisions::id.desc())).into_boxed();
    if let Some(session) = filter.session {
        query = query.filter(decisions::session.eq(session.to_string()));
    }
    if let Some(outcome) = filter.outcome {
        query = query.filter(decisions::outcome.eq(outcome.as_str()));
    }
    if let Some(tool) = &filter.tool {
        query = query.filter(decisions::tool.eq(tool));
    }
    if let Some((at, id)) = after {
        let at = at.as_micros();
        let same_moment = decisions::asked_at.eq(at).and(decisions::id.lt(id.to_string()));
        query = query.filter(decisions::asked_at.lt(at).or(same_moment));
    }
    let limit = i64::try_from(page_size).unwrap_or(i64::MAX - 1).saturating_add(1);
    let rows: Vec<DecisionRow> =
        query.limit(limit).select(DecisionRow::as_select()).load(connection)?;
    let has_more = rows.len() > page_size;
    let rows = rows.into_iter().take(page_size);
    let decisions = rows.map(Decision::try_from).collect::<Result<Vec<_>, _>>()?;
    let next = decisions.last().filter(|_| has_more).map(|one| (one.asked_at, one.id));
    Ok(DecisionPage { decisions, next })
}

pub(super) fn find(
    connection: &mut SqliteConnection,
    id: DecisionId,
) -> Result<Option<Decision>, StoreError> {
    let row: Option<DecisionRow> = decisions::table
        .find(id.to_string())
        .select(DecisionRow::as_select())
        .first(connection)
        .optional()?;
    row.map(Decision::try_from).transpose()
}

pub(super) fn insert(
    transaction: &mut Transaction<'_>,
    decision: &Decision,
) -> Result<(), StoreError> {
    diesel::insert_into(decisions::table)
        .values(DecisionRow::from(decision))
        .execute(transaction.connection)?;
    Ok(())
}

/// Writes the final answer of a decision that had none; what was answered before stays.
pub(super) fn settle(
    transaction: &mut Transaction<'_>,
    id: DecisionId,
    settled: &Settled,
) -> Result<(), StoreError> {
    diesel::update(decisions::table.find(id.to_string()).filter(decisions::outcome.is_null()))
        .set((
            decisions::outcome.eq(settled.outcome.as_str()),
            decisions::source.eq(settled.source.as_str()),
            decisions::source_subject.eq(settled.source.subject()),
            decisions::decided_by.eq(&settled.by),
            decisions::reason.eq(&settled.reason),
            decisions::updated_input.eq(&settled.updated_input),
            decisions::decided_at.eq(settled.at.as_micros()),
        ))
        .execute(transaction.connection)?;
    Ok(())
}

fn policies_json(policies: &[PolicyRef]) -> String {
    let one = |policy: &PolicyRef| json!({"name": policy.name, "revision": policy.revision});
    Value::from(policies.iter().map(one).collect::<Vec<_>>()).to_string()
}

fn policies(text: &str) -> Read<Vec<PolicyRef>> {
    let list: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let one = |value: &Value| {
        Some(PolicyRef {
            name: value["name"].as_str()?.to_owned(),
            revision: value["revision"].as_i64()?,
        })
    };
    list.iter().map(|value| one(value).ok_or_else(|| "not a policy".to_owned())).collect()
}

impl From<&Decision> for DecisionRow {
    fn from(decision: &Decision) -> Self {
        let (request, settled) = (&decision.request, decision.settled.as_ref());
        Self {
            id: decision.id.to_string(),
            session: decision.session.to_string(),
            incarnation: decision.incarnation.0.into(),
            report: decision.event.to_string(),
            provider: request.provider.clone(),
            tool: request.tool.clone(),
            input: request.input.clone(),
            tool_use_id: request.tool_use_id.clone(),
            cwd: request.cwd.clone(),
            subagent: request.subagent.clone(),
            digest: decision.digest.as_bytes().to_vec(),
            verdict: decision.verdict.clone(),
            policies: policies_json(&decision.policies),
            facts: decision.facts.clone(),
            asked_at: decision.asked_at.as_micros(),
            outcome: settled.map(|end| end.outcome.as_str().to_owned()),
            source: settled.map(|end| end.source.as_str().to_owned()),
            source_subject: settled.and_then(|end| end.source.subject()),
            decided_by: settled.map(|end| end.by.clone()),
            reason: settled.map(|end| end.reason.clone()),
            updated_input: settled.and_then(|end| end.updated_input.clone()),
            decided_at: settled.map(|end| end.at.as_micros()),
        }
    }
}

impl DecisionRow {
    fn settled(&self) -> Read<Option<Settled>> {
        let (Some(outcome), Some(source), Some(by), Some(reason), Some(at)) =
            (&self.outcome, &self.source, &self.decided_by, &self.reason, self.decided_at)
        else {
            return Ok(None);
        };
        let source = DecisionSource::parse(source, self.source_subject.as_deref());
        Ok(Some(Settled {
            outcome: word(outcome, Outcome::parse)?,
            source: source.ok_or("not a source of decisions")?,
            by: by.clone(),
            reason: reason.clone(),
            updated_input: self.updated_input.clone(),
            at: Timestamp::from_micros(at),
        }))
    }

    fn read(&self) -> Read<Decision> {
        Ok(Decision {
            id: id(&self.id)?,
            session: id(&self.session)?,
            incarnation: incarnation(self.incarnation)?,
            event: id::<HookEventId>(&self.report)?,
            request: ToolRequest {
                provider: self.provider.clone(),
                tool: self.tool.clone(),
                input: self.input.clone(),
                tool_use_id: self.tool_use_id.clone(),
                cwd: self.cwd.clone(),
                subagent: self.subagent.clone(),
            },
            digest: RequestDigest::from_bytes(hash(&self.digest)?),
            verdict: self.verdict.clone(),
            policies: policies(&self.policies)?,
            facts: self.facts.clone(),
            asked_at: Timestamp::from_micros(self.asked_at),
            settled: self.settled()?,
        })
    }
}

impl TryFrom<DecisionRow> for Decision {
    type Error = StoreError;

    fn try_from(row: DecisionRow) -> Result<Self, StoreError> {
        row.read().map_err(|problem| damaged("decisions", &row.id, problem))
    }
}
