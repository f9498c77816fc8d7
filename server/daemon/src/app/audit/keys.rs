//! The key that signs checkpoints: a file of the state directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use codeplane_core::audit::{AuditKey, AuditPublicKey};
use nix::unistd::geteuid;

/// Longest key file that is read, in bytes: a public key is a line of 65.
const FILE_BYTES: u64 = 1 << 20;

/// The key, and every key that this state directory has signed with.
#[derive(Debug)]
pub(crate) struct AuditKeys {
    /// Signs.
    pub signing: AuditKey,
    /// What checkpoints are checked with, the newest last.
    pub public: Vec<AuditPublicKey>,
    /// Whether it is the one that was there.
    pub origin: KeyOrigin,
}

/// Where the key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyOrigin {
    /// It was there.
    Existing,
    /// It was made now.
    Made,
}

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// Somebody else's.
    #[error("{} belongs to uid {owner}, not to uid {own} who runs the daemon", path.display())]
    WrongOwner {
        /// The file or directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who we are.
        own: u32,
    },
    /// Others could read or write it.
    #[error("{} is open to others (mode {mode:04o}): run chmod {wanted} on it", path.display())]
    OpenToOthers {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What to give to chmod.
        wanted: &'static str,
    },
    /// A link, a directory or something else.
    #[error("{} is not what it should be: move it aside", path.display())]
    WrongType {
        /// The path.
        path: PathBuf,
    },
    /// It holds no key.
    #[error(
        "{} holds no key ({problem}): restore it, or move it aside and a new one is made",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The operating system says no.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl AuditKeys {
    /// Reads the key of a state directory, or makes one there; `random` fills the seed of a new one.
    ///
    /// `audit/signing.key`: the seed, 64 hexadecimal digits, for its owner only. `audit/signing.pub`:
    /// every public key there ever was, one a line.
    ///
    /// # Errors
    /// [`KeyError`]: nothing is signed with a key that others may know.
    pub(crate) fn prepare(
        state: &Path,
        random: impl FnOnce() -> io::Result<[u8; 32]>,
    ) -> Result<Self, KeyError> {
        let directory = state.join("audit");
        let path = directory.join("signing.key");
        make_directory(&directory)?;
        let (signing, origin) = match read_key(&path)? {
            Some(key) => (key, KeyOrigin::Existing),
            None => (make_key(&path, random)?, KeyOrigin::Made),
        };
        let public = publish(&directory.join("signing.pub"), signing.public())?;
        Ok(Self { signing, public, origin })
    }
}

/// The public keys of a file, as `audit/signing.pub` has them.
///
/// # Errors
/// [`KeyError::NoKey`] if a line is none, [`KeyError::Io`].
pub(crate) fn read_public_keys(path: &Path) -> Result<Vec<AuditPublicKey>, KeyError> {
    let fail = |source| KeyError::Io { path: path.to_owned(), source };
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES).read_to_string(&mut text))
        .map_err(fail)?;
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.parse::<AuditPublicKey>())
        .collect::<Result<_, _>>()
        .map_err(|error| KeyError::NoKey { path: path.to_owned(), problem: error.to_string() })
}

fn make_directory(path: &Path) -> Result<(), KeyError> {
    let fail = |source| KeyError::Io { path: path.to_owned(), source };
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(fail(error)),
    }
    let facts = fs::symlink_metadata(path).map_err(fail)?;
    if !facts.is_dir() {
        return Err(KeyError::WrongType { path: path.to_owned() });
    }
    check(path, &facts, 0o022, "go-w")
}

fn read_key(path: &Path) -> Result<Option<AuditKey>, KeyError> {
    let fail = |source| KeyError::Io { path: path.to_owned(), source };
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
            return Err(KeyError::WrongType { path: path.to_owned() });
        }
        Err(error) => return Err(fail(error)),
    };
    let facts = file.metadata().map_err(fail)?;
    if !facts.is_file() {
        return Err(KeyError::WrongType { path: path.to_owned() });
    }
    check(path, &facts, 0o077, "600")?;
    let mut text = String::new();
    file.take(FILE_BYTES).read_to_string(&mut text).map_err(fail)?;
    // A seed is written as a public key is: 32 bytes in hexadecimal digits.
    let seed: AuditPublicKey = text
        .trim_end()
        .parse()
        .map_err(|error| KeyError::NoKey { path: path.to_owned(), problem: format!("{error}") })?;
    Ok(Some(AuditKey::from_seed(&seed.0)))
}

fn make_key(
    path: &Path,
    random: impl FnOnce() -> io::Result<[u8; 32]>,
) -> Result<AuditKey, KeyError> {
    let fail = |source| KeyError::Io { path: path.to_owned(), source };
    let seed = random().map_err(fail)?;
    write_whole(path, &format!("{}\n", AuditPublicKey(seed))).map_err(fail)?;
    Ok(AuditKey::from_seed(&seed))
}

/// Adds the key to those that are there.
fn publish(path: &Path, key: AuditPublicKey) -> Result<Vec<AuditPublicKey>, KeyError> {
    let fail = |source| KeyError::Io { path: path.to_owned(), source };
    let mut keys = match fs::symlink_metadata(path) {
        Ok(facts) if !facts.is_file() => {
            return Err(KeyError::WrongType { path: path.to_owned() });
        }
        Ok(facts) => {
            check(path, &facts, 0o022, "go-w")?;
            read_public_keys(path)?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(fail(error)),
    };
    if !keys.contains(&key) {
        keys.push(key);
        let text: String = keys.iter().map(|key| format!("{key}\n")).collect();
        write_whole(path, &text).map_err(fail)?;
    }
    Ok(keys)
}

/// All of a file or nothing, durably.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let next = path.with_extension("next");
    match fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    let parent = path.parent().unwrap_or(path);
    File::open(parent)?.sync_all()?;
    // The directory itself may be new.
    parent.parent().map_or(Ok(()), |above| File::open(above)?.sync_all())
}

fn check(
    path: &Path,
    facts: &fs::Metadata,
    forbidden: u32,
    wanted: &'static str,
) -> Result<(), KeyError> {
    let (own, path) = (geteuid().as_raw(), path.to_owned());
    if facts.uid() != own {
        return Err(KeyError::WrongOwner { path, owner: facts.uid(), own });
    }
    let mode = facts.mode() & 0o7777;
    if mode & forbidden != 0 {
        return Err(KeyError::OpenToOthers { path, mode, wanted });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn prepare(state: &Path, seed: u8) -> Result<AuditKeys, KeyError> {
        AuditKeys::prepare(state, || Ok([seed; 32]))
    }

    #[test]
    fn a_key_is_made_once_and_only_its_owner_can_read_it() {
        let state = tempfile::tempdir().unwrap();

        let made = prepare(state.path(), 1).unwrap();
        let again = prepare(state.path(), 2).unwrap();

        assert_eq!((made.origin, again.origin), (KeyOrigin::Made, KeyOrigin::Existing));
        assert_eq!(made.signing.public(), again.signing.public());
        let mode = |name| fs::metadata(state.path().join(name)).unwrap().mode() & 0o7777;
        assert_eq!((mode("audit"), mode("audit/signing.key")), (0o700, 0o600));
        let public = read_public_keys(&state.path().join("audit/signing.pub")).unwrap();
        assert_eq!(public, [made.signing.public()]);
    }

    #[test]
    fn what_the_lost_key_had_signed_is_still_checked() {
        let state = tempfile::tempdir().unwrap();
        let lost = prepare(state.path(), 1).unwrap().signing.public();
        fs::remove_file(state.path().join("audit/signing.key")).unwrap();

        let keys = prepare(state.path(), 2).unwrap();

        assert_eq!(keys.origin, KeyOrigin::Made);
        assert_eq!(keys.public, [lost, keys.signing.public()]);
    }

    #[test]
    fn a_key_that_others_may_know_is_refused() {
        let state = tempfile::tempdir().unwrap();
        prepare(state.path(), 1).unwrap();
        let path = state.path().join("audit/signing.key");
        let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();

        for mode in [0o640, 0o604, 0o666] {
            set(mode);
            let refused = prepare(state.path(), 1).unwrap_err();
            assert!(matches!(refused, KeyError::OpenToOthers { .. }), "{refused}");
        }
        set(0o600);
        fs::write(&path, "no key\n").unwrap();
        assert!(matches!(prepare(state.path(), 1), Err(KeyError::NoKey { .. })));
        fs::rename(&path, state.path().join("elsewhere")).unwrap();
        symlink(state.path().join("elsewhere"), &path).unwrap();
        assert!(matches!(prepare(state.path(), 1), Err(KeyError::WrongType { .. })));
        // Only the superuser can give a file away.
        if geteuid().is_root() {
            fs::remove_file(&path).unwrap();
            prepare(state.path(), 1).unwrap();
            std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
            assert!(matches!(prepare(state.path(), 1), Err(KeyError::WrongOwner { .. })));
        }
    }

    #[test]
    fn public_keys_are_read_one_a_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trusted");
        let key = AuditKey::from_seed(&[1; 32]).public();
        fs::write(&path, format!("# the daemon of host a\n{key}\n\n")).unwrap();

        assert_eq!(read_public_keys(&path).unwrap(), [key]);
        fs::write(&path, "ssh-ed25519 AAAA\n").unwrap();
        assert!(matches!(read_public_keys(&path), Err(KeyError::NoKey { .. })));
    }
}
