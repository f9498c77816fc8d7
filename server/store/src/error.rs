//! What can go wrong, in words a person can act on.

use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, io};

use codeplane_core::{
    ApprovalId, BindingTarget, Incarnation, PolicyName, RequestId, Revision, SessionId, SessionName,
};

use crate::RecordedRequest;
use crate::sqlite::{Fault, fault};

/// An error from beneath the store, shared by everybody whom it concerns.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl Cause {
    pub(crate) fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// The answer to a read or a write that was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such session.
    #[error("session {0} does not exist")]
    UnknownSession(SessionId),
    /// There is no such approval.
    #[error("approval {0} does not exist")]
    UnknownApproval(ApprovalId),
    /// The id is taken.
    #[error("session {0} exists already")]
    SessionExists(SessionId),
    /// The name is taken.
    #[error("the name '{name}' belongs to session {by}")]
    NameTaken {
        /// The name asked for.
        name: SessionName,
        /// Who has it.
        by: SessionId,
    },
    /// The session was changed in between.
    #[error("session {session} has changed: it is at version {current}, not {expected}")]
    StaleVersion {
        /// The session.
        session: SessionId,
        /// What the caller has seen.
        expected: i64,
        /// What it is now.
        current: i64,
    },
    /// The request's id was used before, for something else.
    #[error("request {0} was made before, with other content")]
    RequestReused(RequestId),
    /// The request was answered before: here is the answer. Nothing was written.
    #[error("request {} was answered before", .0.id)]
    RequestRepeated(Box<RecordedRequest>),
    /// The event would end an incarnation a second time.
    #[error("incarnation {incarnation} of session {session} has ended already")]
    EndedBefore {
        /// The session.
        session: SessionId,
        /// The incarnation.
        incarnation: Incarnation,
    },
    /// The events after this revision are not all there any more.
    #[error("events after {after} were removed; the oldest kept is {oldest}")]
    EventsRemoved {
        /// Where the caller wanted to begin.
        after: Revision,
        /// The first revision that was not removed, whether or not an event has it yet.
        oldest: Revision,
    },
    /// A filter asks for what cannot be.
    #[error("cannot filter on {field}='{value}': {problem}")]
    BadFilter {
        /// The field.
        field: String,
        /// The value.
        value: String,
        /// What is wrong.
        problem: String,
    },
    /// There is no such policy.
    #[error("policy {0} does not exist")]
    UnknownPolicy(PolicyName),
    /// The policy has no such revision.
    #[error("policy {policy} has no revision {revision}")]
    UnknownRevision {
        /// The policy.
        policy: PolicyName,
        /// What was asked for.
        revision: i64,
    },
    /// The policy was changed in between.
    #[error("policy {policy} has changed: it is at revision {current}, not {expected}")]
    StalePolicy {
        /// The policy.
        policy: PolicyName,
        /// What the caller has seen; 0 for none.
        expected: i64,
        /// What it is now; 0 if it does not exist.
        current: i64,
    },
    /// The policy cannot be deleted while it is bound.
    #[error("policy {policy} is bound {bindings} times")]
    PolicyBound {
        /// The policy.
        policy: PolicyName,
        /// How many bindings it has.
        bindings: i64,
    },
    /// The policy is not bound so.
    #[error("policy {policy} is not bound to this {}", .target.kind())]
    NotBound {
        /// The policy.
        policy: PolicyName,
        /// To what.
        target: BindingTarget,
    },
    /// Too much is queued; try again in a moment. Nothing was done.
    #[error("the store is busy")]
    Busy,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// There is no room. Nothing was written; works again by itself once there is.
    #[error("no space left for the database")]
    DiskFull,
    /// The disk refused a write or a read. After a write nobody knows what is on it: the store
    /// takes no further write.
    #[error("the disk refused")]
    Io(#[source] Cause),
    /// The file was replaced, moved or removed under the running store, which takes no further
    /// write.
    #[error("{0} was replaced or removed while in use")]
    Replaced(PathBuf),
    /// The file is damaged.
    #[error("the database is damaged")]
    Damaged(#[source] Cause),
    /// One row holds what this program did not write.
    #[error("row {key} of table {table} cannot be read: {problem}")]
    DamagedRow {
        /// The table.
        table: &'static str,
        /// Its key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// The writing thread has ended unexpectedly.
    #[error("the store's writer has crashed")]
    Crashed,
    /// The copy's path is taken: a backup overwrites nothing.
    #[error("{0} exists already: name a new file")]
    BackupExists(PathBuf),
    /// The copy could not be written.
    #[error("cannot write the backup {path}")]
    Backup {
        /// Where to.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: Cause,
    },
    /// Anything else the database said: a mistake of this program.
    #[error("the database refused a query")]
    Query(#[source] Cause),
}

impl StoreError {
    /// Whether the store takes no further write after it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Io(_) | Self::Replaced(_) | Self::Damaged(_) | Self::Crashed => true,
            Self::UnknownSession(_)
            | Self::UnknownApproval(_)
            | Self::SessionExists(_)
            | Self::NameTaken { .. }
            | Self::StaleVersion { .. }
            | Self::RequestReused(_)
            | Self::RequestRepeated(_)
            | Self::EndedBefore { .. }
            | Self::EventsRemoved { .. }
            | Self::BadFilter { .. }
            | Self::UnknownPolicy(_)
            | Self::UnknownRevision { .. }
            | Self::StalePolicy { .. }
            | Self::PolicyBound { .. }
            | Self::NotBound { .. }
            | Self::Busy
            | Self::Closed
            | Self::DiskFull
            | Self::DamagedRow { .. }
            | Self::BackupExists(_)
            | Self::Backup { .. }
            | Self::Query(_) => false,
        }
    }

    /// Whether it may have torn the whole transaction and not only the job that met it.
    pub(crate) const fn tears_the_transaction(&self) -> bool {
        self.is_final() || matches!(self, Self::DiskFull)
    }
}

impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        match fault(&error.to_string()) {
            Fault::Full => Self::DiskFull,
            Fault::Io => Self::Io(Cause::new(error)),
            Fault::Damaged => Self::Damaged(Cause::new(error)),
            Fault::Locked => Self::Busy,
            Fault::Other => Self::Query(Cause::new(error)),
        }
    }
}

/// Why the store cannot be opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The state directory is missing, is not a directory or cannot be read.
    #[error("cannot use the state directory {path}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The state directory cannot be written.
    #[error("cannot write in the state directory {path}")]
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The path is not UTF-8.
    #[error("the path {0:?} is not UTF-8: choose another state directory")]
    NotUtf8(PathBuf),
    /// It is not a plain file.
    #[error("{0} is not a plain file: move it aside")]
    NotAFile(PathBuf),
    /// It belongs to somebody else.
    #[error("{path} belongs to user {owner}, not to user {expected} who runs the daemon")]
    WrongOwner {
        /// The file or directory.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who should.
        expected: u32,
    },
    /// Others may read or write it.
    #[error("{path} is open to others (mode {mode:04o}): run chmod {wanted} on it")]
    OpenToOthers {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What to give to chmod.
        wanted: &'static str,
    },
    /// Another process has it.
    #[error("{0} is in use by another process")]
    Locked(PathBuf),
    /// A newer version of the program wrote it. The file is as it was.
    #[error(
        "{path} is of a newer version: it has schema {found}, this program knows up to {known}; \
         run the newer program or restore a backup"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The newest change it has.
        found: String,
        /// The newest change known.
        known: String,
    },
    /// An older version of the program wrote it, and nothing may change it here. The file is as it
    /// was.
    #[error(
        "{path} is of an older version: it has schema {found}, this program {known}; \
         start the daemon of this version first"
    )]
    OlderSchema {
        /// The file.
        path: PathBuf,
        /// The newest change it has.
        found: String,
        /// The newest change known.
        known: String,
    },
    /// It is damaged, or no database of ours. The file is as it was.
    #[error(
        "{path} is damaged ({problem}): move it aside, with -wal and -shm, or restore a backup, \
         then start again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// There is no room.
    #[error("no space left for {0}")]
    DiskFull(PathBuf),
    /// The file system cannot do what durability needs.
    #[error(
        "the file system of {path} has no write-ahead log (journal mode '{mode}'): use a local disk"
    )]
    NoWriteAheadLog {
        /// The file.
        path: PathBuf,
        /// The mode `SQLite` fell back to.
        mode: String,
    },
    /// The disk refused.
    #[error("cannot use {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Anything else the database said.
    #[error("cannot open {path}")]
    Query {
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        cause: Cause,
    },
}
