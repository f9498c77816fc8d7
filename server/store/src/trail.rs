//! What a write leaves behind besides its row.

use codeplane_core::audit::NewAudit;
use codeplane_core::{SessionAgent, SessionId};

use crate::audit::append_all;
use crate::error::StoreError;
use crate::judgement::write_agent as write;
use crate::request::{RecordedRequest, record};
use crate::transaction::Transaction;

/// What is written in the transaction of a change: who asked for it, and the records of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// The request and its answer, if a client asked.
    pub request: Option<RecordedRequest>,
    /// What the audit log says of it, in order.
    pub audit: Vec<NewAudit>,
    /// What is known of the session's agent.
    pub agent: Option<(SessionId, SessionAgent)>,
}

impl Trail {
    /// Of a change that the audit log has one record of.
    #[must_use]
    pub fn audited(record: NewAudit) -> Self {
        Self { request: None, audit: vec![record], agent: None }
    }

    /// The same with what is known of the session's agent.
    #[must_use]
    pub fn knowing(mut self, session: SessionId, agent: SessionAgent) -> Self {
        self.agent = Some((session, agent));
        self
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
        Self { request, audit: Vec::new(), agent: None }
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

    /// Writes what is known of the agent, once its session is there.
    pub(crate) fn leave_agent(&self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        self.agent.iter().try_for_each(|(session, agent)| write(transaction, *session, agent))
    }

    /// Writes the records of the change that was made.
    pub(crate) fn leave_audit(&self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        append_all(transaction, &self.audit).map(drop)
    }
}
