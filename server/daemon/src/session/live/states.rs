//! The way of a session's process from start to end.

use codeplane_core::{EndReason, SessionState, Timestamp};

use super::Live;

impl Live {
    /// The process runs. Does nothing once it has ended or was told to stop.
    pub(crate) fn set_started(&self, at: Timestamp) {
        self.change(|state| {
            state.session.started_at = Some(at);
            match state.session.state {
                SessionState::Starting => {
                    state.session.state = SessionState::Running;
                    state.session.version += 1;
                }
                SessionState::Running
                | SessionState::Stopping
                | SessionState::Restarting { .. }
                | SessionState::Ended(_) => {}
            }
        });
    }

    /// It was told to stop.
    pub(crate) fn set_stopping(&self) {
        self.change(|state| match state.session.state {
            SessionState::Starting | SessionState::Running => {
                state.session.state = SessionState::Stopping;
                state.session.version += 1;
            }
            SessionState::Stopping | SessionState::Restarting { .. } | SessionState::Ended(_) => {}
        });
    }

    /// The incarnation is over. The first reason stays.
    pub(crate) fn set_ended(&self, reason: EndReason, at: Timestamp) {
        self.change(|state| {
            if state.session.state.is_live() {
                state.session.state = SessionState::Ended(reason);
                state.session.ended_at = Some(at);
                state.session.version += 1;
                state.pid = 0;
            }
        });
    }
}
