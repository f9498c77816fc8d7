//! One typed method a call, one file a service.

mod approval;
mod audit;
mod decision;
mod event;
mod policy;
mod server;
mod session;
mod terminal;

pub use audit::AuditExport;
pub use decision::PolicyDiff;

use crate::{Error, v1};

/// The session of an answer, without which it means nothing.
fn session(session: Option<v1::Session>) -> Result<v1::Session, Error> {
    session.ok_or_else(|| Error::missing("session"))
}
