//! Policies and bindings as rows.

use codeplane_core::policy::Format;
use codeplane_core::{BindingTarget, PolicyBinding, PolicyName, Timestamp};
use diesel::prelude::*;

use super::{PolicyAuthor, PolicyRevision};
use crate::error::StoreError;
use crate::schema::{policy_bindings, policy_revisions};

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = policy_revisions)]
pub(super) struct RevisionRow {
    name: String,
    revision: i64,
    document: String,
    source: String,
    format: String,
    hash: Vec<u8>,
    principal: String,
    created_at: i64,
    note: String,
}

/// A format's word on disk.
const fn word(format: Format) -> &'static str {
    match format {
        Format::Yaml => "yaml",
        Format::Toml => "toml",
        Format::Json => "json",
    }
}

fn format(text: &str) -> Option<Format> {
    [Format::Yaml, Format::Toml, Format::Json].into_iter().find(|format| word(*format) == text)
}

impl From<&PolicyRevision> for RevisionRow {
    fn from(revision: &PolicyRevision) -> Self {
        Self {
            name: revision.name.to_string(),
            revision: revision.revision,
            document: revision.document.clone(),
            source: revision.source.clone(),
            format: word(revision.format).to_owned(),
            hash: revision.hash.to_vec(),
            principal: revision.author.principal.clone(),
            created_at: revision.author.at.as_micros(),
            note: revision.author.note.clone(),
        }
    }
}

impl TryFrom<RevisionRow> for PolicyRevision {
    type Error = StoreError;

    fn try_from(row: RevisionRow) -> Result<Self, StoreError> {
        let key = format!("{}/{}", row.name, row.revision);
        let damaged = |problem: String| StoreError::DamagedRow {
            table: "policy_revisions",
            key: key.clone(),
            problem,
        };
        Ok(Self {
            name: PolicyName::new(&row.name).map_err(damaged)?,
            revision: row.revision,
            document: row.document,
            source: row.source,
            format: format(&row.format)
                .ok_or_else(|| damaged(format!("'{}' is no format", row.format)))?,
            hash: row.hash.try_into().map_err(|_| damaged("a hash of another length".into()))?,
            author: PolicyAuthor {
                principal: row.principal,
                at: Timestamp::from_micros(row.created_at),
                note: row.note,
            },
        })
    }
}

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = policy_bindings)]
pub(super) struct BindingRow {
    policy: String,
    kind: String,
    target: String,
    detail: String,
    principal: String,
    bound_at: i64,
}

/// The two columns of a target.
pub(super) fn columns(target: &BindingTarget) -> (String, String) {
    match target {
        BindingTarget::Default => (String::new(), String::new()),
        BindingTarget::Workspace { identity, directory } => (identity.clone(), directory.clone()),
        BindingTarget::Label { key, value } => (key.clone(), value.clone()),
        BindingTarget::Session(id) => (id.to_string(), String::new()),
    }
}

impl From<&PolicyBinding> for BindingRow {
    fn from(binding: &PolicyBinding) -> Self {
        let (target, detail) = columns(&binding.target);
        Self {
            policy: binding.policy.to_string(),
            kind: binding.target.kind().to_owned(),
            target,
            detail,
            principal: binding.principal.clone(),
            bound_at: binding.bound_at.as_micros(),
        }
    }
}

impl BindingRow {
    fn target(&self) -> Result<BindingTarget, String> {
        Ok(match self.kind.as_str() {
            "default" => BindingTarget::Default,
            "workspace" => BindingTarget::Workspace {
                identity: self.target.clone(),
                directory: self.detail.clone(),
            },
            "label" => {
                BindingTarget::Label { key: self.target.clone(), value: self.detail.clone() }
            }
            "session" => {
                let id = self.target.parse().map_err(|error| format!("{error}"))?;
                BindingTarget::Session(id)
            }
            other => return Err(format!("'{other}' is no target")),
        })
    }

    fn binding(&self) -> Result<PolicyBinding, String> {
        Ok(PolicyBinding {
            policy: PolicyName::new(&self.policy)?,
            target: self.target()?,
            principal: self.principal.clone(),
            bound_at: Timestamp::from_micros(self.bound_at),
        })
    }
}

impl TryFrom<BindingRow> for PolicyBinding {
    type Error = StoreError;

    fn try_from(row: BindingRow) -> Result<Self, StoreError> {
        row.binding().map_err(|problem| StoreError::DamagedRow {
            table: "policy_bindings",
            key: format!("{} {} {}", row.policy, row.kind, row.target),
            problem,
        })
    }
}
