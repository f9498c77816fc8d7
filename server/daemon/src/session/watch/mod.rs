//! Follows what programs print, for what must be known of it besides its bytes.
//!
//! One thread of its own does all of it, behind delivery: it is told that a log has grown, waits a
//! few milliseconds for more, and reads the new bytes from the file like any other reader. A
//! scanner without a grid sees every byte; it finds queries to answer, titles, bells and modes.
//! The emulator exists only while a screen is made.

mod answer;
mod queue;
mod tracked;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use codeplane_core::SessionId;
use codeplane_terminal::Modes;
use tokio::sync::oneshot;

use super::live::Live;
use queue::Queue;
use tracked::Tracked;

/// How long new output is left alone: a burst is then read once, and delivery goes first. A program
/// that asks its terminal something waits that much longer for the answer.
const LOOK_AFTER: Duration = Duration::from_millis(5);

/// Jobs that may wait. Each session has at most one look queued; the rest are calls of clients.
const JOBS: usize = 16 << 10;

/// What the thread is asked to do.
#[derive(Debug)]
enum Job {
    /// The log has grown.
    Look(Arc<Live>),
    /// Tell the modes at the end of the log.
    Modes(Arc<Live>, oneshot::Sender<Modes>),
    /// The session is no more.
    Forget(SessionId),
}

/// A handle on the thread.
#[derive(Clone, Debug)]
pub(crate) struct Watcher {
    jobs: SyncSender<Job>,
}

/// The thread cannot take or answer the request now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub(super) fn grown(&self, live: &Arc<Live>) {
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

/// What the thread knows.
#[derive(Default)]
struct Thread {
    sessions: HashMap<SessionId, Tracked>,
    looks: Queue<Arc<Live>>,
}

impl Thread {
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let job = match self.looks.next_due() {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => jobs.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match job {
                Ok(job) => self.take(job),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Some(live) = self.looks.pop_due(Instant::now()) {
                live.release_look();
                self.tracked(&live).catch_up(&live);
            }
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Look(live) => self.looks.push(Instant::now() + LOOK_AFTER, live),
            Job::Modes(live, answer) => {
                let tracked = self.tracked(&live);
                tracked.catch_up(&live);
                // Its client may have hung up.
                drop(answer.send(tracked.modes().clone()));
            }
            Job::Forget(id) => {
                self.sessions.remove(&id);
            }
        }
    }

    fn tracked(&mut self, live: &Arc<Live>) -> &mut Tracked {
        self.sessions.entry(live.id()).or_insert_with(|| Tracked::new(live))
    }
}
