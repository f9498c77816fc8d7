//! Receives what one shim says, as long as it is there.

use std::collections::HashMap;
use std::sync::Arc;

use codeplane_core::{ExitStatus, Incarnation, Offset, TerminalSize};
use codeplane_shim::{DiskState, FromShim, HelloReply, ProcessState, RefusedReason};
use tokio::sync::mpsc;
use tracing::debug;

use super::found::Greeting;
use super::link::{Link, LinkClosed, UnaryRefusal};
use super::live::{Live, Remembered};
use super::view::LogHealth;

/// What must be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// The program runs.
    Started {
        /// Which run.
        incarnation: Incarnation,
    },
    /// The program could not be run.
    StartFailed {
        /// `exec`, `cwd`, …
        step: String,
        /// What happened.
        message: String,
    },
    /// The terminal has another size.
    Resized(TerminalSize),
    /// Output cannot be written from here on.
    Degraded(Offset),
    /// Output is written again; what lies between is gone.
    Restored {
        /// From here
        from: Offset,
        /// to here.
        to: Offset,
    },
    /// The program set its title.
    Title(String),
    /// The program rang the bell.
    Bell,
    /// The program raised a notification.
    Notification {
        /// May be empty.
        title: String,
        /// Its text.
        body: String,
    },
    /// The program said something of itself: look.
    ProgramStatus,
    /// The program ended.
    Exited(ExitStatus),
    /// The connection ended. What the shim left behind says how.
    ShimGone,
}

/// Takes up the connection: publishes what the shim said in its greeting.
pub(crate) fn adopt(live: &Live, link: &Arc<Link>, greeting: &Greeting) {
    live.set_shim_pid(greeting.shim_pid());
    levels(live, link, &greeting.0);
}

fn levels(live: &Live, link: &Arc<Link>, hello: &HelloReply) {
    let inputs = hello.inputs.iter().map(|input| {
        (input.token.0, Remembered { attachment: input.attachment, seq: input.applied })
    });
    live.set_remembered(inputs.collect::<HashMap<_, _>>());
    let pid = i32::try_from(hello.child_pid).unwrap_or(0);
    live.set_link(Arc::clone(link), pid, hello.size.size);
    live.set_end(hello.end);
    live.set_log(match hello.disk {
        DiskState::Ok | DiskState::Recovered { .. } => LogHealth::Written,
        DiskState::Full { .. } => LogHealth::Degraded,
    });
}

/// Takes up the connection of a shim that has just started its program: it tells everything that
/// comes without being asked.
pub(crate) fn born(live: &Live, link: &Arc<Link>, pid: u32) {
    live.set_link(Arc::clone(link), i32::try_from(pid).unwrap_or(0), live.size());
}

/// Receives until the shim is gone, publishing levels and handing on what must be written down.
///
/// # Cancel safety
/// Safe: the shim repeats every level in its next greeting.
pub(crate) async fn receive(live: Arc<Live>, link: Arc<Link>, facts: mpsc::Sender<Fact>) {
    let incarnation = live.incarnation();
    loop {
        let message = match link.receive().await {
            Ok(message) => message,
            Err(LinkClosed) => break,
        };
        if let Some(fact) = publish(&live, &link, incarnation, message)
            && facts.send(fact).await.is_err()
        {
            return;
        }
    }
    link.close();
    live.drop_link();
    // An error means that the daemon ends; it will look again when it starts.
    drop(facts.send(Fact::ShimGone).await);
}

/// One message → levels, and a fact if it is one to be written down.
fn publish(
    live: &Arc<Live>,
    link: &Arc<Link>,
    incarnation: Incarnation,
    message: FromShim,
) -> Option<Fact> {
    match message {
        FromShim::Notice { end } => {
            live.set_end(end);
            live.watcher().grown(live);
        }
        FromShim::InputAck { token, seq } => {
            link.applied(token.0, seq);
            live.acked(token.0, seq);
        }
        FromShim::UnaryAck { request } => link.answer_unary(request, &Ok(())),
        FromShim::UnaryRefused { request, reason } => {
            link.answer_unary(request, &Err(refusal(reason)));
        }
        FromShim::Resized(logged) => {
            live.set_resized(logged.at, logged.size);
            return Some(Fact::Resized(logged.size));
        }
        FromShim::Started { pid } => {
            live.set_pid(i32::try_from(pid).unwrap_or(0));
            return Some(Fact::Started { incarnation });
        }
        FromShim::StartFailed(fault) => {
            let step = fault.step.as_str().to_owned();
            return Some(Fact::StartFailed { step, message: fault.message });
        }
        FromShim::Exited { status, end } => {
            live.set_end(end);
            return Some(Fact::Exited(status));
        }
        FromShim::Disk(state) => return disk(live, state),
        FromShim::Hello(hello) => return again(live, link, &hello),
        FromShim::Drained { end } => live.set_end(end),
        FromShim::InputGap { token, expected } => {
            link.refused(token.0);
            live.input_refused(token.0, expected);
        }
        FromShim::Registered { .. } | FromShim::Pong { .. } | FromShim::TermMode(_) => {
            debug!(session.id = %live.id(), "the shim said {message:?}");
        }
    }
    None
}

const fn refusal(reason: RefusedReason) -> UnaryRefusal {
    match reason {
        RefusedReason::LineTooLong => UnaryRefusal::LineTooLong,
        RefusedReason::TooLarge => UnaryRefusal::TooLong,
        RefusedReason::Ended => UnaryRefusal::Ended,
        RefusedReason::PartMissing | RefusedReason::Other => UnaryRefusal::Unknown,
    }
}

fn disk(live: &Live, state: DiskState) -> Option<Fact> {
    match state {
        DiskState::Ok => {
            live.set_log(LogHealth::Written);
            None
        }
        DiskState::Full { since } => {
            live.set_log(LogHealth::Degraded);
            Some(Fact::Degraded(since))
        }
        DiskState::Recovered { from, to } => {
            live.set_log(LogHealth::Written);
            Some(Fact::Restored { from, to })
        }
    }
}

/// A greeting in the middle of a connection repeats the levels.
fn again(live: &Live, link: &Arc<Link>, hello: &HelloReply) -> Option<Fact> {
    levels(live, link, hello);
    match &hello.state {
        ProcessState::Starting | ProcessState::Running => None,
        ProcessState::Exited { status, .. } => Some(Fact::Exited(*status)),
        ProcessState::Failed(fault) => Some(Fact::StartFailed {
            step: fault.step.as_str().to_owned(),
            message: fault.message.clone(),
        }),
    }
}
