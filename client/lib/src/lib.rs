//! A client for Codeplane daemons.
//!
//! [`Client`] has one typed method a call, retries what may be repeated and turns every refusal
//! into an [`Error`] that says what to do. [`Attachment`] is a terminal that survives cut
//! connections and restarted daemons: every byte of output is yielded once, every byte of input is
//! typed once. [`EventWatch`] and [`OutputTail`] go on where they were.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use codeplane_client::{Client, Directories, Endpoint, Overrides, v1};
//!
//! let directories = Directories::resolve(Overrides::default(), |name| std::env::var_os(name))?;
//! let client = Client::connect(&Endpoint::unix(directories.operator_socket())).await?;
//! let request = v1::CreateSessionRequest { command: vec!["bash".into()], ..Default::default() };
//! let session = client.create_session(request).await?;
//! println!("{}", session.id);
//! # Ok(())
//! # }
//! ```

mod attachment;
mod calls;
mod client;
mod display;
mod endpoint;
mod error;
mod follow;
mod hook;
mod options;
mod paths;
mod retry;
mod status;
mod tail;
mod trust;
mod watch;

/// The messages of the API, as generated from its `.proto` files, and their descriptors.
pub use codeplane_proto::{FILE_DESCRIPTOR_SET, v1};
/// Writes out what could act on a terminal, in text that a session has chosen.
pub use codeplane_terminal::visible;

pub use attachment::{Attachment, AttachmentInput, InputRefused};
pub use calls::{AuditExport, PolicyDiff};
pub use client::Client;
pub use display::{DisplayFilter, Screen, TextFilter, is_printable};
pub use endpoint::{Endpoint, InvalidEndpoint};
pub use error::{Error, Undecidable, Violation};
pub use follow::TerminalEvent;
pub use hook::{HookError, HookEvent, HookReporter, Patience};
pub use options::{
    AttachOptions, ConnectOptions, OnUnavailable, Queries, Rejoin, Remedy, RemedyFuture,
    Unavailability,
};
pub use paths::{Directories, Overrides, PathsError};
pub use retry::Backoff;
pub use tail::OutputTail;
pub use watch::{EventWatch, WatchItem};
