//! The handle that everybody holds.

use std::fmt;
use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use codeplane_core::Revision;
use diesel::SqliteConnection;
use tokio::sync::watch;

use crate::audit::AuditHead;
use crate::error::{OpenError, StoreError};
use crate::files::Files;
use crate::health::Health;
use crate::known::KnownRequests;
use crate::open::{Opened, Options, open};
use crate::readers::Readers;
use crate::transaction::{Transaction, Urgency, Work};
use crate::writer::Message;

/// The rows. A clone is another handle on the same store.
///
/// # Cancel safety
/// Of every method that writes: dropped before its first poll, nothing is written; after it, all of
/// it is. Of every method that reads: nothing happens.
#[derive(Clone)]
pub struct Store(Arc<Parts>);

/// What a store is made of.
pub(crate) struct Parts {
    pub(crate) files: Files,
    pub(crate) queue: SyncSender<Message>,
    pub(crate) thread: Mutex<Option<JoinHandle<()>>>,
    pub(crate) known: Arc<KnownRequests>,
    pub(crate) readers: Readers,
    pub(crate) slow: Readers,
    pub(crate) health: Health,
    pub(crate) newest: watch::Receiver<Revision>,
    pub(crate) audit: watch::Receiver<AuditHead>,
    pub(crate) reserve_bytes: u64,
    pub(crate) schema_version: String,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.files.database).finish()
    }
}

impl Store {
    /// Opens the store of a state directory, makes it there or brings it up to date.
    ///
    /// Blocks for as long as the disk takes: a big file is checked for damage first. A file that is
    /// refused stays as it was, byte by byte.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong and what to do.
    pub fn open(directory: &Path) -> Result<Opened, OpenError> {
        open(directory, Options::default())
    }

    /// As [`Store::open`], with limits chosen.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong and what to do.
    pub fn open_with(directory: &Path, options: Options) -> Result<Opened, OpenError> {
        open(directory, options)
    }

    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The newest event's revision, and a wake-up after each commit that wrote events. It says
    /// "look again" and no more: several commits may be one wake-up.
    #[must_use]
    pub fn revisions(&self) -> watch::Receiver<Revision> {
        self.0.newest.clone()
    }

    /// Waits until the store takes no further write, because the disk refused one or the file was
    /// replaced under it, and says why. The process must end then: only a new start finds out what
    /// is on the disk.
    ///
    /// # Cancel safety
    /// Safe; it can be called again.
    pub async fn failed(&self) -> StoreError {
        self.0.health.failed().await
    }

    /// Finishes what is queued, writes the log back into the file and ends the threads. Blocks;
    /// later calls of other methods are answered [`StoreError::Closed`].
    ///
    /// # Errors
    /// Why the store had failed, if it had.
    pub fn close(&self) -> Result<(), StoreError> {
        // Readers first, so that the writer, the last to go, leaves one file.
        self.0.slow.close();
        self.0.readers.close();
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(self.0.queue.send(Message::Close));
            if thread.join().is_err() {
                self.0.health.fail(&StoreError::Crashed);
            }
        }
        self.0.health.check()
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }

    /// Writes; answered once it is durable.
    pub(crate) async fn write<T, F>(&self, urgency: Urgency, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.0.health.check()?;
        let (job, answer) = Work::new(urgency, work);
        match self.0.queue.try_send(Message::Job(Box::new(job))) {
            Ok(()) => match answer.await {
                Ok(answer) => answer,
                // The queue was dropped with the job in it.
                Err(_) => Err(self.0.health.check().err().unwrap_or(StoreError::Closed)),
            },
            Err(TrySendError::Full(_)) => Err(StoreError::Busy),
            Err(TrySendError::Disconnected(_)) => {
                Err(self.0.health.check().err().unwrap_or(StoreError::Closed))
            }
        }
    }

    /// Reads.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> Result<T, StoreError> + Send + 'static,
    {
        self.0.readers.read(read).await
    }
}
