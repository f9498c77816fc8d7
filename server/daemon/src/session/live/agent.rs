//! What is known of the agent in a session.

use std::collections::HashSet;

use codeplane_core::{Coverage, SessionAgent};

use super::Live;

/// Most calls that are remembered because nobody judged them; more are not counted.
const MOST_UNJUDGED: usize = 10_000;

/// The calls of an agent.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// How many wait for a person.
    pub(super) pending: usize,
    judged: u64,
    /// By their ids: hooks and transcripts tell of the same.
    unjudged: HashSet<String>,
}

impl Calls {
    pub(super) fn coverage(&self) -> Coverage {
        Coverage { judged: self.judged, unjudged: self.unjudged.len() as u64 }
    }
}

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
        self.lock().calls.pending = count;
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

    /// One more of its agent's calls was judged.
    pub(crate) fn count_judged(&self) {
        self.lock().calls.judged += 1;
        self.changed();
    }

    /// A call of its agent ran that nobody had judged.
    pub(crate) fn count_unjudged(&self, call: &str) {
        {
            let unjudged = &mut self.lock().calls.unjudged;
            if unjudged.len() >= MOST_UNJUDGED || !unjudged.insert(call.to_owned()) {
                return;
            }
        }
        self.changed();
    }

    /// Takes what was counted before.
    pub(crate) fn set_calls(&self, judged: u64, unjudged: Vec<String>) {
        let mut state = self.lock();
        state.calls.judged = judged;
        state.calls.unjudged = unjudged.into_iter().collect();
        drop(state);
        self.changed();
    }
}
