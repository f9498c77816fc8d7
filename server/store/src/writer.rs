//! The one thread that writes.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use codeplane_core::{HostId, Revision};
use diesel::SqliteConnection;
use tokio::sync::watch;

use crate::audit::AuditHead;
use crate::error::StoreError;
use crate::files::OpenFiles;
use crate::health::Health;
use crate::known::KnownRequests;
use crate::reserve::Reserve;
use crate::sqlite;
use crate::transaction::{Job, Transaction, Urgency};

/// Most jobs of one transaction. It bounds how long the first of them waits for the last.
const BATCH_JOBS: usize = 256;

/// What the queue carries.
pub(crate) enum Message {
    Job(Box<dyn Job>),
    Close,
}

/// Everything the thread owns.
pub(crate) struct Writer {
    pub(crate) connection: SqliteConnection,
    pub(crate) host: HostId,
    /// Where the audit log has come to; set once a transaction is durable.
    pub(crate) audit: AuditHead,
    pub(crate) known: Arc<KnownRequests>,
    pub(crate) files: OpenFiles,
    pub(crate) reserve: Reserve,
    pub(crate) health: Health,
    pub(crate) revisions: watch::Sender<Revision>,
    pub(crate) heads: watch::Sender<AuditHead>,
    /// Held as long as anything may be written.
    pub(crate) lock: File,
}

/// A job and what became of it so far.
struct Entry {
    job: Box<dyn Job>,
    outcome: Result<(), StoreError>,
}

impl Writer {
    /// Works until the queue is closed, then leaves a file without a write-ahead log.
    pub(crate) fn run(self, queue: &Receiver<Message>) {
        let health = self.health.clone();
        if catch_unwind(AssertUnwindSafe(|| self.work(queue))).is_err() {
            health.fail(&StoreError::Crashed);
        }
    }

    fn work(mut self, queue: &Receiver<Message>) {
        let mut is_open = true;
        while is_open {
            let mut batch = Vec::new();
            is_open = next_batch(queue, &mut batch);
            if !batch.is_empty() {
                self.serve(batch);
                self.checkpoint_if_due();
            }
        }
        self.finish();
    }

    fn serve(&mut self, batch: Vec<Entry>) {
        let mut batch = self.refuse_while_full(batch);
        match self.commit(&mut batch) {
            Ok(()) => {}
            // One job may have torn the transaction of all: each gets its own.
            Err(StoreError::DiskFull | StoreError::Query(_)) => {
                batch.iter_mut().for_each(|entry| self.commit_alone(entry));
            }
            Err(error) => batch.iter_mut().for_each(|entry| entry.outcome = Err(error.clone())),
        }
        for entry in batch {
            entry.job.answer(entry.outcome);
        }
    }

    /// While the reserve is spent, it is for what is essential, or else it would be gone at once.
    fn refuse_while_full(&mut self, batch: Vec<Entry>) -> Vec<Entry> {
        if self.reserve.restore() {
            return batch;
        }
        let (essential, ordinary): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|entry| entry.job.urgency() == Urgency::Essential);
        for entry in ordinary {
            entry.job.answer(Err(StoreError::DiskFull));
        }
        essential
    }

    fn commit_alone(&mut self, entry: &mut Entry) {
        let mut outcome = self.commit(slice::from_mut(entry));
        if entry.job.urgency() == Urgency::Essential
            && matches!(outcome, Err(StoreError::DiskFull))
            && self.make_room()
        {
            outcome = self.commit(slice::from_mut(entry));
        }
        // Else the entry has its own outcome: the commit set it.
        if outcome.is_err() {
            entry.outcome = outcome;
        }
    }

    /// Gives the reserve away and lets the write-ahead log start anew, before the log takes that
    /// room. False if there is nothing left to give.
    fn make_room(&mut self) -> bool {
        let is_released = self.reserve.release();
        let is_written_back = match sqlite::checkpoint_now(&mut self.connection) {
            Ok(()) => true,
            Err(error) => {
                self.checkpoint_failed(error.into());
                false
            }
        };
        is_released || is_written_back
    }

    /// All of the batch in one transaction; a job that fails by itself is left out of it.
    ///
    /// On an error nothing of the batch is there, and the outcomes mean nothing.
    fn commit(&mut self, batch: &mut [Entry]) -> Result<(), StoreError> {
        self.health.check()?;
        let newest = self.write(batch).map_err(|error| {
            sqlite::roll_back(&mut self.connection);
            let error = self.reserve.judge(error);
            if error.is_final() {
                self.health.fail(&error);
            }
            error
        })?;
        // After the commit and before the answer: what is acknowledged is in the file that the
        // next daemon opens.
        if let Err(error) = self.files.check() {
            self.health.fail(&error);
            return Err(error);
        }
        if let Some(revision) = newest {
            self.revisions.send_replace(revision);
        }
        let audit = self.audit;
        self.heads.send_if_modified(|head| std::mem::replace(head, audit) != audit);
        Ok(())
    }

    fn write(&mut self, batch: &mut [Entry]) -> Result<Option<Revision>, StoreError> {
        sqlite::begin(&mut self.connection)?;
        let mut transaction = Transaction {
            connection: &mut self.connection,
            host: self.host,
            known: &self.known,
            newest: None,
            audit: self.audit,
        };
        for entry in batch {
            entry.outcome = attempt(entry.job.as_mut(), &mut transaction)?;
        }
        let (newest, audit) = (transaction.newest, transaction.audit);
        sqlite::commit(&mut self.connection)?;
        self.audit = audit;
        Ok(newest)
    }

    fn checkpoint_if_due(&mut self) {
        if self.health.check().is_err() {
            return;
        }
        let checkpoint = if self.reserve.is_whole() {
            sqlite::checkpoint_if_due(&mut self.connection)
        } else {
            // Each time: the log must not take the little room that is left.
            sqlite::checkpoint_now(&mut self.connection)
        };
        if let Err(error) = checkpoint {
            self.checkpoint_failed(error.into());
        }
    }

    fn finish(mut self) {
        if self.health.check().is_ok() {
            match sqlite::checkpoint_and_empty(&mut self.connection) {
                Ok(true) => {}
                Ok(false) => tracing::debug!("somebody still reads: the log is kept"),
                Err(error) => self.checkpoint_failed(error.into()),
            }
        }
        // The connection first: until it is closed, the file is not another process's.
        drop(self.connection);
        drop(self.lock);
    }

    /// All rows are safe in the write-ahead log; but a disk that refuses here is not to be trusted.
    fn checkpoint_failed(&self, error: StoreError) {
        let error = self.reserve.judge(error);
        if error.is_final() {
            self.health.fail(&error);
        } else {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "the write-ahead log could not be written back; tried again later"
            );
        }
    }
}

/// Waits for a job and takes what is queued behind it. False once the queue is closed.
fn next_batch(queue: &Receiver<Message>, batch: &mut Vec<Entry>) -> bool {
    let Ok(mut message) = queue.recv() else {
        return false;
    };
    loop {
        match message {
            Message::Job(job) => batch.push(Entry { job, outcome: Ok(()) }),
            Message::Close => return false,
        }
        if batch.len() == BATCH_JOBS {
            return true;
        }
        match queue.try_recv() {
            Ok(next) => message = next,
            Err(_) => return true,
        }
    }
}

/// One job in its savepoint. The outer error tears the whole transaction.
fn attempt(
    job: &mut dyn Job,
    transaction: &mut Transaction<'_>,
) -> Result<Result<(), StoreError>, StoreError> {
    let (newest, audit) = (transaction.newest, transaction.audit);
    sqlite::begin_job(transaction.connection)?;
    let outcome = job.attempt(transaction);
    match &outcome {
        Ok(()) => sqlite::keep_job(transaction.connection)?,
        Err(error) if error.tears_the_transaction() => return Err(error.clone()),
        Err(_) => {
            transaction.newest = newest;
            transaction.audit = audit;
            sqlite::undo_job(transaction.connection)?;
        }
    }
    Ok(outcome)
}
