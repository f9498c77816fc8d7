//! How the daemon ends: everybody is told, everybody is waited for, nobody is waited for too long.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Handed to whoever may spawn a task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shutdown {
    token: CancellationToken,
    tasks: TaskTracker,
    /// Of what serves calls as long as there are any.
    last: CancellationToken,
    last_tasks: TaskTracker,
}

impl Shutdown {
    /// Spawns a task that the end of the daemon waits for.
    ///
    /// # Cancel safety
    /// The task runs on when the handle is dropped.
    pub(crate) fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Spawns a task that serves calls, such as one that hears of a session's end: it is to end at
    /// [`Self::calls_over`], and calls do not wait for it.
    pub(crate) fn spawn_beneath<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.last_tasks.spawn(task)
    }

    /// Runs what blocks on a thread of its own kind.
    pub(crate) fn spawn_blocking<F, T>(&self, task: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.tasks.spawn_blocking(task)
    }

    /// Completes when the daemon begins to end.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn begun(&self) {
        self.token.cancelled().await;
    }

    /// Completes when no call is served any more.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn calls_over(&self) {
        self.last.cancelled().await;
    }

    /// Whether the daemon has begun to end.
    #[must_use]
    pub(crate) fn has_begun(&self) -> bool {
        self.token.is_cancelled()
    }

    /// A token that is cancelled when the daemon begins to end.
    #[must_use]
    pub(crate) fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Tells everybody.
    pub(crate) fn begin(&self) {
        self.token.cancel();
        self.tasks.close();
    }

    /// Waits for all tasks, `grace` at the most, and then so long for those beneath; says whether all
    /// calls ended.
    pub(crate) async fn finished(&self, grace: Duration) -> bool {
        let ended = tokio::time::timeout(grace, self.tasks.wait()).await.is_ok();
        self.last.cancel();
        self.last_tasks.close();
        drop(tokio::time::timeout(grace, self.last_tasks.wait()).await);
        ended
    }
}
