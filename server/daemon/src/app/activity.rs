//! What agents do at the moment, of all that tells of it.

use std::sync::Arc;

use codeplane_core::{
    Activity, ActivityName, ActivitySource, AgentEvent, Circumstances, EventKind, GateMode,
    SessionAgent, SessionId,
};
use tracing::warn;

use super::App;
use super::approvals::DialogEnd;
use crate::session::{Live, ProgramNews};

impl App {
    /// What is known beside what a hook or a program tells.
    pub(super) fn circumstances(&self, live: &Live) -> Circumstances {
        Circumstances { waiting: self.approvals.count(live.id()), program: live.program_activity() }
    }

    /// Follows what the program of a session says of itself, if it has said anything.
    ///
    /// An agent that asks in its own dialog reports to no hook that it was refused or broken off there: its
    /// program says so.
    pub(super) async fn follow_program(&self, live: &Arc<Live>) {
        let Some(news) = live.take_program_news() else { return };
        if !live.state().is_live() {
            return;
        }
        let name = match news {
            ProgramNews::Does(name) => name,
            ProgramNews::BrokeOff => {
                self.end_dialogs(live.id()).await;
                ActivityName::Idle
            }
        };
        self.tell_activity(live, name, ActivitySource::ProgramStatus).await;
    }

    /// Whoever sat at the agent's dialog has not said yes.
    async fn end_dialogs(&self, session: SessionId) {
        for id in self.approvals.of_session(session) {
            match self.store.approval(id).await {
                Ok(Some(approval)) if approval.asked.mode == GateMode::AgentDialog => {
                    self.end_dialog(approval.asked.decision, DialogEnd::Denied).await;
                }
                Ok(_) => {}
                Err(error) => warn!(%error, "an approval could not be read"),
            }
        }
    }

    /// Takes note of what an agent does, and tells of it if that is to be believed and new.
    pub(super) async fn tell_activity(
        &self,
        live: &Arc<Live>,
        name: ActivityName,
        source: ActivitySource,
    ) {
        let told = Activity { name, source, since: self.clock.now() };
        let circumstances = self.circumstances(live);
        let changed = live.change_agent(|agent| note_activity(agent, told, circumstances));
        if changed.is_some() {
            let event = AgentEvent::ActivityChanged { activity: name, source };
            let event = self.event(live.id(), EventKind::Agent(event));
            self.write_agent(live.id(), changed, vec![event]).await;
        }
    }
}

/// Puts down what an agent does, if it is to be believed and new.
pub(super) fn note_activity(
    agent: &mut SessionAgent,
    told: Activity,
    circumstances: Circumstances,
) {
    if let Some(activity) = Activity::after(agent.activity, told, circumstances) {
        agent.activity = Some(activity);
    }
}
