//! Which daemon to talk to.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Longest path of a Unix socket that every system accepts, in bytes.
const SOCKET_PATH_BYTES: usize = 107;

/// The door of a daemon.
///
/// ```
/// use codeplane_client::Endpoint;
///
/// let endpoint: Endpoint = "unix:/run/user/1000/codeplane/op/cpd.sock".parse().unwrap();
/// assert_eq!(endpoint.to_string(), "unix:/run/user/1000/codeplane/op/cpd.sock");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// A socket on this machine; the kernel tells the daemon who calls.
    Unix(PathBuf),
}

/// The text names no door that this client can use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// Neither `unix:PATH` nor anything else known.
    #[error("'{0}' is not an endpoint: write unix:PATH")]
    Unknown(String),
    /// A daemon on the network.
    #[error("'{0}' is not built yet: this version connects through unix:PATH only")]
    Network(String),
    /// The path has to start at the root, because the client's directory says nothing to others.
    #[error("'{0}' is not absolute: write unix:/the/whole/path")]
    Relative(String),
    /// The kernel takes no longer paths of sockets.
    #[error("the socket path '{path}' has {bytes} bytes, at most {SOCKET_PATH_BYTES} work: choose a shorter --runtime-dir", path = .path.display())]
    TooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        bytes: usize,
    },
    /// Paths of sockets are passed on as text.
    #[error("the socket path '{path}' is not UTF-8: choose another --runtime-dir", path = .0.display())]
    NotText(PathBuf),
}

impl Endpoint {
    /// The daemon that listens on the socket at `path`.
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::Unix(path.into())
    }

    /// The socket, if it is one on this machine.
    #[must_use]
    pub fn socket_path(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => Some(path),
        }
    }

    /// What tonic dials.
    pub(crate) fn uri(&self) -> Result<String, InvalidEndpoint> {
        let Self::Unix(path) = self;
        let bytes = path.as_os_str().len();
        if bytes > SOCKET_PATH_BYTES {
            return Err(InvalidEndpoint::TooLong { path: path.clone(), bytes });
        }
        match path.to_str() {
            Some(text) => Ok(format!("unix:{text}")),
            None => Err(InvalidEndpoint::NotText(path.clone())),
        }
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("https://") || text.starts_with("http://") {
            return Err(InvalidEndpoint::Network(text.to_owned()));
        }
        let path = text.strip_prefix("unix://").or_else(|| text.strip_prefix("unix:"));
        match path {
            Some(path) if path.starts_with('/') => Ok(Self::unix(path)),
            Some(_) => Err(InvalidEndpoint::Relative(text.to_owned())),
            None => Err(InvalidEndpoint::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_named_by_its_absolute_path() {
        assert_eq!("unix:/a/b".parse(), Ok(Endpoint::unix("/a/b")));
        assert_eq!("unix:///a/b".parse(), Ok(Endpoint::unix("/a/b")));
    }

    #[test]
    fn everything_else_is_refused_with_what_to_write() {
        for bad in ["", "/a/b", "unix:", "unix:a/b", "https://host:7777", "tcp:1"] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
        let error = "https://host:1".parse::<Endpoint>().unwrap_err();
        assert!(error.to_string().contains("not built yet"), "{error}");
    }

    #[test]
    fn a_path_that_the_kernel_would_refuse_is_named() {
        let endpoint = Endpoint::unix(format!("/{}", "x".repeat(107)));

        let error = endpoint.uri().unwrap_err();

        assert!(matches!(error, InvalidEndpoint::TooLong { bytes: 108, .. }));
    }
}
