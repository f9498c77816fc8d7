//! The audit log: who signs it, who reads it, how it leaves the daemon.

mod csv;
mod export;
mod keys;
mod line;
mod note;
mod offline;
mod read;
mod sign;

pub(crate) use export::{Export, ExportFormat};
pub(crate) use keys::{AuditKeys, KeyError};
pub(crate) use offline::{Measure, VerifyError, verify_export, verify_state};
pub(crate) use read::{AUDIT_FILTER_FIELDS, AuditOrder, AuditQuery};
pub(crate) use sign::sign_checkpoints;
