//! What policies look like from outside.

use codeplane_core::policy::{Document, Effect, Finding, Format, Problem};
use codeplane_core::{BindingTarget, PolicyName, Timestamp};
use codeplane_store::{Applied, PolicyRevision, PolicySummary};

use super::catalogue::{Known, Read, read};
use crate::app::{Error, PolicyProblem};

/// A policy at one of its revisions.
#[derive(Clone, Debug)]
pub(crate) struct PolicyView {
    /// The revision.
    pub(crate) revision: PolicyRevision,
    /// When the policy's first revision was made; none in history.
    pub(crate) created_at: Option<Timestamp>,
    /// What it is for.
    pub(crate) description: String,
    /// What becomes of that which no rule fits.
    pub(crate) default: Effect,
    /// How many rules it has.
    pub(crate) rules: usize,
    /// How often it is bound; 0 in history.
    pub(crate) bindings: usize,
}

impl PolicyView {
    /// A revision of history, or one that was just made.
    pub(super) fn of(revision: PolicyRevision) -> Self {
        let read = read(&revision.document, revision.name.as_str()).ok();
        Self::with(revision, None, read.as_ref())
    }

    /// A policy that exists.
    pub(super) fn known(known: &Known, bindings: usize) -> Self {
        let PolicySummary { current, created_at } = known.summary.clone();
        let view = Self::with(current, Some(created_at), known.document.as_ref());
        Self { bindings, ..view }
    }

    fn with(revision: PolicyRevision, created_at: Option<Timestamp>, read: Option<&Read>) -> Self {
        Self {
            revision,
            created_at,
            description: read.map(|read| read.description.clone()).unwrap_or_default(),
            // One that cannot be read denies.
            default: read.map_or(Effect::Deny, |read| read.default),
            rules: read.map_or(0, |read| read.rules.len()),
            bindings: 0,
        }
    }
}

/// A document that was applied.
#[derive(Clone, Debug)]
pub(crate) struct AppliedView {
    /// The policy as it is now.
    pub(crate) policy: PolicyView,
    /// What became of the document.
    pub(crate) applied: Applied,
}

/// A finding and the policy it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundIn {
    /// The policy.
    pub(crate) policy: String,
    /// What was found.
    pub(crate) finding: Finding,
}

/// Everything worth a second look in several documents.
pub(super) fn findings(documents: &[Document], now_ms: i64) -> Vec<FoundIn> {
    let of = |document: &Document| {
        let policy = document.name.clone();
        let found = document.lint(now_ms).into_iter();
        found.map(move |finding| FoundIn { policy: policy.clone(), finding }).collect::<Vec<_>>()
    };
    documents.iter().flat_map(of).collect()
}

/// What a file holds, looked at without a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CheckedFile {
    /// Name and number of rules of each policy.
    pub(crate) policies: Vec<(String, usize)>,
    /// What is worth a second look.
    pub(crate) findings: Vec<FoundIn>,
}

/// Reads a file, tries its examples and looks for findings.
///
/// # Errors
/// Every problem, with its place.
pub(crate) fn check_file(
    text: &str,
    format: Option<Format>,
    name: &str,
    now_ms: i64,
) -> Result<CheckedFile, Vec<Problem>> {
    let format = format.unwrap_or_else(|| Format::of_file_name(name));
    let documents = Document::read_all(text, format, name)?;
    let told = |document: &Document| (document.name.clone(), document.rules.len());
    Ok(CheckedFile {
        policies: documents.iter().map(told).collect(),
        findings: findings(&documents, now_ms),
    })
}

/// A file with policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyFile {
    /// What it says.
    pub(crate) text: String,
    /// How it is written; none: as its name says.
    pub(crate) format: Option<Format>,
    /// What it is called.
    pub(crate) name: String,
}

/// What a policy is to be bound to, as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TargetRequest {
    /// Every session.
    Default,
    /// A directory.
    Workspace(String),
    /// Sessions with a label.
    Label {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    },
    /// A session: id, prefix or name.
    Session(String),
}

/// What something is bound to, for people.
pub(crate) fn target_text(target: &BindingTarget) -> String {
    match target {
        BindingTarget::Default => "every session".to_owned(),
        BindingTarget::Workspace { directory, .. } => {
            format!("workspace {}", directory.escape_debug())
        }
        BindingTarget::Label { key, value } => format!("label {key}={value}"),
        BindingTarget::Session(id) => format!("session {id}"),
    }
}

/// The policy of that name.
///
/// # Errors
/// A name that cannot be one means no policy.
pub(super) fn named(name: &str) -> Result<PolicyName, Error> {
    PolicyName::new(name)
        .map_err(|_| PolicyProblem::NotFound(name.escape_debug().to_string()).into())
}
