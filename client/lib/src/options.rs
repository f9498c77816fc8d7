//! How connections and attachments behave.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::{Error, v1};

/// How a [`crate::Client`] calls.
#[derive(Clone)]
pub struct ConnectOptions {
    /// How long a call may take, repetitions included. Calls that wait by their nature have their
    /// own time on top. Default 30 s.
    pub call_timeout: Duration,
    /// How often a call that may be repeated is made, the first time included. Default 8: with the
    /// waiting in between, a daemon that restarts within two seconds goes unnoticed.
    pub attempts: u32,
    /// Called when nothing answers such a call, before it is made again: may start a daemon.
    pub on_unavailable: Option<OnUnavailable>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self { call_timeout: Duration::from_secs(30), attempts: 8, on_unavailable: None }
    }
}

impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("call_timeout", &self.call_timeout)
            .field("attempts", &self.attempts)
            .field("on_unavailable", &self.on_unavailable.is_some())
            .finish()
    }
}

/// How to attach to a terminal.
///
/// ```
/// use codeplane_client::{AttachOptions, v1};
///
/// let options = AttachOptions { mode: v1::AttachMode::Control, ..AttachOptions::session("web") };
/// assert_eq!(options.session, "web");
/// ```
#[derive(Clone, Debug)]
pub struct AttachOptions {
    /// Id, prefix of it, or name.
    pub session: String,
    /// Where output begins. Default: the present screen.
    pub from: v1::OutputFrom,
    /// Whether to take control. Default: observe.
    pub mode: v1::AttachMode,
    /// Size of the client's terminal, if it has one.
    pub size: Option<v1::TerminalSize>,
    /// Who answers the program's queries while this attachment holds control. Default: the daemon.
    pub queries: Queries,
    /// After the present run: end, or go on with the next one.
    pub once: bool,
    /// What to do when the connection breaks.
    pub rejoin: Rejoin,
}

impl AttachOptions {
    /// Observes `session` from its present screen on.
    #[must_use]
    pub fn session(session: impl Into<String>) -> Self {
        let snapshot = v1::SnapshotStart { history_lines: 0 };
        Self {
            session: session.into(),
            from: v1::OutputFrom { from: Some(v1::output_from::From::Snapshot(snapshot)) },
            mode: v1::AttachMode::Observe,
            size: None,
            queries: Queries::AnsweredByDaemon,
            once: false,
            rejoin: Rejoin::default(),
        }
    }
}

/// Who answers the questions that programs ask their terminal (its kind, its colours, the cursor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queries {
    /// The daemon, as while nobody is attached.
    AnsweredByDaemon,
    /// The terminal that the client writes the output to; its answers come in as input.
    AnsweredByClient,
}

/// How to come back after the connection broke: at once, then after waiting times that double.
#[derive(Clone)]
pub struct Rejoin {
    /// The first waiting time. Default 10 ms.
    pub first_delay: Duration,
    /// The longest waiting time. Default 1 s.
    pub longest_delay: Duration,
    /// After this long without a connection, give up. Default: never.
    pub give_up_after: Option<Duration>,
    /// Called when nothing answers, before the next attempt: may start a daemon.
    pub on_unavailable: Option<OnUnavailable>,
}

/// Why no daemon answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailability {
    /// It vanished.
    Vanished,
    /// It said that it stops: somebody wanted that.
    Stopped,
}

/// What was done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Something answers now: try at once.
    Started,
    /// Nothing: try later.
    Wait,
}

/// Called when nothing answers. Its error ends the attempts.
pub type OnUnavailable = Arc<dyn Fn(Unavailability) -> RemedyFuture + Send + Sync>;

/// What [`OnUnavailable`] returns.
pub type RemedyFuture = Pin<Box<dyn Future<Output = Result<Remedy, Error>> + Send>>;

impl Default for Rejoin {
    fn default() -> Self {
        Self {
            first_delay: Duration::from_millis(10),
            longest_delay: Duration::from_secs(1),
            give_up_after: None,
            on_unavailable: None,
        }
    }
}

impl fmt::Debug for Rejoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejoin")
            .field("first_delay", &self.first_delay)
            .field("longest_delay", &self.longest_delay)
            .field("give_up_after", &self.give_up_after)
            .field("on_unavailable", &self.on_unavailable.is_some())
            .finish()
    }
}
