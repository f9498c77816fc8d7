//! One connection to a daemon and the way every call takes over it.

use std::future::Future;
use std::io;
use std::time::Duration;

use codeplane_proto::v1::{
    approval_service_client::ApprovalServiceClient, audit_service_client::AuditServiceClient,
    event_service_client::EventServiceClient, policy_service_client::PolicyServiceClient,
    server_service_client::ServerServiceClient, session_service_client::SessionServiceClient,
    terminal_service_client::TerminalServiceClient,
};
use tokio::time::{Instant, timeout_at};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::{Backoff, ConnectOptions, Endpoint, Error, Remedy, Unavailability, trust};

/// How much of one stream may be on its way. More costs the daemon memory for a reader that has
/// stopped and was not faster.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// How much of all streams of a connection may be on its way.
const CONNECTION_WINDOW_BYTES: u32 = 512 * 1024;
/// Largest message taken from a daemon: a screen with 10,000 lines of history in cells.
const MESSAGE_LIMIT_BYTES: usize = 64 * 1024 * 1024;
/// First waiting time before a call is repeated, and the longest one.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// First waiting time before a busy socket is tried again, and the longest one.
const DIAL_DELAYS: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));
/// A call that lasted this long before it broke had a daemon: its attempts are counted anew, so
/// that a wait of days survives any number of restarts.
const STEADY: Duration = Duration::from_secs(5);

/// A connection to a daemon. Cheap to clone; clones share the connection, which is made anew when
/// it breaks.
///
/// Every call returns an [`Error`] that says what to do. Calls that only read, and calls that carry
/// a `request_id` (set here unless the caller has set one), are repeated with growing pauses when
/// the daemon is not there. A dropped call may or may not have had its effect.
///
/// ```no_run
/// # async fn example() -> Result<(), codeplane_client::Error> {
/// # let endpoint = codeplane_client::Endpoint::unix("/run/user/1000/codeplane/op/cpd.sock");
/// let client = codeplane_client::Client::connect(&endpoint).await?;
/// println!("{}", client.server_info().await?.version);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    channel: Channel,
    endpoint: Endpoint,
    options: ConnectOptions,
}

/// Whether a call may be made again when nobody knows if it had its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    Safe,
    Never,
}

impl Client {
    /// Connects with the default options.
    ///
    /// # Errors
    /// As [`Client::connect_with`].
    pub async fn connect(endpoint: &Endpoint) -> Result<Self, Error> {
        Self::connect_with(endpoint, ConnectOptions::default()).await
    }

    /// Connects, once it is certain that the socket is this user's or root's.
    ///
    /// # Errors
    /// [`Error::NoDaemon`] if nothing listens, [`Error::Untrusted`] if the socket or its directory
    /// could be somebody else's, [`Error::InvalidEndpoint`].
    pub async fn connect_with(endpoint: &Endpoint, options: ConnectOptions) -> Result<Self, Error> {
        let uri = endpoint.uri()?;
        if let Some(path) = endpoint.socket_path() {
            trust::check_socket(path)?;
        }
        let dialled = tonic::transport::Endpoint::from_shared(uri)
            .map_err(|error| Error::Transport(error.into()))?
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
        let mut backoff = Backoff::new(DIAL_DELAYS.0, DIAL_DELAYS.1);
        let mut attempts_left = options.attempts;
        let channel = loop {
            let error = match dialled.connect().await {
                Ok(channel) => break channel,
                Err(error) => error,
            };
            attempts_left = attempts_left.saturating_sub(1);
            // So many clients at once that the socket's queue is full: it is there, only busy.
            let busy = io_error_kind(&error) == Some(io::ErrorKind::WouldBlock);
            if attempts_left == 0 || !busy {
                return Err(connect_error(error, endpoint));
            }
            tokio::time::sleep(backoff.next_delay()).await;
        };
        Ok(Self { channel, endpoint: endpoint.clone(), options })
    }

    /// The door it is connected to.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) const fn options(&self) -> &ConnectOptions {
        &self.options
    }

    pub(crate) fn terminals(&self) -> TerminalServiceClient<Channel> {
        terminals(self.channel.clone())
    }

    /// One call within the usual time.
    pub(crate) async fn call<Q, A, F>(
        &self,
        repeat: Repeat,
        request: Q,
        call: impl Fn(Channel, Request<Q>) -> F,
    ) -> Result<A, Error>
    where
        Q: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        self.call_within(self.options.call_timeout, repeat, request, call).await
    }

    /// One call within `limit`, repeated while that is safe and the daemon is not there.
    pub(crate) async fn call_within<Q, A, F>(
        &self,
        limit: Duration,
        repeat: Repeat,
        request: Q,
        call: impl Fn(Channel, Request<Q>) -> F,
    ) -> Result<A, Error>
    where
        Q: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let deadline = Instant::now() + limit;
        let mut backoff = Backoff::new(RETRY_DELAYS.0, RETRY_DELAYS.1);
        let mut why = Unavailability::Vanished;
        let mut attempts_left = match repeat {
            Repeat::Safe => self.options.attempts,
            Repeat::Never => 1,
        };
        loop {
            let begun = Instant::now();
            let attempt = call(self.channel.clone(), with_deadline(request.clone(), deadline));
            let error: Error = match timeout_at(deadline, attempt).await {
                Ok(Ok(answer)) => return Ok(answer.into_inner()),
                Ok(Err(status)) => status.into(),
                Err(_elapsed) => return Err(no_answer(limit)),
            };
            if begun.elapsed() > STEADY && repeat == Repeat::Safe {
                attempts_left = self.options.attempts;
            }
            attempts_left = attempts_left.saturating_sub(1);
            if attempts_left == 0 || !error.is_retryable() {
                return Err(after(why, error));
            }
            if error.cause() == Unavailability::Stopped {
                why = Unavailability::Stopped;
            }
            self.before_next(error, why, (&mut backoff, deadline)).await?;
        }
    }
}

impl Client {
    /// Returns when the call is to be made again, or with the error if no time is left for that.
    async fn before_next(
        &self,
        error: Error,
        why: Unavailability,
        (backoff, deadline): (&mut Backoff, Instant),
    ) -> Result<(), Error> {
        if self.remedy(&error, why).await? == Remedy::Started {
            return Ok(());
        }
        let delay = error.retry_after().unwrap_or_else(|| backoff.next_delay());
        if Instant::now() + delay >= deadline {
            return Err(error);
        }
        tokio::time::sleep(delay).await;
        Ok(())
    }

    /// What the caller does about a daemon that does not answer, if anything.
    async fn remedy(&self, error: &Error, why: Unavailability) -> Result<Remedy, Error> {
        if let (Error::NoDaemon { .. } | Error::Transport(_), Some(on_unavailable)) =
            (error, &self.options.on_unavailable)
        {
            return on_unavailable(why).await;
        }
        Ok(Remedy::Wait)
    }
}

pub(crate) fn sessions(channel: Channel) -> SessionServiceClient<Channel> {
    SessionServiceClient::new(channel).max_decoding_message_size(MESSAGE_LIMIT_BYTES)
}

pub(crate) fn terminals(channel: Channel) -> TerminalServiceClient<Channel> {
    TerminalServiceClient::new(channel).max_decoding_message_size(MESSAGE_LIMIT_BYTES)
}

pub(crate) fn approvals(channel: Channel) -> ApprovalServiceClient<Channel> {
    ApprovalServiceClient::new(channel).max_decoding_message_size(MESSAGE_LIMIT_BYTES)
}

pub(crate) fn events(channel: Channel) -> EventServiceClient<Channel> {
    EventServiceClient::new(channel).max_decoding_message_size(MESSAGE_LIMIT_BYTES)
}

pub(crate) fn audit(channel: Channel) -> AuditServiceClient<Channel> {
    AuditServiceClient::new(channel).max_decoding_message_size(MESSAGE_LIMIT_BYTES)
}

pub(crate) fn policies(channel: Channel) -> PolicyServiceClient<Channel> {
    PolicyServiceClient::new(channel).max_decoding_message_size(MESSAGE_LIMIT_BYTES)
}

pub(crate) fn server(channel: Channel) -> ServerServiceClient<Channel> {
    ServerServiceClient::new(channel).max_decoding_message_size(MESSAGE_LIMIT_BYTES)
}

/// A fresh value for `request_id`, unless the caller has chosen one.
pub(crate) fn fill_request_id(request_id: &mut String) {
    if request_id.is_empty() {
        *request_id = uuid::Uuid::new_v4().to_string();
    }
}

/// Tells the daemon how long an answer is worth something; a second more than here, so that the
/// error is always this side's.
fn with_deadline<Q>(request: Q, deadline: Instant) -> Request<Q> {
    let mut request = Request::new(request);
    request.set_timeout(deadline - Instant::now() + Duration::from_secs(1));
    request
}

/// What a broken connection means after a daemon has said that it stops.
fn after(why: Unavailability, error: Error) -> Error {
    match (why, error) {
        (Unavailability::Stopped, Error::Transport(_)) => Error::Unavailable {
            reason: "STOPPED".to_owned(),
            retry_after: None,
            message:
                "the daemon was stopped in the meantime: run 'cpctl daemon start' and try again"
                    .to_owned(),
        },
        (Unavailability::Stopped | Unavailability::Vanished, error) => error,
    }
}

fn no_answer(limit: Duration) -> Error {
    Error::Timeout {
        message: format!(
            "no answer within {limit:?}: the daemon may hang, see 'cpctl daemon logs'"
        ),
    }
}

pub(crate) fn connect_error(error: tonic::transport::Error, endpoint: &Endpoint) -> Error {
    let kind = io_error_kind(&error);
    match (kind, endpoint.socket_path()) {
        (Some(kind @ (io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)), Some(path)) => {
            Error::NoDaemon { socket: path.to_owned(), source: kind.into() }
        }
        _ => Error::Transport(error.into()),
    }
}

/// What the system said, somewhere below what tonic says.
fn io_error_kind(error: &(dyn std::error::Error + 'static)) -> Option<io::ErrorKind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}
