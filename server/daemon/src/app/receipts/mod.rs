//! Receipts: what an agent did is compared with what was decided.
//!
//! A decision, the report that a tool was used and the agent's own transcript are joined by the agent's id of the call. What
//! ran without a decision, or against one, is a violation: an event, an audit record, and, where nobody had judged it, a
//! session that is not gated any more. Each call is found once, by whoever comes first: a hook that tells of it
//! (`app/hooks/observe.rs`) or the transcript ([`follow`]); [`compare`] alone says what is wrong.
//!
//! What is promised: a call that the agent writes into a transcript as having run is compared within a second of the line.
//! What is not: an agent's program that writes no transcript, or another, is not caught by it; of a call that was broken off the
//! transcript does not say whether it had begun, so only hooks tell; tools that only talk (plans, questions of
//! Codex) fire no hook and are left out; what Codex shows no hook at all (typing into a running command, another
//! shell than the machine's own) is reported as a tool use that nobody could judge.

mod compare;
mod difference;
mod first_report;
mod follow;
mod settings;
mod tail;
mod transcripts;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use codeplane_core::SessionId;
use tokio::sync::Notify;
use tracing::{error, warn};

use super::App;
use crate::os::{FileWatch, FileWatcher};

pub(in crate::app) use compare::{Witness, warn_of};
pub(in crate::app) use follow::AgentFiles;

/// Most transcripts of one session that its hooks may name.
const MOST_TOLD: usize = 64;

/// Whose transcripts are followed, and what wakes those who do.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    sessions: Mutex<HashMap<SessionId, Followed>>,
    watcher: OnceLock<Option<Arc<FileWatcher>>>,
}

/// One session that is followed.
#[derive(Debug, Default)]
struct Followed {
    /// Transcripts that its hooks named.
    told: Vec<PathBuf>,
    wake: Arc<Notify>,
}

impl Receipts {
    /// A hook of a session named its transcript.
    pub(in crate::app) fn told(&self, session: SessionId, transcript: &Path) {
        let mut sessions = self.lock();
        let Some(followed) = sessions.get_mut(&session) else { return };
        let is_new = !followed.told.iter().any(|known| known == transcript);
        if is_new && transcript.is_absolute() && followed.told.len() < MOST_TOLD {
            followed.told.push(transcript.to_path_buf());
            followed.wake.notify_one();
        }
    }

    /// Has whoever follows a session look: its run is over.
    pub(in crate::app) fn wake(&self, session: SessionId) {
        if let Some(followed) = self.lock().get(&session) {
            followed.wake.notify_one();
        }
    }

    /// A session is followed from now on.
    fn begin(&self, session: SessionId) -> Arc<Notify> {
        let followed = Followed::default();
        let wake = Arc::clone(&followed.wake);
        self.lock().insert(session, followed);
        wake
    }

    fn end(&self, session: SessionId) {
        drop(self.lock().remove(&session));
    }

    fn all_told(&self, session: SessionId) -> Vec<PathBuf> {
        self.lock().get(&session).map(|followed| followed.told.clone()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Followed>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// A watch that wakes `wake`; none where the machine has no more to give.
    fn file_watch(&self, wake: Arc<Notify>) -> Option<FileWatch> {
        let watcher = self.receipts.watcher.get_or_init(|| self.start_watcher());
        watcher.as_ref().map(|watcher| watcher.watch(wake))
    }

    fn start_watcher(&self) -> Option<Arc<FileWatcher>> {
        let watcher = match FileWatcher::new() {
            Ok(watcher) => Arc::new(watcher),
            Err(error) => {
                warn!(%error, "files of agents cannot be watched: {error}");
                return None;
            }
        };
        let (running, stop) = (Arc::clone(&watcher), self.shutdown.clone());
        drop(self.shutdown.spawn(async move {
            tokio::select! {
                () = stop.begun() => {}
                error = running.run() => error!(%error, "files of agents are watched no more: {error}"),
            }
        }));
        Some(watcher)
    }
}
