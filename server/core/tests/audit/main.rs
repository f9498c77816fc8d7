//! The audit log: what its bytes are, and that nothing of it can be changed unseen.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these are tests: a failure is a failed test"
)]

mod canonical;
mod kit;
mod secret;
mod tampering;
