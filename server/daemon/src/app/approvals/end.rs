//! How approvals end that nobody decides, and how decided ones reach their hooks.

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{
    ActivityName, ActivitySource, AgentEvent, Approval, ApprovalChange, ApprovalState, Decision,
    DecisionId, DecisionSource, EventKind, GateMode, Grant, NewApproval, Outcome, Resolution,
    SessionId, Settled,
};
use codeplane_store::{Resolve, Resolved, Trail};
use tracing::{error, warn};

use super::super::hooks::shortened;
use super::super::{App, Error};
use super::decide::{answers, edited_digest};

/// How a question in the agent's own dialog was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DialogEnd {
    /// The call was made.
    Allowed,
    /// It was not.
    Denied,
}

/// How an approval is to end.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    pub(super) state: ApprovalState,
    pub(super) source: DecisionSource,
    pub(super) by: String,
    /// For the agent.
    pub(super) reason: String,
    pub(super) updated_input: Option<String>,
    pub(super) grants: Vec<Grant>,
}

impl App {
    /// Denies an approval when its time is over, and cancels it when its hook is gone.
    pub(in crate::app) fn watch_expiry(&self, approval: &NewApproval) {
        let (app, approval) = (self.clone(), approval.clone());
        self.shutdown.spawn(async move { app.expire(approval).await });
    }

    async fn expire(self, approval: NewApproval) {
        let rejoin = self.config.approvals.rejoin_grace.0;
        let left = approval.expires_at.micros_since(self.clock.now());
        let left = std::time::Duration::from_micros(u64::try_from(left).unwrap_or(0));
        let deadline = tokio::time::Instant::now() + left;
        let mut wait = self.approvals.wait(approval.id);
        let mut alone = 0;
        loop {
            let look = tokio::time::Instant::now() + rejoin;
            tokio::select! {
                () = self.shutdown.begun() => return,
                () = wait.ended() => return,
                () = tokio::time::sleep_until(deadline) => {
                    return self.end_by_itself(&approval, ApprovalState::Expired).await;
                }
                () = tokio::time::sleep_until(look), if approval.mode == GateMode::Held => {}
            }
            // This task waits too.
            alone = match self.approvals.waiters(approval.id) {
                Some(1) => alone + 1,
                Some(_) => 0,
                None => return,
            };
            if alone == 2 {
                return self.end_by_itself(&approval, ApprovalState::Cancelled).await;
            }
        }
    }

    pub(super) async fn end_by_itself(&self, approval: &NewApproval, state: ApprovalState) {
        let (source, reason) = match state {
            ApprovalState::Cancelled => {
                (DecisionSource::Cancelled(approval.id), "the hook that asked is gone")
            }
            ApprovalState::Pending
            | ApprovalState::Allowed
            | ApprovalState::Denied
            | ApprovalState::Expired => {
                (DecisionSource::Expired(approval.id), "nobody decided in time")
            }
        };
        let ending = Ending {
            state,
            source,
            by: NewAudit::DAEMON.to_owned(),
            reason: format!("{reason}: denied"),
            updated_input: None,
            grants: Vec::new(),
        };
        if let Err(error) = self.end(approval, ending, Trail::default()).await {
            error!(approval = %approval.id, %error, "approval {} did not end", approval.id);
        }
    }

    /// The agent's own dialog was answered, or the call is over in another way.
    pub(in crate::app) async fn end_dialog(&self, decision: DecisionId, how: DialogEnd) {
        let found = match self.store.decision(decision).await {
            Ok(Some(decision)) if decision.settled.is_none() => decision,
            Ok(_) => return,
            Err(error) => return warn!(%error, "a decision could not be read"),
        };
        let Ok(Some(approval)) = self.approval_of(&found).await else { return };
        match approval.asked.mode {
            GateMode::AgentDialog => {}
            // It has no dialog: its hook answers, or goes.
            GateMode::Held => return,
        }
        let id = approval.asked.id;
        let (state, source, reason) = match how {
            DialogEnd::Allowed => (
                ApprovalState::Allowed,
                DecisionSource::Dialog(id),
                "allowed in the agent's dialog",
            ),
            DialogEnd::Denied => (
                ApprovalState::Cancelled,
                DecisionSource::Cancelled(id),
                "the agent's dialog was answered, or the turn is over",
            ),
        };
        let ending = Ending {
            state,
            source,
            by: "dialog".to_owned(),
            reason: reason.to_owned(),
            updated_input: None,
            grants: Vec::new(),
        };
        if let Err(error) = self.end(&approval.asked, ending, Trail::default()).await {
            warn!(%error, "approval {id} did not end with its dialog");
        }
    }

    /// Nothing of a session waits any more: its run is over.
    pub(in crate::app) async fn cancel_approvals(&self, session: SessionId) {
        for id in self.approvals.of_session(session) {
            if let Ok(Some(approval)) = self.store.approval(id).await {
                self.end_by_itself(&approval.asked, ApprovalState::Cancelled).await;
            }
        }
    }

    /// Ends an approval, once: row, decision, grants, events and audit records in one write, then whoever
    /// waits is told.
    pub(super) async fn end(
        &self,
        asked: &NewApproval,
        ending: Ending,
        trail: Trail,
    ) -> Result<Resolved, Error> {
        let now = self.clock.now();
        let outcome = match ending.state {
            ApprovalState::Allowed => Outcome::Allowed,
            ApprovalState::Pending
            | ApprovalState::Denied
            | ApprovalState::Expired
            | ApprovalState::Cancelled => Outcome::Denied,
        };
        let settled = Settled {
            outcome,
            source: ending.source,
            by: ending.by.clone(),
            reason: ending.reason.clone(),
            updated_input: ending.updated_input.clone(),
            at: now,
        };
        let resolution = Resolution {
            state: ending.state,
            by: ending.by.clone(),
            at: now,
            message: ending.reason.clone(),
            updated_input: ending.updated_input.clone(),
            grants: ending.grants.iter().map(|grant| grant.id).collect(),
        };
        let (events, audit) = self.told(asked, &ending, &settled).await?;
        let mut trail = trail;
        trail.audit.extend(audit);
        let resolve = Resolve {
            change: ApprovalChange { id: asked.id, resolution },
            settled,
            grants: ending.grants.clone(),
            agent: None,
            events,
            trail,
        };
        let resolved = self.store.resolve_approval(resolve).await;
        let resolved = resolved.map_err(|error| self.store_error(error))?;
        match &resolved {
            Resolved::Now(_) => {
                self.grants.add(ending.grants);
                self.watch_fetch(asked);
            }
            // Another answer was first: nothing of this one holds.
            Resolved::Before(_) => {}
        }
        self.approvals.closed(asked.id);
        self.no_longer_waiting(asked.session, ending.state).await;
        Ok(resolved)
    }

    async fn told(
        &self,
        asked: &NewApproval,
        ending: &Ending,
        settled: &Settled,
    ) -> Result<(Vec<codeplane_core::NewEvent>, Vec<NewAudit>), Error> {
        let kind = match ending.state {
            ApprovalState::Expired => AuditKind::ApprovalExpired,
            ApprovalState::Cancelled => AuditKind::ApprovalCancelled,
            ApprovalState::Pending | ApprovalState::Allowed | ApprovalState::Denied => {
                AuditKind::ApprovalDecided
            }
        };
        let mut events = vec![self.event(
            asked.session,
            EventKind::Agent(AgentEvent::ApprovalResolved {
                approval: asked.id,
                state: ending.state,
                by: ending.by.clone(),
            }),
        )];
        let decision = self.store.decision(asked.decision).await;
        let decision = decision.map_err(|error| self.store_error(error))?;
        let record = self
            .audit_about(&ending.by, kind, (asked.session, asked.incarnation))
            .with("approval", asked.id.to_string())
            .with("state", ending.state.as_str())
            .with("request_hash", asked.digest.to_string())
            .with("message", shortened(&ending.reason));
        let mut audit = vec![match (&decision, &ending.updated_input) {
            (Some(decision), Some(input)) => changed(record, decision, input),
            (_, None) | (None, Some(_)) => record,
        }];
        for grant in &ending.grants {
            let (event, record) = self.granted(asked, grant);
            events.push(event);
            audit.push(record);
        }
        if let Some(decision) = decision {
            let (event, record) =
                self.decided(&Decision { settled: Some(settled.clone()), ..decision });
            events.push(event);
            audit.push(record);
        }
        Ok((events, audit))
    }

    /// The agent goes on, unless more of its calls wait or whoever sits at it broke it off.
    async fn no_longer_waiting(&self, session: SessionId, how: ApprovalState) {
        let Some(live) = self.registry.get(session) else { return };
        let waiting = self.approvals.count(session);
        live.set_pending(waiting);
        if waiting > 0 {
            return;
        }
        let waits = live.agent().activity.is_some_and(|now| {
            matches!(now.name, ActivityName::WaitingForApproval | ActivityName::WaitingForInput)
        });
        if waits {
            // Broken off while it waited, it does nothing now. Its program says so, if it says anything.
            let is_idle = match live.program_activity() {
                Some(does) => does == ActivityName::Idle,
                None => how == ApprovalState::Cancelled,
            };
            let name = if is_idle { ActivityName::Idle } else { ActivityName::Working };
            self.tell_activity(&live, name, ActivitySource::Daemon).await;
        }
    }

    /// The approval that a decision waits for, or waited for.
    pub(in crate::app) async fn approval_of(
        &self,
        decision: &Decision,
    ) -> Result<Option<Approval>, Error> {
        let found = self.store.approval_of_decision(decision.id).await;
        found.map_err(|error| self.store_error(error))
    }
}

/// What was answered, or what was made of the input, with its hash: it is not what was asked.
fn changed(mut record: NewAudit, decision: &Decision, input: &str) -> NewAudit {
    let answers = answers(decision, input);
    for (question, answer) in &answers {
        record = record.with("answer", shortened(&format!("{question}: {answer}")));
    }
    if !answers.is_empty() {
        return record;
    }
    if let Some(digest) = edited_digest(decision, input) {
        record = record.with("updated_hash", digest.to_string());
    }
    record.with("updated_input", shortened(input))
}
