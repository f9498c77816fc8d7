//! The second net: where an agent would ask its user itself.

use codeplane_core::policy::Effect;
use codeplane_core::{Decision, Outcome};
use codeplane_store::Reported as Stored;

use super::call::{Follows, Told};
use super::judge::{Asked, grant_digest};
use super::{App, Error, Incoming, Reply, Reported};
use crate::agents::{HookReport, ToolCall};

impl App {
    /// Answers by what was decided about the same call a moment ago; a call that nobody was asked about
    /// is judged now.
    pub(super) async fn second_net(
        &self,
        incoming: Incoming,
        report: &HookReport,
        tool: &ToolCall,
        reply: Reply,
    ) -> Result<Reported, Error> {
        let asked = Asked { agent: incoming.agent, tool, cwd: report.cwd.as_deref() };
        let digest = grant_digest(&asked);
        let Some(id) = self.open_calls.asked_again(incoming.live.id(), digest) else {
            return Box::pin(self.gate(incoming, report, tool, reply)).await;
        };
        let decision = self.store.decision(id).await.map_err(|error| self.store_error(error))?;
        let holds = match &decision {
            Some(decision) => self.still_holds(&incoming, asked, decision).await?,
            None => false,
        };
        let Some(decision) = decision.filter(|_| holds) else {
            return Box::pin(self.gate(incoming, report, tool, reply)).await;
        };
        let mut follows =
            Follows { events: vec![self.reported(&incoming, Some(tool))], ..Follows::default() };
        self.learn(&incoming, Some(report), &Told::default(), &mut follows);
        if let Stored::Before(known) = self.write_report(&incoming, follows).await? {
            let known = codeplane_store::Known { decision: Some(id), ..known };
            return self.reported_before(&incoming, &known, reply).await;
        }
        self.answer_again(decision, reply).await
    }

    /// Whether an answer may be given once more: it was fetched in time, and no rule denies the call by now.
    async fn still_holds(
        &self,
        incoming: &Incoming,
        asked: Asked<'_>,
        decision: &Decision,
    ) -> Result<bool, Error> {
        let is_allowed =
            decision.settled.as_ref().is_some_and(|end| end.outcome == Outcome::Allowed);
        if !is_allowed {
            return Ok(true);
        }
        let approval = self.approval_of(decision).await?;
        if approval.is_some_and(|approval| approval.is_void(self.clock.now())) {
            return Ok(false);
        }
        let judged = self.judge(&incoming.live, asked).await?;
        Ok(judged.verdict.decision != Effect::Deny)
    }

    /// A call that is asked about in the agent's dialog has both: whoever answers first decides.
    async fn answer_again(&self, decision: Decision, reply: Reply) -> Result<Reported, Error> {
        if decision.settled.is_some() {
            return Ok(Reported::Answered(reply.with(&super::gate::settled_answer(&decision))));
        }
        match self.approval_of(&decision).await? {
            Some(approval) => Ok(self.held(approval.asked.id, approval.asked.expires_at, reply)),
            None => Ok(Reported::Answered(reply.deny("codeplane lost the question"))),
        }
    }
}
