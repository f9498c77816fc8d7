//! What is known of the agent in a session.

use codeplane_core::SessionAgent;

use super::Live;

impl Live {
    /// What is known of its agent.
    #[must_use]
    pub(crate) fn agent(&self) -> SessionAgent {
        self.lock().agent.clone()
    }

    /// Takes what was written down before.
    pub(crate) fn set_agent(&self, agent: SessionAgent) {
        self.lock().agent = agent;
        self.changed();
    }

    /// Changes what is known. Answers it, one version on, if that made a difference.
    pub(crate) fn change_agent(
        &self,
        change: impl FnOnce(&mut SessionAgent),
    ) -> Option<SessionAgent> {
        let changed = {
            let mut state = self.lock();
            let mut agent = state.agent.clone();
            change(&mut agent);
            if agent == state.agent {
                return None;
            }
            agent.version += 1;
            state.agent = agent.clone();
            agent
        };
        self.changed();
        Some(changed)
    }

    /// So many of its agent's calls wait for a person.
    pub(crate) fn set_pending(&self, count: usize) {
        self.lock().pending = count;
        self.changed();
    }

    /// Which process its shim is.
    pub(crate) fn set_shim_pid(&self, pid: u32) {
        self.lock().shim_pid = i32::try_from(pid).unwrap_or(0);
    }

    /// Which process its shim is; none while that is not known.
    #[must_use]
    pub(crate) fn shim_pid(&self) -> Option<i32> {
        Some(self.lock().shim_pid).filter(|pid| *pid > 0)
    }
}
