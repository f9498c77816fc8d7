//! What can happen to a session.

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{
    EndReason, EventKind, ExitStatus, Incarnation, Labels, NewEvent, Session, SessionName,
    SessionState, TerminalSize, Timestamp,
};

use crate::error::StoreError;
use crate::transaction::Urgency;

/// A field that is to be kept or to be set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// As it is.
    #[default]
    Keep,
    /// This from now on.
    Set(T),
}

/// One change of a session's row. Each counts its version up by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// The process runs. A session that was told to stop meanwhile stays STOPPING.
    Started {
        /// Which run; a later one than the row has begins a new run.
        incarnation: Incarnation,
        /// When it was started.
        at: Timestamp,
    },
    /// Somebody asked it to stop.
    Stopping,
    /// The run is over.
    Ended {
        /// Which run.
        incarnation: Incarnation,
        /// How.
        reason: EndReason,
        /// When.
        at: Timestamp,
    },
    /// Its terminal has a new size.
    Resized {
        /// The size.
        size: TerminalSize,
    },
    /// Its user named or labelled it.
    Described {
        /// Its name, or none.
        name: Patch<Option<SessionName>>,
        /// All its labels.
        labels: Patch<Labels>,
        /// The version that the user has seen, if the change depends on it.
        expected: Option<i64>,
    },
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// It is written: the session as it is now.
    Changed(Session),
    /// The run had ended before; nothing was written. The session as it is.
    EndedBefore(Session),
}

/// What a change did to the value.
pub(super) enum Applied {
    /// It changed; this event ends the run.
    Changed(Option<NewEvent>),
    /// The run had ended before.
    EndedBefore,
}

impl SessionChange {
    /// What happened to a process has happened; the wish of a user may be refused.
    pub(super) const fn urgency(&self) -> Urgency {
        match self {
            Self::Started { .. } | Self::Stopping | Self::Ended { .. } => Urgency::Essential,
            Self::Resized { .. } | Self::Described { .. } => Urgency::Ordinary,
        }
    }

    /// Changes the value, but for its version.
    pub(super) fn apply(&self, session: &mut Session) -> Result<Applied, StoreError> {
        match self {
            Self::Started { incarnation, at } => {
                if has_ended(session, *incarnation) {
                    return Ok(Applied::EndedBefore);
                }
                if session.incarnation != *incarnation || session.state != SessionState::Stopping {
                    session.state = SessionState::Running;
                }
                session.incarnation = *incarnation;
                session.started_at = Some(*at);
                session.ended_at = None;
            }
            Self::Stopping => {
                if has_ended(session, session.incarnation) {
                    return Ok(Applied::EndedBefore);
                }
                session.state = SessionState::Stopping;
            }
            Self::Ended { incarnation, reason, at } => {
                if has_ended(session, *incarnation) {
                    return Ok(Applied::EndedBefore);
                }
                return Ok(Applied::Changed(Some(end(session, *incarnation, reason, *at))));
            }
            Self::Resized { size } => session.spec.size = *size,
            Self::Described { name, labels, expected } => {
                check_version(session, *expected)?;
                set(&mut session.spec.name, name);
                set(&mut session.spec.labels, labels);
            }
        }
        Ok(Applied::Changed(None))
    }
}

/// Whether the run is over: the newest by the state, an older one because a newer began.
fn has_ended(session: &Session, incarnation: Incarnation) -> bool {
    incarnation < session.incarnation
        || (incarnation == session.incarnation && !session.state.is_live())
}

fn end(
    session: &mut Session,
    incarnation: Incarnation,
    reason: &EndReason,
    at: Timestamp,
) -> NewEvent {
    if session.incarnation != incarnation {
        // It ended before its start was ever recorded.
        session.started_at = None;
    }
    session.incarnation = incarnation;
    session.state = SessionState::Ended(reason.clone());
    session.ended_at = Some(at);
    let kind = match reason.clone() {
        EndReason::Exited(status) => EventKind::SessionExited { incarnation, status },
        EndReason::Lost { cause } => EventKind::SessionLost { incarnation, cause },
        EndReason::Failed { step, message } => {
            EventKind::SessionFailed { incarnation, step, message }
        }
    };
    NewEvent { time: at, session: Some(session.id()), kind }
}

/// What the audit log says of an ending.
pub(super) fn ended(ending: &NewEvent, session: &Session) -> NewAudit {
    let record = NewAudit::by_daemon(ending.time, AuditKind::SessionEnded)
        .about(session.id(), Some(session.incarnation));
    match &session.state {
        SessionState::Ended(EndReason::Exited(ExitStatus::Code(code))) => {
            record.with("code", code.to_string())
        }
        SessionState::Ended(EndReason::Exited(ExitStatus::Signal(signal))) => {
            record.with("signal", signal.to_string())
        }
        SessionState::Ended(EndReason::Lost { cause }) => record.with("lost", cause.clone()),
        SessionState::Ended(EndReason::Failed { step, message }) => {
            record.with("failed", step.clone()).with("message", message.clone())
        }
        SessionState::Starting
        | SessionState::Running
        | SessionState::Stopping
        | SessionState::Restarting { .. } => record,
    }
}

fn check_version(session: &Session, expected: Option<i64>) -> Result<(), StoreError> {
    match expected {
        Some(expected) if expected != session.version => Err(StoreError::StaleVersion {
            session: session.id(),
            expected,
            current: session.version,
        }),
        Some(_) | None => Ok(()),
    }
}

fn set<T: Clone>(field: &mut T, patch: &Patch<T>) {
    match patch {
        Patch::Keep => {}
        Patch::Set(value) => *field = value.clone(),
    }
}
