//! The typing side of an attachment.

use std::sync::Arc;

use bytes::Bytes;

use super::outbox::Outbox;
use crate::v1::{self, attach_request::Request};

/// Most bytes of one input message.
const INPUT_BYTES: usize = 32 * 1024;

/// Types into an attachment and says what its user wants; clones type into the same one.
///
/// Works also while the connection is broken: what is said is kept and goes out with the next one.
#[derive(Clone, Debug)]
pub struct AttachmentInput {
    outbox: Arc<Outbox>,
}

/// Input is not typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputRefused {
    /// The attachment does not hold control.
    #[error("this attachment only observes")]
    Observing,
    /// Nothing takes input any more.
    #[error("the attachment has ended")]
    Ended,
}

impl AttachmentInput {
    pub(super) const fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox }
    }

    /// Types `data`. Waits while 64 KiB are not acknowledged.
    ///
    /// # Errors
    /// [`InputRefused`]; then nothing more of `data` is typed.
    ///
    /// # Cancel safety
    /// Dropped while it waits: whole pieces of 32 KiB from the beginning may have been queued.
    pub async fn send(&self, data: Bytes) -> Result<(), InputRefused> {
        let mut rest = data;
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(INPUT_BYTES));
            let mut queued = self.outbox.try_type(piece)?;
            while let Some(piece) = queued {
                self.outbox.room().await;
                queued = self.outbox.try_type(piece)?;
            }
        }
        Ok(())
    }

    /// Whether [`Self::send`] of up to 32 KiB would not wait.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    /// Waits until [`Self::has_room`], or the end. Cancel safe.
    pub async fn room(&self) {
        self.outbox.room().await;
    }

    /// Tells the size of the client's terminal; it takes effect while the attachment holds control.
    pub fn resize(&self, size: v1::TerminalSize) {
        self.outbox.wish(Request::Resize(size));
    }

    /// Asks for control, from whoever holds it; `ControlChanged` is the answer.
    pub fn acquire_control(&self) {
        let request = v1::AttachAcquireControl { if_free: false };
        self.outbox.wish(Request::AcquireControl(request));
    }

    /// Gives control up and observes.
    ///
    /// `shown` is how far the terminal was given the output ([`Attachment::position`]): what is asked
    /// behind it, the daemon answers. None: everything.
    ///
    /// [`Attachment::position`]: super::Attachment::position
    pub fn release_control(&self, shown: Option<v1::OutputPosition>) {
        let release = v1::AttachReleaseControl { position: shown };
        self.outbox.wish(Request::ReleaseControl(release));
    }

    /// Asks whether the daemon is there; `Pong` with the same id is the answer.
    pub fn ping(&self, id: u64) {
        self.outbox.wish(Request::Ping(v1::AttachPing { id }));
    }

    /// Leaves once everything typed before is on its way; `End` is the answer.
    ///
    /// `shown` is as in [`Self::release_control`].
    pub fn detach(&self, shown: Option<v1::OutputPosition>) {
        self.outbox.detach(shown);
    }
}
