//! What all sessions of a daemon share.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::watch::Watcher;

/// What every session must know of its daemon.
#[derive(Debug)]
pub(crate) struct Surroundings {
    stopping: CancellationToken,
    segment_bytes: u64,
    segment: Notify,
    watcher: Watcher,
    /// Counts drains: a stream that began before one ends with it.
    drains: AtomicU64,
}

impl Surroundings {
    /// `stopping` is cancelled when the daemon begins to end; logs are cut into segments of
    /// `segment_bytes`.
    #[must_use]
    pub(crate) fn new(stopping: CancellationToken, segment_bytes: u64, watcher: Watcher) -> Self {
        Self {
            stopping,
            segment_bytes: segment_bytes.max(1),
            segment: Notify::new(),
            watcher,
            drains: AtomicU64::new(0),
        }
    }

    /// Completes when a log has grown into a new segment since the last time.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn new_segment(&self) {
        self.segment.notified().await;
    }

    /// Ends the streams that there are. Whoever holds one must be woken.
    pub(crate) fn drain(&self) {
        self.drains.fetch_add(1, Ordering::AcqRel);
    }

    /// How often that was done.
    pub(crate) fn drains(&self) -> u64 {
        self.drains.load(Ordering::Acquire)
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// The thread that follows what programs print.
    pub(crate) const fn watcher(&self) -> &Watcher {
        &self.watcher
    }

    /// A log has grown.
    pub(super) fn grown(&self, from: u64, to: u64) {
        if from / self.segment_bytes != to / self.segment_bytes {
            self.segment.notify_one();
        }
    }
}
