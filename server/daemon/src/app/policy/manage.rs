//! Looking at policies, deleting and binding them.

use codeplane_core::{BindingTarget, Labels, PolicyBinding, PolicyName};
use codeplane_store::IfBound;
use tracing::info;

use super::apply::documents;
use super::values::{FoundIn, PolicyFile, PolicyView, TargetRequest, findings, named, target_text};
use crate::app::workspace::{Workspace, workspace_of};
use crate::app::{App, Caller, Error, Mutation, PolicyProblem};

/// Some items, and where the next page begins.
#[derive(Clone, Debug)]
pub(crate) struct PolicyPage<T, Next> {
    /// In their order.
    pub(crate) items: Vec<T>,
    /// To be given to the next call; none at the end.
    pub(crate) next: Option<Next>,
}

impl App {
    /// Reads all policies and bindings from the rows. Before anything is judged.
    ///
    /// # Errors
    /// Those of every read.
    pub(crate) async fn load_policies(&self) -> Result<(), Error> {
        let snapshot = self.store.policies().await.map_err(|error| self.store_error(error))?;
        self.policies.adopt(snapshot);
        Ok(())
    }

    /// A policy, or one of its revisions.
    ///
    /// # Errors
    /// [`PolicyProblem::NotFound`], [`PolicyProblem::RevisionNotFound`].
    pub(crate) async fn policy(
        &self,
        name: &str,
        revision: Option<i64>,
    ) -> Result<PolicyView, Error> {
        let name = named(name)?;
        let Some(revision) = revision else {
            let known = self.policies.get(&name);
            let known = known.ok_or_else(|| PolicyProblem::NotFound(name.to_string()))?;
            return Ok(PolicyView::known(&known, self.bindings_of(Some(&name)).len()));
        };
        let found = self.store.policy_revision(name, revision).await;
        found.map(PolicyView::of).map_err(|error| self.store_error(error))
    }

    /// Policies in the order of their names, from behind `after`.
    #[must_use]
    pub(crate) fn list_policies(
        &self,
        size: usize,
        after: Option<&str>,
    ) -> PolicyPage<PolicyView, String> {
        let (all, bindings) = self.policies.all();
        let bound = |name: &PolicyName| bindings.iter().filter(|one| one.policy == *name).count();
        let items = all.iter().map(|known| {
            let name = &known.summary.current.name;
            (name.to_string(), PolicyView::known(known, bound(name)))
        });
        page(items.filter(|(name, _)| after.is_none_or(|after| name.as_str() > after)), size)
    }

    /// The revisions of a policy, newest first, from before `before`.
    ///
    /// # Errors
    /// [`PolicyProblem::NotFound`].
    pub(crate) async fn policy_history(
        &self,
        name: &str,
        size: usize,
        before: Option<i64>,
    ) -> Result<PolicyPage<PolicyView, i64>, Error> {
        let page = self.store.policy_revisions(named(name)?, size, before).await;
        let page = page.map_err(|error| self.store_error(error))?;
        let items = page.revisions.into_iter().map(PolicyView::of).collect();
        Ok(PolicyPage { items, next: page.next })
    }

    /// Bindings of one policy or of all, from behind the first `skip`.
    ///
    /// # Errors
    /// [`PolicyProblem::NotFound`].
    pub(crate) fn list_bindings(
        &self,
        policy: Option<&str>,
        size: usize,
        skip: usize,
    ) -> Result<PolicyPage<PolicyBinding, usize>, Error> {
        let name = policy.map(named).transpose()?;
        if let Some(name) = &name
            && self.policies.get(name).is_none()
        {
            return Err(PolicyProblem::NotFound(name.to_string()).into());
        }
        let all = self.bindings_of(name.as_ref());
        let items = all.into_iter().enumerate().skip(skip);
        let page = page(items.map(|(at, binding)| (at + 1, binding)), size);
        Ok(page)
    }

    fn bindings_of(&self, name: Option<&PolicyName>) -> Vec<PolicyBinding> {
        let (_, all) = self.policies.all();
        all.iter().filter(|one| name.is_none_or(|name| one.policy == *name)).cloned().collect()
    }

    /// Deletes a policy; its history stays.
    ///
    /// # Errors
    /// [`PolicyProblem::NotFound`], [`PolicyProblem::Stale`]; [`PolicyProblem::Bound`] if `if_bound`
    /// refuses.
    ///
    /// # Cancel safety
    /// Once begun it is carried out.
    pub(crate) async fn delete_policy(
        &self,
        caller: &Caller,
        (name, if_bound): (&str, IfBound),
        expected: Option<i64>,
        mutation: Option<Mutation>,
    ) -> Result<(), Error> {
        let (app, author, name) = (self.clone(), self.author(caller, "")?, named(name)?);
        let work = async move {
            let target = (name.clone(), if_bound);
            let deleted = app.store.delete_policy(target, expected, author, None).await;
            app.policies.adopt(deleted.map_err(|error| app.store_error(error))?);
            info!(policy = %name, "policy {name} deleted");
            Ok(())
        };
        self.once("DeletePolicy", mutation, || Ok(()), work).await
    }

    /// Binds a policy.
    ///
    /// # Errors
    /// [`PolicyProblem::NotFound`], [`Error::SessionNotFound`], [`Error::Invalid`] for a directory or
    /// label that is none.
    ///
    /// # Cancel safety
    /// Once begun it is carried out.
    pub(crate) async fn bind_policy(
        &self,
        caller: &Caller,
        (name, target): (&str, TargetRequest),
        mutation: Option<Mutation>,
    ) -> Result<PolicyBinding, Error> {
        let policy = named(name)?;
        let author = self.author(caller, "")?;
        let target = self.target(target, IfMissing::Refuse).await?;
        let (principal, bound_at) = (author.principal, author.at);
        let binding = PolicyBinding { policy, target, principal, bound_at };
        let (app, same) = (self.clone(), binding.clone());
        let work = async move {
            let bound = app.store.bind_policy(binding.clone(), None).await;
            app.policies.adopt(bound.map_err(|error| app.store_error(error))?);
            let (name, target) = (&binding.policy, target_text(&binding.target));
            info!(policy = %name, "policy {name} is bound to {target}");
            Ok(binding)
        };
        self.once("BindPolicy", mutation, move || Ok(same), work).await
    }

    /// Takes a binding away.
    ///
    /// # Errors
    /// [`PolicyProblem::NotBound`], [`PolicyProblem::NotFound`], [`Error::SessionNotFound`].
    ///
    /// # Cancel safety
    /// Once begun it is carried out.
    pub(crate) async fn unbind_policy(
        &self,
        caller: &Caller,
        (name, target): (&str, TargetRequest),
        mutation: Option<Mutation>,
    ) -> Result<(), Error> {
        let policy = named(name)?;
        let author = self.author(caller, "")?;
        let target = self.target(target, IfMissing::Keep).await?;
        let app = self.clone();
        let work = async move {
            let told = target_text(&target);
            let unbound = app.store.unbind_policy((policy.clone(), target), author, None).await;
            app.policies.adopt(unbound.map_err(|error| app.store_error(error))?);
            info!(%policy, "policy {policy} is not bound to {told} any more");
            Ok(())
        };
        self.once("UnbindPolicy", mutation, || Ok(()), work).await
    }

    async fn target(
        &self,
        target: TargetRequest,
        if_missing: IfMissing,
    ) -> Result<BindingTarget, Error> {
        match target {
            TargetRequest::Default => Ok(BindingTarget::Default),
            TargetRequest::Label { key, value } => {
                Labels::new([(key.clone(), value.clone())])?;
                Ok(BindingTarget::Label { key, value })
            }
            TargetRequest::Session(reference) => {
                Ok(BindingTarget::Session(self.find(&reference)?.id()))
            }
            TargetRequest::Workspace(path) => {
                match (self.workspace("target.workspace", &path).await, if_missing) {
                    (Ok(Workspace { identity, directory }), _) => {
                        Ok(BindingTarget::Workspace { identity, directory })
                    }
                    // What is bound can be taken away although the directory is gone.
                    (Err(_), IfMissing::Keep) => {
                        Ok(BindingTarget::Workspace { identity: path.clone(), directory: path })
                    }
                    (Err(error), IfMissing::Refuse) => Err(error),
                }
            }
        }
    }

    /// The workspace of a directory that a client names in `field`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is none.
    pub(crate) async fn workspace(
        &self,
        field: &'static str,
        path: &str,
    ) -> Result<Workspace, Error> {
        let refused = |why: &str| Error::invalid(field, format!("{}: {why}", path.escape_debug()));
        if !path.starts_with('/') || path.contains('\0') {
            return Err(refused("is not an absolute path"));
        }
        let owned = std::path::PathBuf::from(path);
        let found = self.shutdown.spawn_blocking(move || workspace_of(&owned)).await;
        found.map_err(Error::internal)?.map_err(|error| {
            let text = error.to_string();
            refused(text.split(" (os error").next().unwrap_or_default())
        })
    }

    /// Everything worth a second look in a policy.
    ///
    /// # Errors
    /// [`PolicyProblem::NotFound`], [`PolicyProblem::RevisionNotFound`].
    pub(crate) async fn lint_policy(
        &self,
        name: &str,
        revision: Option<i64>,
    ) -> Result<Vec<FoundIn>, Error> {
        let policy = self.policy(name, revision).await?.revision;
        // Lines are those of what was written.
        let file =
            PolicyFile { text: policy.source, format: Some(policy.format), name: name.to_owned() };
        self.lint_file(file).await
    }

    /// Everything worth a second look in a file.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every problem of the file.
    pub(crate) async fn lint_file(&self, file: PolicyFile) -> Result<Vec<FoundIn>, Error> {
        let now_ms = self.clock.now().as_micros() / 1000;
        let look = move || Ok(findings(&documents(&file)?.0, now_ms));
        self.shutdown.spawn_blocking(look).await.map_err(Error::internal)?
    }
}

/// What to do about a directory that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IfMissing {
    Refuse,
    Keep,
}

/// As many as were asked for, and where the next begin.
fn page<T, Next>(items: impl Iterator<Item = (Next, T)>, size: usize) -> PolicyPage<T, Next> {
    let mut items = items.peekable();
    let mut taken = Vec::new();
    let mut last = None;
    while taken.len() < size
        && let Some((place, item)) = items.next()
    {
        taken.push(item);
        last = Some(place);
    }
    let next = if items.peek().is_some() { last } else { None };
    PolicyPage { items: taken, next }
}
