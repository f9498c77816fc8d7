//! `AuditService`.

use std::time::Duration;

use bytes::Bytes;
use tonic::Streaming;

use crate::client::{Repeat, audit};
use crate::{Client, Error, v1};

/// Verifying reads every record there is.
const VERIFY_LIMIT: Duration = Duration::from_secs(15 * 60);

/// An export as it comes.
#[derive(Debug)]
pub struct AuditExport(Streaming<v1::ExportAuditResponse>);

impl Client {
    /// Reads one page of the audit log, oldest first unless the request says otherwise.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter or page token that is none; [`Error::PermissionDenied`].
    pub async fn list_audit_records(
        &self,
        request: v1::ListAuditRecordsRequest,
    ) -> Result<v1::ListAuditRecordsResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            audit(channel).list_audit_records(request).await
        })
        .await
    }

    /// Has the daemon go through its whole audit log. What it finds is in the answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while a backup or another check runs; [`Error::PermissionDenied`].
    pub async fn verify_audit(&self) -> Result<v1::VerifyAuditResponse, Error> {
        let request = v1::VerifyAuditRequest {};
        self.call_within(VERIFY_LIMIT, Repeat::Safe, request, |channel, request| async move {
            audit(channel).verify_audit(request).await
        })
        .await
    }

    /// Reads one page of the signed checkpoints, oldest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page token that is none; [`Error::PermissionDenied`].
    pub async fn list_audit_checkpoints(
        &self,
        request: v1::ListAuditCheckpointsRequest,
    ) -> Result<v1::ListAuditCheckpointsResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            audit(channel).list_audit_checkpoints(request).await
        })
        .await
    }

    /// Begins an export.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter that is none, or one with JSON lines;
    /// [`Error::PermissionDenied`].
    pub async fn export_audit(
        &self,
        request: v1::ExportAuditRequest,
    ) -> Result<AuditExport, Error> {
        let export = self.call(Repeat::Safe, request, |channel, mut request| async move {
            // The stream itself has no time limit, only its beginning.
            request.metadata_mut().remove("grpc-timeout");
            audit(channel).export_audit(request).await
        });
        export.await.map(AuditExport)
    }
}

impl AuditExport {
    /// The next bytes of the file; none at its end. What is cut off does not begin again: a file of
    /// JSON lines without its last line says so.
    ///
    /// # Errors
    /// Those of the connection. Nothing follows then.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is lost.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        Ok(self.0.message().await?.map(|piece| piece.data))
    }
}
