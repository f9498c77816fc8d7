//! Real shims with real programs on real terminals.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod doors;
mod ending;
mod input;
mod kit;
mod output;
mod starting;
