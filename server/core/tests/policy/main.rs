//! What rules allow, ask and deny, as tables.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are tests: a failure is a failed test"
)]

mod cases;
mod conditions;
mod differential;
mod documents;
mod escalations;
mod grants;
mod kit;
mod laws;
mod limits;
mod nowhere;
mod opaque;
mod paths;
mod shell;
mod shown;
mod speed;
mod tools;
