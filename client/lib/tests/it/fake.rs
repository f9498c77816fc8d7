//! A server on a socket of its own, and a terminal that breaks off whenever its dice say so.

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use codeplane_client::{Client, Endpoint, v1};
use tokio::net::UnixListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::server::Router;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};
use v1::attach_request::Request as Ask;
use v1::terminal_frame::Frame;

/// Id of the only session.
pub(crate) const SESSION: &str = "6f1c0000-0000-4000-8000-000000000000";

/// A server that ends with its value.
pub(crate) struct FakeServer {
    directory: tempfile::TempDir,
    /// Its own: dropped, it breaks every connection at once, as SIGKILL does.
    runtime: Option<Runtime>,
}

impl FakeServer {
    pub(crate) fn on(router: Router) -> Self {
        let mut server = Self { directory: tempfile::tempdir().unwrap(), runtime: None };
        server.restart(router);
        server
    }

    /// Serves again on the same path, as a daemon that was restarted.
    pub(crate) fn restart(&mut self, router: Router) {
        self.kill();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = {
            let _inside = runtime.enter();
            UnixListener::bind(self.socket()).unwrap()
        };
        let serving = router.serve_with_incoming(UnixListenerStream::new(listener));
        // Ends with the runtime.
        drop(runtime.spawn(serving));
        self.runtime = Some(runtime);
    }

    /// Breaks every connection and listens no more.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        std::fs::remove_file(self.socket()).ok();
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("cpd.sock")
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(&Endpoint::unix(self.socket())).await.unwrap()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the daemon would say.
pub(crate) fn refusal(code: Code, reason: &str, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, "codeplane", HashMap::new());
    Status::with_error_details(code, message, details)
}

/// Numbers that look random and are the same in every run.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// A session whose program echoes nothing: output and input are independent.
#[derive(Debug)]
pub(crate) struct Terminal {
    pub(crate) log: watch::Sender<Vec<u8>>,
    pub(crate) typed: watch::Sender<Vec<u8>>,
    pub(crate) state: Mutex<TerminalState>,
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
pub(crate) struct TerminalState {
    pub(crate) dice: Dice,
    /// How often a stream may still break.
    pub(crate) cuts_left: usize,
    /// Attachments so far; the number is id and token.
    pub(crate) attachments: u64,
    pub(crate) received_seq: u64,
    pub(crate) inits: Vec<v1::AttachInit>,
    pub(crate) mood: Mood,
}

/// How the next attachment is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Fair,
    /// Tokens mean nothing any more.
    Forgetful,
    /// Somebody else holds control.
    ControlTaken,
}

impl Terminal {
    pub(crate) fn new(seed: u64, cuts: usize) -> Arc<Self> {
        Arc::new(Self {
            log: watch::Sender::new(Vec::new()),
            typed: watch::Sender::new(Vec::new()),
            state: Mutex::new(TerminalState {
                dice: Dice::new(seed),
                cuts_left: cuts,
                attachments: 0,
                received_seq: 0,
                inits: Vec::new(),
                mood: Mood::Fair,
            }),
            tasks: Mutex::new(JoinSet::new()),
        })
    }

    pub(crate) fn print(&self, bytes: &[u8]) {
        self.log.send_modify(|log| log.extend_from_slice(bytes));
    }

    /// How much was printed.
    pub(crate) fn printed(&self) -> usize {
        self.log.borrow().len()
    }

    /// After how many frames or inputs this stream breaks, if it does.
    fn lifetime(&self, at_most: usize) -> Option<usize> {
        let mut state = self.state.lock().unwrap();
        state.cuts_left = state.cuts_left.checked_sub(1)?;
        Some(state.dice.below(at_most))
    }

    fn welcome(&self, init: &v1::AttachInit) -> Result<v1::Attached, Status> {
        let mut state = self.state.lock().unwrap();
        state.inits.push(init.clone());
        if state.mood == Mood::ControlTaken && init.mode() != v1::AttachMode::Observe {
            return Err(refusal(Code::FailedPrecondition, "CONTROL_TAKEN", "another holds it"));
        }
        if state.mood == Mood::Forgetful && !init.resume_token.is_empty() {
            return Err(unknown_token());
        }
        let known = init.resume_token == state.attachments.to_be_bytes().as_slice();
        if !known {
            state.attachments += 1;
            state.received_seq = 0;
        }
        let mode = match init.mode() {
            v1::AttachMode::ControlIfFree => v1::AttachMode::Control,
            other => other,
        };
        Ok(v1::Attached {
            session_id: SESSION.to_owned(),
            position: Some(begin(init)),
            size: Some(v1::TerminalSize { cols: 80, rows: 24 }),
            mode: mode.into(),
            attachment_id: state.attachments.to_string(),
            input_seq: state.received_seq,
            resume_token: Bytes::copy_from_slice(&state.attachments.to_be_bytes()),
            answers_queries_from: None,
            state: v1::SessionState::Running.into(),
        })
    }

    /// Takes an input unless it was taken before.
    fn take(&self, input: &v1::AttachInput) {
        let mut state = self.state.lock().unwrap();
        if input.seq <= state.received_seq {
            return;
        }
        assert_eq!(input.seq, state.received_seq + 1, "input is numbered without holes");
        state.received_seq = input.seq;
        self.typed.send_modify(|typed| typed.extend_from_slice(&input.data));
    }
}

fn unknown_token() -> Status {
    let mut details = ErrorDetails::with_error_info("INVALID", "codeplane", HashMap::new());
    details.add_bad_request_violation("init.resume_token", "is not known");
    Status::with_error_details(Code::InvalidArgument, "is not known", details)
}

fn begin(init: &v1::AttachInit) -> v1::OutputPosition {
    match init.from.and_then(|from| from.from) {
        Some(v1::output_from::From::Position(position)) => position,
        _ => v1::OutputPosition { incarnation: 1, offset: 0 },
    }
}

fn frame(frame: Frame) -> v1::AttachResponse {
    v1::AttachResponse { frame: Some(v1::TerminalFrame { frame: Some(frame) }) }
}

fn end(reason: v1::EndReason) -> Frame {
    Frame::End(v1::End { reason: reason.into(), message: String::new() })
}

type Frames = mpsc::Sender<Result<v1::AttachResponse, Status>>;

/// Sends the log in pieces of any size, from a little before where it was asked for.
async fn print(terminal: Arc<Terminal>, from: v1::OutputPosition, frames: Frames) {
    let mut left = terminal.lifetime(40);
    let mut log = terminal.log.subscribe();
    let mut offset = usize::try_from(from.offset).unwrap();
    offset -= terminal.state.lock().unwrap().dice.below(offset.min(10) + 1);
    loop {
        let (size, cut) = {
            let mut state = terminal.state.lock().unwrap();
            (state.dice.below(300) + 1, left == Some(0))
        };
        if cut {
            frames.send(Err(Status::unknown("connection reset"))).await.ok();
            return;
        }
        let data = {
            let log = log.borrow_and_update();
            Bytes::copy_from_slice(&log[offset..(offset + size).min(log.len())])
        };
        if data.is_empty() {
            if log.changed().await.is_err() {
                return;
            }
            continue;
        }
        left = left.map(|left| left - 1);
        let output = v1::Output {
            offset: u64::try_from(offset).unwrap(),
            data: data.clone(),
            incarnation: 1,
        };
        offset += data.len();
        if frames.send(Ok(frame(Frame::Output(output)))).await.is_err() {
            return;
        }
    }
}

/// Takes input; breaks off with inputs taken but not acknowledged.
async fn read(terminal: Arc<Terminal>, mut asks: Streaming<v1::AttachRequest>, frames: Frames) {
    let mut left = terminal.lifetime(20);
    while let Some(Ok(ask)) = asks.next().await {
        match ask.request {
            Some(Ask::Input(input)) => {
                terminal.take(&input);
                if left == Some(0) {
                    frames.send(Err(Status::unavailable("broken pipe"))).await.ok();
                    return;
                }
                left = left.map(|left| left - 1);
                let ack = Frame::InputAck(v1::InputAck { seq: input.seq });
                frames.send(Ok(frame(ack))).await.ok();
            }
            Some(Ask::Detach(_)) => {
                frames.send(Ok(frame(end(v1::EndReason::Detached)))).await.ok();
                return;
            }
            _ => {}
        }
    }
}

/// [`Terminal`] as a service.
#[derive(Clone, Debug)]
pub(crate) struct TerminalFake(pub(crate) Arc<Terminal>);

type Answer<T> = Result<Response<T>, Status>;

fn not_here<T>() -> Answer<T> {
    Err(Status::unimplemented("not in this test"))
}

#[tonic::async_trait]
impl v1::terminal_service_server::TerminalService for TerminalFake {
    type AttachStream = Pin<Box<dyn Stream<Item = Result<v1::AttachResponse, Status>> + Send>>;
    type TailOutputStream =
        Pin<Box<dyn Stream<Item = Result<v1::TailOutputResponse, Status>> + Send>>;

    async fn attach(
        &self,
        request: Request<Streaming<v1::AttachRequest>>,
    ) -> Answer<Self::AttachStream> {
        let mut asks = request.into_inner();
        let Some(Ask::Init(init)) = asks.message().await?.and_then(|ask| ask.request) else {
            return Err(Status::invalid_argument("the first message must be init"));
        };
        let attached = self.0.welcome(&init)?;
        let (frames, stream) = mpsc::channel(1);
        let mut tasks = self.0.tasks.lock().unwrap();
        let terminal = Arc::clone(&self.0);
        tasks.spawn(async move {
            let first = Ok(frame(Frame::Attached(attached)));
            if frames.send(first).await.is_ok() {
                let printing = print(Arc::clone(&terminal), begin(&init), frames.clone());
                // Whichever breaks first ends the stream.
                tokio::select! { () = printing => (), () = read(terminal, asks, frames) => () }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn tail_output(
        &self,
        request: Request<v1::TailOutputRequest>,
    ) -> Answer<Self::TailOutputStream> {
        let from = request.into_inner().from;
        let init = v1::AttachInit { from, ..Default::default() };
        let attached = self.0.welcome(&init)?;
        let (frames, stream) = mpsc::channel(1);
        let terminal = Arc::clone(&self.0);
        self.0.tasks.lock().unwrap().spawn(async move {
            if frames.send(Ok(frame(Frame::Attached(attached)))).await.is_ok() {
                print(terminal, begin(&init), frames).await;
            }
        });
        let stream = ReceiverStream::new(stream)
            .map(|item| item.map(|v1::AttachResponse { frame }| v1::TailOutputResponse { frame }));
        Ok(Response::new(Box::pin(stream)))
    }

    async fn read_output(
        &self,
        _: Request<v1::ReadOutputRequest>,
    ) -> Answer<v1::ReadOutputResponse> {
        not_here()
    }
    async fn send_input(&self, _: Request<v1::SendInputRequest>) -> Answer<v1::SendInputResponse> {
        not_here()
    }
    async fn send_keys(&self, _: Request<v1::SendKeysRequest>) -> Answer<v1::SendKeysResponse> {
        not_here()
    }
    async fn resize_terminal(
        &self,
        _: Request<v1::ResizeTerminalRequest>,
    ) -> Answer<v1::ResizeTerminalResponse> {
        not_here()
    }
    async fn acquire_control(
        &self,
        _: Request<v1::AcquireControlRequest>,
    ) -> Answer<v1::AcquireControlResponse> {
        not_here()
    }
    async fn release_control(
        &self,
        _: Request<v1::ReleaseControlRequest>,
    ) -> Answer<v1::ReleaseControlResponse> {
        not_here()
    }
    async fn redraw_terminal(
        &self,
        _: Request<v1::RedrawTerminalRequest>,
    ) -> Answer<v1::RedrawTerminalResponse> {
        not_here()
    }
    async fn get_screen(&self, _: Request<v1::GetScreenRequest>) -> Answer<v1::GetScreenResponse> {
        not_here()
    }
}

/// Waits for a fact, at most 20 s.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("the fact came to be")
}
