//! Identifiers. All are version 4 UUIDs; a short form is a prefix of the hexadecimal digits.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The text is not an identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a UUID")]
pub struct IdError(pub String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps 16 bytes, which the caller has taken from a random source.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// A fresh random identifier.
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }

            /// The 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The first eight hexadecimal digits: what people see, and what names sockets.
            #[must_use]
            pub fn short(&self) -> String {
                self.0.simple().to_string()[..8].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| IdError(text.to_owned()))
            }
        }
    };
}

id! {
    /// One session, from create to delete.
    SessionId
}
id! {
    /// One daemon's state directory: it stays the same across restarts and upgrades.
    HostId
}
id! {
    /// One client on one terminal.
    AttachmentId
}
id! {
    /// One mutation as its client named it, so that a repetition is answered and not repeated.
    RequestId
}
id! {
    /// One report of an agent's hook, made by the reporter.
    HookEventId
}
id! {
    /// One tool call and its answer.
    DecisionId
}
id! {
    /// One tool call that waits for a person.
    ApprovalId
}
id! {
    /// One remembered answer.
    GrantId
}

/// How a client names a session: the full id, an unambiguous prefix of it, or its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionRef {
    /// The whole id.
    Id(SessionId),
    /// A name or the first digits of an id; names win.
    NameOrPrefix(String),
}

impl SessionRef {
    /// Reads what a person or a service wrote.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.parse() {
            Ok(id) if text.len() >= 32 => Self::Id(id),
            Ok(_) | Err(_) => Self::NameOrPrefix(text.to_owned()),
        }
    }

    /// So many digits of an id are enough to mean a session.
    pub const FEWEST_DIGITS: usize = 4;

    /// Whether `id` begins with `text`, hyphens and case ignored. At least four digits are asked
    /// for, so that a one-letter name is never taken for half of all sessions.
    #[must_use]
    pub fn is_prefix(text: &str, id: SessionId) -> bool {
        let digits: String = text.chars().filter(|c| *c != '-').collect::<String>().to_lowercase();
        digits.len() >= Self::FEWEST_DIGITS
            && digits.bytes().all(|b| b.is_ascii_hexdigit())
            && id.0.simple().to_string().starts_with(&digits)
    }
}

impl fmt::Display for SessionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::NameOrPrefix(text) => text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_form_is_a_prefix_of_the_digits() {
        let id = SessionId::from_bytes([0xab; 16]);

        assert_eq!(id.short(), "abababab");
        assert!(SessionRef::is_prefix("abab", id));
        assert!(SessionRef::is_prefix("ABABABAB-ab", id));
        assert!(!SessionRef::is_prefix("aba", id));
        assert!(!SessionRef::is_prefix("abac", id));
    }

    #[test]
    fn only_a_whole_uuid_is_an_id() {
        let id = SessionId::from_bytes([7; 16]);

        assert_eq!(SessionRef::parse(&id.to_string()), SessionRef::Id(id));
        assert_eq!(SessionRef::parse("build"), SessionRef::NameOrPrefix("build".to_owned()));
    }
}
