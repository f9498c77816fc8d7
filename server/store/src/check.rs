//! A look at the store itself, for `doctor`.

use std::fs;

use codeplane_core::Revision;
use diesel::prelude::*;

use crate::error::{Cause, StoreError};
use crate::files::free_bytes;
use crate::schema::{events, sessions};
use crate::sqlite;
use crate::store::Store;

/// Whether there is room for facts on a full disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReserveState {
    /// It is there.
    Whole,
    /// It is spent, or could not be made: the disk is full.
    Spent,
    /// None is wanted.
    Unused,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Damage in the file; none if it is sound.
    pub problems: Vec<String>,
    /// The newest change of the schema.
    pub schema_version: String,
    /// Size of the database, in bytes.
    pub database_bytes: u64,
    /// Size of its write-ahead log, in bytes.
    pub wal_bytes: u64,
    /// Room left for this user in the file system, in bytes.
    pub free_bytes: u64,
    /// The room that is kept back.
    pub reserve: ReserveState,
    /// How many sessions there are.
    pub sessions: i64,
    /// How many events are kept.
    pub events: i64,
    /// The newest of them.
    pub newest_revision: Revision,
}

impl Store {
    /// Reads the whole file and looks for damage; takes a second for some hundred megabytes.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while another check or a backup runs, and those of every read.
    pub async fn check(&self) -> Result<Check, StoreError> {
        let store = self.clone();
        self.parts()
            .slow
            .read(move |connection| {
                let (database_bytes, wal_bytes) = store.parts().files.sizes();
                Ok(Check {
                    problems: sqlite::problems(connection)?,
                    schema_version: store.parts().schema_version.clone(),
                    database_bytes,
                    wal_bytes,
                    free_bytes: free_bytes(&store.parts().files.directory)
                        .map_err(|error| StoreError::Io(Cause::new(error)))?,
                    reserve: store.reserve_state(),
                    sessions: sessions::table.count().get_result(connection)?,
                    events: events::table.count().get_result(connection)?,
                    newest_revision: store.newest_revision(),
                })
            })
            .await
    }

    fn reserve_state(&self) -> ReserveState {
        let parts = self.parts();
        match fs::metadata(&parts.files.reserve) {
            _ if parts.reserve_bytes == 0 => ReserveState::Unused,
            Ok(file) if file.len() == parts.reserve_bytes => ReserveState::Whole,
            Ok(_) | Err(_) => ReserveState::Spent,
        }
    }
}
