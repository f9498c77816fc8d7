//! `AuditService`.

use std::pin::Pin;

use codeplane_core::Timestamp;
use codeplane_core::audit::{AuditRecord, AuditSeq, Checkpoint, Finding, Verified, signature_text};
use codeplane_proto::v1;
use codeplane_proto::v1::audit_service_server::AuditService;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::status::status;
use super::{convert, fields, page};
use crate::app::{AUDIT_FILTER_FIELDS, App, AuditOrder, AuditQuery, Error, Export, ExportFormat};

/// The service.
pub(super) struct Audit {
    app: App,
}

impl Audit {
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl AuditService for Audit {
    async fn list_audit_records(
        &self,
        request: Request<v1::ListAuditRecordsRequest>,
    ) -> Result<Response<v1::ListAuditRecordsResponse>, Status> {
        let list = list(&self.app, request.into_inner()).await;
        list.map(Response::new).map_err(status)
    }

    async fn verify_audit(
        &self,
        _: Request<v1::VerifyAuditRequest>,
    ) -> Result<Response<v1::VerifyAuditResponse>, Status> {
        let verified = self.app.verify_audit().await.map_err(status)?;
        let mut response = verdict(verified);
        let keys = self.app.audit_public_keys();
        response.public_keys = keys.iter().map(ToString::to_string).collect();
        Ok(Response::new(response))
    }

    type ExportAuditStream =
        Pin<Box<dyn Stream<Item = Result<v1::ExportAuditResponse, Status>> + Send>>;

    async fn export_audit(
        &self,
        request: Request<v1::ExportAuditRequest>,
    ) -> Result<Response<Self::ExportAuditStream>, Status> {
        let request = request.into_inner();
        let format = match request.format() {
            v1::AuditExportFormat::Unspecified | v1::AuditExportFormat::Jsonl => {
                ExportFormat::JsonLines
            }
            v1::AuditExportFormat::Csv => ExportFormat::Csv,
        };
        let query = query(&request.filter, request.since, request.until).map_err(status)?;
        let export = self.app.export_audit(format, &query).await.map_err(status)?;
        Ok(Response::new(Box::pin(pieces(export))))
    }

    async fn list_audit_checkpoints(
        &self,
        request: Request<v1::ListAuditCheckpointsRequest>,
    ) -> Result<Response<v1::ListAuditCheckpointsResponse>, Status> {
        let request = request.into_inner();
        let size = page::size(request.page_size).map_err(status)?;
        let after = page::checkpoint_cursor(&request.page_token).map_err(status)?;
        let (checkpoints, next) = self.app.list_checkpoints(size, after).await.map_err(status)?;
        Ok(Response::new(v1::ListAuditCheckpointsResponse {
            checkpoints: checkpoints.iter().map(checkpoint).collect(),
            next_page_token: next.map(page::checkpoint_token).unwrap_or_default(),
        }))
    }
}

async fn list(
    app: &App,
    request: v1::ListAuditRecordsRequest,
) -> Result<v1::ListAuditRecordsResponse, Error> {
    let size = page::size(request.page_size)?;
    let query = query(&request.filter, request.since, request.until)?;
    let order =
        if request.newest_first { AuditOrder::NewestFirst } else { AuditOrder::OldestFirst };
    let token = page::audit_cursor(&request.page_token, &query, order)?;
    let after = token.or((request.after_seq > 0).then_some(AuditSeq(request.after_seq)));
    let list = app.list_audit(&query, order, size, after).await?;
    let next = list.next.map(|seq| page::audit_token(seq, &query, order));
    Ok(v1::ListAuditRecordsResponse {
        records: list.records.into_iter().map(record).collect(),
        next_page_token: next.unwrap_or_default(),
    })
}

fn query(
    filter: &str,
    since: Option<prost_types::Timestamp>,
    until: Option<prost_types::Timestamp>,
) -> Result<AuditQuery, Error> {
    let time = |field, time: Option<prost_types::Timestamp>| -> Result<Option<Timestamp>, Error> {
        time.map(|time| fields::timestamp(field, time)).transpose()
    };
    Ok(AuditQuery {
        filter: page::filter(filter, &AUDIT_FILTER_FIELDS)?,
        since: time("since", since)?,
        until: time("until", until)?,
    })
}

/// An export as a stream: it ends with its first error.
fn pieces(export: Export) -> impl Stream<Item = Result<v1::ExportAuditResponse, Status>> {
    let step = |export: Option<Export>| async move {
        let mut export = export?;
        match export.next().await {
            Ok(Some(data)) => Some((Ok(v1::ExportAuditResponse { data }), Some(export))),
            Ok(None) => None,
            Err(error) => Some((Err(status(error)), None)),
        }
    };
    futures_util::stream::unfold(Some(export), step)
}

fn record(record: AuditRecord) -> v1::AuditRecord {
    let detail = |(name, value)| v1::AuditDetail { name, value };
    v1::AuditRecord {
        seq: record.seq.0,
        time: Some(convert::timestamp(record.time)),
        host_id: record.host.to_string(),
        kind: record.kind,
        principal: record.principal,
        session_id: record.session.map(|id| id.to_string()).unwrap_or_default(),
        incarnation: record.incarnation.map_or(0, |incarnation| incarnation.0),
        position: record.position.map(convert::position),
        detail: record.detail.into_iter().map(detail).collect(),
    }
}

fn checkpoint(checkpoint: &Checkpoint) -> v1::AuditCheckpoint {
    let statement = &checkpoint.statement;
    v1::AuditCheckpoint {
        seq: statement.seq.0,
        hash: statement.hash.to_string(),
        time: Some(convert::timestamp(statement.time)),
        boot_id: statement.boot.clone(),
        public_key: checkpoint.key.to_string(),
        signature: signature_text(&checkpoint.signature),
    }
}

fn verdict(verified: Result<Verified, Finding>) -> v1::VerifyAuditResponse {
    match verified {
        Ok(verified) => v1::VerifyAuditResponse {
            finding: None,
            records: verified.records,
            checkpoints: verified.checkpoints,
            first_seq: verified.first.0,
            last_seq: verified.last.0,
            signed_through_seq: verified.signed_through.0,
            hash: verified.hash.to_string(),
            public_keys: Vec::new(),
        },
        Err(finding) => v1::VerifyAuditResponse {
            finding: Some(v1::AuditFinding {
                seq: finding.seq.0,
                problem: finding.flaw.to_string(),
            }),
            ..v1::VerifyAuditResponse::default()
        },
    }
}
