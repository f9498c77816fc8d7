//! What was decided, and why.

use codeplane_core::audit::AuditSeq;
use codeplane_core::policy::Verdict;
use codeplane_core::{Decision, DecisionId, Filter, Outcome, Timestamp};
use codeplane_store::{DecisionFilter, EventOrder};

use super::approvals::{ApprovalView, id_digits};
use super::policy::{options_version, verdict_json};
use super::{App, Error};

/// What decisions can be filtered on.
pub(crate) const DECISION_FILTER_FIELDS: [&str; 3] = ["session", "outcome", "tool"];

/// So many records of a session are looked through for that of a decision, from its time on.
const RECORDS: usize = 100;

/// A decision with the name of its session.
#[derive(Clone, Debug)]
pub(crate) struct DecisionView {
    /// The decision.
    pub decision: Decision,
    /// Empty if the session has none or is gone.
    pub session_name: String,
}

/// Some decisions, and where the next page begins.
#[derive(Clone, Debug)]
pub(crate) struct DecisionsPage {
    /// The newest first.
    pub decisions: Vec<DecisionView>,
    /// To be given to the next call; none at the end.
    pub next: Option<(Timestamp, DecisionId)>,
}

/// All that is known of a decision.
#[derive(Clone, Debug)]
pub(crate) struct Explained {
    /// The decision.
    pub view: DecisionView,
    /// The approval it waited for.
    pub approval: Option<ApprovalView>,
    /// Its record in the audit log.
    pub record: Option<AuditSeq>,
    /// What the same revisions say of the same call, or why it cannot be judged again.
    pub again: Result<Again, String>,
    /// Version of the table of options it was judged by; 0: not kept.
    pub options: u32,
}

/// A verdict beside the one that was recorded.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether it is the recorded one.
    pub repeats: bool,
}

impl App {
    /// Decisions, the newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter; those of the store.
    pub(crate) async fn list_decisions(
        &self,
        filter: &Filter,
        size: usize,
        after: Option<(Timestamp, DecisionId)>,
    ) -> Result<DecisionsPage, Error> {
        let mut wanted = DecisionFilter::default();
        for term in filter.terms() {
            match term.field.as_str() {
                "outcome" => wanted.outcome = Some(outcome(&term.value)?),
                "tool" => wanted.tool = Some(term.value.clone()),
                // What was decided outlives its session.
                _ => wanted.session = Some(self.find_recorded(&term.value).await?),
            }
        }
        let page = self.store.list_decisions(wanted, size, after).await;
        let page = page.map_err(|error| self.store_error(error))?;
        let decisions = page.decisions.into_iter().map(|one| self.decision_view(one)).collect();
        Ok(DecisionsPage { decisions, next: page.next })
    }

    /// Tells all that is known of a decision and judges its request again.
    ///
    /// # Errors
    /// [`Error::NoSuch`], [`Error::Ambiguous`]; those of the store.
    pub(crate) async fn explain_decision(&self, reference: &str) -> Result<Explained, Error> {
        let decision = self.find_decision(reference).await?;
        let failed = |error| self.store_error(error);
        let approval = self.store.approval_of_decision(decision.id).await.map_err(failed)?;
        let approval = match approval {
            Some(approval) => Some(self.view_of(approval).await?),
            None => None,
        };
        let again = self.judge_again(&decision).await?.map(|verdict| {
            let repeats = same(&decision.verdict, &verdict_json(&verdict));
            Again { verdict, repeats }
        });
        let record = self.record_of(&decision).await?;
        let options = options_version(&decision);
        Ok(Explained { view: self.decision_view(decision), approval, record, again, options })
    }

    /// A decision with the name of its session.
    pub(crate) fn decision_view(&self, decision: Decision) -> DecisionView {
        let live = self.registry.get(decision.session);
        let name = live.and_then(|live| live.session().spec.name);
        let session_name = name.map(|name| name.to_string()).unwrap_or_default();
        DecisionView { decision, session_name }
    }

    async fn find_decision(&self, reference: &str) -> Result<Decision, Error> {
        let shown = || reference.escape_debug().to_string();
        let Some(digits) = id_digits(reference) else {
            return Err(Error::NoSuch { what: "decision", name: shown() });
        };
        let found = self.store.decisions_with_prefix(digits).await;
        let mut found = found.map_err(|error| self.store_error(error))?;
        match found.len() {
            0 => Err(Error::NoSuch { what: "decision", name: shown() }),
            1 => Ok(found.remove(0)),
            count => Err(Error::Ambiguous { what: "decision", text: shown(), count }),
        }
    }

    /// The record of a decision: it was written with the answer, at its time or a moment later.
    async fn record_of(&self, decision: &Decision) -> Result<Option<AuditSeq>, Error> {
        let Some(settled) = &decision.settled else { return Ok(None) };
        let filter = codeplane_store::AuditFilter {
            session: Some(decision.session),
            since: Some(settled.at),
            ..codeplane_store::AuditFilter::default()
        };
        let page = self.store.audit_records(filter, EventOrder::OldestFirst, RECORDS, None).await;
        let page = page.map_err(|error| self.store_error(error))?;
        let id = decision.id.to_string();
        let is_its = |(name, value): &(String, String)| name == "decision" && *value == id;
        let found = page.records.into_iter().find(|record| record.detail.iter().any(is_its));
        Ok(found.map(|record| record.seq))
    }
}

/// Whether two texts are the same JSON.
fn same(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    read(one).is_some_and(|one| Some(one) == read(other))
}

fn outcome(text: &str) -> Result<Outcome, Error> {
    Outcome::parse(text).ok_or_else(|| {
        let shown = text.escape_debug();
        Error::invalid("filter", format!("outcome '{shown}' is neither allowed nor denied"))
    })
}
