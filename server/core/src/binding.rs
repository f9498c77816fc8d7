//! What policies are called, what they are bound to, and what a session was given beside them.

use std::fmt;

use crate::{SessionId, Timestamp};

/// Longest name of a policy, in bytes: that of a DNS label.
const NAME_BYTES: usize = 63;

/// A policy's name: a DNS label, so that it needs no quoting anywhere and `policy/rule` names a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyName(String);

impl PolicyName {
    /// Checks a name.
    ///
    /// # Errors
    /// What is wrong with it, for the user.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > NAME_BYTES {
            return Err(format!(
                "a policy's name has 1 to {NAME_BYTES} bytes, this one {}",
                text.len()
            ));
        }
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !text.bytes().all(fits) || text.starts_with('-') || text.ends_with('-') {
            return Err("a policy's name has small letters, digits and '-' between them".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a policy is bound to: which sessions it judges.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BindingTarget {
    /// Every session.
    Default,
    /// The sessions of one workspace.
    Workspace {
        /// Its identity.
        identity: String,
        /// The directory that was named, resolved: sessions that start in it or beneath it belong to
        /// it even when somebody gave them another repository, or took theirs away.
        directory: String,
    },
    /// The sessions with this label.
    Label {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    },
    /// One session.
    Session(SessionId),
}

impl BindingTarget {
    /// The word on disk.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Workspace { .. } => "workspace",
            Self::Label { .. } => "label",
            Self::Session(_) => "session",
        }
    }

    /// Whether a session is what it names.
    #[must_use]
    pub fn holds(&self, session: &crate::NewSession) -> bool {
        match self {
            Self::Default => true,
            Self::Workspace { identity, directory } => {
                session.mandate.workspace == *identity
                    || is_beneath(&session.mandate.directory, directory)
            }
            Self::Label { key, value } => session.labels.get(key) == Some(value.as_str()),
            Self::Session(id) => session.id == *id,
        }
    }
}

/// Whether `path` is `directory` or lies beneath it; both are resolved.
fn is_beneath(path: &str, directory: &str) -> bool {
    let rest = path.strip_prefix(directory.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A policy bound to something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyBinding {
    /// The policy.
    pub policy: PolicyName,
    /// What it is bound to.
    pub target: BindingTarget,
    /// Who bound it.
    pub principal: String,
    /// When.
    pub bound_at: Timestamp,
}

/// What a session was given when it was created, beside the policies bound to it. It never changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mandate {
    /// The identity of its workspace; empty for a session of before there were any.
    pub workspace: String,
    /// The directory it started in, every link followed.
    pub directory: String,
    /// Rules of its own that allow, each as it was written: shorthand or JSON.
    pub allow: Vec<String>,
    /// What becomes of calls that would be asked about.
    pub asks: Asks,
}

/// What becomes of a call that no rule decides, or that a rule asks about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Asks {
    /// A person decides.
    #[default]
    Person,
    /// Nobody is there to be asked: it is denied.
    Denied,
    /// It is allowed, whatever it is: only rules that deny are kept.
    Allowed,
}

impl Asks {
    /// The word on disk.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Denied => "denied",
            Self::Allowed => "allowed",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Person, Self::Denied, Self::Allowed].into_iter().find(|asks| asks.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_label() {
        for good in ["a", "read-only", "ci2", "0", &"n".repeat(63)] {
            assert!(PolicyName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a/b", "a_b", "ä", "a b", "a\n", &"n".repeat(64)] {
            assert!(PolicyName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_directory_holds_what_lies_beneath_it_and_not_what_begins_like_it() {
        for (path, holds) in [("/a/b", true), ("/a/b/c", true), ("/a/bc", false), ("/a", false)] {
            assert_eq!(is_beneath(path, "/a/b"), holds, "{path}");
        }
        assert!(is_beneath("/x", "/"));
        assert!(!is_beneath("", "/a"));
    }

    #[test]
    fn what_becomes_of_asks_is_read_as_it_is_written() {
        for asks in [Asks::Person, Asks::Denied, Asks::Allowed] {
            assert_eq!(Asks::parse(asks.as_str()), Some(asks));
        }
        assert_eq!(Asks::parse("never"), None);
    }
}
