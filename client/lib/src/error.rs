//! What can go wrong, as the caller can act on it.

use std::path::PathBuf;
use std::time::Duration;

use crate::{InvalidEndpoint, Unavailability};

/// One field of a request and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request, for example `command[2]`.
    pub field: String,
    /// What is wrong and what would be right.
    pub description: String,
}

/// Why an approval was not decided as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecidable {
    /// It was decided, has expired or was cancelled.
    Decided,
    /// The hash is not that of its request: somebody looked at something else.
    OtherRequest,
    /// A rule demands another person than the owner of the session.
    FourEyes,
    /// The answer cannot be remembered that way.
    NotGrantable,
    /// A rule denies the edited input.
    EditedInputDenied,
}

impl Undecidable {
    /// The daemon's name for it.
    pub(crate) fn from_reason(reason: &str) -> Option<Self> {
        Some(match reason {
            "APPROVAL_DECIDED" => Self::Decided,
            "REQUEST_HASH_MISMATCH" => Self::OtherRequest,
            "FOUR_EYES" => Self::FourEyes,
            "NOT_GRANTABLE" => Self::NotGrantable,
            "EDITED_INPUT_DENIED" => Self::EditedInputDenied,
            _ => return None,
        })
    }
}

/// Why a call did not do what it was asked to.
///
/// The text is one line that says what happened and what to do. What the daemon said is in it; what
/// lies beneath a broken connection is the source.
///
/// ```
/// use codeplane_client::Error;
///
/// let error = Error::Timeout { message: "the session did not end within 10 s".into() };
/// assert!(!error.is_retryable());
/// ```
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the call names does not exist.
    #[error("{message}")]
    NotFound {
        /// Its kind and name, as far as the daemon told.
        resource: String,
        /// What the daemon says.
        message: String,
    },
    /// It exists already, or a `request_id` was used for another request.
    #[error("{message}")]
    AlreadyExists {
        /// Its kind and name, as far as the daemon told.
        resource: String,
        /// What the daemon says.
        message: String,
    },
    /// The call does not fit the present state.
    #[error("{message}")]
    WrongState {
        /// The daemon's name for it, for example `WRONG_STATE`.
        reason: String,
        /// What the daemon says.
        message: String,
    },
    /// Somebody else changed it in the meantime: read it again, then decide again.
    #[error("{message}")]
    Conflict {
        /// What the daemon says.
        message: String,
    },
    /// Another one holds the control lease.
    #[error("{message}")]
    ControlTaken {
        /// What the daemon says.
        message: String,
    },
    /// The approval cannot be decided this way.
    #[error("{message}")]
    Undecidable {
        /// Why.
        why: Undecidable,
        /// What the daemon says.
        message: String,
    },
    /// The request breaks rules; all of them are told at once.
    #[error("{}", invalid(message, violations))]
    Invalid {
        /// The daemon's name for it, for example `COMMAND_NOT_FOUND`.
        reason: String,
        /// What is wrong with which field.
        violations: Vec<Violation>,
        /// What the daemon says.
        message: String,
    },
    /// The caller may not do this.
    #[error("{message}")]
    PermissionDenied {
        /// The daemon's name for it, for example `DENIED`.
        reason: String,
        /// What the daemon says.
        message: String,
    },
    /// A limit is reached.
    #[error("{message}")]
    QuotaExceeded {
        /// What is limited.
        subject: String,
        /// What the daemon says.
        message: String,
    },
    /// The daemon is there, but cannot do this now.
    #[error("{message}")]
    Unavailable {
        /// The daemon's name for it, for example `DRAINING`.
        reason: String,
        /// When to try again, if the daemon said so.
        retry_after: Option<Duration>,
        /// What the daemon says.
        message: String,
    },
    /// The time allowed has passed.
    #[error("{message}")]
    Timeout {
        /// What the daemon, or this client, says.
        message: String,
    },
    /// The position or revision asked for is not there (any more).
    #[error("{message}")]
    OutOfRange {
        /// The oldest that is there, if the daemon told.
        oldest: Option<String>,
        /// What the daemon says.
        message: String,
    },
    /// The daemon is older than this client and does not know the call.
    #[error(
        "the daemon does not know this call ({message}): update it to the version of this client"
    )]
    Unimplemented {
        /// What the daemon says.
        message: String,
    },
    /// The daemon failed; its log has the cause under the request id.
    #[error("{message}")]
    Internal {
        /// Finds the cause in the daemon's log.
        request_id: Option<String>,
        /// What the daemon says.
        message: String,
    },
    /// Nothing listens on the socket.
    #[error("no daemon answers on {socket}: start one with 'cpctl daemon start'", socket = .socket.display())]
    NoDaemon {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The socket or its directory could be somebody else's.
    #[error("{path} {problem}: not connected; remove it, or choose another --runtime-dir", path = .path.display())]
    Untrusted {
        /// What was examined.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The endpoint is none.
    #[error(transparent)]
    InvalidEndpoint(#[from] InvalidEndpoint),
    /// The connection broke.
    #[error("the connection to the daemon was lost: try again")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The daemon answered what its API does not allow.
    #[error("the daemon's answer makes no sense ({0}): compare 'cpctl version' of both sides")]
    Protocol(String),
}

impl Error {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NoDaemon { .. } | Self::Transport(_) => true,
            // A draining daemon stays so until somebody says otherwise.
            Self::Unavailable { reason, .. } => reason != "DRAINING",
            Self::NotFound { .. }
            | Self::AlreadyExists { .. }
            | Self::WrongState { .. }
            | Self::Conflict { .. }
            | Self::ControlTaken { .. }
            | Self::Undecidable { .. }
            | Self::Invalid { .. }
            | Self::PermissionDenied { .. }
            | Self::QuotaExceeded { .. }
            | Self::Timeout { .. }
            | Self::OutOfRange { .. }
            | Self::Unimplemented { .. }
            | Self::Internal { .. }
            | Self::Untrusted { .. }
            | Self::InvalidEndpoint(_)
            | Self::Protocol(_) => false,
        }
    }

    /// When the daemon wants to be asked again.
    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        if let Self::Unavailable { retry_after, .. } = self { *retry_after } else { None }
    }

    /// Why no frames or items come any more, if this is what the stream ended with.
    pub(crate) const fn cause(&self) -> Unavailability {
        // A daemon that is there says this when it is about to go.
        let said_so = matches!(self, Self::Unavailable { .. });
        if said_so { Unavailability::Stopped } else { Unavailability::Vanished }
    }

    /// A field without which the answer means nothing.
    pub(crate) fn missing(field: &str) -> Self {
        Self::Protocol(format!("{field} is missing"))
    }
}

/// The daemon's sentence, and each violation unless the sentence has it already.
fn invalid(message: &str, violations: &[Violation]) -> String {
    let mut text = message.to_owned();
    for Violation { field, description } in violations {
        if message.contains(description.as_str()) {
            continue;
        }
        let separator = if text.is_empty() { "" } else { "; " };
        text.push_str(&format!("{separator}{field}: {description}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_violations_are_in_the_line_once() {
        let violation =
            |field: &str, text: &str| Violation { field: field.into(), description: text.into() };

        let error = Error::Invalid {
            reason: "INVALID".into(),
            violations: vec![violation("size", "2 to 1000 columns"), violation("name", "too long")],
            message: "the request is invalid: size: 2 to 1000 columns".into(),
        };

        assert_eq!(
            error.to_string(),
            "the request is invalid: size: 2 to 1000 columns; name: too long"
        );
    }

    #[test]
    fn a_draining_daemon_is_not_asked_again() {
        let unavailable = |reason: &str| Error::Unavailable {
            reason: reason.into(),
            retry_after: None,
            message: String::new(),
        };

        assert!(unavailable("BUSY").is_retryable());
        assert!(!unavailable("DRAINING").is_retryable());
    }
}
