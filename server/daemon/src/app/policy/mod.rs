//! Policies: what is kept of them, whom they judge, and judging by them with the facts of this
//! machine's files.

mod again;
mod apply;
mod bound;
mod catalogue;
mod diff;
mod files;
mod given;
mod judge;
mod manage;
mod protected;
mod simulate;
mod source;
#[cfg(test)]
mod tests;
mod values;
mod written;

pub(in crate::app) use again::{JudgedIn, options_version};
pub(crate) use apply::{ApplyMode, ApplyRequest, RollbackRequest};
pub(crate) use bound::own_rule;
pub(in crate::app) use bound::tell_unbound;
pub(crate) use catalogue::Catalogue;
pub(crate) use diff::{ChangedAnswer, Compared, DiffRequest, DiffStep, PolicyDiff};
pub(in crate::app) use files::Files;
pub(in crate::app) use given::Record;
pub(crate) use judge::{JudgedCall, SimulateRequest};
pub(crate) use simulate::{Simulated, simulate};
pub(crate) use values::{
    AppliedView, FoundIn, PolicyFile, PolicyView, TargetRequest, check_file, target_text,
};
pub(in crate::app) use written::{facts_json, verdict_json};
