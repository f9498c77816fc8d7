//! `ServerService`.

use codeplane_proto::v1;
use codeplane_proto::v1::server_service_server::ServerService;
use tonic::{Request, Response, Status};

use super::auth::caller;
use super::status::status;
use super::{FEATURES, convert};
use crate::app::{App, Drain};

/// The service.
pub(super) struct ServerInfo {
    app: App,
}

impl ServerInfo {
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl ServerService for ServerInfo {
    async fn get_server_info(
        &self,
        request: Request<v1::GetServerInfoRequest>,
    ) -> Result<Response<v1::GetServerInfoResponse>, Status> {
        let caller = caller(&request)?;
        Ok(Response::new(convert::info(self.app.info(), &FEATURES, &caller)))
    }

    async fn doctor(
        &self,
        _: Request<v1::DoctorRequest>,
    ) -> Result<Response<v1::DoctorResponse>, Status> {
        let checks = self.app.doctor().await.into_iter().map(convert::check).collect();
        Ok(Response::new(v1::DoctorResponse { checks }))
    }

    async fn backup(
        &self,
        request: Request<v1::BackupRequest>,
    ) -> Result<Response<v1::BackupResponse>, Status> {
        let path = request.into_inner().path;
        let bytes = self.app.backup(&path).await.map_err(status)?;
        Ok(Response::new(v1::BackupResponse { path, bytes }))
    }

    async fn drain(
        &self,
        request: Request<v1::DrainRequest>,
    ) -> Result<Response<v1::DrainResponse>, Status> {
        let drain = if request.into_inner().undo { Drain::Open } else { Drain::Draining };
        let info = self.app.drain(drain).await.map_err(status)?;
        Ok(Response::new(v1::DrainResponse {
            draining: info.drain == Drain::Draining,
            live_sessions: u32::try_from(info.live).unwrap_or(u32::MAX),
        }))
    }
}
