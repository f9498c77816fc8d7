//! The two directories of a daemon: where its state is, and where its sockets are.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codeplane_core::{Incarnation, SessionId};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;

use crate::os;

/// Longest path of a Unix socket: `sun_path` has 108 bytes, one of them for the final NUL.
const SOCKET_PATH_BYTES: usize = 107;

/// The directories and every file name in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directories {
    /// Database, bundles, log: what must survive.
    pub state: PathBuf,
    /// Sockets: what is made again.
    pub runtime: PathBuf,
}

/// A directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DirectoryError {
    /// Nothing says where it should be.
    #[error("no directory for state: set HOME, XDG_STATE_HOME or CODEPLANE_STATE_DIR")]
    NoHome,
    /// It is not absolute.
    #[error("{} is not an absolute path: give one", path.display())]
    Relative {
        /// The path.
        path: PathBuf,
    },
    /// A file stands where a directory should be.
    #[error("{} is not a directory: remove it or choose another one", path.display())]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// Somebody else's.
    #[error("{} belongs to uid {owner}, not to uid {own}: choose another directory", path.display())]
    WrongOwner {
        /// The path.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        own: u32,
    },
    /// Others could write into it.
    #[error("{} can be written by others (mode {mode:04o}): run chmod go-w on it", path.display())]
    Writable {
        /// The path.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Socket paths would be too long.
    #[error(
        "the runtime directory {} is too long for socket paths ({bytes} bytes of {SOCKET_PATH_BYTES}): \
         choose a shorter --runtime-dir",
        path.display()
    )]
    TooLong {
        /// The runtime directory.
        path: PathBuf,
        /// The longest socket path in it.
        bytes: usize,
    },
    /// Another daemon uses it.
    #[error("another daemon (pid {pid}) already uses {}", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
        /// Its process id; `?` if unknown.
        pid: String,
    },
    /// The operating system says no.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Directories {
    /// Where they are, from what was given and the environment.
    ///
    /// State: given, `CODEPLANE_STATE_DIR`, `$XDG_STATE_HOME/codeplane`, `~/.local/state/codeplane`.
    /// Runtime: given, `CODEPLANE_RUNTIME_DIR`, `run` in a state directory that was given by flag or
    /// variable, `$XDG_RUNTIME_DIR/codeplane`, `run` in the state directory. The client resolves them by the same rules.
    ///
    /// # Errors
    /// [`DirectoryError`] if nothing says where, or a path is relative or too long.
    pub(crate) fn resolve(
        state: Option<PathBuf>,
        runtime: Option<PathBuf>,
        lookup: impl Fn(&str) -> Option<PathBuf>,
    ) -> Result<Self, DirectoryError> {
        let lookup = |name: &str| lookup(name).filter(|value| !value.as_os_str().is_empty());
        // The XDG specification: a relative path is to be ignored.
        let base = |name: &str| lookup(name).filter(|path| path.is_absolute());
        // Whoever names the state means a daemon of its own, and not the sockets of the usual one.
        let named = state.clone().or_else(|| lookup("CODEPLANE_STATE_DIR"));
        let state = state
            .or_else(|| lookup("CODEPLANE_STATE_DIR"))
            .or_else(|| base("XDG_STATE_HOME").map(|dir| dir.join("codeplane")))
            .or_else(|| base("HOME").map(|dir| dir.join(".local/state/codeplane")))
            .ok_or(DirectoryError::NoHome)?;
        let runtime = runtime
            .or_else(|| lookup("CODEPLANE_RUNTIME_DIR"))
            .or_else(|| named.map(|state| state.join("run")))
            .or_else(|| base("XDG_RUNTIME_DIR").map(|dir| dir.join("codeplane")))
            .unwrap_or_else(|| state.join("run"));
        for path in [&state, &runtime] {
            if !path.is_absolute() {
                return Err(DirectoryError::Relative { path: path.clone() });
            }
        }
        let directories = Self { state, runtime };
        let longest = directories.shim_socket(SessionId::from_bytes([0xff; 16]));
        // The shim binds under a temporary name first.
        let bytes = longest.as_os_str().len() + ".tmp".len();
        if bytes > SOCKET_PATH_BYTES {
            return Err(DirectoryError::TooLong { path: directories.runtime, bytes });
        }
        Ok(directories)
    }

    /// Makes them, checks owner and mode, and locks them for this process.
    ///
    /// # Errors
    /// [`DirectoryError`]; [`DirectoryError::Locked`] if another daemon is there.
    pub(crate) fn prepare(&self) -> Result<Locks, DirectoryError> {
        make_private(&self.state, 0o700)?;
        let state = lock(&self.state, &self.state.join("cpd.lock"))?;
        make_private(&self.sessions(), 0o700)?;
        self.prepare_runtime()?;
        let runtime = lock(&self.runtime, &self.operators().join("cpd.lock"))?;
        Ok(Locks { _state: state, _runtime: runtime })
    }

    /// Makes the runtime directory and what belongs in it, again if somebody removed it.
    ///
    /// # Errors
    /// [`DirectoryError`]
    pub(crate) fn prepare_runtime(&self) -> Result<(), DirectoryError> {
        make_private(&self.runtime, 0o711)?;
        make_private(&self.operators(), 0o700)?;
        make_private(&self.hooks(), 0o711)?;
        make_private(&self.shims(), 0o700)
    }

    /// `RUN/op`.
    #[must_use]
    pub(crate) fn operators(&self) -> PathBuf {
        self.runtime.join("op")
    }

    /// `RUN/shim`.
    #[must_use]
    pub(crate) fn shims(&self) -> PathBuf {
        self.runtime.join("shim")
    }

    /// The socket of the API.
    #[must_use]
    pub(crate) fn socket(&self) -> PathBuf {
        self.operators().join("cpd.sock")
    }

    /// `RUN/hook`: who knows a name in it may use it.
    #[must_use]
    pub(crate) fn hooks(&self) -> PathBuf {
        self.runtime.join("hook")
    }

    /// The socket that agents' hooks report to.
    #[must_use]
    pub(crate) fn hook_socket(&self) -> PathBuf {
        self.hooks().join("hook.sock")
    }

    /// The file with the token that one run's hooks report with.
    #[must_use]
    pub(crate) fn hook_token(&self, id: SessionId, incarnation: Incarnation) -> PathBuf {
        self.hooks().join(format!("{id}.{incarnation}.token"))
    }

    /// The socket of one session's shim.
    #[must_use]
    pub(crate) fn shim_socket(&self, id: SessionId) -> PathBuf {
        self.shims().join(format!("{}.sock", id.short()))
    }

    /// What agents start as their hook. Not beside the sockets: nothing may be executed in some `/run`.
    #[must_use]
    pub(crate) fn hook_entry(&self) -> PathBuf {
        self.state.join("hook-entry")
    }

    /// Where the bundles are.
    #[must_use]
    pub(crate) fn sessions(&self) -> PathBuf {
        self.state.join("sessions")
    }

    /// The bundle of one session.
    #[must_use]
    pub(crate) fn bundle(&self, id: SessionId) -> PathBuf {
        self.sessions().join(id.to_string())
    }
}

/// How long the lock of a daemon that was killed may outlive it: whatever process it was just making
/// has it too, until the program in it begins.
const LOCK_OUTLIVES: Duration = Duration::from_secs(2);

/// Held as long as the daemon lives; the kernel lets go of them with the process.
#[derive(Debug)]
pub(crate) struct Locks {
    _state: Flock<File>,
    _runtime: Flock<File>,
}

/// Locks a directory by a file in it.
fn lock(directory: &Path, path: &Path) -> Result<Flock<File>, DirectoryError> {
    let io = |action| move |source| DirectoryError::Io { action, path: path.to_owned(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)
        .map_err(io("open"))?;
    let until = Instant::now() + LOCK_OUTLIVES;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => {
                locked.set_len(0).map_err(io("write"))?;
                fs::write(path, std::process::id().to_string()).map_err(io("write"))?;
                return Ok(locked);
            }
            Err((same, nix::errno::Errno::EWOULDBLOCK)) => {
                let holder = fs::read_to_string(path).ok().and_then(|pid| pid.trim().parse().ok());
                if holder.is_some_and(os::is_running) || Instant::now() > until {
                    let pid = holder.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
                    return Err(DirectoryError::Locked { path: directory.to_owned(), pid });
                }
                file = same;
                pause();
            }
            Err((_, errno)) => return Err(io("lock")(errno.into())),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "nothing runs yet that could be held up")]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

/// Makes a directory with its parents and insists that it is ours and nobody else can write it.
fn make_private(path: &Path, mode: u32) -> Result<(), DirectoryError> {
    let io = |action| move |source| DirectoryError::Io { action, path: path.to_owned(), source };
    if fs::symlink_metadata(path).is_err() {
        let mut parents = DirBuilder::new();
        parents.recursive(true).mode(0o700);
        if let Some(parent) = path.parent() {
            parents.create(parent).map_err(io("create the parents of"))?;
        }
        match DirBuilder::new().mode(mode).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io("create")(error)),
        }
        // The umask may have taken bits away.
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(io("set the mode of"))?;
    }
    let own = geteuid().as_raw();
    // A link leads where its owner likes, tomorrow to another place.
    let link = fs::symlink_metadata(path).map_err(io("look at"))?;
    if link.uid() != own && link.uid() != 0 {
        return Err(DirectoryError::WrongOwner { path: path.to_owned(), owner: link.uid(), own });
    }
    let facts = fs::metadata(path).map_err(io("look at"))?;
    if !facts.is_dir() {
        return Err(DirectoryError::NotADirectory { path: path.to_owned() });
    }
    if facts.uid() != own {
        return Err(DirectoryError::WrongOwner { path: path.to_owned(), owner: facts.uid(), own });
    }
    let mode = facts.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return Err(DirectoryError::Writable { path: path.to_owned(), mode });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(vars: &[(&str, &str)]) -> Result<Directories, DirectoryError> {
        Directories::resolve(None, None, |name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value))
        })
    }

    #[test]
    fn the_directories_follow_the_environment() {
        let plain = resolve(&[("HOME", "/home/u")]).unwrap();
        assert_eq!(plain.state, Path::new("/home/u/.local/state/codeplane"));
        assert_eq!(plain.runtime, Path::new("/home/u/.local/state/codeplane/run"));

        let xdg = resolve(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s"), ("XDG_RUNTIME_DIR", "/r")]);
        assert_eq!(xdg.unwrap().socket(), Path::new("/r/codeplane/op/cpd.sock"));

        let side = [("CODEPLANE_STATE_DIR", "/s"), ("XDG_RUNTIME_DIR", "/r")];
        assert_eq!(resolve(&side).unwrap().runtime, Path::new("/s/run"));

        let own = resolve(&[("CODEPLANE_STATE_DIR", "/s"), ("CODEPLANE_RUNTIME_DIR", "/r")]);
        assert_eq!(own.unwrap(), Directories { state: "/s".into(), runtime: "/r".into() });
    }

    #[test]
    fn a_path_that_no_socket_fits_in_is_refused() {
        let long = format!("/{}", "d".repeat(100));

        let error = resolve(&[("CODEPLANE_STATE_DIR", "/s"), ("CODEPLANE_RUNTIME_DIR", &long)]);

        assert!(matches!(error, Err(DirectoryError::TooLong { .. })));
        assert!(matches!(resolve(&[]), Err(DirectoryError::NoHome)));
        assert!(matches!(resolve(&[("HOME", "x")]), Err(DirectoryError::NoHome)));
        let relative = resolve(&[("CODEPLANE_STATE_DIR", "x")]);
        assert!(matches!(relative, Err(DirectoryError::Relative { .. })));
    }

    #[test]
    fn one_daemon_at_a_time_uses_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let directories =
            Directories { state: dir.path().join("s"), runtime: dir.path().join("r") };

        let first = directories.prepare().unwrap();
        let second = directories.prepare();

        assert!(matches!(second, Err(DirectoryError::Locked { .. })));
        drop(first);
        assert!(directories.prepare().is_ok());
    }

    #[test]
    fn a_directory_that_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let directories =
            Directories { state: dir.path().join("s"), runtime: dir.path().join("r") };
        fs::create_dir(&directories.state).unwrap();
        fs::set_permissions(&directories.state, fs::Permissions::from_mode(0o777)).unwrap();

        assert!(matches!(directories.prepare(), Err(DirectoryError::Writable { mode: 0o777, .. })));

        fs::remove_dir(&directories.state).unwrap();
        fs::write(&directories.state, "").unwrap();
        assert!(matches!(directories.prepare(), Err(DirectoryError::NotADirectory { .. })));
    }

    #[test]
    fn a_link_of_another_user_is_refused_even_to_a_directory_of_ours() {
        let dir = tempfile::tempdir().unwrap();
        let directories =
            Directories { state: dir.path().join("s"), runtime: dir.path().join("r") };
        fs::create_dir(dir.path().join("ours")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("ours"), &directories.state).unwrap();
        assert!(directories.prepare().is_ok(), "a link of our own is how disks are changed");

        // Only the superuser can give a link away.
        if geteuid().is_root() {
            std::os::unix::fs::lchown(&directories.state, Some(65534), None).unwrap();
            let refused = directories.prepare();
            assert!(matches!(refused, Err(DirectoryError::WrongOwner { owner: 65534, .. })));
        }
    }
}
