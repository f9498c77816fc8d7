//! Whether a socket may be trusted before anything is said to it.
//!
//! A client tells the daemon its environment and types passwords through it: it must not do that
//! to whoever was first to create a file.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::Error;

/// Write permission of group and others.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Checks that the socket and its directory belong to this user or to root, and that nobody else
/// can put another file in their place. `Error::NoDaemon` if there is no socket.
pub(crate) fn check_socket(socket: &Path) -> Result<(), Error> {
    let directory = socket.parent().unwrap_or_else(|| Path::new("/"));
    let directory_facts = look(directory, fs::metadata(directory), socket)?;
    if !is_ours(directory_facts.uid()) {
        return Err(untrusted(directory, "belongs to another user"));
    }
    if directory_facts.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(untrusted(directory, "can be written to by other users"));
    }
    // Not followed: a link would be a file whose place somebody else chose.
    let facts = look(socket, fs::symlink_metadata(socket), socket)?;
    if !facts.file_type().is_socket() {
        return Err(untrusted(socket, "is not a socket"));
    }
    if !is_ours(facts.uid()) {
        return Err(untrusted(socket, "belongs to another user"));
    }
    Ok(())
}

fn look(
    path: &Path,
    facts: std::io::Result<fs::Metadata>,
    socket: &Path,
) -> Result<fs::Metadata, Error> {
    facts.map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::NoDaemon { socket: socket.to_owned(), source },
        _ => Error::Untrusted {
            path: path.to_owned(),
            problem: format!("cannot be examined ({source})"),
        },
    })
}

/// Whether `uid` is this user or root.
pub(crate) fn is_ours(uid: u32) -> bool {
    uid == 0 || uid == nix::unistd::geteuid().as_raw()
}

fn untrusted(path: &Path, problem: &str) -> Error {
    Error::Untrusted { path: PathBuf::from(path), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn socket_in(mode: u32) -> (tempfile::TempDir, UnixListener, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cpd.sock");
        let listener = UnixListener::bind(&path).unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        (directory, listener, path)
    }

    #[test]
    fn an_own_socket_in_an_own_directory_is_trusted() {
        let (_directory, _listener, path) = socket_in(0o700);

        assert!(check_socket(&path).is_ok());
    }

    #[test]
    fn a_directory_in_which_others_can_write_is_not_trusted() {
        let (_directory, _listener, path) = socket_in(0o777);

        let error = check_socket(&path).unwrap_err();

        assert!(matches!(error, Error::Untrusted { .. }), "{error}");
    }

    #[test]
    fn a_file_in_the_place_of_the_socket_is_not_trusted() {
        let (directory, _listener, path) = socket_in(0o700);
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();

        assert!(matches!(check_socket(&file), Err(Error::Untrusted { .. })));
        assert!(matches!(check_socket(&link), Err(Error::Untrusted { .. })));
    }

    #[test]
    fn where_nothing_is_there_is_no_daemon() {
        let (directory, _listener, _path) = socket_in(0o700);

        let error = check_socket(&directory.path().join("none/cpd.sock")).unwrap_err();

        assert!(matches!(error, Error::NoDaemon { .. }));
    }
}
