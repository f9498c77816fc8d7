//! Waits for an agent's hooks to report for the first time.

use std::sync::Arc;

use codeplane_core::{ActivitySource, AgentEvent, EventKind, Gate};
use tracing::warn;

use super::super::App;
use crate::session::Live;

impl App {
    /// Tells of an agent whose hooks have not reported in time: that of its start should have come. Nothing is known of its
    /// gate then but that the trial before the start was refused as it should.
    pub(super) async fn await_first_report(self, live: Arc<Live>) {
        tokio::select! {
            () = self.shutdown.begun() => return,
            () = tokio::time::sleep(self.config.approvals.first_report.0) => {}
        }
        let agent = live.agent();
        let reported = agent.activity.is_some_and(|now| now.source == ActivitySource::Hook);
        if reported || agent.gate != Gate::Unproven || !live.state().is_live() {
            return;
        }
        let (session, gate) = (live.id(), agent.gate.as_str().to_owned());
        let reason =
            "its hooks have not reported since the start: attach and see whether it asks something";
        warn!(session.id = %session, "session {session} is unproven: {reason}");
        let event = AgentEvent::GateChanged { gate, reason: reason.to_owned() };
        let event = self.event(session, EventKind::Agent(event));
        if let Err(error) = self.store.append_events(vec![event]).await {
            warn!(session.id = %session, %error, "that no hook reports is not written down");
        }
    }
}
