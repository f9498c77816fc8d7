//! Consistent copies while others write.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use diesel::SqliteConnection;

use crate::error::{Cause, StoreError};
use crate::files::{create_private, sync_directory};
use crate::sqlite;
use crate::store::Store;

impl Store {
    /// Writes a consistent copy to `destination`, which is there completely or not at all, readable
    /// by its owner only. Others go on reading and writing.
    ///
    /// # Errors
    /// [`StoreError::BackupExists`] if the path is taken, [`StoreError::Backup`] if it cannot be
    /// written, [`StoreError::DiskFull`], [`StoreError::Busy`] while another copy or check runs; and
    /// those of every read.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, the copy may still be made.
    pub async fn backup(&self, destination: &Path) -> Result<(), StoreError> {
        let destination = destination.to_path_buf();
        self.parts().slow.read(move |connection| copy_to_new(connection, &destination)).await
    }
}

fn copy_to_new(connection: &mut SqliteConnection, destination: &Path) -> Result<(), StoreError> {
    if fs::symlink_metadata(destination).is_ok() {
        return Err(StoreError::BackupExists(destination.to_path_buf()));
    }
    let partial = copy(connection, destination)?;
    let named = give_new_name(&partial, destination);
    drop(fs::remove_file(&partial));
    named.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => StoreError::BackupExists(destination.to_path_buf()),
        _ => failed(destination, error),
    })
}

/// As a backup, but over what is there.
pub(crate) fn replace_with_copy(
    connection: &mut SqliteConnection,
    destination: &Path,
) -> Result<(), StoreError> {
    let partial = copy(connection, destination)?;
    fs::rename(&partial, destination)
        .and_then(|()| sync_parent(destination))
        .map_err(|error| failed(destination, error))
}

/// Writes the copy under another name in the same directory, durably.
fn copy(connection: &mut SqliteConnection, destination: &Path) -> Result<PathBuf, StoreError> {
    let mut name = destination.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = destination.with_file_name(name);
    // What an earlier attempt left: one copy runs at a time.
    drop(fs::remove_file(&partial));
    let made = create_private(&partial)
        .map_err(|error| failed(destination, error))
        .and_then(|_file| {
            sqlite::copy_into(connection, &partial).map_err(|error| match error.into() {
                // The disk of the copy, which need not be ours.
                StoreError::Io(cause) => {
                    StoreError::Backup { path: destination.to_path_buf(), cause }
                }
                other => other,
            })
        })
        .and_then(|()| {
            File::open(&partial)
                .and_then(|file| file.sync_all())
                .map_err(|error| failed(destination, error))
        });
    match made {
        Ok(()) => Ok(partial),
        Err(error) => {
            drop(fs::remove_file(&partial));
            Err(error)
        }
    }
}

/// Renames without ever overwriting: a link fails where a rename would replace.
fn give_new_name(partial: &Path, destination: &Path) -> io::Result<()> {
    match fs::hard_link(partial, destination) {
        // A file system without links. Somebody who makes the same file in this moment loses it.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            if fs::symlink_metadata(destination).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(partial, destination)?;
        }
        other => other?,
    }
    sync_parent(destination)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        Some(_) | None => sync_directory(Path::new(".")),
    }
}

fn failed(path: &Path, error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull,
        _ => StoreError::Backup { path: path.to_path_buf(), cause: Cause::new(error) },
    }
}
