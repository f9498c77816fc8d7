//! The data of an event as JSON. The names of its fields are on disk: they never change.

use codeplane_core::{EventKind, ExitStatus, Incarnation, Offset, OutputPosition, TerminalSize};
use serde_json::{Value, json};

use super::agent;

/// The incarnation that an event ends.
pub(super) const fn ended(kind: &EventKind) -> Option<Incarnation> {
    match kind {
        EventKind::SessionExited { incarnation, .. }
        | EventKind::SessionLost { incarnation, .. }
        | EventKind::SessionFailed { incarnation, .. } => Some(*incarnation),
        EventKind::SessionCreated
        | EventKind::SessionStarted { .. }
        | EventKind::SessionStopping
        | EventKind::SessionUpdated
        | EventKind::SessionDeleted
        | EventKind::TerminalResized { .. }
        | EventKind::TerminalTitle { .. }
        | EventKind::TerminalBell
        | EventKind::TerminalNotification { .. }
        | EventKind::OutputDegraded { .. }
        | EventKind::OutputRestored { .. }
        | EventKind::OutputRemoved { .. }
        | EventKind::Agent(_)
        | EventKind::DaemonStarted { .. }
        | EventKind::DaemonDraining
        | EventKind::DaemonStopping => None,
    }
}

/// Whether it must be written even on a full disk: without it nobody would know that an incarnation
/// ended, or that output is missing.
pub(super) const fn is_essential(kind: &EventKind) -> bool {
    match kind {
        EventKind::SessionExited { .. }
        | EventKind::SessionLost { .. }
        | EventKind::SessionFailed { .. }
        | EventKind::OutputDegraded { .. }
        | EventKind::OutputRestored { .. } => true,
        EventKind::SessionCreated
        | EventKind::SessionStarted { .. }
        | EventKind::SessionStopping
        | EventKind::SessionUpdated
        | EventKind::SessionDeleted
        | EventKind::TerminalResized { .. }
        | EventKind::TerminalTitle { .. }
        | EventKind::TerminalBell
        | EventKind::TerminalNotification { .. }
        | EventKind::OutputRemoved { .. }
        | EventKind::Agent(_)
        | EventKind::DaemonStarted { .. }
        | EventKind::DaemonDraining
        | EventKind::DaemonStopping => false,
    }
}

/// What is written.
pub(super) fn payload(kind: &EventKind) -> Value {
    match kind {
        EventKind::SessionCreated
        | EventKind::SessionStopping
        | EventKind::SessionUpdated
        | EventKind::SessionDeleted
        | EventKind::TerminalBell
        | EventKind::DaemonDraining
        | EventKind::DaemonStopping => json!({}),
        EventKind::SessionStarted { incarnation } => json!({"incarnation": incarnation.0}),
        EventKind::SessionExited { incarnation, status: ExitStatus::Code(code) } => {
            json!({"incarnation": incarnation.0, "code": code})
        }
        EventKind::SessionExited { incarnation, status: ExitStatus::Signal(signal) } => {
            json!({"incarnation": incarnation.0, "signal": signal})
        }
        EventKind::SessionLost { incarnation, cause } => {
            json!({"incarnation": incarnation.0, "cause": cause})
        }
        EventKind::SessionFailed { incarnation, step, message } => {
            json!({"incarnation": incarnation.0, "step": step, "message": message})
        }
        EventKind::TerminalResized { size } => json!({"cols": size.cols(), "rows": size.rows()}),
        EventKind::TerminalTitle { title } => json!({"title": title}),
        EventKind::TerminalNotification { title, body } => json!({"title": title, "body": body}),
        EventKind::OutputDegraded { since } => json!({"since": position_json(*since)}),
        EventKind::OutputRestored { from, to } => {
            json!({"from": position_json(*from), "to": position_json(*to)})
        }
        EventKind::OutputRemoved { oldest } => json!({"oldest": position_json(*oldest)}),
        EventKind::Agent(event) => agent::payload(event),
        EventKind::DaemonStarted { version } => json!({"version": version}),
    }
}

/// What is read. A type that is not known cannot come from a newer program, whose database is
/// refused: the row is damaged.
pub(super) fn kind(type_name: &str, payload: &Value) -> Result<EventKind, String> {
    Ok(match type_name {
        "session.created" => EventKind::SessionCreated,
        "session.started" => EventKind::SessionStarted { incarnation: incarnation(payload)? },
        "session.stopping" => EventKind::SessionStopping,
        "session.exited" => EventKind::SessionExited {
            incarnation: incarnation(payload)?,
            status: exit_status(payload)?,
        },
        "session.lost" => EventKind::SessionLost {
            incarnation: incarnation(payload)?,
            cause: text(payload, "cause")?,
        },
        "session.failed" => EventKind::SessionFailed {
            incarnation: incarnation(payload)?,
            step: text(payload, "step")?,
            message: text(payload, "message")?,
        },
        "session.updated" => EventKind::SessionUpdated,
        "session.deleted" => EventKind::SessionDeleted,
        "terminal.resized" => EventKind::TerminalResized { size: size(payload)? },
        "terminal.title" => EventKind::TerminalTitle { title: text(payload, "title")? },
        "terminal.bell" => EventKind::TerminalBell,
        "terminal.notification" => EventKind::TerminalNotification {
            title: text(payload, "title")?,
            body: text(payload, "body")?,
        },
        "output.degraded" => EventKind::OutputDegraded { since: position(payload, "since")? },
        "output.restored" => EventKind::OutputRestored {
            from: position(payload, "from")?,
            to: position(payload, "to")?,
        },
        "output.removed" => EventKind::OutputRemoved { oldest: position(payload, "oldest")? },
        "daemon.started" => EventKind::DaemonStarted { version: text(payload, "version")? },
        "daemon.draining" => EventKind::DaemonDraining,
        "daemon.stopping" => EventKind::DaemonStopping,
        other => EventKind::Agent(agent::kind(other, payload)?),
    })
}

fn position_json(position: OutputPosition) -> Value {
    json!({"incarnation": position.incarnation.0, "offset": position.offset.0})
}

fn position(payload: &Value, field: &str) -> Result<OutputPosition, String> {
    let value = &payload[field];
    let offset = number(value, "offset")?;
    Ok(OutputPosition { incarnation: incarnation(value)?, offset: Offset(offset) })
}

fn incarnation(payload: &Value) -> Result<Incarnation, String> {
    small(payload, "incarnation").map(Incarnation)
}

fn exit_status(payload: &Value) -> Result<ExitStatus, String> {
    let read = |field: &str| payload[field].as_i64().and_then(|number| i32::try_from(number).ok());
    match (read("code"), read("signal")) {
        (Some(code), None) => Ok(ExitStatus::Code(code)),
        (None, Some(signal)) => Ok(ExitStatus::Signal(signal)),
        (Some(_), Some(_)) | (None, None) => Err("not one exit status".to_owned()),
    }
}

fn size(payload: &Value) -> Result<TerminalSize, String> {
    TerminalSize::new(small(payload, "cols")?, small(payload, "rows")?)
        .map_err(|error| error.to_string())
}

pub(super) fn text(payload: &Value, field: &str) -> Result<String, String> {
    payload[field].as_str().map(str::to_owned).ok_or_else(|| format!("no text '{field}'"))
}

pub(super) fn number(payload: &Value, field: &str) -> Result<u64, String> {
    payload[field].as_u64().ok_or_else(|| format!("no number '{field}'"))
}

fn small(payload: &Value, field: &str) -> Result<u32, String> {
    number(payload, field)?.try_into().map_err(|_| format!("'{field}' is out of range"))
}
