//! Judging tool calls: the pure rules of core with the facts of this machine's files.

mod files;
mod simulate;

pub(crate) use simulate::{Simulated, simulate};
