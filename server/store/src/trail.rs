//! What a write leaves behind besides its row.

use codeplane_core::audit::NewAudit;

use crate::audit::append_all;
use crate::error::StoreError;
use crate::request::{RecordedRequest, record};
use crate::transaction::Transaction;

/// What is written in the transaction of a change: who asked for it, and the records of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// The request and its answer, if a client asked.
    pub request: Option<RecordedRequest>,
    /// What the audit log says of it, in order.
    pub audit: Vec<NewAudit>,
}

impl Trail {
    /// Of a change that the audit log has one record of.
    #[must_use]
    pub fn audited(record: NewAudit) -> Self {
        Self { request: None, audit: vec![record] }
    }

    /// The same for a request.
    #[must_use]
    pub fn asked(mut self, request: Option<RecordedRequest>) -> Self {
        self.request = request;
        self
    }
}

/// A change that the audit log says nothing of.
impl From<Option<RecordedRequest>> for Trail {
    fn from(request: Option<RecordedRequest>) -> Self {
        Self { request, audit: Vec::new() }
    }
}

impl Trail {
    /// Writes all of it, before a change that is made or fails: a request that was answered before
    /// writes nothing.
    pub(crate) fn leave(&self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        self.leave_request(transaction)?;
        self.leave_audit(transaction)
    }

    /// Writes the request alone: whether there is a change to record is not known yet.
    pub(crate) fn leave_request(
        &self,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), StoreError> {
        record(transaction, self.request.as_ref())
    }

    /// Writes the records of the change that was made.
    pub(crate) fn leave_audit(&self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        append_all(transaction, &self.audit).map(drop)
    }
}
