//! `HookService`, the only one on the hook socket.

use std::pin::Pin;
use std::sync::Arc;

use codeplane_proto::v1;
use codeplane_proto::v1::hook_service_server::HookService;
use codeplane_proto::v1::report_hook_response::Item;
use futures_util::StreamExt as _;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::convert;
use super::listener::HookPeer;
use super::status::status;
use crate::app::{Agent, App, BODY_BYTES, Error, HookAnswer, HookCall, Reported, TokenHash};

/// The service.
pub(super) struct Hooks {
    app: App,
}

impl Hooks {
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl HookService for Hooks {
    type ReportHookStream =
        Pin<Box<dyn Stream<Item = Result<v1::ReportHookResponse, Status>> + Send>>;

    async fn report_hook(
        &self,
        request: Request<v1::ReportHookRequest>,
    ) -> Result<Response<Self::ReportHookStream>, Status> {
        let peer = request.extensions().get::<HookPeer>().cloned();
        let call = call(peer, request.into_inner()).map_err(status)?;
        let (app, hook) = (self.app.clone(), Arc::clone(&call.peer));
        let stream: Self::ReportHookStream = match Box::pin(app.report_hook(call))
            .await
            .map_err(status)?
        {
            Reported::Answered(answer) => {
                Box::pin(tokio_stream::iter([Ok(item(Item::Answer(message(answer))))]))
            }
            Reported::Waits(held) => {
                let waiting = v1::HookWaiting {
                    approval_id: held.wait.approval.to_string(),
                    expire_time: Some(convert::timestamp(held.expires_at)),
                };
                let connected = app.watch_hook(held.wait.approval, hook);
                let first = tokio_stream::iter([Ok(item(Item::Waiting(waiting)))]);
                let then = futures_util::stream::once(async move {
                    let _connected = connected;
                    tokio::select! {
                        answer = app.answer_held(*held) => Ok(item(Item::Answer(message(answer)))),
                        // The hook asks again, and waits on at the next daemon.
                        () = app.shutdown.begun() => Err(status(Error::Stopping)),
                    }
                });
                Box::pin(first.chain(then))
            }
        };
        Ok(Response::new(stream))
    }
}

fn call(peer: Option<HookPeer>, request: v1::ReportHookRequest) -> Result<HookCall, Error> {
    let peer = match peer {
        Some(HookPeer::Process(peer)) => peer,
        Some(HookPeer::Refused(why)) => return Err(Error::Denied(why)),
        None => return Err(Error::Denied("the caller cannot be identified".to_owned())),
    };
    let id = request.event_id.parse();
    let agent = Agent::named(&request.provider);
    if request.body.len() > BODY_BYTES {
        return Err(Error::invalid("body", "has more than 16 MiB: send its beginning"));
    }
    Ok(HookCall {
        id: id.map_err(|error| Error::invalid("event_id", error))?,
        token: TokenHash::of(&request.token),
        agent: agent
            .ok_or_else(|| Error::invalid("provider", "is none of claude, codex, generic"))?,
        event: (!request.event.is_empty()).then_some(request.event),
        body: request.body.into(),
        oversized: (request.oversized_bytes > 0).then_some(request.oversized_bytes),
        peer: Arc::clone(&peer),
    })
}

fn message(answer: HookAnswer) -> v1::HookAnswer {
    v1::HookAnswer {
        stdout: answer.stdout.into_bytes().into(),
        stderr: answer.stderr.into_bytes().into(),
        exit_code: answer.exit_code.into(),
    }
}

const fn item(item: Item) -> v1::ReportHookResponse {
    v1::ReportHookResponse { item: Some(item) }
}
