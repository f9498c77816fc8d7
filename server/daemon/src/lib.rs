//! The daemon: gRPC services over use cases over live sessions and rows.
//!
//! Three layers: `grpc` converts, `app` decides what happens and in which order, beneath it are
//! `codeplane-core` (pure rules), `codeplane-store` (rows) and `session` (live sessions).

mod agents;
mod app;
mod clock;
mod config;
mod directories;
pub mod entry;
mod grpc;
mod hook_entry;
mod os;
mod serve;
mod session;
mod shutdown;
mod telemetry;
