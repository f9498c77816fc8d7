//! A server on a socket of its own.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::net::UnixListener;
use tokio::runtime::{Builder, Runtime};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::server::Router;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Longer than anything here takes on a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Listens while it lives.
pub(crate) struct Listening {
    socket: PathBuf,
    /// Its own: dropped, it breaks every connection at once, as SIGKILL does.
    runtime: Option<Runtime>,
}

impl Listening {
    pub(crate) fn on(socket: &Path, router: Router) -> Self {
        std::fs::remove_file(socket).ok();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = {
            let _inside = runtime.enter();
            UnixListener::bind(socket).unwrap()
        };
        // Ends with the runtime.
        drop(runtime.spawn(router.serve_with_incoming(UnixListenerStream::new(listener))));
        Self { socket: socket.to_owned(), runtime: Some(runtime) }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        std::fs::remove_file(&self.socket).ok();
    }
}

/// What a daemon says when it refuses.
pub(crate) fn refusal(code: Code, reason: &str, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, "codeplane", HashMap::new());
    Status::with_error_details(code, message, details)
}

/// Polls a fact until it holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
