//! Values of the application as messages.

use codeplane_core::{
    Asks, EndReason, Event, EventKind, ExitStatus, OutputPosition, PolicyRef, SessionState,
    StateName, TerminalSize, Timestamp,
};
use codeplane_proto::v1;

use super::auth::role_message;
use crate::app::{Caller, Check, Drain, Info, LogHealth, Severity, View};

pub(super) fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let micros = time.as_micros();
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1000).unwrap_or(0);
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

pub(super) fn position(position: OutputPosition) -> v1::OutputPosition {
    v1::OutputPosition { incarnation: position.incarnation.0, offset: position.offset.0 }
}

pub(super) fn size(size: TerminalSize) -> v1::TerminalSize {
    v1::TerminalSize { cols: size.cols().into(), rows: size.rows().into() }
}

pub(super) const fn state(name: StateName) -> v1::SessionState {
    match name {
        StateName::Starting => v1::SessionState::Starting,
        StateName::Running => v1::SessionState::Running,
        StateName::Stopping => v1::SessionState::Stopping,
        StateName::Restarting => v1::SessionState::Restarting,
        StateName::Exited => v1::SessionState::Exited,
        StateName::Lost => v1::SessionState::Lost,
        StateName::Failed => v1::SessionState::Failed,
    }
}

pub(super) const fn state_name(state: v1::SessionState) -> Option<StateName> {
    match state {
        v1::SessionState::Unspecified => None,
        v1::SessionState::Starting => Some(StateName::Starting),
        v1::SessionState::Running => Some(StateName::Running),
        v1::SessionState::Stopping => Some(StateName::Stopping),
        v1::SessionState::Restarting => Some(StateName::Restarting),
        v1::SessionState::Exited => Some(StateName::Exited),
        v1::SessionState::Lost => Some(StateName::Lost),
        v1::SessionState::Failed => Some(StateName::Failed),
    }
}

pub(super) const fn exit_status(status: ExitStatus) -> v1::ExitStatus {
    let status = match status {
        ExitStatus::Code(code) => v1::exit_status::Status::Code(code),
        ExitStatus::Signal(signal) => v1::exit_status::Status::Signal(signal),
    };
    v1::ExitStatus { status: Some(status) }
}

pub(super) fn session(view: View) -> v1::Session {
    let row = view.session;
    let spec = row.spec;
    let mut message = v1::Session {
        id: spec.id.to_string(),
        host_id: spec.host.to_string(),
        name: spec.name.map(|name| name.to_string()).unwrap_or_default(),
        labels: spec.labels.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        command: spec.command,
        cwd: spec.cwd,
        size: Some(size(view.size)),
        provider: spec.provider,
        source: spec.source,
        parent_id: spec.parent.map(|id| id.to_string()).unwrap_or_default(),
        incarnation: row.incarnation.0,
        keep: spec.keep,
        create_time: Some(timestamp(spec.created_at)),
        start_time: row.started_at.map(timestamp),
        end_time: row.ended_at.map(timestamp),
        etag: row.version.to_string(),
        pid: view.pid,
        output_end: Some(position(view.output_end)),
        output_start: Some(position(view.output_start)),
        attachment_count: u32::try_from(view.attachments).unwrap_or(u32::MAX),
        control_holder: view.holder.map(|id| id.to_string()).unwrap_or_default(),
        title: view.title,
        output_degraded: view.log == LogHealth::Degraded,
        allow: spec.mandate.allow,
        unattended: spec.mandate.asks == Asks::Denied,
        dangerous: spec.mandate.asks == Asks::Allowed,
        ..v1::Session::default()
    };
    super::agent::describe(&mut message, view.agent);
    message.pending_approvals = u32::try_from(view.pending).unwrap_or(u32::MAX);
    message.judged_calls = view.coverage.judged;
    message.seen_calls = view.coverage.seen();
    message.set_state(state(row.state.name()));
    match row.state {
        SessionState::Ended(EndReason::Exited(status)) => {
            message.exit_status = Some(exit_status(status));
        }
        SessionState::Ended(EndReason::Lost { cause }) => message.message = cause,
        SessionState::Ended(EndReason::Failed { step, message: text }) => {
            message.failed_step = step;
            message.message = text;
        }
        SessionState::Restarting { until } => message.restart_time = Some(timestamp(until)),
        SessionState::Starting | SessionState::Running | SessionState::Stopping => {}
    }
    message
}

pub(super) fn policy_reference(policy: PolicyRef) -> v1::PolicyReference {
    v1::PolicyReference { name: policy.name, revision: policy.revision }
}

pub(super) fn event(event: Event) -> v1::Event {
    let type_name = event.fact.kind.type_name();
    v1::Event {
        revision: event.revision.0,
        time: Some(timestamp(event.fact.time)),
        host_id: event.host.to_string(),
        session_id: event.fact.session.map(|id| id.to_string()).unwrap_or_default(),
        r#type: type_name.to_owned(),
        payload: payload(event.fact.kind),
    }
}

fn payload(kind: EventKind) -> Option<v1::event::Payload> {
    use v1::event::Payload;
    Some(match kind {
        EventKind::SessionStarted { incarnation } => {
            Payload::SessionStarted(v1::SessionStarted { incarnation: incarnation.0 })
        }
        EventKind::SessionExited { incarnation, status } => {
            let status = Some(exit_status(status));
            Payload::SessionExited(v1::SessionExited { incarnation: incarnation.0, status })
        }
        EventKind::SessionLost { incarnation, cause } => {
            Payload::SessionLost(v1::SessionLost { incarnation: incarnation.0, cause })
        }
        EventKind::SessionFailed { incarnation, step, message } => {
            let incarnation = incarnation.0;
            Payload::SessionFailed(v1::SessionFailed { incarnation, step, message })
        }
        EventKind::TerminalResized { size: new } => {
            Payload::TerminalResized(v1::TerminalResized { size: Some(size(new)) })
        }
        EventKind::TerminalTitle { title } => Payload::TerminalTitle(v1::TerminalTitle { title }),
        EventKind::TerminalNotification { title, body } => {
            Payload::TerminalNotification(v1::TerminalNotification { title, body })
        }
        EventKind::OutputDegraded { since } => {
            Payload::OutputDegraded(v1::OutputDegraded { since: Some(position(since)) })
        }
        EventKind::OutputRestored { from, to } => {
            let (from, to) = (Some(position(from)), Some(position(to)));
            Payload::OutputRestored(v1::OutputRestored { from, to })
        }
        EventKind::OutputRemoved { oldest } => {
            Payload::OutputRemoved(v1::OutputRemoved { oldest: Some(position(oldest)) })
        }
        EventKind::Agent(event) => super::agent::payload(event),
        EventKind::DaemonStarted { version } => {
            Payload::DaemonStarted(v1::DaemonStarted { version })
        }
        EventKind::SessionCreated
        | EventKind::SessionStopping
        | EventKind::SessionUpdated
        | EventKind::SessionDeleted
        | EventKind::TerminalBell
        | EventKind::DaemonDraining
        | EventKind::DaemonStopping => return None,
    })
}

pub(super) fn info(info: Info, features: &[&str], caller: &Caller) -> v1::GetServerInfoResponse {
    v1::GetServerInfoResponse {
        version: info.version.to_owned(),
        host_id: info.host.to_string(),
        features: features.iter().map(|name| (*name).to_owned()).collect(),
        pid: i32::try_from(std::process::id()).unwrap_or(0),
        start_time: Some(timestamp(info.started_at)),
        state_dir: info.state_dir,
        runtime_dir: info.runtime_dir,
        live_sessions: u32::try_from(info.live).unwrap_or(u32::MAX),
        sessions: u32::try_from(info.sessions).unwrap_or(u32::MAX),
        max_sessions: info.max_sessions,
        max_input_bytes: info.max_input,
        draining: info.drain == Drain::Draining,
        // Agents run as the daemon's own user until `run_as` is configured.
        isolation_tier: "C".to_owned(),
        shim: info.shim,
        principal: caller.principal.clone(),
        roles: caller.roles.iter().map(|role| role_message(role).into()).collect(),
    }
}

pub(super) fn check(check: Check) -> v1::DoctorCheck {
    let severity = match check.severity {
        Severity::Ok => v1::DoctorSeverity::Ok,
        Severity::Warning => v1::DoctorSeverity::Warning,
        Severity::Error => v1::DoctorSeverity::Error,
    };
    v1::DoctorCheck {
        name: check.name.to_owned(),
        severity: severity.into(),
        finding: check.finding,
        remedy: check.remedy,
    }
}
