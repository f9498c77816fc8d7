//! The audit log: what was decided, by whom, when and why, so that it can be proven later.
//!
//! A record is a line of JSON ([`AuditRecord::encode`] says exactly which). Each is hashed together with
//! the hash of the one before it ([`ChainHash`]), and from time to time the newest hash is signed
//! ([`Checkpoint`]). So whoever has the public key finds out whether a record was changed, left out,
//! put in or moved ([`Verifier`]), with nothing of ours but this description.

mod canonical;
mod chain;
mod checkpoint;
mod kind;
mod verify;

use std::fmt;

pub use self::canonical::RecordError;
pub use self::chain::{ChainHash, HexError};
pub use self::checkpoint::{
    AuditKey, AuditPublicKey, Checkpoint, Statement, parse_signature, signature_text,
};
pub use self::kind::AuditKind;
pub use self::verify::{Beginning, Finding, Flaw, StoredRecord, Verified, Verifier};

use crate::{HostId, Incarnation, OutputPosition, SessionId, Timestamp};

/// Number of a record: the first is 1, and none is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AuditSeq(pub u64);

impl AuditSeq {
    /// Before the first record.
    pub const NONE: Self = Self(0);

    /// The number of the next record.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for AuditSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A record that is about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAudit {
    /// When it happened.
    pub time: Timestamp,
    /// The session it is about, if it is about one.
    pub session: Option<SessionId>,
    /// Which run of it.
    pub incarnation: Option<Incarnation>,
    /// How far the session's output had come, so that the recording can be seen from there.
    pub position: Option<OutputPosition>,
    /// Who did it: `uid:1000`, `agent:<session id>` or `daemon`.
    pub principal: String,
    /// What happened.
    pub kind: AuditKind,
    /// What else is known, in order. Known patterns of secrets are masked when the record is made.
    pub detail: Vec<(&'static str, String)>,
}

impl NewAudit {
    /// The principal of what the daemon does by itself.
    pub const DAEMON: &'static str = "daemon";

    /// A record of what the daemon did by itself.
    #[must_use]
    pub fn by_daemon(time: Timestamp, kind: AuditKind) -> Self {
        Self::by(Self::DAEMON, time, kind)
    }

    /// A record of what somebody did.
    #[must_use]
    pub fn by(principal: impl Into<String>, time: Timestamp, kind: AuditKind) -> Self {
        Self {
            time,
            session: None,
            incarnation: None,
            position: None,
            principal: principal.into(),
            kind,
            detail: Vec::new(),
        }
    }

    /// The same about a session.
    #[must_use]
    pub const fn about(mut self, session: SessionId, incarnation: Option<Incarnation>) -> Self {
        self.session = Some(session);
        self.incarnation = incarnation;
        self
    }

    /// The same at a position of the session's output.
    #[must_use]
    pub const fn at(mut self, position: OutputPosition) -> Self {
        self.position = Some(position);
        self
    }

    /// The same with one more detail.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.detail.push((name, value.into()));
        self
    }
}

/// A record as it is in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number.
    pub seq: AuditSeq,
    /// The daemon that wrote it.
    pub host: HostId,
    /// When it happened.
    pub time: Timestamp,
    /// The session it is about.
    pub session: Option<SessionId>,
    /// Which run of it.
    pub incarnation: Option<Incarnation>,
    /// How far the session's output had come.
    pub position: Option<OutputPosition>,
    /// Who did it.
    pub principal: String,
    /// What happened, one of [`AuditKind`]'s names; a later version may have written another.
    pub kind: String,
    /// What else is known, in order.
    pub detail: Vec<(String, String)>,
}

impl AuditRecord {
    /// The record that a fact becomes.
    #[must_use]
    pub fn of(seq: AuditSeq, host: HostId, fact: &NewAudit) -> Self {
        let detail = fact.detail.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Self {
            seq,
            host,
            time: fact.time,
            session: fact.session,
            incarnation: fact.incarnation,
            position: fact.position,
            principal: fact.principal.clone(),
            kind: fact.kind.name().to_owned(),
            detail: detail.collect(),
        }
    }

    /// The value of a detail; of several of that name, the first.
    #[must_use]
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.detail.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
