//! Files that are either the old or the new one, whatever happens in between.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// What a new content has to survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A power cut: it is on disk before the call returns.
    PowerCut,
    /// The death of any process. After a power cut the file may be the old, the new or empty.
    ProcessDeath,
}

/// Replaces the file at `path`, mode 0600.
pub(crate) fn replace(path: &Path, content: &[u8], durability: Durability) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = Path::new(&temporary);
    let mut file = create_file(temporary)?;
    file.write_all(content)?;
    if durability == Durability::PowerCut {
        file.sync_all()?;
    }
    fs::rename(temporary, path)?;
    match (durability, path.parent()) {
        (Durability::PowerCut, Some(directory)) => File::open(directory)?.sync_all(),
        (Durability::PowerCut | Durability::ProcessDeath, _) => Ok(()),
    }
}

/// The content of the file at `path`, `None` if there is none.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes `path` and what is missing above it, each mode 0700 whatever the mask.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_directory(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(0o700)),
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

fn create_file(path: &Path) -> io::Result<File> {
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // A file left over from before may have had another mode, and a mask may have taken bits.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{Durability, create_directory, fs, read, replace};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_replaced_file_is_whole_private_and_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/file");
        create_directory(path.parent().unwrap()).unwrap();

        replace(&path, b"old", Durability::PowerCut).unwrap();
        replace(&path, b"new", Durability::ProcessDeath).unwrap();

        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"new"[..]));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let parent = path.parent().unwrap();
        assert_eq!(fs::metadata(parent).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(parent).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_file_is_no_error() {
        let dir = tempfile::tempdir().unwrap();

        assert_eq!(read(&dir.path().join("none")).unwrap(), None);
    }
}
