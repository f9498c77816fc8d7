//! Reporting what an agent does, from inside its session.

mod token;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use codeplane_proto::v1::hook_service_client::HookServiceClient;
use codeplane_proto::v1::{self, report_hook_response::Item};
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::transport::Channel;

use self::token::HookToken;
use crate::client::connect_error;
use crate::{Backoff, Endpoint, Error, trust};

/// The socket, in the directory of the token file.
const SOCKET: &str = "hook.sock";
/// First waiting time before the report is made again, and the longest one. A daemon that is restarted
/// is back within tens of milliseconds.
const RETRY_DELAYS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// One event of an agent, in the agent's own words.
#[derive(Clone, Debug, Default)]
pub struct HookEvent {
    /// Whose dialect the body is in: `claude`, `codex`, `generic`.
    pub provider: String,
    /// The event as its configuration names it; may be empty.
    pub event: String,
    /// What the agent wrote, byte for byte; at most 16 MiB.
    pub body: Bytes,
    /// How many bytes it wrote, where that was more; else 0.
    pub oversized_bytes: u64,
}

/// How long a daemon may keep a report waiting for which no person has to decide.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long nothing may answer at all, from the first failure on.
    pub absent: Duration,
    /// How long a daemon that took the report may say nothing.
    pub silent: Duration,
}

/// Why a report has no answer. Whoever gets one of these instead must deny what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The token file is not one that a daemon has written for this user.
    #[error("the hook token {path} {problem}: run the agent by 'cpctl run'", path = .path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// No daemon was there for longer than [`Patience`] allows, or than the approval lasts.
    #[error("the codeplane daemon does not answer: start it with 'cpctl daemon start'")]
    Gone(#[source] Error),
    /// A daemon took the report and said nothing.
    #[error("the codeplane daemon said nothing within {0:?}: see 'cpctl daemon logs'")]
    Silent(Duration),
    /// The approval's time passed.
    #[error("nobody decided in time: ask again")]
    Undecided,
    /// The daemon, or what is in its place, answered with a refusal.
    #[error("the codeplane daemon refused the report: {0}")]
    Refused(#[source] Error),
}

/// Reports events of one incarnation of a session to its daemon.
///
/// It never starts a daemon: who runs inside a session must not.
///
/// ```no_run
/// # async fn example() -> Result<(), codeplane_client::HookError> {
/// use std::time::Duration;
/// use codeplane_client::{HookEvent, HookReporter, Patience};
/// use tokio::time::Instant;
///
/// let reporter = HookReporter::open("/run/user/1000/codeplane/hook/6f1c0a2b".as_ref())?;
/// let body = r#"{"event":"tool_requested","tool":"Bash","input":{"command":"ls"}}"#.into();
/// let event = HookEvent { provider: "generic".into(), body, ..HookEvent::default() };
/// let patience = Patience { absent: Duration::from_secs(5), silent: Duration::from_secs(10) };
/// let an_hour = |_: &_| Instant::now() + Duration::from_secs(3600);
/// let answer = reporter.report(event, patience, an_hour).await?;
/// println!("{}", String::from_utf8_lossy(&answer.stdout));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct HookReporter {
    endpoint: Endpoint,
    token: HookToken,
}

impl HookReporter {
    /// Reads the token; the socket is `hook.sock` beside it. Blocks for the time of a small read.
    ///
    /// # Errors
    /// [`HookError::Token`] unless `token_file` is a regular file of this user or of root that nobody
    /// else can read, with 64 hexadecimal digits and a line feed.
    pub fn open(token_file: &Path) -> Result<Self, HookError> {
        let token = HookToken::read(token_file)
            .map_err(|problem| HookError::Token { path: token_file.to_owned(), problem })?;
        Ok(Self { endpoint: Endpoint::unix(token_file.with_file_name(SOCKET)), token })
    }

    /// Reports `event` and waits for what to tell the agent.
    ///
    /// A connection that breaks is made again, and the report repeated under the same id. When a
    /// person has to decide, `until` says how long to wait for that; it may be asked again after the
    /// connection broke.
    ///
    /// # Errors
    /// [`HookError`], and never [`HookError::Token`].
    ///
    /// # Cancel safety
    /// Dropped, the event may or may not have been recorded; an approval that waits for it is
    /// cancelled by the daemon.
    pub async fn report(
        &self,
        event: HookEvent,
        patience: Patience,
        until: impl FnMut(&v1::HookWaiting) -> Instant,
    ) -> Result<v1::HookAnswer, HookError> {
        let request = self.request(event);
        let mut wait = Wait::new(patience, until);
        let mut backoff = Backoff::new(RETRY_DELAYS.0, RETRY_DELAYS.1);
        loop {
            let error = match self.attempt(&request, &mut wait).await {
                Ok(answer) => return Ok(answer),
                Err(Failed::OutOfTime(error)) => return Err(error),
                Err(Failed::Call(error)) => error,
            };
            if !is_absence(&error) {
                return Err(HookError::Refused(error));
            }
            let next = Instant::now() + backoff.next_delay();
            if next >= wait.back_by() {
                return Err(HookError::Gone(error));
            }
            sleep_until(next).await;
        }
    }

    fn request(&self, event: HookEvent) -> v1::ReportHookRequest {
        v1::ReportHookRequest {
            event_id: uuid::Uuid::new_v4().to_string(),
            token: self.token.digits().to_owned(),
            provider: event.provider,
            event: event.event,
            body: event.body,
            oversized_bytes: event.oversized_bytes,
        }
    }

    /// Reports it once, over a connection of its own.
    async fn attempt<U: FnMut(&v1::HookWaiting) -> Instant>(
        &self,
        request: &v1::ReportHookRequest,
        wait: &mut Wait<U>,
    ) -> Result<v1::HookAnswer, Failed> {
        wait.begins();
        let mut client = wait.within(self.dial()).await?;
        let call = async { Ok(client.report_hook(request.clone()).await?.into_inner()) };
        let mut items = wait.within(call).await?;
        loop {
            let next = async { Ok(items.message().await?) };
            match wait.within(next).await? {
                None => return Err(Failed::Call(cut())),
                Some(v1::ReportHookResponse { item: Some(Item::Answer(answer)) }) => {
                    return Ok(answer);
                }
                Some(v1::ReportHookResponse { item: Some(Item::Waiting(waiting)) }) => {
                    wait.person_decides(&waiting);
                }
                // Of a newer daemon: what it means, its answer will tell.
                Some(v1::ReportHookResponse { item: None }) => {}
            }
        }
    }

    async fn dial(&self) -> Result<HookServiceClient<Channel>, Error> {
        let uri = self.endpoint.uri()?;
        if let Some(socket) = self.endpoint.socket_path() {
            trust::check_socket(socket)?;
        }
        let dialled = tonic::transport::Endpoint::from_shared(uri)
            .map_err(|error| Error::Transport(error.into()))?;
        match dialled.connect().await {
            Ok(channel) => Ok(HookServiceClient::new(channel)),
            Err(error) => Err(connect_error(error, &self.endpoint)),
        }
    }
}

/// How long it goes on.
struct Wait<U> {
    patience: Patience,
    until: U,
    /// Until when a person may decide, once one has to.
    approval_ends: Option<Instant>,
    /// Until when an answer must be there while nobody has to decide, whatever happens in between.
    answer_by: Instant,
    /// Until when the daemon must have said something in this attempt.
    word_by: Instant,
    /// Until when a daemon that went away must be back.
    back_by: Option<Instant>,
}

impl<U: FnMut(&v1::HookWaiting) -> Instant> Wait<U> {
    fn new(patience: Patience, until: U) -> Self {
        let answer_by = Instant::now() + patience.absent + patience.silent;
        let (approval_ends, back_by) = (None, None);
        Self { patience, until, approval_ends, answer_by, word_by: answer_by, back_by }
    }

    fn begins(&mut self) {
        self.word_by = self.answer_by.min(Instant::now() + self.patience.silent);
    }

    fn person_decides(&mut self, waiting: &v1::HookWaiting) {
        self.approval_ends = Some((self.until)(waiting));
    }

    /// Until when a daemon that has just gone away must be back.
    fn back_by(&mut self) -> Instant {
        let absent = self.patience.absent;
        let back_by = *self.back_by.get_or_insert_with(|| Instant::now() + absent);
        self.approval_ends.unwrap_or(back_by)
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Failed> {
        match timeout_at(self.approval_ends.unwrap_or(self.word_by), call).await {
            Ok(done) => done.map_err(Failed::Call),
            Err(_elapsed) if self.approval_ends.is_some() => {
                Err(Failed::OutOfTime(HookError::Undecided))
            }
            Err(_elapsed) => Err(Failed::OutOfTime(HookError::Silent(self.patience.silent))),
        }
    }
}

/// Why an attempt brought no answer.
enum Failed {
    Call(Error),
    OutOfTime(HookError),
}

/// Whether the same report may be answered later: nobody is there, or somebody who is about to go.
const fn is_absence(error: &Error) -> bool {
    matches!(error, Error::NoDaemon { .. } | Error::Transport(_) | Error::Unavailable { .. })
}

/// The stream ended without an answer, as it does when a daemon stops in order.
fn cut() -> Error {
    Error::Transport("the stream ended without an answer".into())
}
