//! Judging tool calls: the pure rules of core with the facts of this machine's files.

mod bound;
mod files;
mod simulate;
mod written;

pub(in crate::app) use files::Files;
pub(crate) use simulate::{Simulated, simulate};
pub(in crate::app) use written::{facts_json, verdict_json};
