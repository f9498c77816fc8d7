//! Remembered answers.

use super::RequestDigest;
use crate::{ApprovalId, GrantId, SessionId, Timestamp};

/// How far a grant reaches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GrantScope {
    /// One session.
    Session(SessionId),
    /// Every session whose workspace has this identity.
    Workspace(String),
}

impl GrantScope {
    /// The word on disk.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::Workspace(_) => "workspace",
        }
    }

    /// What it is about: an id, or a directory.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Session(id) => id.to_string(),
            Self::Workspace(identity) => identity.clone(),
        }
    }

    /// Reads what [`Self::as_str`] and [`Self::value`] wrote.
    #[must_use]
    pub fn parse(word: &str, value: &str) -> Option<Self> {
        match word {
            "session" => value.parse().ok().map(Self::Session),
            "workspace" => Some(Self::Workspace(value.to_owned())),
            _ => None,
        }
    }
}

/// What a grant answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GrantTarget {
    /// One request, by the hash of what of it is judged.
    Request(RequestDigest),
    /// Every request that a rule, written in shorthand, allows.
    Pattern(String),
}

/// A remembered answer. It answers what is asked; it is no rule, and lifts no denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// How far it reaches.
    pub scope: GrantScope,
    /// The tool.
    pub tool: String,
    /// What it answers.
    pub target: GrantTarget,
    /// What it answers, for people.
    pub subject: String,
    /// Who granted it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// The approval that it was given with.
    pub approval: ApprovalId,
    /// When it ends by itself; none: never.
    pub expires_at: Option<Timestamp>,
    /// Who revoked it, and when.
    pub revoked: Option<(String, Timestamp)>,
}

impl Grant {
    /// Whether it answers anything at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
