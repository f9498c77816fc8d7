//! How decided approvals reach their hooks, or do not.

use std::time::Duration;

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{Approval, GateMode, NewApproval};
use tracing::warn;

use super::super::hooks::settled_answer;
use super::super::{App, Error};
use super::Wait;
use crate::agents::Answer;

/// When it is looked whether an answer was fetched: it is void by then if it was not.
const LOOK: Duration = Duration::from_secs(31);

impl App {
    /// Waits for an answer and notes that the hook has it.
    pub(in crate::app) async fn delivered(&self, mut wait: Wait) -> Result<Answer, Error> {
        wait.ended().await;
        let found = self.store.approval(wait.approval).await;
        let approval = found.map_err(|error| self.store_error(error))?;
        let Some(approval) = approval.filter(|one| one.resolution.is_some()) else {
            return Err(Error::Stopping);
        };
        let now = self.clock.now();
        if approval.is_void(now) {
            return Ok(self.void(&approval).await);
        }
        let audit = self
            .answer_record(AuditKind::AnswerDelivered, &approval.asked)
            .with("state", approval.state().as_str());
        let noted = self.store.deliver_approval(approval.asked.id, now, audit).await;
        noted.map_err(|error| self.store_error(error))?;
        let decision = self.store.decision(approval.asked.decision).await;
        let decision = decision.map_err(|error| self.store_error(error))?;
        Ok(decision.map_or_else(
            || Answer::Deny { reason: "codeplane lost the decision".to_owned() },
            |decision| settled_answer(&decision),
        ))
    }

    /// What a hook gets that comes too late for its answer.
    pub(in crate::app) async fn void(&self, approval: &Approval) -> Answer {
        let state = approval.state().as_str();
        let record = self.answer_record(AuditKind::AnswerVoid, &approval.asked);
        self.note(record.with("answer", state).with("problem", "fetched too late: denied")).await;
        let reason = "the answer was not fetched within 30 seconds and is void: ask again";
        Answer::Deny { reason: reason.to_owned() }
    }

    /// Looks later whether the hook has fetched an answer: one that it has not stands in the log as decided, and was
    /// never given.
    pub(super) fn watch_fetch(&self, asked: &NewApproval) {
        match asked.mode {
            GateMode::Held => {}
            // Its dialog may be answered as well.
            GateMode::AgentDialog => return,
        }
        let (app, asked) = (self.clone(), asked.clone());
        drop(self.shutdown.spawn(async move {
            tokio::select! {
                () = app.shutdown.begun() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            match app.store.approval(asked.id).await {
                Ok(Some(approval)) if approval.delivered_at.is_none() => {
                    let record = app.answer_record(AuditKind::AnswerVoid, &asked);
                    let record = record.with("answer", approval.state().as_str());
                    app.note(record.with("problem", "nobody fetched it")).await;
                }
                Ok(_) => {}
                Err(error) => warn!(%error, "whether an answer was fetched is not known"),
            }
        }));
    }

    fn answer_record(&self, kind: AuditKind, asked: &NewApproval) -> NewAudit {
        self.audit_about(NewAudit::DAEMON, kind, (asked.session, asked.incarnation))
            .with("approval", asked.id.to_string())
    }
}
