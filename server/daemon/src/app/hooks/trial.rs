//! The trial of the gate, before an agent starts.

use codeplane_core::{DecisionSource, Outcome};
use codeplane_store::Reported as Stored;

use super::call::Follows;
use super::{App, Error, Incoming, Reply, Reported};
use crate::agents::{HookReport, TRIAL_REFUSAL, ToolCall};

impl App {
    /// Refuses a call that nobody makes, whatever the rules say. It shows that a hook of this session reaches the daemon and
    /// obeys, not that the agent runs its hooks: the session stays unproven.
    pub(super) async fn refuse_trial(
        &self,
        incoming: Incoming,
        report: &HookReport,
        tool: &ToolCall,
        reply: Reply,
    ) -> Result<Reported, Error> {
        let mut decision = self.new_decision(&incoming, report, tool, None);
        let refusal = self.own_answer(Outcome::Denied, DecisionSource::Trial, TRIAL_REFUSAL);
        decision.settled = Some(refusal);
        let (event, audit) = self.decided(&decision);
        let follows = Follows {
            events: vec![self.reported(&incoming, Some(tool)), event],
            audit: vec![audit],
            decision: Some(decision),
            ..Follows::default()
        };
        match self.write_report(&incoming, follows).await? {
            Stored::New => Ok(Reported::Answered(reply.deny(TRIAL_REFUSAL))),
            Stored::Before(known) => self.reported_before(&incoming, &known, reply).await,
        }
    }
}
