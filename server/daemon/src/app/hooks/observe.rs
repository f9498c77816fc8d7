//! Reports that ask for nothing: what they tell of the agent, and whether what it did was allowed.

use std::time::Duration;

use codeplane_core::{ActivitySource, GateEvidence, SessionId};
use codeplane_store::Reported as Stored;

use super::call::{Follows, Told};
use super::judge::Asked;
use super::{App, Error, Incoming, Reply, Reported};
use crate::agents::{Answer, HookKind, HookReport, Outcome, ToolCall};
use crate::app::approvals::DialogEnd;
use crate::app::receipts::{Witness, warn_of};

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
        if let Some((call, outcome)) = finished
            && has_run(outcome)
        {
            evidence = self.observe_call(&incoming, report, call, &mut follows).await?;
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

    /// Compares a call that ran with what was decided.
    async fn observe_call(
        &self,
        incoming: &Incoming,
        report: &HookReport,
        call: &ToolCall,
        follows: &mut Follows,
    ) -> Result<Option<GateEvidence>, Error> {
        let live = &incoming.live;
        let ran = Asked { agent: incoming.agent, tool: call, cwd: report.cwd.as_deref() };
        let Some(problem) = self.compare(live, ran, Witness::Hook).await? else {
            return Ok(Some(GateEvidence::Judged));
        };
        warn_of(live, call, &problem);
        let name = incoming.record.id.to_string();
        follows.violation = Some(Box::new(self.breach(live, call, &name, &problem)));
        Ok(problem.evidence(&call.tool))
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

/// Whether a tool ran, to its end or not.
const fn has_run(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Succeeded | Outcome::Failed(_) | Outcome::Interrupted => true,
        Outcome::Refused(_) => false,
    }
}
