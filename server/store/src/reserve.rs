//! Room that is kept back, so that a full disk does not keep endings from being written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::files::{Files, create_private, free_bytes};

/// What is tried to tell a full disk from a broken one.
const PROBE_BYTES: usize = 64 * 1024;

/// A file of allocated bytes beside the database, removed when the disk is full.
#[derive(Debug)]
pub(crate) struct Reserve {
    directory: PathBuf,
    path: PathBuf,
    probe: PathBuf,
    bytes: u64,
}

impl Reserve {
    pub(crate) fn new(files: &Files, bytes: u64) -> Self {
        let directory = files.directory.clone();
        Self {
            directory,
            path: files.reserve.clone(),
            probe: files.directory.join("reserve.probe"),
            bytes,
        }
    }

    /// Whether it is there.
    pub(crate) fn is_whole(&self) -> bool {
        self.bytes == 0 || fs::metadata(&self.path).is_ok_and(|file| file.len() == self.bytes)
    }

    /// Gives its room away. False if there was none to give.
    pub(crate) fn release(&self) -> bool {
        let released = fs::remove_file(&self.path).is_ok();
        if released {
            tracing::warn!(bytes = self.bytes, "disk full: the reserve of the store is released");
        }
        released
    }

    /// Takes the room back, if there is enough by now. False while there is not.
    pub(crate) fn restore(&mut self) -> bool {
        if self.is_whole() {
            return true;
        }
        // Twice: with room for the reserve alone, the next write would spend it again. And an
        // attempt without a look would take the last blocks from everybody else for a moment.
        if free_bytes(&self.directory).is_ok_and(|free| free < self.bytes.saturating_mul(2)) {
            return false;
        }
        let made = remove_if_there(&self.path).and_then(|()| allocate(&self.path, self.bytes));
        let Err(error) = made else {
            tracing::info!(bytes = self.bytes, "the reserve of the store is in place");
            return true;
        };
        drop(fs::remove_file(&self.path));
        if is_full(&error) {
            return false;
        }
        // A file system that cannot reserve must not keep the store from working.
        tracing::warn!(%error, "the store works without its reserve");
        self.bytes = 0;
        true
    }

    /// What a refused write means. `SQLite` says "I/O error" for a quota that is used up and for some
    /// writes to a full disk; a small write of our own tells them from a broken disk.
    pub(crate) fn judge(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Io(cause) => match self.try_to_write() {
                Err(error) if is_full(&error) => StoreError::DiskFull,
                Ok(()) | Err(_) => StoreError::Io(cause),
            },
            other => other,
        }
    }

    fn try_to_write(&self) -> io::Result<()> {
        remove_if_there(&self.probe)?;
        let written = create_private(&self.probe).and_then(|mut file| {
            file.write_all(&[0; PROBE_BYTES])?;
            file.sync_all()
        });
        remove_if_there(&self.probe)?;
        written
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Blocks that are really there: a file with holes would reserve nothing.
fn allocate(path: &Path, bytes: u64) -> io::Result<()> {
    let file: File = create_private(path)?;
    let length = i64::try_from(bytes).map_err(io::Error::other)?;
    nix::fcntl::posix_fallocate(&file, 0, length)?;
    file.sync_all()
}
