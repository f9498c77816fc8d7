//! The files of the store and who may touch them.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::error::{OpenError, StoreError};

/// Where everything lies in the state directory.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) directory: PathBuf,
    pub(crate) database: PathBuf,
    pub(crate) wal: PathBuf,
    pub(crate) reserve: PathBuf,
    lock: PathBuf,
    /// The database's path again: `SQLite` takes text.
    pub(crate) url: String,
}

/// Whether there is a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Absent,
    Present,
}

impl Files {
    /// Looks at the directory; makes nothing.
    pub(crate) fn in_directory(directory: &Path) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Directory { path: directory.to_path_buf(), source };
        let directory = directory.canonicalize().map_err(unusable)?;
        let metadata = fs::metadata(&directory).map_err(unusable)?;
        if !metadata.is_dir() {
            return Err(unusable(io::Error::from(io::ErrorKind::NotADirectory)));
        }
        check_owner(&directory, &metadata)?;
        check_mode(&directory, &metadata, 0o022, "go-w")?;
        let database = directory.join("codeplane.db");
        let Some(url) = database.to_str().map(str::to_owned) else {
            return Err(OpenError::NotUtf8(database));
        };
        Ok(Self {
            wal: directory.join("codeplane.db-wal"),
            lock: directory.join("codeplane.db.lock"),
            reserve: directory.join("reserve"),
            database,
            directory,
            url,
        })
    }

    /// Takes the store for this process; whoever has the file open has it.
    ///
    /// Not the database itself: closing any descriptor of it drops `SQLite`'s own locks.
    pub(crate) fn lock(&self) -> Result<File, OpenError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.lock)
            .map_err(|source| match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    OpenError::DiskFull(self.directory.clone())
                }
                _ => OpenError::NotWritable { path: self.directory.clone(), source },
            })?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked(self.database.clone())),
            Err(TryLockError::Error(source)) => {
                Err(OpenError::Io { path: self.lock.clone(), source })
            }
        }
    }

    /// Whether there is a database, if it is ours alone.
    pub(crate) fn presence(&self) -> Result<Presence, OpenError> {
        for path in [&self.wal, &self.database] {
            match fs::symlink_metadata(path) {
                Ok(metadata) => {
                    if !metadata.is_file() {
                        return Err(OpenError::NotAFile(path.clone()));
                    }
                    check_owner(path, &metadata)?;
                    check_mode(path, &metadata, 0o077, "600")?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if *path == self.database {
                        return Ok(Presence::Absent);
                    }
                }
                Err(source) => return Err(OpenError::Io { path: path.clone(), source }),
            }
        }
        Ok(Presence::Present)
    }

    /// Makes the empty file with its mode, which `SQLite` gives to its companions as well.
    pub(crate) fn create_database(&self) -> Result<(), OpenError> {
        create_private(&self.database)
            .and_then(|file| file.sync_all())
            .and_then(|()| sync_directory(&self.directory))
            .map_err(|source| match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    OpenError::DiskFull(self.database.clone())
                }
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    OpenError::NotWritable { path: self.directory.clone(), source }
                }
                _ => OpenError::Io { path: self.database.clone(), source },
            })
    }

    /// Size of the database and of its write-ahead log, in bytes.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        (size(&self.database), size(&self.wal))
    }
}

/// Creates a file that only its owner may read. Fails if the path is taken.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Room left for this user in the file system of `path`, in bytes.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let system = nix::sys::statvfs::statvfs(path)?;
    Ok(system.blocks_available().saturating_mul(system.fragment_size()))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn check_owner(path: &Path, metadata: &Metadata) -> Result<(), OpenError> {
    let expected = nix::unistd::geteuid().as_raw();
    if metadata.uid() == expected {
        return Ok(());
    }
    Err(OpenError::WrongOwner { path: path.to_path_buf(), owner: metadata.uid(), expected })
}

fn check_mode(
    path: &Path,
    metadata: &Metadata,
    forbidden: u32,
    wanted: &'static str,
) -> Result<(), OpenError> {
    let mode = metadata.mode() & 0o7777;
    if mode & forbidden == 0 {
        return Ok(());
    }
    Err(OpenError::OpenToOthers { path: path.to_path_buf(), mode, wanted })
}

/// The files that the writer has open, as the file system knows them.
#[derive(Debug)]
pub(crate) struct OpenFiles(Vec<(PathBuf, u64, u64)>);

impl OpenFiles {
    /// Remembers which files these names mean now. Both exist while a connection is open.
    pub(crate) fn of(files: &Files) -> Result<Self, OpenError> {
        [&files.database, &files.wal]
            .into_iter()
            .map(|path| {
                let metadata = fs::metadata(path)
                    .map_err(|source| OpenError::Io { path: path.clone(), source })?;
                Ok((path.clone(), metadata.dev(), metadata.ino()))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether the names still mean the files that were written. Two `stat`s, some microseconds,
    /// beside a commit's fsync: checked for each.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        for (path, device, inode) in &self.0 {
            match fs::metadata(path) {
                Ok(metadata) if (metadata.dev(), metadata.ino()) == (*device, *inode) => {}
                Ok(_) | Err(_) => return Err(StoreError::Replaced(path.clone())),
            }
        }
        Ok(())
    }
}
