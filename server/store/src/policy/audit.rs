//! What the audit log says of policies: one record for each change, in its transaction.

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{BindingTarget, PolicyBinding, PolicyName};

use super::{AppliedPolicy, PolicyAuthor, PolicyRevision};
use crate::audit::append;
use crate::error::StoreError;
use crate::transaction::Transaction;

/// A policy has a new revision.
pub(super) fn applied(
    transaction: &mut Transaction<'_>,
    applied: &AppliedPolicy,
) -> Result<(), StoreError> {
    let revision = &applied.revision;
    let record = of(AuditKind::PolicyApplied, revision.name.as_str(), &revision.author)
        .with("revision", revision.revision.to_string())
        .with("sha256", hex(&revision.hash))
        .with("note", revision.author.note.clone());
    append(transaction, &record).map(drop)
}

/// A policy was deleted, at this revision.
pub(super) fn deleted(
    transaction: &mut Transaction<'_>,
    revision: &PolicyRevision,
    author: &PolicyAuthor,
) -> Result<(), StoreError> {
    let record = of(AuditKind::PolicyDeleted, revision.name.as_str(), author)
        .with("revision", revision.revision.to_string())
        .with("sha256", hex(&revision.hash));
    append(transaction, &record).map(drop)
}

/// A policy, now at this revision, applies to more sessions.
pub(super) fn bound(
    transaction: &mut Transaction<'_>,
    binding: &PolicyBinding,
    revision: i64,
) -> Result<(), StoreError> {
    let author = PolicyAuthor {
        principal: binding.principal.clone(),
        at: binding.bound_at,
        note: String::new(),
    };
    let record = of(AuditKind::PolicyBound, binding.policy.as_str(), &author)
        .with("revision", revision.to_string());
    append(transaction, &to(record, &binding.target)).map(drop)
}

/// A policy applies to fewer sessions.
pub(super) fn unbound(
    transaction: &mut Transaction<'_>,
    (policy, target): (&PolicyName, &BindingTarget),
    author: &PolicyAuthor,
) -> Result<(), StoreError> {
    let record = of(AuditKind::PolicyUnbound, policy.as_str(), author);
    append(transaction, &to(record, target)).map(drop)
}

fn of(kind: AuditKind, policy: &str, author: &PolicyAuthor) -> NewAudit {
    NewAudit::by(author.principal.clone(), author.at, kind).with("policy", policy)
}

fn to(record: NewAudit, target: &BindingTarget) -> NewAudit {
    let record = record.with("target", target.kind());
    match target {
        BindingTarget::Default => record,
        BindingTarget::Workspace { identity, directory } => {
            record.with("workspace", identity.clone()).with("directory", directory.clone())
        }
        BindingTarget::Label { key, value } => record.with("label", format!("{key}={value}")),
        BindingTarget::Session(id) => record.about(*id, None),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
