//! `TerminalService`.

use codeplane_core::Acquire;
use codeplane_proto::v1;
use codeplane_proto::v1::attach_request::Request as Inbound;
use codeplane_proto::v1::output_from::From as Begin;
use codeplane_proto::v1::terminal_service_server::TerminalService;
use tonic::{Request, Response, Status, Streaming};
use tracing::debug;

use super::auth::caller;
use super::frames::{AttachFrames, Frames, Leaving, TailFrames};
use super::status::status;
use super::{convert, fields};
use crate::app::{
    Answers, App, AttachRequest, AttachTo, AttachedInput, Error, From, KeyRequest, Over, Tail,
    TypeRequest, Typing, Until,
};

/// The service.
pub(super) struct Terminals {
    app: App,
}

impl Terminals {
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl TerminalService for Terminals {
    type AttachStream = AttachFrames;

    async fn attach(
        &self,
        request: Request<Streaming<v1::AttachRequest>>,
    ) -> Result<Response<AttachFrames>, Status> {
        let caller = caller(&request)?;
        let mut inbound = request.into_inner();
        let first = inbound.message().await?.and_then(|first| first.request);
        let Some(Inbound::Init(init)) = first else {
            return Err(status(Error::invalid("init", "must be the first message")));
        };
        let live = self.app.find(&init.session).map_err(status)?;
        let request = attach(init).map_err(status)?;
        let attachment = self.app.attach(&caller, request).await.map_err(status)?;
        let typing = attachment.typing.clone();
        let own = Some(typing.id());
        self.app.shutdown.spawn(receive(inbound, typing.clone(), self.app.clone()));
        let leaving = Leaving { typing, shutdown: self.app.shutdown.clone() };
        let frames = Frames::new(attachment.frames, live.id(), own, Some(leaving));
        Ok(Response::new(AttachFrames(frames)))
    }

    async fn read_output(
        &self,
        request: Request<v1::ReadOutputRequest>,
    ) -> Result<Response<v1::ReadOutputResponse>, Status> {
        let request = request.into_inner();
        let from = request.from.map(|from| fields::position("from", from)).transpose();
        let limit = match request.max_bytes {
            0 => usize::MAX,
            limit => usize::try_from(limit).unwrap_or(usize::MAX),
        };
        let read = self.app.read_output(&request.session, from.map_err(status)?, limit).await;
        let piece = read.map_err(status)?;
        let position = convert::position(piece.position);
        Ok(Response::new(v1::ReadOutputResponse {
            position: Some(position),
            data: piece.data,
            next: Some(convert::position(piece.next)),
            end: Some(convert::position(piece.end)),
            gap: piece
                .gap_from
                .map(|from| v1::Gap { from: Some(convert::position(from)), to: Some(position) }),
        }))
    }

    type TailOutputStream = TailFrames;

    async fn tail_output(
        &self,
        request: Request<v1::TailOutputRequest>,
    ) -> Result<Response<TailFrames>, Status> {
        let request = request.into_inner();
        let live = self.app.find(&request.session).map_err(status)?;
        let from = request.from.and_then(|from| from.from).unwrap_or(Begin::End(v1::LogEnd {}));
        let tail = Tail {
            session: request.session,
            from: begin(Some(from)).map_err(status)?,
            until: request.follow.then(|| until(request.once)),
        };
        let follower = self.app.tail(tail).await.map_err(status)?;
        Ok(Response::new(TailFrames(Frames::new(follower, live.id(), None, None))))
    }

    async fn send_input(
        &self,
        request: Request<v1::SendInputRequest>,
    ) -> Result<Response<v1::SendInputResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let typed = if request.attachment_id.is_empty() {
            let typed = TypeRequest {
                bytes: &request.data,
                request: fields::request(&request.request_id).map_err(status)?,
                over: over(request.force),
            };
            self.app.type_bytes(&caller, &request.session, typed).await
        } else {
            let attachment =
                fields::attachment("attachment_id", &request.attachment_id).map_err(status)?;
            let typed = AttachedInput { attachment, seq: request.seq, bytes: &request.data };
            self.app.type_as(&caller, &request.session, typed).await
        };
        let position = Some(convert::position(typed.map_err(status)?));
        Ok(Response::new(v1::SendInputResponse { position }))
    }

    async fn send_keys(
        &self,
        request: Request<v1::SendKeysRequest>,
    ) -> Result<Response<v1::SendKeysResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let typed = KeyRequest {
            keys: &request.keys,
            request: fields::request(&request.request_id).map_err(status)?,
            over: over(request.force),
        };
        let typed = self.app.type_keys(&caller, &request.session, typed).await;
        let position = Some(convert::position(typed.map_err(status)?));
        Ok(Response::new(v1::SendKeysResponse { position }))
    }

    async fn resize_terminal(
        &self,
        request: Request<v1::ResizeTerminalRequest>,
    ) -> Result<Response<v1::ResizeTerminalResponse>, Status> {
        let request = request.into_inner();
        let size = fields::size("size", request.size).map_err(status)?;
        let on_behalf = (!request.attachment_id.is_empty())
            .then(|| fields::attachment("attachment_id", &request.attachment_id))
            .transpose()
            .map_err(status)?;
        let over = over(request.force);
        let resized = self.app.resize(&request.session, size, on_behalf, over).await;
        let size = Some(convert::size(resized.map_err(status)?));
        Ok(Response::new(v1::ResizeTerminalResponse { size }))
    }

    async fn acquire_control(
        &self,
        request: Request<v1::AcquireControlRequest>,
    ) -> Result<Response<v1::AcquireControlResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = fields::attachment("attachment_id", &request.attachment_id).map_err(status)?;
        let acquired = self.app.acquire(&caller, &request.session, id, how(request.if_free)).await;
        let at = Some(convert::position(acquired.map_err(status)?));
        Ok(Response::new(v1::AcquireControlResponse { at }))
    }

    async fn release_control(
        &self,
        request: Request<v1::ReleaseControlRequest>,
    ) -> Result<Response<v1::ReleaseControlResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = fields::attachment("attachment_id", &request.attachment_id).map_err(status)?;
        let holder = self.app.release(&caller, &request.session, id).await.map_err(status)?;
        let holder = holder.map(|id| id.to_string()).unwrap_or_default();
        Ok(Response::new(v1::ReleaseControlResponse { holder }))
    }

    async fn redraw_terminal(
        &self,
        request: Request<v1::RedrawTerminalRequest>,
    ) -> Result<Response<v1::RedrawTerminalResponse>, Status> {
        self.app.redraw(&request.into_inner().session).await.map_err(status)?;
        Ok(Response::new(v1::RedrawTerminalResponse {}))
    }

    async fn get_screen(
        &self,
        request: Request<v1::GetScreenRequest>,
    ) -> Result<Response<v1::GetScreenResponse>, Status> {
        let request = request.into_inner();
        let format = request.format();
        let screen = self.app.screen(&request.session, request.history_lines).await;
        Ok(Response::new(super::screen::message(&screen.map_err(status)?, format)))
    }
}

/// Carries out what an attached client sends, until it hangs up.
///
/// A task of its own: a client that does not read its output must still get its Ctrl-C through.
async fn receive(mut inbound: Streaming<v1::AttachRequest>, typing: Typing, app: App) {
    let stop = app.shutdown.clone();
    loop {
        let message = tokio::select! {
            () = stop.begun() => return,
            message = inbound.message() => message,
        };
        let done = match message {
            Ok(Some(message)) => act(message, &typing).await,
            // The client hung up its side: it reads on, or is gone and its stream with it.
            Ok(None) => return,
            Err(_) => {
                typing.detach();
                return;
            }
        };
        match done {
            Ok(()) => {}
            // A number that is not used up would leave a hole before the next input.
            Err(error @ Error::Invalid(_)) => typing.refuse(&error),
            Err(Error::ControlTaken { .. }) => typing.tell_holder(),
            Err(error) => debug!(%error, "an attached client's message was not carried out"),
        }
    }
}

async fn act(message: v1::AttachRequest, typing: &Typing) -> Result<(), Error> {
    match message.request {
        Some(Inbound::Input(input)) => typing.input(input.seq, &input.data).await,
        Some(Inbound::Resize(size)) => {
            typing.resize(fields::size("resize", Some(size))?).await;
            Ok(())
        }
        Some(Inbound::AcquireControl(acquire)) => {
            let acquired = typing.acquire(how(acquire.if_free)).await;
            if matches!(acquired, Err(Error::Denied(_))) {
                typing.tell_holder();
            }
            acquired.map(drop)
        }
        Some(Inbound::ReleaseControl(release)) => {
            shown(typing, "release_control.position", release.position)?;
            typing.release().await;
            Ok(())
        }
        Some(Inbound::Detach(detach)) => {
            shown(typing, "detach.position", detach.position)?;
            typing.detach();
            Ok(())
        }
        Some(Inbound::Ping(ping)) => {
            typing.ping(ping.id);
            Ok(())
        }
        Some(Inbound::Init(_)) => Err(Error::invalid("init", "comes once")),
        // A newer client may say what we do not know.
        None => Ok(()),
    }
}

fn shown(typing: &Typing, field: &str, at: Option<v1::OutputPosition>) -> Result<(), Error> {
    if let Some(position) = at {
        typing.shown_up_to(fields::position(field, position)?);
    }
    Ok(())
}

fn attach(init: v1::AttachInit) -> Result<AttachRequest, Error> {
    let to = match init.mode() {
        v1::AttachMode::Unspecified | v1::AttachMode::Observe => AttachTo::Observe,
        v1::AttachMode::Control => AttachTo::Control(Acquire::Steal),
        v1::AttachMode::ControlIfFree => AttachTo::Control(Acquire::IfFree),
    };
    let resume = match init.resume_token.len() {
        0 => None,
        16 => init.resume_token.as_ref().try_into().ok(),
        _ => return Err(Error::invalid("init.resume_token", "is not one of this daemon's")),
    };
    let sized = init.size.filter(|size| (size.cols, size.rows) != (0, 0));
    Ok(AttachRequest {
        from: begin(init.from.and_then(|from| from.from))?,
        to,
        size: sized.map(|size| fields::size("init.size", Some(size))).transpose()?,
        answers: if init.answers_queries { Answers::Client } else { Answers::Daemon },
        resume,
        until: until(init.once),
        session: init.session,
    })
}

fn begin(from: Option<Begin>) -> Result<From, Error> {
    match from {
        None => Ok(From::Snapshot { history_lines: 0 }),
        Some(Begin::Snapshot(snapshot)) => {
            Ok(From::Snapshot { history_lines: snapshot.history_lines })
        }
        Some(Begin::Position(position)) => {
            Ok(From::Position(fields::position("from.position", position)?))
        }
        Some(Begin::Start(_)) => Ok(From::Start),
        Some(Begin::End(_)) => Ok(From::End),
    }
}

#[expect(clippy::fn_params_excessive_bools, reason = "a field of a message")]
const fn until(once: bool) -> Until {
    if once { Until::IncarnationEnds } else { Until::SessionEnds }
}

#[expect(clippy::fn_params_excessive_bools, reason = "a field of a message")]
const fn over(force: bool) -> Over {
    if force { Over::Anybody } else { Over::Nobody }
}

#[expect(clippy::fn_params_excessive_bools, reason = "a field of a message")]
const fn how(if_free: bool) -> Acquire {
    if if_free { Acquire::IfFree } else { Acquire::Steal }
}
