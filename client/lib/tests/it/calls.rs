//! Unary calls: repetition and errors.

use std::io::{Read, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use codeplane_client::{Client, ConnectOptions, Endpoint, Error, v1};
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};
use v1::server_service_server::{ServerService, ServerServiceServer};

use crate::fake::{FakeServer, refusal, within};

/// Fails the first calls, then answers.
struct Flaky {
    failures_left: AtomicUsize,
    failure: fn() -> Status,
    calls: std::sync::Arc<AtomicUsize>,
    seen: std::sync::Arc<Mutex<Vec<String>>>,
}

impl Flaky {
    fn next(&self) -> Result<(), Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let left = self.failures_left.load(Ordering::Relaxed);
        if left == 0 {
            return Ok(());
        }
        self.failures_left.store(left - 1, Ordering::Relaxed);
        Err((self.failure)())
    }
}

#[tonic::async_trait]
impl ServerService for Flaky {
    async fn get_server_info(
        &self,
        request: Request<v1::GetServerInfoRequest>,
    ) -> Result<Response<v1::GetServerInfoResponse>, Status> {
        let deadline = request.metadata().get("grpc-timeout").map(|value| value.to_str().unwrap());
        self.seen.lock().unwrap().push(deadline.unwrap_or_default().to_owned());
        self.next()?;
        Ok(Response::new(v1::GetServerInfoResponse { version: "1".into(), ..Default::default() }))
    }

    async fn doctor(
        &self,
        _: Request<v1::DoctorRequest>,
    ) -> Result<Response<v1::DoctorResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn backup(
        &self,
        _: Request<v1::BackupRequest>,
    ) -> Result<Response<v1::BackupResponse>, Status> {
        self.next()?;
        Ok(Response::new(v1::BackupResponse::default()))
    }

    async fn drain(
        &self,
        _: Request<v1::DrainRequest>,
    ) -> Result<Response<v1::DrainResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

struct Scene {
    _server: FakeServer,
    client: Client,
    calls: std::sync::Arc<AtomicUsize>,
    seen: std::sync::Arc<Mutex<Vec<String>>>,
}

async fn server_that_fails(failures: usize, failure: fn() -> Status) -> Scene {
    let (calls, seen) = Default::default();
    let flaky = Flaky {
        failures_left: AtomicUsize::new(failures),
        failure,
        calls: std::sync::Arc::clone(&calls),
        seen: std::sync::Arc::clone(&seen),
    };
    let server = FakeServer::on(Server::builder().add_service(ServerServiceServer::new(flaky)));
    Scene { client: server.client().await, _server: server, calls, seen }
}

#[tokio::test]
async fn a_call_that_may_be_repeated_outlives_a_short_absence() {
    let scene = server_that_fails(2, || Status::unavailable("connection refused")).await;

    let info = within(scene.client.server_info()).await.unwrap();

    assert_eq!(info.version, "1");
    assert_eq!(scene.calls.load(Ordering::Relaxed), 3);
    assert!(scene.seen.lock().unwrap().iter().all(|deadline| !deadline.is_empty()));
}

#[tokio::test]
async fn a_daemon_that_stays_away_is_an_error_after_the_last_attempt() {
    let scene = server_that_fails(100, || Status::unavailable("connection refused")).await;

    let options = ConnectOptions { attempts: 3, ..ConnectOptions::default() };
    let client = Client::connect_with(scene.client.endpoint(), options).await.unwrap();
    let error = within(client.server_info()).await.unwrap_err();

    assert!(matches!(error, Error::Transport(_)), "{error}");
    assert_eq!(scene.calls.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_backup_is_never_made_twice() {
    let scene = server_that_fails(1, || Status::unavailable("connection refused")).await;

    let error = within(scene.client.backup("/tmp/x")).await.unwrap_err();

    assert!(matches!(error, Error::Transport(_)), "{error}");
    assert_eq!(scene.calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let refuse = || refusal(Code::PermissionDenied, "INSIDE_SESSION", "you run inside a session");
    let scene = server_that_fails(100, refuse).await;

    let error = within(scene.client.server_info()).await.unwrap_err();

    assert!(
        matches!(error, Error::PermissionDenied { ref reason, .. } if reason == "INSIDE_SESSION")
    );
    assert_eq!(scene.calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_old_daemon_is_named_as_the_cause() {
    let scene = server_that_fails(0, || Status::ok("")).await;

    let error = within(scene.client.doctor()).await.unwrap_err();

    assert!(matches!(error, Error::Unimplemented { .. }), "{error}");
}

#[tokio::test]
async fn nothing_that_listens_is_no_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let stale = directory.path().join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());

    for socket in [stale, directory.path().join("none.sock")] {
        let error = Client::connect(&Endpoint::unix(&socket)).await.unwrap_err();

        assert!(matches!(error, Error::NoDaemon { .. }), "{socket:?}: {error:?}");
    }
}

/// Accepts one connection and answers its first call with `frame`.
fn serve_frame(listener: &std::os::unix::net::UnixListener, frame: &[u8]) -> std::io::Result<()> {
    const PREFACE_BYTES: usize = 24;
    const HEADERS: u8 = 1;
    let (mut stream, _) = listener.accept()?;
    stream.read_exact(&mut [0; PREFACE_BYTES])?;
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])?; // SETTINGS
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; usize::try_from(length).unwrap()])?;
        if head[3] == HEADERS {
            stream.write_all(frame)?;
            // Until the client hangs up, so that the frame is all it hears.
            return stream.read_to_end(&mut Vec::new()).map(drop);
        }
    }
}

#[tokio::test]
async fn a_connection_told_to_calm_down_is_a_cut() {
    const CALM: u8 = 11;
    let go_away = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, CALM];
    let reset = [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, CALM];
    for frame in [&go_away[..], &reset[..]] {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("cpd.sock");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let frame = frame.to_owned();
        drop(std::thread::spawn(move || serve_frame(&listener, &frame)));

        let client = Client::connect(&Endpoint::unix(&socket)).await.unwrap();
        let error = within(client.backup("/tmp/x")).await.unwrap_err();

        assert!(matches!(error, Error::Transport(_)), "{error:?}");
    }
}
