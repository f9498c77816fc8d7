//! Exit codes, which scripts rely on, and the failures behind them.

use std::process::ExitCode;

use codeplane_client::{Error, InvalidEndpoint, PathsError, Undecidable};

/// How a command ended, as its exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked to.
    Done,
    /// A check said no.
    No,
    /// The command line is wrong, or the request breaks rules.
    Usage,
    /// What it names does not exist.
    NotFound,
    /// The caller may not do this.
    NotAllowed,
    /// Wrong state or conflict.
    Conflict,
    /// No daemon, or one that cannot answer.
    Unavailable,
    /// The time has passed.
    TimedOut,
    /// Of `run` and `attach`: what the session ended with, or 125 to 127.
    Code(u8),
}

impl Exit {
    /// Our own failure, where the session's code takes all others.
    pub(crate) const OWN_FAILURE: Self = Self::Code(125);

    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::NotAllowed => 4,
            Self::Conflict => 5,
            Self::Unavailable => 6,
            Self::TimedOut => 7,
            Self::Code(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not do what it was asked to: one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] Error),
    /// The call failed for one of several.
    #[error("{what}: {call}")]
    About {
        /// Which.
        what: String,
        /// Why.
        #[source]
        call: Error,
    },
    /// The directories are not known.
    #[error(transparent)]
    Paths(#[from] PathsError),
    /// The command line is wrong.
    #[error("{0}")]
    Usage(String),
    /// The daemon cannot be started, stopped or reached.
    #[error("{0}")]
    Daemon(String),
    /// This machine refuses.
    #[error("{what}: {source}")]
    System {
        /// What was tried and what to do.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Failure {
    /// Says what was tried when the system refused.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }

    /// The exit code it ends the command with.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Call(error) | Self::About { call: error, .. } => exit_of(error),
            Self::Paths(_) | Self::Usage(_) => Exit::Usage,
            Self::Daemon(_) => Exit::Unavailable,
            Self::System { .. } => Exit::No,
        }
    }
}

impl From<InvalidEndpoint> for Failure {
    fn from(error: InvalidEndpoint) -> Self {
        Self::Call(error.into())
    }
}

const fn exit_of(error: &Error) -> Exit {
    match error {
        Error::NotFound { .. } => Exit::NotFound,
        Error::Invalid { .. } | Error::InvalidEndpoint(_) => Exit::Usage,
        Error::PermissionDenied { .. }
        | Error::Untrusted { .. }
        | Error::Undecidable {
            why: Undecidable::FourEyes | Undecidable::EditedInputDenied, ..
        } => Exit::NotAllowed,
        Error::AlreadyExists { .. }
        | Error::WrongState { .. }
        | Error::Conflict { .. }
        | Error::ControlTaken { .. }
        | Error::Undecidable {
            why: Undecidable::Decided | Undecidable::OtherRequest | Undecidable::NotGrantable,
            ..
        }
        | Error::QuotaExceeded { .. }
        | Error::OutOfRange { .. } => Exit::Conflict,
        Error::Unavailable { .. }
        | Error::NoDaemon { .. }
        | Error::Transport(_)
        | Error::Unimplemented { .. }
        | Error::Internal { .. }
        | Error::Protocol(_) => Exit::Unavailable,
        Error::Timeout { .. } => Exit::TimedOut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_refusal_has_its_documented_code() {
        let message = String::new;
        let cases = [
            (Error::NotFound { resource: message(), message: message() }, 3),
            (Error::Untrusted { path: "/".into(), problem: message() }, 4),
            (Error::ControlTaken { message: message() }, 5),
            (Error::Conflict { message: message() }, 5),
            (Error::Undecidable { why: Undecidable::Decided, message: message() }, 5),
            (Error::Undecidable { why: Undecidable::FourEyes, message: message() }, 4),
            (Error::Protocol(message()), 6),
            (Error::Timeout { message: message() }, 7),
        ];
        for (error, code) in cases {
            assert_eq!(Failure::from(error).exit().code(), code);
        }
        assert_eq!(Failure::Usage(message()).exit().code(), 2);
        assert_eq!(Exit::OWN_FAILURE.code(), 125);
    }
}
