//! Reports that ask for nothing: what they tell of the agent, and whether what it did was allowed.

use std::time::Duration;

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{
    ActivitySource, AgentEvent, Decision, EventKind, GateEvidence, Outcome as Decided, SessionId,
};
use codeplane_store::Reported as Stored;

use super::call::{Follows, Told};
use super::judge::{Asked, grant_digest, request_digest};
use super::{App, Error, Incoming, Reply, Reported};
use crate::agents::{Answer, HookKind, HookReport, Outcome, ToolCall};
use crate::app::approvals::DialogEnd;

/// How long the report of one call may come after that of its batch: hooks that only observe run beside
/// each other (seen with Claude Code 2.1.329).
const OVERTAKEN: Duration = Duration::from_secs(2);

impl App {
    /// Writes a report down with what it tells.
    pub(super) async fn observe(
        &self,
        incoming: Incoming,
        report: &HookReport,
    ) -> Result<Reported, Error> {
        let reply = Reply { agent: incoming.agent, event: report.name.clone(), call: None };
        let finished = if let HookKind::ToolFinished { call, outcome } = &report.kind {
            Some((call, outcome))
        } else {
            None
        };
        let tool = finished.map(|(call, _)| call);
        let mut follows =
            Follows { events: vec![self.reported(&incoming, tool)], ..Follows::default() };
        let mut evidence = None;
        if let Some(finished) = finished {
            evidence = self.compare(&incoming, report, finished, &mut follows).await?;
        }
        // What a subagent does is not what its agent does: that may wait or be idle meanwhile.
        let activity = report.kind.activity().filter(|_| report.subagent.is_none());
        let told = Told { activity: activity.map(|name| (name, ActivitySource::Hook)), evidence };
        self.learn(&incoming, Some(report), &told, &mut follows);
        match self.write_report(&incoming, follows).await? {
            Stored::New => self.follow_up(incoming.live.id(), report).await,
            Stored::Before(_) => {}
        }
        Ok(Reported::Answered(reply.with(&Answer::NoOpinion)))
    }

    /// Compares what ran with what was decided.
    async fn compare(
        &self,
        incoming: &Incoming,
        report: &HookReport,
        (call, outcome): (&ToolCall, &Outcome),
        follows: &mut Follows,
    ) -> Result<Option<GateEvidence>, Error> {
        let ran = match outcome {
            Outcome::Succeeded | Outcome::Failed(_) | Outcome::Interrupted => true,
            Outcome::Refused(_) => false,
        };
        if !ran {
            return Ok(None);
        }
        let decision = self.decision_behind(incoming, call).await?;
        let problem = match &decision {
            None => Some("it ran and nobody had judged it".to_owned()),
            Some(decision) => {
                let asked = Asked { agent: incoming.agent, tool: call, cwd: report.cwd.as_deref() };
                broken(decision, &asked)
            }
        };
        let Some(problem) = problem else { return Ok(Some(GateEvidence::Judged)) };
        let reason = format!("{}: {problem}", call.tool);
        self.violation(incoming, call, problem, follows);
        Ok(decision.is_none().then_some(GateEvidence::Unjudged { reason }))
    }

    async fn decision_behind(
        &self,
        incoming: &Incoming,
        call: &ToolCall,
    ) -> Result<Option<Decision>, Error> {
        let session = incoming.live.id();
        let found = match &call.tool_use_id {
            Some(id) => self.store.decision_of_call(session, id.clone()).await,
            None => {
                let asked = Asked { agent: incoming.agent, tool: call, cwd: None };
                self.store.decision_of_request(session, request_digest(&asked)).await
            }
        };
        found.map_err(|error| self.store_error(error))
    }

    fn violation(
        &self,
        incoming: &Incoming,
        call: &ToolCall,
        problem: String,
        follows: &mut Follows,
    ) {
        let session = incoming.live.id();
        let tool_use_id = call.tool_use_id.clone().unwrap_or_default();
        tracing::warn!(session.id = %session, "session {session}: {} ran against the rules: {problem}", call.tool);
        let audit = NewAudit::by_daemon(self.clock.now(), AuditKind::Violation)
            .about(session, Some(incoming.incarnation()))
            .at(incoming.live.end_position())
            .with("tool", call.tool.clone())
            .with("tool_use_id", tool_use_id.clone())
            .with("problem", problem.clone());
        follows.audit.push(audit);
        let event = AgentEvent::Violation { tool_use_id, tool: call.tool.clone(), problem };
        follows.events.push(self.event(session, EventKind::Agent(event)));
    }

    /// What ends with what was reported: calls that were under way, questions in the agent's dialog.
    async fn follow_up(&self, session: SessionId, report: &HookReport) {
        match &report.kind {
            HookKind::ToolFinished { call, outcome } => {
                let Some(id) = &call.tool_use_id else { return };
                let Some(open) = self.open_calls.close(session, id) else { return };
                let end = match outcome {
                    Outcome::Succeeded | Outcome::Failed(_) | Outcome::Interrupted => {
                        DialogEnd::Allowed
                    }
                    Outcome::Refused(_) => DialogEnd::Denied,
                };
                self.end_dialog(open.decision, end).await;
            }
            HookKind::ToolBatchFinished { tool_use_ids } => {
                // Reports overtake each other: what was made may still be told.
                let (app, ids) = (self.clone(), tool_use_ids.clone());
                self.shutdown.spawn(async move {
                    tokio::time::sleep(OVERTAKEN).await;
                    for id in ids {
                        if let Some(open) = app.open_calls.close(session, &id) {
                            app.end_dialog(open.decision, DialogEnd::Denied).await;
                        }
                    }
                });
            }
            HookKind::TurnFinished { .. } | HookKind::TurnFailed { .. } | HookKind::Interrupted => {
                if report.subagent.is_none() {
                    for open in self.open_calls.close_turn(session) {
                        self.end_dialog(open.decision, DialogEnd::Denied).await;
                    }
                }
            }
            HookKind::SessionEnded { .. } => {
                for open in self.open_calls.close_all(session) {
                    self.end_dialog(open.decision, DialogEnd::Denied).await;
                }
            }
            HookKind::ToolRequested(_)
            | HookKind::PermissionRequested(_)
            | HookKind::SessionStarted { .. }
            | HookKind::PromptSubmitted
            | HookKind::Notified { .. }
            | HookKind::SubagentStarted
            | HookKind::SubagentFinished
            | HookKind::Other => {}
        }
    }
}

/// What is wrong with a call that ran, if it is not what was decided.
fn broken(decision: &Decision, ran: &Asked<'_>) -> Option<String> {
    let Some(settled) = &decision.settled else {
        // It was asked about in the agent's own dialog, which was answered.
        return None;
    };
    match settled.outcome {
        Decided::Denied => Some("it ran although it was denied".to_owned()),
        Decided::Allowed => {
            let input = settled.updated_input.as_deref().unwrap_or(&decision.request.input);
            let judged = ToolCall {
                tool: decision.request.tool.clone(),
                input: codeplane_core::policy::Value::parse(input.as_bytes()),
                input_text: input.as_bytes().to_vec(),
                tool_use_id: None,
            };
            let cwd = decision.request.cwd.as_deref();
            let asked = Asked { agent: ran.agent, tool: &judged, cwd };
            let same_command = grant_digest(&asked) == grant_digest(&Asked { cwd, ..*ran });
            (ran.tool.tool == "Bash" && !same_command)
                .then(|| "it ran with another command than the one that was judged".to_owned())
        }
    }
}
