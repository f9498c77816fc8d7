//! A session as a row.

use codeplane_core::{
    Asks, EndReason, ExitStatus, Incarnation, Labels, Mandate, NewSession, Session, SessionName,
    SessionState, StateName, TerminalSize, Timestamp,
};
use diesel::prelude::*;
use serde_json::{Map, Value};

use crate::error::StoreError;
use crate::schema::sessions;

#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = sessions, treat_none_as_null = true)]
pub(super) struct SessionRow {
    id: String,
    host: String,
    name: Option<String>,
    labels: String,
    command: String,
    cwd: String,
    size_cols: i64,
    size_rows: i64,
    provider: String,
    source: String,
    parent: Option<String>,
    keep: bool,
    created_at: i64,
    incarnation: i64,
    state: String,
    restart_at: Option<i64>,
    exit_code: Option<i32>,
    exit_signal: Option<i32>,
    failed_step: Option<String>,
    end_message: Option<String>,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    version: i64,
    workspace: String,
    directory: String,
    allow: String,
    asks: String,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        let spec = &session.spec;
        let mut row = Self {
            id: spec.id.to_string(),
            host: spec.host.to_string(),
            name: spec.name.as_ref().map(|name| name.as_str().to_owned()),
            labels: labels_text(&spec.labels),
            command: Value::from(spec.command.clone()).to_string(),
            cwd: spec.cwd.clone(),
            size_cols: spec.size.cols().into(),
            size_rows: spec.size.rows().into(),
            provider: spec.provider.clone(),
            source: spec.source.clone(),
            parent: spec.parent.map(|parent| parent.to_string()),
            keep: spec.keep,
            created_at: spec.created_at.as_micros(),
            incarnation: session.incarnation.0.into(),
            state: session.state.name().as_str().to_owned(),
            restart_at: None,
            exit_code: None,
            exit_signal: None,
            failed_step: None,
            end_message: None,
            started_at: session.started_at.map(Timestamp::as_micros),
            ended_at: session.ended_at.map(Timestamp::as_micros),
            version: session.version,
            workspace: spec.mandate.workspace.clone(),
            directory: spec.mandate.directory.clone(),
            allow: Value::from(spec.mandate.allow.clone()).to_string(),
            asks: spec.mandate.asks.as_str().to_owned(),
        };
        row.set_state(&session.state);
        row
    }
}

impl SessionRow {
    fn set_state(&mut self, state: &SessionState) {
        match state {
            SessionState::Starting | SessionState::Running | SessionState::Stopping => {}
            SessionState::Restarting { until } => self.restart_at = Some(until.as_micros()),
            SessionState::Ended(EndReason::Exited(ExitStatus::Code(code))) => {
                self.exit_code = Some(*code);
            }
            SessionState::Ended(EndReason::Exited(ExitStatus::Signal(signal))) => {
                self.exit_signal = Some(*signal);
            }
            SessionState::Ended(EndReason::Lost { cause }) => {
                self.end_message = Some(cause.clone());
            }
            SessionState::Ended(EndReason::Failed { step, message }) => {
                self.failed_step = Some(step.clone());
                self.end_message = Some(message.clone());
            }
        }
    }

    fn state(&self) -> Result<SessionState, String> {
        let name = StateName::parse(&self.state)
            .ok_or_else(|| format!("'{}' is not a state", self.state))?;
        Ok(match name {
            StateName::Starting => SessionState::Starting,
            StateName::Running => SessionState::Running,
            StateName::Stopping => SessionState::Stopping,
            StateName::Restarting => {
                let until = self.restart_at.ok_or("restarting without a time")?;
                SessionState::Restarting { until: Timestamp::from_micros(until) }
            }
            StateName::Exited => match (self.exit_code, self.exit_signal) {
                (Some(code), None) => exited(ExitStatus::Code(code)),
                (None, Some(signal)) => exited(ExitStatus::Signal(signal)),
                (Some(_), Some(_)) | (None, None) => {
                    return Err("exited without one status".to_owned());
                }
            },
            StateName::Lost => SessionState::Ended(EndReason::Lost { cause: self.message()? }),
            StateName::Failed => SessionState::Ended(EndReason::Failed {
                step: self.failed_step.clone().ok_or("failed without a step")?,
                message: self.message()?,
            }),
        })
    }

    fn message(&self) -> Result<String, String> {
        self.end_message.clone().ok_or_else(|| "ended without a message".to_owned())
    }

    fn session(&self) -> Result<Session, String> {
        Ok(Session {
            spec: self.spec()?,
            incarnation: Incarnation(u32::try_from(self.incarnation).map_err(text)?),
            state: self.state()?,
            started_at: self.started_at.map(Timestamp::from_micros),
            ended_at: self.ended_at.map(Timestamp::from_micros),
            version: self.version,
        })
    }

    fn spec(&self) -> Result<NewSession, String> {
        let size = (
            u32::try_from(self.size_cols).map_err(text)?,
            u32::try_from(self.size_rows).map_err(text)?,
        );
        Ok(NewSession {
            id: self.id.parse().map_err(text)?,
            host: self.host.parse().map_err(text)?,
            name: self.name.as_deref().map(SessionName::new).transpose()?,
            labels: labels(&self.labels)?,
            command: command(&self.command)?,
            cwd: self.cwd.clone(),
            size: TerminalSize::new(size.0, size.1).map_err(text)?,
            provider: self.provider.clone(),
            source: self.source.clone(),
            parent: self.parent.as_deref().map(str::parse).transpose().map_err(text)?,
            keep: self.keep,
            mandate: self.mandate()?,
            created_at: Timestamp::from_micros(self.created_at),
        })
    }
}

impl SessionRow {
    fn mandate(&self) -> Result<Mandate, String> {
        Ok(Mandate {
            workspace: self.workspace.clone(),
            directory: self.directory.clone(),
            allow: serde_json::from_str(&self.allow).map_err(text)?,
            asks: Asks::parse(&self.asks)
                .ok_or_else(|| format!("'{}' is not what becomes of asks", self.asks))?,
        })
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        row.session().map_err(|problem| StoreError::DamagedRow {
            table: "sessions",
            key: row.id,
            problem,
        })
    }
}

const fn exited(status: ExitStatus) -> SessionState {
    SessionState::Ended(EndReason::Exited(status))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err calls")]
fn text(error: impl ToString) -> String {
    error.to_string()
}

fn labels_text(labels: &Labels) -> String {
    let object: Map<String, Value> =
        labels.iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect();
    Value::Object(object).to_string()
}

fn labels(json: &str) -> Result<Labels, String> {
    let Value::Object(object) = serde_json::from_str(json).map_err(text)? else {
        return Err("the labels are not an object".to_owned());
    };
    let pairs: Vec<(String, String)> = object
        .into_iter()
        .map(|(key, value)| match value {
            Value::String(value) => Ok((key, value)),
            _ => Err(format!("label '{key}' is not a text")),
        })
        .collect::<Result<_, _>>()?;
    Ok(Labels::kept(pairs))
}

fn command(json: &str) -> Result<Vec<String>, String> {
    serde_json::from_str(json).map_err(text)
}
