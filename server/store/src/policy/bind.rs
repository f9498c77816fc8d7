//! What policies are bound to.

use codeplane_core::{BindingTarget, PolicyBinding, PolicyName, SessionId};
use diesel::prelude::*;

use super::apply::current;
use super::row::{BindingRow, columns};
use super::snapshot::{PolicySnapshot, changed, count_change};
use super::{PolicyAuthor, audit};
use crate::error::StoreError;
use crate::request::{RecordedRequest, record};
use crate::schema::{policy_bindings, sessions};
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

impl Store {
    /// Binds a policy; one that is bound so already stays as it is.
    ///
    /// # Errors
    /// [`StoreError::UnknownPolicy`]; [`StoreError::UnknownSession`] of a session to bind to;
    /// [`StoreError::RequestRepeated`] and [`StoreError::RequestReused`]; and those of every write.
    pub async fn bind_policy(
        &self,
        binding: PolicyBinding,
        request: Option<RecordedRequest>,
    ) -> Result<PolicySnapshot, StoreError> {
        self.write(Urgency::Ordinary, move |transaction| {
            record(transaction, request.as_ref())?;
            if let BindingTarget::Session(id) = &binding.target {
                let there = sessions::table.find(id.to_string()).count();
                if there.get_result::<i64>(transaction.connection)? == 0 {
                    return Err(StoreError::UnknownSession(*id));
                }
            }
            bind(transaction, &binding)?;
            changed(transaction.connection)
        })
        .await
    }

    /// Takes a binding away.
    ///
    /// # Errors
    /// [`StoreError::NotBound`]; [`StoreError::RequestRepeated`] and [`StoreError::RequestReused`];
    /// and those of every write.
    pub async fn unbind_policy(
        &self,
        (policy, target): (PolicyName, BindingTarget),
        author: PolicyAuthor,
        request: Option<RecordedRequest>,
    ) -> Result<PolicySnapshot, StoreError> {
        self.write(Urgency::Ordinary, move |transaction| {
            record(transaction, request.as_ref())?;
            unbind(transaction, &policy, &target)?;
            audit::unbound(transaction, (&policy, &target), &author)?;
            changed(transaction.connection)
        })
        .await
    }
}

fn bind(transaction: &mut Transaction<'_>, binding: &PolicyBinding) -> Result<(), StoreError> {
    let current = current(transaction.connection, &binding.policy)?;
    let Some(current) = current.filter(|current| !current.is_deleted) else {
        return Err(StoreError::UnknownPolicy(binding.policy.clone()));
    };
    let made = diesel::insert_into(policy_bindings::table)
        .values(BindingRow::from(binding))
        .on_conflict_do_nothing()
        .execute(transaction.connection)?;
    if made > 0 {
        audit::bound(transaction, binding, current.revision)?;
    }
    Ok(())
}

fn unbind(
    transaction: &mut Transaction<'_>,
    policy: &PolicyName,
    target: &BindingTarget,
) -> Result<(), StoreError> {
    let (first, second) = columns(target);
    let mut bound = diesel::delete(policy_bindings::table)
        .filter(policy_bindings::policy.eq(policy.as_str()))
        .filter(policy_bindings::kind.eq(target.kind()))
        .into_boxed();
    bound = match target {
        // The repository may be gone, or another: the directory says enough.
        BindingTarget::Workspace { .. } => {
            bound.filter(policy_bindings::target.eq(first).or(policy_bindings::detail.eq(second)))
        }
        BindingTarget::Default | BindingTarget::Label { .. } | BindingTarget::Session(_) => bound
            .filter(policy_bindings::target.eq(first))
            .filter(policy_bindings::detail.eq(second)),
    };
    match bound.execute(transaction.connection)? {
        0 => Err(StoreError::NotBound { policy: policy.clone(), target: target.clone() }),
        _ => Ok(()),
    }
}

/// Binds policies to a session that is being written; nothing to do if there are none.
pub(crate) fn bind_session(
    transaction: &mut Transaction<'_>,
    bindings: &[PolicyBinding],
) -> Result<Option<PolicySnapshot>, StoreError> {
    if bindings.is_empty() {
        return Ok(None);
    }
    bindings.iter().try_for_each(|binding| bind(transaction, binding))?;
    changed(transaction.connection).map(Some)
}

/// Takes the bindings of a session away that is being deleted.
pub(crate) fn unbind_session(
    transaction: &mut Transaction<'_>,
    session: SessionId,
) -> Result<(), StoreError> {
    let bound = policy_bindings::table
        .filter(policy_bindings::kind.eq("session"))
        .filter(policy_bindings::target.eq(session.to_string()));
    match diesel::delete(bound).execute(transaction.connection)? {
        0 => Ok(()),
        _ => count_change(transaction.connection),
    }
}
