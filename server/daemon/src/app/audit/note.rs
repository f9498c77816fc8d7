//! What sessions and their users do, as records.

use std::sync::Arc;

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{Asks, AttachmentId, GateMode, Incarnation, Session, SessionAgent, SessionId};
use tracing::error;

use super::super::App;
use crate::session::{Live, Passed};

impl App {
    /// What somebody does to a session, now, at the end of its output.
    pub(in crate::app) fn audit_of(
        &self,
        principal: &str,
        kind: AuditKind,
        live: &Live,
    ) -> NewAudit {
        let position = live.end_position();
        NewAudit::by(principal, self.clock.now(), kind)
            .about(live.id(), Some(position.incarnation))
            .at(position)
    }

    /// What happens about a run of a session, at the end of its output if that is known.
    pub(in crate::app) fn audit_about(
        &self,
        principal: &str,
        kind: AuditKind,
        (session, incarnation): (SessionId, Incarnation),
    ) -> NewAudit {
        let record = NewAudit::by(principal, self.clock.now(), kind);
        let record = record.about(session, Some(incarnation));
        match self.registry.get(session) {
            Some(live) => record.at(live.end_position()),
            None => record,
        }
    }

    /// The creation of a session, with what it may do of itself.
    pub(in crate::app) fn audit_created(
        &self,
        principal: &str,
        session: &Session,
        agent: &SessionAgent,
    ) -> NewAudit {
        let spec = &session.spec;
        let command = serde_json::Value::from(spec.command.clone()).to_string();
        let mut record = NewAudit::by(principal, spec.created_at, AuditKind::SessionCreated)
            .about(session.id(), Some(session.incarnation))
            .with("command", command)
            .with("cwd", spec.cwd.clone())
            .with("provider", spec.provider.clone())
            .with("source", spec.source.clone());
        for rule in &spec.mandate.allow {
            record = record.with("allow", rule.clone());
        }
        let (asks, dialog) = (spec.mandate.asks, agent.mode == GateMode::AgentDialog);
        if asks != Asks::Person {
            record = record.with("asks", asks.as_str());
        }
        if dialog {
            record = record.with("asked_in", agent.mode.as_str());
        }
        if let Some(name) = &spec.name {
            record = record.with("name", name.to_string());
        }
        if let Some(parent) = spec.parent {
            record = record.with("parent", parent.to_string());
        }
        record
    }

    /// Records what has happened and cannot be refused any more.
    pub(in crate::app) async fn note(&self, record: NewAudit) {
        let kind = record.kind.name();
        if let Err(error) = self.store.note_audit(vec![record]).await {
            error!(%error, kind, "{kind} is missing in the audit log: {error}");
        }
    }

    /// Records who has had the keyboard of a session since the last time. Nobody waits for it.
    pub(in crate::app) fn note_control(&self, live: &Arc<Live>) {
        let (app, live) = (self.clone(), Arc::clone(live));
        drop(self.shutdown.spawn(async move {
            // Taken and queued without a pause in between: so the order is that of the changes.
            let records: Vec<NewAudit> =
                live.take_passed().iter().flat_map(|passed| app.control(&live, passed)).collect();
            if records.is_empty() {
                return;
            }
            if let Err(error) = app.store.note_audit(records).await {
                error!(session.id = %live.id(), %error, "a change of control is missing in the audit log");
            }
        }));
    }

    fn control(&self, live: &Live, passed: &Passed) -> Vec<NewAudit> {
        let record = |kind, (id, principal): &(AttachmentId, String)| {
            NewAudit::by(principal.as_str(), self.clock.now(), kind)
                .about(live.id(), Some(passed.at.incarnation))
                .at(passed.at)
                .with("attachment", id.to_string())
        };
        let released = passed.from.as_ref().map(|from| record(AuditKind::ControlReleased, from));
        let taken = passed.to.as_ref().map(|to| record(AuditKind::ControlTaken, to));
        released.into_iter().chain(taken).collect()
    }
}
