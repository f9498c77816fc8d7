//! Update: the name and the labels.

use std::collections::BTreeMap;
use std::sync::Arc;

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{BindingTarget, EventKind, Labels, Role, SessionName, Violations};
use codeplane_store::{Patch, SessionChange, Trail, Update};

use super::error::Error;
use super::request::Mutation;
use super::{App, Caller};
use crate::session::{Live, View};

/// A change of name and labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UpdateRequest {
    /// The new name; empty removes it; none leaves it.
    pub name: Option<String>,
    /// Labels to set.
    pub set_labels: Vec<(String, String)>,
    /// Keys of labels to remove.
    pub remove_labels: Vec<String>,
    /// The version it depends on.
    pub expected: Option<i64>,
}

impl App {
    /// Changes name and labels.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NameTaken`], [`Error::Stale`], [`Error::SessionNotFound`].
    ///
    /// # Cancel safety
    /// Once begun it is carried out.
    pub(crate) async fn update_description(
        &self,
        caller: &Caller,
        reference: &str,
        request: UpdateRequest,
        mutation: Option<Mutation>,
    ) -> Result<View, Error> {
        let live = self.find(reference)?;
        let (app, same, caller) = (self.clone(), Arc::clone(&live), caller.clone());
        let work = async move { app.describe(&caller, live, request).await };
        self.once("UpdateSession", mutation, move || Ok(same.view()), work).await
    }

    /// Labels say which policies judge a session: who changes one that a policy is bound to changes rules.
    fn may_relabel(&self, caller: &Caller, request: &UpdateRequest) -> Result<(), Error> {
        if caller.roles.contains(Role::Approver) {
            return Ok(());
        }
        let touched: Vec<&String> =
            request.set_labels.iter().map(|(key, _)| key).chain(&request.remove_labels).collect();
        let (_, bindings) = self.policies.all();
        let bound = bindings.iter().find_map(|binding| match &binding.target {
            BindingTarget::Label { key, .. } if touched.contains(&key) => Some(key),
            BindingTarget::Label { .. }
            | BindingTarget::Default
            | BindingTarget::Workspace { .. }
            | BindingTarget::Session(_) => None,
        });
        match bound {
            None => Ok(()),
            Some(key) => Err(Error::Denied(format!(
                "policies are bound to the label '{key}': changing it needs the role approver"
            ))),
        }
    }

    async fn describe(
        &self,
        caller: &Caller,
        live: Arc<Live>,
        request: UpdateRequest,
    ) -> Result<View, Error> {
        let (name, labels) = checked(&live, &request)?;
        self.may_relabel(caller, &request)?;
        let wanted = match &name {
            Patch::Set(name) => name.clone(),
            Patch::Keep => live.session().spec.name,
        };
        let reserved =
            self.registry.reserve(wanted.clone(), live.id()).map_err(|by| Error::NameTaken {
                name: wanted.as_ref().map(ToString::to_string).unwrap_or_default(),
                by,
            })?;
        let record = self.audit_described(caller, &live, &request);
        let change = SessionChange::Described { name, labels, expected: request.expected };
        let event = self.event(live.id(), EventKind::SessionUpdated);
        let trail = Trail::audited(record);
        let updated = self.store.update_session(live.id(), change, vec![event], trail).await;
        match updated.map_err(|error| self.store_error(error)) {
            Ok(Update::Changed(row) | Update::EndedBefore(row)) => {
                reserved.keep();
                self.registry.release_names(live.id(), row.spec.name.as_ref());
                live.set_row(|session| {
                    session.spec.name = row.spec.name;
                    session.spec.labels = row.spec.labels;
                    session.version = row.version;
                });
                Ok(live.view())
            }
            Err(error) => {
                // The name it had stays its own.
                if wanted == live.session().spec.name {
                    reserved.keep();
                }
                Err(error)
            }
        }
    }

    fn audit_described(&self, caller: &Caller, live: &Live, request: &UpdateRequest) -> NewAudit {
        let mut record = self.audit_of(&caller.principal, AuditKind::SessionUpdated, live);
        if let Some(name) = &request.name {
            record = record.with("name", name.clone());
        }
        for (key, value) in &request.set_labels {
            record = record.with("label", format!("{key}={value}"));
        }
        for key in &request.remove_labels {
            record = record.with("label removed", key.clone());
        }
        record
    }
}

fn checked(
    live: &Live,
    request: &UpdateRequest,
) -> Result<(Patch<Option<SessionName>>, Patch<Labels>), Error> {
    let mut violations = Violations::none();
    let name = match request.name.as_deref() {
        None => Patch::Keep,
        Some("") => Patch::Set(None),
        Some(name) => Patch::Set(violations.check("name", SessionName::new(name))),
    };
    let mut labels: BTreeMap<String, String> =
        live.session().spec.labels.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    labels.retain(|key, _| !request.remove_labels.contains(key));
    labels.extend(request.set_labels.iter().cloned());
    match Labels::new(labels) {
        Ok(labels) => violations.into_result((name, Patch::Set(labels))).map_err(Error::Invalid),
        Err(bad) => {
            for violation in bad.as_slice() {
                violations.add(violation.field.clone(), &violation.description);
            }
            Err(Error::Invalid(violations))
        }
    }
}
