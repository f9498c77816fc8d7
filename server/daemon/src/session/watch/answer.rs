//! Answers what a program asks its terminal, when nobody's terminal does.

use std::sync::Arc;

use codeplane_core::{AttachmentId, RequestId};
use codeplane_shim::{Part, ToShim};
use codeplane_terminal::{CursorPosition, Modes, Query, ReplyContext, Theme, reply_to};
use tracing::debug;

use crate::session::live::Live;

/// The author of what the daemon types, in the index.
const DAEMON: AttachmentId = AttachmentId::from_bytes([0; 16]);

/// Types the answer, if there is one.
pub(super) fn answer(
    live: &Arc<Live>,
    query: &Query,
    modes: &Modes,
    cursor: Option<CursorPosition>,
) {
    let theme = Theme::default();
    let context = ReplyContext {
        modes,
        cursor,
        theme: &theme,
        cell: None,
        version: env!("CARGO_PKG_VERSION"),
    };
    let Some(reply) = reply_to(query, &context) else { return };
    let Some(link) = live.link() else { return };
    let message = ToShim::UnaryInput {
        request: RequestId::random(),
        author: DAEMON,
        index: 0,
        part: Part::Last,
        bytes: &reply,
    };
    // A program that has filled its queue with input does not wait for an answer.
    if link.offer(&message).is_err() {
        debug!(session.id = %live.id(), "an answer to a query found no room");
    }
}
