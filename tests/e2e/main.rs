//! All end-to-end tests, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests: a failure of them is a failed test"
)]

mod attach;
mod audit;
mod bad_input;
mod files;
mod hooks;
mod kit;
mod kit_daemon;
mod layers;
mod lifecycle;
mod policy;
mod protos;
mod real;
mod security;
mod source;
mod survival;
