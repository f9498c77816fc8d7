//! The chain of a database that may be another process's: not one byte of it changes.

use std::path::Path;

use codeplane_core::HostId;
use codeplane_core::audit::{AuditPublicKey, Checkpoint, Finding, Verified};
use diesel::SqliteConnection;

use super::walk::{host_of, verify};
use crate::error::{Cause, OpenError, StoreError};
use crate::files::{Files, Presence};
use crate::inspect::{Changes, MIGRATIONS, check_version, open_error};
use crate::sqlite::{Access, connect};

/// The audit log of a state directory, read beside whoever else uses it.
pub struct AuditFile {
    connection: SqliteConnection,
    host: HostId,
}

impl std::fmt::Debug for AuditFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditFile").field("host", &self.host).finish_non_exhaustive()
    }
}

impl AuditFile {
    /// Opens the database of a state directory for reading. A daemon may go on with it.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong; also for a database of an older version, which has no audit
    /// log or another one.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let files = Files::in_directory(directory)?;
        match files.presence()? {
            Presence::Present => {}
            Presence::Absent => {
                let source = std::io::Error::from(std::io::ErrorKind::NotFound);
                return Err(OpenError::Io { path: files.database, source });
            }
        }
        let fail = |error: &dyn std::fmt::Display| open_error(&files, &error.to_string());
        let changes = Changes::of(&MIGRATIONS).map_err(|error| OpenError::Query {
            path: files.database.clone(),
            cause: Cause::new(error),
        })?;
        let mut connection = connect(&files.url, Access::Inspect).map_err(|error| fail(&error))?;
        check_version(&files, &mut connection, &changes)?;
        let host = host_of(&mut connection).map_err(|error| fail(&error))?;
        Ok(Self { connection, host })
    }

    /// The host that wrote it.
    #[must_use]
    pub const fn host(&self) -> HostId {
        self.host
    }

    /// As [`Store::verify_audit`](crate::Store::verify_audit).
    ///
    /// # Errors
    /// Those of every read.
    pub fn verify(
        &mut self,
        keys: &[AuditPublicKey],
        witnesses: &[Checkpoint],
    ) -> Result<Result<Verified, Finding>, StoreError> {
        verify(&mut self.connection, keys, witnesses)
    }
}
