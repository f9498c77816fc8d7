//! What is known of the agent in a session.

use codeplane_core::{
    Activity, ActivityName, ActivitySource, Gate, GateMode, NewEvent, SessionAgent, SessionId,
    Timestamp,
};
use diesel::prelude::*;

use super::{Read, damaged, hash, id, incarnation, strings, word};
use crate::error::StoreError;
use crate::event::append;
use crate::schema::session_agents;
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = session_agents, treat_none_as_null = true)]
struct AgentRow {
    session: String,
    owner: String,
    home: String,
    workspace: String,
    gate_mode: String,
    gate: String,
    gate_reason: String,
    token_hash: Option<Vec<u8>>,
    token_incarnation: Option<i64>,
    conversation: Option<String>,
    transcript: Option<String>,
    activity: String,
    activity_source: Option<String>,
    activity_since: Option<i64>,
    version: i64,
    settings: String,
}

impl Store {
    /// Writes what is known of a session's agent, and the events that say what is new. What is older
    /// than what is written already is left out; so is a session that is gone.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn set_agent(
        &self,
        session: SessionId,
        agent: SessionAgent,
        events: Vec<NewEvent>,
    ) -> Result<(), StoreError> {
        self.write(Urgency::Ordinary, move |transaction| {
            write(transaction, session, &agent)?;
            events.iter().try_for_each(|event| append(transaction, event).map(drop))
        })
        .await
    }

    /// What is known of the agents of all sessions.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`], and those of every read.
    pub async fn agents(&self) -> Result<Vec<(SessionId, SessionAgent)>, StoreError> {
        self.read(|connection| {
            let rows: Vec<AgentRow> =
                session_agents::table.select(AgentRow::as_select()).load(connection)?;
            rows.into_iter()
                .map(|row| {
                    row.read().map_err(|problem| damaged("session_agents", &row.session, problem))
                })
                .collect()
        })
        .await
    }
}

/// Writes the row, unless a newer one is there or the session is gone.
pub(crate) fn write(
    transaction: &mut Transaction<'_>,
    session: SessionId,
    agent: &SessionAgent,
) -> Result<(), StoreError> {
    use crate::schema::sessions;
    let row = AgentRow::new(session, agent);
    let there: Option<i64> = session_agents::table
        .find(&row.session)
        .select(session_agents::version)
        .first(transaction.connection)
        .optional()?;
    match there {
        Some(version) if version >= agent.version => {}
        Some(_) => {
            diesel::update(session_agents::table.find(&row.session))
                .set(&row)
                .execute(transaction.connection)?;
        }
        None => {
            let sessions = sessions::table.find(&row.session).count();
            if sessions.get_result::<i64>(transaction.connection)? > 0 {
                diesel::insert_into(session_agents::table)
                    .values(&row)
                    .execute(transaction.connection)?;
            }
        }
    }
    Ok(())
}

impl AgentRow {
    fn new(session: SessionId, agent: &SessionAgent) -> Self {
        let activity = agent.activity.as_ref();
        let gate_reason = match &agent.gate {
            Gate::Ungated { reason } => reason.clone(),
            Gate::None | Gate::Unproven | Gate::Gated => String::new(),
        };
        Self {
            session: session.to_string(),
            owner: agent.owner.clone(),
            home: agent.home.clone(),
            workspace: agent.workspace.clone(),
            gate_mode: agent.mode.as_str().to_owned(),
            gate: agent.gate.as_str().to_owned(),
            gate_reason,
            token_hash: agent.token.map(|(_, hash)| hash.to_vec()),
            token_incarnation: agent.token.map(|(incarnation, _)| incarnation.0.into()),
            conversation: agent.conversation.clone(),
            transcript: agent.transcript.clone(),
            activity: activity.map_or("unknown", |activity| activity.name.as_str()).to_owned(),
            activity_source: activity.map(|activity| activity.source.as_str().to_owned()),
            activity_since: activity.map(|activity| activity.since.as_micros()),
            version: agent.version,
            settings: serde_json::Value::from(agent.settings.clone()).to_string(),
        }
    }

    fn read(&self) -> Read<(SessionId, SessionAgent)> {
        let token = match (&self.token_hash, self.token_incarnation) {
            (Some(bytes), Some(number)) => Some((incarnation(number)?, hash(bytes)?)),
            (Some(_), None) | (None, Some(_)) => return Err("half a token".to_owned()),
            (None, None) => None,
        };
        let activity = match (&self.activity_source, self.activity_since) {
            (Some(source), Some(since)) => Some(Activity {
                name: word(&self.activity, ActivityName::parse)?,
                source: word(source, ActivitySource::parse)?,
                since: Timestamp::from_micros(since),
            }),
            (Some(_), None) | (None, Some(_)) => return Err("half an activity".to_owned()),
            (None, None) => None,
        };
        let gate = Gate::parse(&self.gate, &self.gate_reason);
        let agent = SessionAgent {
            owner: self.owner.clone(),
            home: self.home.clone(),
            settings: strings(&self.settings)?,
            workspace: self.workspace.clone(),
            mode: word(&self.gate_mode, GateMode::parse)?,
            gate: gate.ok_or_else(|| format!("'{}' is not a gate", self.gate))?,
            token,
            conversation: self.conversation.clone(),
            transcript: self.transcript.clone(),
            activity,
            version: self.version,
        };
        Ok((id(&self.session)?, agent))
    }
}
