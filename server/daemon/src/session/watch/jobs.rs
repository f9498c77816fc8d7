//! What the watching thread is asked to do, and by whom.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use codeplane_core::{Offset, SessionId};
use codeplane_terminal::{Modes, ScreenSnapshot};
use tokio::sync::oneshot;

use super::thread::Thread;
use crate::session::live::Live;

/// Jobs that may wait. Each session has at most one look queued; the rest are calls of clients.
const JOBS: usize = 16 << 10;

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    /// The log has grown.
    Look(Arc<Live>),
    /// Tell the modes at the end of the log.
    Modes(Arc<Live>, oneshot::Sender<Modes>),
    /// Show the screen as it is now.
    Show(Arc<Live>, Wanted),
    /// Make sure that the output before this position is not needed for any screen behind it.
    Seal(Arc<Live>, Offset, oneshot::Sender<std::io::Result<()>>),
    /// The session is no more.
    Forget(SessionId),
}

/// In which form the screen is wanted.
#[derive(Debug)]
pub(super) enum Wanted {
    /// As escape sequences for a cleared terminal.
    Dump { lines: usize, answer: oneshot::Sender<Shown<Vec<u8>>> },
    /// As rows.
    Rows { lines: usize, answer: oneshot::Sender<Shown<ScreenSnapshot>> },
}

impl Wanted {
    /// How many lines of history.
    pub(super) const fn lines(&self) -> usize {
        match self {
            Self::Dump { lines, .. } | Self::Rows { lines, .. } => *lines,
        }
    }

    /// Whether whoever asked has hung up.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Dump { answer, .. } => answer.is_closed(),
            Self::Rows { answer, .. } => answer.is_closed(),
        }
    }
}

/// A screen at a position.
#[derive(Debug)]
pub(crate) struct Shown<T> {
    /// Output goes on here.
    pub(crate) offset: Offset,
    /// The size it was made for.
    pub(crate) size: codeplane_core::TerminalSize,
    /// The screen.
    pub(crate) screen: T,
}

/// A handle on the thread.
#[derive(Clone, Debug)]
pub(crate) struct Watcher {
    jobs: SyncSender<Job>,
}

/// The thread cannot take or answer the request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the screens are busy")]
pub(crate) struct WatcherBusy;

impl Watcher {
    /// Starts the thread; it ends with the last handle.
    ///
    /// # Errors
    /// If there cannot be a thread.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (jobs, queue) = sync_channel(JOBS);
        std::thread::Builder::new().name("watch".to_owned()).spawn(move || {
            crate::os::yield_to_others();
            Thread::default().run(&queue);
        })?;
        Ok(Self { jobs })
    }

    /// The log of a session has grown.
    pub(in crate::session) fn grown(&self, live: &Arc<Live>) {
        if live.claim_look() {
            self.submit(Job::Look(Arc::clone(live)));
        }
    }

    /// The modes that the program has set.
    ///
    /// # Errors
    /// [`WatcherBusy`]
    pub(crate) async fn modes(&self, live: &Arc<Live>) -> Result<Modes, WatcherBusy> {
        let (answer, modes) = oneshot::channel();
        self.submit(Job::Modes(Arc::clone(live), answer));
        modes.await.map_err(|_| WatcherBusy)
    }

    /// The screen as escape sequences that paint it, with lines of history, in a cleared terminal.
    ///
    /// # Errors
    /// [`WatcherBusy`]
    pub(crate) async fn dump(
        &self,
        live: &Arc<Live>,
        lines: usize,
    ) -> Result<Shown<Vec<u8>>, WatcherBusy> {
        let (answer, shown) = oneshot::channel();
        self.submit(Job::Show(Arc::clone(live), Wanted::Dump { lines, answer }));
        shown.await.map_err(|_| WatcherBusy)
    }

    /// The screen as rows, with lines of history.
    ///
    /// # Errors
    /// [`WatcherBusy`]
    pub(crate) async fn rows(
        &self,
        live: &Arc<Live>,
        lines: usize,
    ) -> Result<Shown<ScreenSnapshot>, WatcherBusy> {
        let (answer, shown) = oneshot::channel();
        self.submit(Job::Show(Arc::clone(live), Wanted::Rows { lines, answer }));
        shown.await.map_err(|_| WatcherBusy)
    }

    /// Makes sure that the output before `boundary` is not needed for any screen behind it.
    ///
    /// # Errors
    /// If the log cannot be read or a file cannot be written: the output must stay then.
    pub(crate) async fn seal(&self, live: &Arc<Live>, boundary: Offset) -> std::io::Result<()> {
        let (answer, sealed) = oneshot::channel();
        self.submit(Job::Seal(Arc::clone(live), boundary, answer));
        sealed.await.map_err(|_| std::io::Error::other(WatcherBusy))?
    }

    /// A session was deleted.
    pub(crate) fn forget(&self, id: SessionId) {
        self.submit(Job::Forget(id));
    }

    fn submit(&self, job: Job) {
        match self.jobs.try_send(job) {
            // The next output asks again; a client is told that the daemon is busy.
            Err(TrySendError::Full(Job::Look(live))) => live.release_look(),
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }
}
