//! Policies: names, revisions that never change, bindings.
//!
//! Every change answers with all there is after it, read in its own transaction: whoever judges by a
//! copy in memory takes the newest and needs no further read that could fail.

mod apply;
mod audit;
mod bind;
mod read;
mod row;
mod snapshot;

use codeplane_core::policy::Format;
use codeplane_core::{PolicyName, Timestamp};

pub use self::apply::{Applied, AppliedPolicy, IfBound, NewRevision};
pub use self::read::RevisionPage;
pub use self::snapshot::{PolicySnapshot, PolicySummary};

pub(crate) use self::bind::{bind_session, unbind_session};

/// Who changes policies, when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyAuthor {
    /// The principal.
    pub principal: String,
    /// When.
    pub at: Timestamp,
    /// A word of theirs; may be empty.
    pub note: String,
}

/// One revision of a policy. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRevision {
    /// The policy.
    pub name: PolicyName,
    /// Its number, from 1.
    pub revision: i64,
    /// Canonical JSON: what is judged by.
    pub document: String,
    /// What was written.
    pub source: String,
    /// In which format.
    pub format: Format,
    /// SHA-256 of the document.
    pub hash: [u8; 32],
    /// Who made it, when and why.
    pub author: PolicyAuthor,
}
