//! What agents did, compared with what was decided.

use std::collections::HashMap;

use codeplane_core::audit::NewAudit;
use codeplane_core::{Breach, NewEvent, SessionAgent, SessionId};
use diesel::prelude::*;

use super::{Read, agent, damaged, id, word};
use crate::audit::append_all;
use crate::error::StoreError;
use crate::event::append;
use crate::schema::{decisions, followed_files, violations};
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};

/// A violation with what is to be written if nobody has found it before.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it is.
    pub breach: Breach,
    /// Facts.
    pub events: Vec<NewEvent>,
    /// The records of the audit log.
    pub audit: Vec<NewAudit>,
}

/// What else is to be written with a violation, found before or not.
#[derive(Clone, Debug, Default)]
pub struct Learnt {
    /// What is now known of the session's agent.
    pub agent: Option<SessionAgent>,
    /// Facts.
    pub events: Vec<NewEvent>,
    /// The records of the audit log.
    pub audit: Vec<NewAudit>,
}

/// What the calls of a session's agent were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// How many were judged.
    pub count: u64,
    /// Those that nobody judged: the `call` of each violation.
    pub unjudged: Vec<String>,
}

/// Why a file is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FollowedKind {
    /// An agent writes its conversation into it.
    Transcript,
    /// It changes what an agent's hooks do.
    Settings,
}

impl FollowedKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Transcript => "transcript",
            Self::Settings => "settings",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Transcript, Self::Settings].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A file of an agent that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Why.
    pub kind: FollowedKind,
    /// Where it is, absolute; it need not be there.
    pub path: String,
    /// Bytes of a transcript that need not be read again. Of settings a digest of what they say, of at most 63
    /// bits; 0 where nobody has looked.
    pub position: u64,
}

impl Store {
    /// Writes a violation down, and what follows from it. Answers whether nobody had found it before; only
    /// then its own events and records are written.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn found(&self, found: Found, learnt: Learnt) -> Result<bool, StoreError> {
        self.write(Urgency::Essential, move |transaction| {
            let is_new = insert(transaction, &found)?;
            if let Some(known) = &learnt.agent {
                agent::write(transaction, found.breach.session, known)?;
            }
            learnt.events.iter().try_for_each(|event| append(transaction, event).map(drop))?;
            append_all(transaction, &learnt.audit)?;
            Ok(is_new)
        })
        .await
    }

    /// How many calls of each session were judged, and which were not.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`], and those of every read.
    pub async fn judged_calls(&self) -> Result<HashMap<SessionId, Judged>, StoreError> {
        self.read(|connection| {
            let mut sessions: HashMap<SessionId, Judged> = HashMap::new();
            let judged: Vec<(String, i64)> = decisions::table
                .filter(decisions::source.is_null().or(decisions::source.ne("trial")))
                .group_by(decisions::session)
                .select((decisions::session, diesel::dsl::count_star()))
                .load(connection)?;
            for (session, count) in judged {
                let count = u64::try_from(count).unwrap_or(0);
                sessions.entry(known("decisions", &session)?).or_default().count = count;
            }
            let unjudged: Vec<(String, String)> = violations::table
                .filter(violations::judged.eq(0))
                .select((violations::session, violations::call))
                .load(connection)?;
            for (session, call) in unjudged {
                let session = known("violations", &session)?;
                sessions.entry(session).or_default().unjudged.push(call);
            }
            Ok(sessions)
        })
        .await
    }

    /// Writes which files of a session are followed, and how far. Those that are not named stay as they
    /// are; a session that is gone has none.
    ///
    /// # Errors
    /// Those of every write.
    pub async fn follow_files(
        &self,
        session: SessionId,
        files: Vec<Followed>,
    ) -> Result<(), StoreError> {
        self.write(Urgency::Ordinary, move |transaction| {
            use crate::schema::sessions;
            let there = sessions::table.find(session.to_string()).count();
            if there.get_result::<i64>(transaction.connection)? == 0 {
                return Ok(());
            }
            for file in &files {
                diesel::replace_into(followed_files::table)
                    .values((
                        followed_files::session.eq(session.to_string()),
                        followed_files::kind.eq(file.kind.as_str()),
                        followed_files::path.eq(&file.path),
                        followed_files::position
                            .eq(i64::try_from(file.position).unwrap_or(i64::MAX)),
                    ))
                    .execute(transaction.connection)?;
            }
            Ok(())
        })
        .await
    }

    /// The files of a session that are followed.
    ///
    /// # Errors
    /// [`StoreError::DamagedRow`], and those of every read.
    pub async fn followed_files(&self, session: SessionId) -> Result<Vec<Followed>, StoreError> {
        self.read(move |connection| {
            let rows: Vec<(String, String, i64)> = followed_files::table
                .filter(followed_files::session.eq(session.to_string()))
                .select((followed_files::kind, followed_files::path, followed_files::position))
                .load(connection)?;
            let read = |(kind, path, position): (String, String, i64)| -> Read<Followed> {
                let position = position.try_into().map_err(|_| "a negative position".to_owned())?;
                Ok(Followed { kind: word(&kind, FollowedKind::parse)?, path, position })
            };
            rows.into_iter()
                .map(read)
                .collect::<Read<_>>()
                .map_err(|problem| damaged("followed_files", &session.to_string(), problem))
        })
        .await
    }
}

fn known(table: &'static str, session: &str) -> Result<SessionId, StoreError> {
    id(session).map_err(|problem| damaged(table, session, problem))
}

/// Writes a violation unless it is there. Answers whether it was new.
pub(super) fn insert(transaction: &mut Transaction<'_>, found: &Found) -> Result<bool, StoreError> {
    let breach = &found.breach;
    let written = diesel::insert_or_ignore_into(violations::table)
        .values((
            violations::session.eq(breach.session.to_string()),
            violations::call.eq(&breach.call),
            violations::tool.eq(&breach.tool),
            violations::problem.eq(&breach.problem),
            violations::judged.eq(i64::from(breach.judged)),
            violations::found_at.eq(breach.found_at.as_micros()),
        ))
        .execute(transaction.connection)?;
    if written == 0 {
        return Ok(false);
    }
    found.events.iter().try_for_each(|event| append(transaction, event).map(drop))?;
    append_all(transaction, &found.audit)?;
    Ok(true)
}
