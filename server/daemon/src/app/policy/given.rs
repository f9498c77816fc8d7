//! What a session is given when it is created.

use std::path::Path;

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{BindingTarget, Mandate, PolicyBinding, PolicyName, Session};

use crate::app::workspace::Workspace;
use crate::app::{App, Create, Error, Mutation, PolicyProblem};

/// What is written down with the row of a new session.
pub(in crate::app) struct Record {
    /// Who creates it.
    pub(in crate::app) principal: String,
    /// The policies to bind to it.
    pub(in crate::app) policies: Vec<PolicyName>,
    /// The request.
    pub(in crate::app) mutation: Option<Mutation>,
}

impl Record {
    /// The bindings of its policies to it.
    pub(in crate::app) fn bindings(&self, session: &Session) -> Vec<PolicyBinding> {
        let bound = |policy: &PolicyName| PolicyBinding {
            policy: policy.clone(),
            target: BindingTarget::Session(session.id()),
            principal: self.principal.clone(),
            bound_at: session.spec.created_at,
        };
        self.policies.iter().map(bound).collect()
    }
}

impl App {
    /// The record of a session that nobody is asked about and everything is allowed.
    pub(in crate::app) fn dangerous(&self, session: &Session, principal: &str) -> NewAudit {
        NewAudit::by(principal, self.clock.now(), AuditKind::SessionDangerous)
            .about(session.id(), Some(session.incarnation))
    }

    /// The policies of these names.
    pub(in crate::app) fn to_bind(&self, names: &[String]) -> Result<Vec<PolicyName>, Error> {
        let missing =
            |name: &String| Error::from(PolicyProblem::NotFound(name.escape_debug().to_string()));
        let named = names.iter().map(|name| {
            let policy = PolicyName::new(name).map_err(|_| missing(name))?;
            self.policies.get(&policy).map(|_| policy).ok_or_else(|| missing(name))
        });
        named.collect()
    }

    /// What a session is given, beside the policies bound to it.
    pub(in crate::app) async fn mandate(
        &self,
        create: &Create,
        cwd: &Path,
    ) -> Result<Mandate, Error> {
        let Workspace { identity, directory } =
            self.workspace("cwd", &cwd.display().to_string()).await?;
        Ok(Mandate {
            workspace: identity,
            directory,
            allow: create.allow.clone(),
            asks: create.asks,
        })
    }
}
