//! Remembered answers.

use std::sync::{Mutex, PoisonError};

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{
    AgentEvent, EventKind, Grant, GrantId, GrantScope, NewApproval, NewEvent, Timestamp,
};
use codeplane_store::{GrantPage, Trail, WhichGrants};

use super::super::request::Mutation;
use super::super::{App, Caller, Error};
use super::list::id_digits;
use crate::session::Live;

/// The grants that hold: what the rows say, at hand.
#[derive(Debug, Default)]
pub(crate) struct Grants(Mutex<Vec<Grant>>);

impl Grants {
    /// More of them.
    pub(crate) fn add(&self, grants: Vec<Grant>) {
        self.lock().extend(grants);
    }

    /// One less.
    pub(crate) fn remove(&self, id: GrantId) {
        self.lock().retain(|grant| grant.id != id);
    }

    /// All of them.
    #[cfg(test)]
    pub(crate) fn all(&self) -> Vec<Grant> {
        self.lock().clone()
    }

    /// Those that may answer a session's calls at `now`.
    #[must_use]
    pub(crate) fn of(&self, live: &Live, now: Timestamp) -> Vec<Grant> {
        let workspace = live.agent().workspace;
        let reaches = |grant: &&Grant| {
            grant.holds(now)
                && match &grant.scope {
                    GrantScope::Session(id) => *id == live.id(),
                    GrantScope::Workspace(identity) => *identity == workspace,
                }
        };
        self.lock().iter().filter(reaches).cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Grant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether grants that hold no more are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// They are.
    Shown,
    /// They are not.
    LeftOut,
}

impl App {
    /// Grants, the newest first.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn list_grants(
        &self,
        shown: Ended,
        size: usize,
        after: Option<(Timestamp, GrantId)>,
    ) -> Result<GrantPage, Error> {
        let which = match shown {
            Ended::Shown => WhichGrants::All,
            Ended::LeftOut => WhichGrants::Holding(self.clock.now()),
        };
        self.store.list_grants(which, size, after).await.map_err(|error| self.store_error(error))
    }

    /// Revokes a grant at once.
    ///
    /// # Errors
    /// [`Error::NoSuch`], [`Error::Ambiguous`], [`Error::Over`] if it holds no more; those of the store.
    pub(crate) async fn revoke_grant(
        &self,
        caller: &Caller,
        reference: &str,
        mutation: Option<Mutation>,
    ) -> Result<Grant, Error> {
        let grant = self.find_grant(reference).await?;
        if let Some(mutation) = mutation
            && self.answered_before("RevokeGrant", mutation).await?.is_some()
        {
            return Ok(grant);
        }
        let (id, by, now) = (grant.id, caller.principal.clone(), self.clock.now());
        let kind = AgentEvent::GrantRevoked { grant: id, by: by.clone() };
        let session = match grant.scope {
            GrantScope::Session(session) => Some(session),
            GrantScope::Workspace(_) => None,
        };
        let event = NewEvent { time: now, session, kind: EventKind::Agent(kind) };
        let record = NewAudit::by(by.clone(), now, AuditKind::GrantRevoked);
        let record = match session {
            Some(session) => record.about(session, None),
            None => record,
        };
        let audit = record.with("grant", id.to_string()).with("subject", grant.subject.clone());
        let request = mutation.map(|one| self.recorded(one, "RevokeGrant", id.to_string()));
        let trail = Trail::audited(audit).asked(request);
        // Before it is on disk: less is allowed, whatever happens next.
        self.grants.remove(id);
        let revoked = self.store.revoke_grant(id, (by.clone(), now), event, trail).await;
        if revoked.map_err(|error| self.store_error(error))? {
            Ok(Grant { revoked: Some((by, now)), ..grant })
        } else {
            Err(Error::Over(format!("grant {id} was revoked already")))
        }
    }

    /// A grant by its id or the beginning of one.
    async fn find_grant(&self, reference: &str) -> Result<Grant, Error> {
        let shown = || reference.escape_debug().to_string();
        let Some(digits) = id_digits(reference) else {
            return Err(Error::NoSuch { what: "grant", name: shown() });
        };
        let found = self.store.grants_with_prefix(digits).await;
        let mut found = found.map_err(|error| self.store_error(error))?;
        match found.len() {
            0 => Err(Error::NoSuch { what: "grant", name: shown() }),
            1 => Ok(found.remove(0)),
            count => Err(Error::Ambiguous { what: "grant", text: shown(), count }),
        }
    }

    /// Event and audit record of a grant that is given.
    pub(super) fn granted(&self, asked: &NewApproval, grant: &Grant) -> (NewEvent, NewAudit) {
        let (subject, by) = (grant.subject.clone(), grant.created_by.clone());
        let kind =
            AgentEvent::GrantCreated { grant: grant.id, subject: subject.clone(), by: by.clone() };
        let about = (asked.session, asked.incarnation);
        let audit = self
            .audit_about(&by, AuditKind::GrantCreated, about)
            .with("grant", grant.id.to_string())
            .with("scope", grant.scope.as_str())
            .with("scope_value", grant.scope.value())
            .with("subject", subject);
        (self.event(asked.session, EventKind::Agent(kind)), audit)
    }
}
