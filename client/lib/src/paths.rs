//! Where a user's daemon keeps its state and its sockets.
//!
//! The daemon and its clients find each other because both apply these rules.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names the state directory.
const STATE_VARIABLE: &str = "CODEPLANE_STATE_DIR";
/// Names the runtime directory.
const RUNTIME_VARIABLE: &str = "CODEPLANE_RUNTIME_DIR";

/// What the caller was told explicitly, by flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The state directory.
    pub state: Option<PathBuf>,
    /// The runtime directory.
    pub runtime: Option<PathBuf>,
}

/// The two directories of a daemon. Neither has to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directories {
    /// What survives a restart of the machine.
    pub state: PathBuf,
    /// Sockets.
    pub runtime: PathBuf,
}

/// The environment does not say where the directories are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathsError {
    /// Nothing names a place for the state.
    #[error("no home directory is known: set HOME or CODEPLANE_STATE_DIR, or pass --state-dir")]
    NoHome,
    /// A directory was named by a relative path.
    #[error("{what} '{path}' is not absolute: write the whole path", path = .path.display())]
    Relative {
        /// Which variable or flag names it.
        what: &'static str,
        /// The path.
        path: PathBuf,
    },
}

impl Directories {
    /// Applies the rules: what was said explicitly, then `CODEPLANE_STATE_DIR` and
    /// `CODEPLANE_RUNTIME_DIR`, then the XDG base directories, then the home directory. Without
    /// `XDG_RUNTIME_DIR`, and where the state was named explicitly, the sockets are in `run` below the state, which only its owner can enter:
    /// never in a directory where others can be first.
    ///
    /// `lookup` reads an environment variable; an empty one counts as not set.
    ///
    /// ```
    /// use codeplane_client::{Directories, Overrides};
    ///
    /// let env = |name: &str| (name == "HOME").then(|| "/home/ada".into());
    /// let directories = Directories::resolve(Overrides::default(), env).unwrap();
    /// assert_eq!(directories.state.to_str(), Some("/home/ada/.local/state/codeplane"));
    /// ```
    ///
    /// # Errors
    /// [`PathsError`] if nothing names the state directory, or a relative path does.
    pub fn resolve(
        overrides: Overrides,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, PathsError> {
        let get = |name| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        // The XDG specification: a relative path is to be ignored.
        let base = |name| get(name).filter(|path| path.is_absolute());

        // Whoever names the state means a daemon of its own, and not the sockets of the usual one.
        let named = overrides.state.is_some() || get(STATE_VARIABLE).is_some();
        let state = match overrides.state {
            Some(path) => absolute("--state-dir", path)?,
            None => match get(STATE_VARIABLE) {
                Some(path) => absolute(STATE_VARIABLE, path)?,
                None => base("XDG_STATE_HOME")
                    .or_else(|| Some(base("HOME")?.join(".local/state")))
                    .ok_or(PathsError::NoHome)?
                    .join("codeplane"),
            },
        };
        let runtime = match overrides.runtime {
            Some(path) => absolute("--runtime-dir", path)?,
            None => match get(RUNTIME_VARIABLE) {
                Some(path) => absolute(RUNTIME_VARIABLE, path)?,
                None => base("XDG_RUNTIME_DIR")
                    .filter(|_| !named)
                    .map_or_else(|| state.join("run"), |path| path.join("codeplane")),
            },
        };
        Ok(Self { state, runtime })
    }

    /// The socket for people and services.
    #[must_use]
    pub fn operator_socket(&self) -> PathBuf {
        self.runtime.join("op").join("cpd.sock")
    }

    /// Where the daemon writes when a client has started it.
    #[must_use]
    pub fn daemon_log(&self) -> PathBuf {
        self.state.join("daemon.log")
    }
}

fn absolute(what: &'static str, path: PathBuf) -> Result<PathBuf, PathsError> {
    if Path::is_absolute(&path) { Ok(path) } else { Err(PathsError::Relative { what, path }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(overrides: Overrides, env: &[(&str, &str)]) -> Result<(String, String), PathsError> {
        let found = Directories::resolve(overrides, |name| {
            env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        })?;
        Ok((found.state.display().to_string(), found.runtime.display().to_string()))
    }

    fn both(state: &str, runtime: &str) -> Result<(String, String), PathsError> {
        Ok((state.to_owned(), runtime.to_owned()))
    }

    #[test]
    fn the_xdg_directories_come_before_the_home() {
        let none = Overrides::default;

        assert_eq!(
            resolve(none(), &[("HOME", "/h")]),
            both("/h/.local/state/codeplane", "/h/.local/state/codeplane/run")
        );
        assert_eq!(
            resolve(none(), &[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/user/1")]),
            both("/h/.local/state/codeplane", "/run/user/1/codeplane")
        );
        assert_eq!(
            resolve(none(), &[("HOME", "/h"), ("XDG_STATE_HOME", "/s"), ("XDG_RUNTIME_DIR", "")]),
            both("/s/codeplane", "/s/codeplane/run")
        );
    }

    #[test]
    fn variables_override_the_defaults_and_flags_override_variables() {
        let env =
            [("HOME", "/h"), ("CODEPLANE_STATE_DIR", "/vs"), ("CODEPLANE_RUNTIME_DIR", "/vr")];
        let flags = Overrides { state: Some("/fs".into()), runtime: Some("/fr".into()) };

        assert_eq!(resolve(Overrides::default(), &env), both("/vs", "/vr"));
        assert_eq!(resolve(flags, &env), both("/fs", "/fr"));
    }

    #[test]
    fn a_relative_base_directory_is_ignored_and_a_relative_choice_is_refused() {
        assert_eq!(
            resolve(Overrides::default(), &[("HOME", "/h"), ("XDG_RUNTIME_DIR", "run")]),
            both("/h/.local/state/codeplane", "/h/.local/state/codeplane/run")
        );
        assert!(matches!(
            resolve(Overrides::default(), &[("CODEPLANE_STATE_DIR", "here")]),
            Err(PathsError::Relative { what: "CODEPLANE_STATE_DIR", .. })
        ));
    }

    #[test]
    fn without_a_home_the_error_says_what_to_set() {
        assert_eq!(resolve(Overrides::default(), &[]), Err(PathsError::NoHome));
    }
}
