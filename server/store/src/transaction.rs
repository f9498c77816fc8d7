//! What a job that writes can use.

use codeplane_core::{HostId, Revision};
use diesel::SqliteConnection;
use tokio::sync::oneshot;

use crate::audit::AuditHead;
use crate::error::StoreError;
use crate::known::KnownRequests;

/// The transaction that a batch of jobs shares.
pub(crate) struct Transaction<'c> {
    pub(crate) connection: &'c mut SqliteConnection,
    pub(crate) host: HostId,
    /// Of requests; one that is recorded is added first.
    pub(crate) known: &'c KnownRequests,
    /// The newest event that it wrote.
    pub(crate) newest: Option<Revision>,
    /// Where the audit log has come to with it.
    pub(crate) audit: AuditHead,
}

/// How much a write matters when there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// It may be refused.
    Ordinary,
    /// It has happened, whether there is room or not; or it makes room. The reserve is for it.
    Essential,
}

/// One thing to write. It may be tried again after a transaction that failed as a whole.
pub(crate) trait Job: Send {
    fn urgency(&self) -> Urgency;
    /// Does it, and keeps the result to itself.
    fn attempt(&mut self, transaction: &mut Transaction<'_>) -> Result<(), StoreError>;
    /// Tells who asked: the result that was kept, or the error.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// A job made of a closure.
pub(crate) struct Work<T, F> {
    urgency: Urgency,
    work: F,
    result: Option<T>,
    sender: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work<T, F>
where
    T: Send,
    F: FnMut(&mut Transaction<'_>) -> Result<T, StoreError> + Send,
{
    pub(crate) fn new(
        urgency: Urgency,
        work: F,
    ) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (sender, receiver) = oneshot::channel();
        (Self { urgency, work, result: None, sender }, receiver)
    }
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnMut(&mut Transaction<'_>) -> Result<T, StoreError> + Send,
{
    fn urgency(&self) -> Urgency {
        self.urgency
    }

    fn attempt(&mut self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        self.result = Some((self.work)(transaction)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { result, sender, .. } = *self;
        // Whoever asked may have gone; what was written stays written.
        drop(sender.send(outcome.and_then(|()| result.ok_or(StoreError::Crashed))));
    }
}
