//! `ServerService`.

use std::time::Duration;

use crate::client::{Repeat, server};
use crate::{Client, Error, v1};

/// A copy of a large database takes its time.
const BACKUP_LIMIT: Duration = Duration::from_secs(15 * 60);

impl Client {
    /// What the daemon is and what it can do.
    ///
    /// # Errors
    /// Only those of the connection.
    pub async fn server_info(&self) -> Result<v1::GetServerInfoResponse, Error> {
        self.call(Repeat::Safe, v1::GetServerInfoRequest {}, |channel, request| async move {
            server(channel).get_server_info(request).await
        })
        .await
    }

    /// Examines the daemon's surroundings.
    ///
    /// # Errors
    /// Only those of the connection: what is wrong is in the answer.
    pub async fn doctor(&self) -> Result<v1::DoctorResponse, Error> {
        self.call(Repeat::Safe, v1::DoctorRequest {}, |channel, request| async move {
            server(channel).doctor(request).await
        })
        .await
    }

    /// Writes a consistent copy of the database to `path` on the daemon's machine.
    ///
    /// Never repeated: the second call would find the file of the first.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] if the file is there, [`Error::Invalid`], [`Error::PermissionDenied`].
    pub async fn backup(&self, path: &str) -> Result<v1::BackupResponse, Error> {
        let request = v1::BackupRequest { path: path.to_owned() };
        self.call_within(BACKUP_LIMIT, Repeat::Never, request, |channel, request| async move {
            server(channel).backup(request).await
        })
        .await
    }

    /// Stops taking new sessions, or takes them again.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`].
    pub async fn drain(&self, request: v1::DrainRequest) -> Result<v1::DrainResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            server(channel).drain(request).await
        })
        .await
    }
}
