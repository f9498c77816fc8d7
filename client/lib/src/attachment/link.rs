//! Joining a terminal over one connection, and coming back after it broke.

use std::sync::Arc;

use tokio::time::{Instant, timeout};
use tonic::Streaming;

use super::outbox::Outbox;
use crate::v1::{self, terminal_frame::Frame};
use crate::{Backoff, Client, ConnectOptions, Endpoint, Error, Rejoin, Remedy, Unavailability};

/// A connection over which frames come.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) frames: Streaming<v1::AttachResponse>,
    pub(super) attached: v1::Attached,
}

/// Attaches over `client`'s connection and waits until it stands.
pub(super) async fn join(
    client: &Client,
    init: v1::AttachInit,
    outbox: &Arc<Outbox>,
) -> Result<Link, Error> {
    let limit = client.options().call_timeout;
    timeout(limit, attach(client, init, outbox)).await.unwrap_or_else(|_elapsed| {
        Err(Error::Timeout { message: format!("the daemon did not attach within {limit:?}") })
    })
}

async fn attach(
    client: &Client,
    init: v1::AttachInit,
    outbox: &Arc<Outbox>,
) -> Result<Link, Error> {
    let mut frames = client.terminals().attach(outbox.requests(init)).await?.into_inner();
    match frames.message().await? {
        Some(first) => match first.frame.and_then(|frame| frame.frame) {
            Some(Frame::Attached(attached)) => Ok(Link { frames, attached }),
            Some(Frame::End(end)) => Err(ended_at_once(end)),
            Some(_) | None => Err(Error::missing("attached")),
        },
        None => Err(cut()),
    }
}

/// The stream ended without saying why.
pub(super) fn cut() -> Error {
    Error::Transport("the stream broke off".into())
}

fn ended_at_once(end: v1::End) -> Error {
    match end.reason() {
        v1::EndReason::DaemonStopping => Error::Unavailable {
            reason: "DAEMON_STOPPING".to_owned(),
            retry_after: None,
            message: "the daemon is stopping: try again".to_owned(),
        },
        v1::EndReason::Unspecified
        | v1::EndReason::Detached
        | v1::EndReason::SessionEnded
        | v1::EndReason::SessionDeleted
        | v1::EndReason::LimitReached
        | v1::EndReason::Refused => Error::WrongState {
            reason: end.reason().as_str_name().to_owned(),
            message: end.message,
        },
    }
}

/// All that is needed to come back.
#[derive(Debug)]
pub(super) struct Return {
    pub(super) endpoint: Endpoint,
    pub(super) options: ConnectOptions,
    pub(super) rejoin: Rejoin,
    pub(super) init: v1::AttachInit,
    pub(super) outbox: Arc<Outbox>,
    pub(super) why: Unavailability,
}

impl Return {
    /// Tries until it works, or never will.
    pub(super) async fn run(mut self) -> Result<Link, Error> {
        let begun = Instant::now();
        let mut backoff = Backoff::new(self.rejoin.first_delay, self.rejoin.longest_delay);
        loop {
            let error = match self.attempt().await {
                Ok(link) => return Ok(link),
                Err(error) => error,
            };
            if self.takes_less(&error) {
                continue;
            }
            if !may_pass(&error) {
                return Err(error);
            }
            if self.remedy(&error).await? == Remedy::Started {
                continue;
            }
            if self.rejoin.give_up_after.is_some_and(|limit| begun.elapsed() >= limit) {
                return Err(error);
            }
            tokio::time::sleep(backoff.next_delay()).await;
        }
    }

    /// A new connection each time: the old one is what broke.
    async fn attempt(&self) -> Result<Link, Error> {
        let client = Client::connect_with(&self.endpoint, self.options.clone()).await?;
        join(&client, self.init.clone(), &self.outbox).await
    }

    /// Whether less is to be asked for at once: control that somebody took in the meantime, or to
    /// be known again by a daemon or shim that has forgotten.
    fn takes_less(&mut self, error: &Error) -> bool {
        if matches!(error, Error::ControlTaken { .. })
            && self.init.mode() == v1::AttachMode::ControlIfFree
        {
            self.init.set_mode(v1::AttachMode::Observe);
            return true;
        }
        if let Error::Invalid { violations, .. } = error
            && violations.iter().any(|violation| violation.field == "init.resume_token")
            && !self.init.resume_token.is_empty()
        {
            self.init.resume_token.clear();
            return true;
        }
        false
    }

    async fn remedy(&self, error: &Error) -> Result<Remedy, Error> {
        if let (Error::NoDaemon { .. }, Some(on_unavailable)) = (error, &self.rejoin.on_unavailable)
        {
            return on_unavailable(self.why).await;
        }
        Ok(Remedy::Wait)
    }
}

/// Whether a daemon that is just coming or going answers like this.
fn may_pass(error: &Error) -> bool {
    error.is_retryable() || matches!(error, Error::Unavailable { .. } | Error::Timeout { .. })
}
