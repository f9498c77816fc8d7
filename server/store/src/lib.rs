//! Rows: what Codeplane remembers of sessions, events and answered requests.
//!
//! The interface speaks domain values and intent; that a `SQLite` file lies beneath is known to this
//! crate alone, and its dialect to the module `sqlite` alone.
//!
//! - One thread owns the only connection that writes. It takes what is queued, at most 256 jobs, into
//!   one transaction, so that a hundred sessions created at once cost one fsync. Each job has its
//!   savepoint: one that fails undoes itself only. Answers are given after the commit.
//! - Reads have their own threads and connections, so that no async worker ever waits for a disk.
//! - After each commit that wrote events, [`Store::revisions`] changes. It carries no data worth
//!   keeping: whoever waits looks at the events again.
//! - A write that the disk refused ends the store: see [`Store::failed`]. A full disk does not.

mod audit;
mod backup;
mod check;
mod error;
mod event;
mod files;
mod health;
mod inspect;
mod judgement;
mod known;
mod open;
mod policy;
mod readers;
mod request;
mod reserve;
mod schema;
mod session;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;
mod trail;
mod transaction;
mod writer;

// Only built and linked: diesel calls it.
use libsqlite3_sys as _;

pub use audit::{AuditFile, AuditFilter, AuditHead, AuditItem, AuditPage, Walked};
pub use check::{Check, ReserveState};
pub use error::{Cause, OpenError, StoreError};
pub use event::{EventFilter, EventOrder, EventPage, Keep};
pub use judgement::{
    ApprovalFilter, ApprovalPage, DecisionFilter, DecisionPage, Followed, FollowedKind, Found,
    GrantPage, HookRecord, Judged, Known, Learnt, Report, Reported, Resolve, Resolved, WhichGrants,
};
pub use open::{Opened, Options, Origin, PreviousEnd};
pub use policy::{
    Applied, AppliedPolicy, IfBound, NewRevision, PolicyAuthor, PolicyRevision, PolicySnapshot,
    PolicySummary, RevisionPage,
};
pub use request::RecordedRequest;
pub use session::{
    Inserted, Patch, SESSION_FILTER_FIELDS, SessionChange, SessionCursor, SessionPage, Update,
};
pub use store::Store;
pub use trail::Trail;
