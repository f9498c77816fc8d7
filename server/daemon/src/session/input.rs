//! Typing: every way in ends in the shim's one queue.

use std::sync::Arc;

use codeplane_core::{AttachmentId, OutputPosition, RequestId, TerminalSize};
use codeplane_shim::{InputToken, Part, ToShim};

use super::link::{LinkClosed, UnaryRefusal};
use super::live::Live;
use super::seat::{INPUT_BYTES, Seat};

/// Input was not typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
    /// A line is longer than the terminal can hand to the program.
    #[error("a line is longer than 4095 bytes, and the program reads whole lines")]
    LineTooLong,
    /// It is longer than the limit.
    #[error("the input is longer than the limit")]
    TooLong,
}

impl From<LinkClosed> for InputError {
    fn from(_: LinkClosed) -> Self {
        Self::Ended
    }
}

/// One atomic item of input.
#[derive(Debug)]
pub struct UnaryInput<'a> {
    /// A repetition with the same id is not typed again.
    pub request: RequestId,
    /// On whose behalf it is recorded.
    pub author: AttachmentId,
    /// What to type.
    pub bytes: &'a [u8],
}

impl Live {
    /// Types an attachment's input, if it holds control; an observer's is swallowed. Its number is
    /// used up either way, so that the numbers go on when it gets control.
    ///
    /// # Errors
    /// [`InputError::Ended`]
    ///
    /// # Cancel safety
    /// Dropped before it is sent: nothing is typed. After: all of it is.
    pub async fn type_as(&self, seat: &Seat, seq: u64, bytes: &[u8]) -> Result<(), InputError> {
        let Some(link) = self.link() else { return Err(InputError::Ended) };
        let bytes = if self.is_holder(seat.id()) { bytes } else { &[] };
        let message = ToShim::Input {
            token: InputToken(seat.token()),
            seq,
            author: seat.id(),
            bytes,
        };
        Ok(link.send_input(&message, bytes.len()).await?)
    }

    /// Types one item, nothing in between. Waits until it was written to the terminal, and answers
    /// where the output was then.
    ///
    /// # Errors
    /// [`InputError`], before the first byte.
    ///
    /// # Cancel safety
    /// Dropped: either all of it is typed or nothing.
    pub async fn type_unary(&self, input: UnaryInput<'_>) -> Result<OutputPosition, InputError> {
        let Some(link) = self.link() else { return Err(InputError::Ended) };
        let fate = link.expect_unary(input.request);
        let mut parts = input.bytes.chunks(INPUT_BYTES).peekable();
        let mut index = 0;
        loop {
            let bytes = parts.next().unwrap_or_default();
            let last = parts.peek().is_none();
            let message = ToShim::UnaryInput {
                request: input.request,
                author: input.author,
                index,
                part: if last { Part::Last } else { Part::More },
                bytes,
            };
            link.send(&message).await?;
            if last {
                break;
            }
            index += 1;
        }
        match fate.await {
            Ok(Ok(())) => Ok(self.end_position()),
            Ok(Err(UnaryRefusal::LineTooLong)) => Err(InputError::LineTooLong),
            Ok(Err(UnaryRefusal::TooLong)) => Err(InputError::TooLong),
            Ok(Err(UnaryRefusal::Ended | UnaryRefusal::Unknown)) | Err(_) => Err(InputError::Ended),
        }
    }

    /// Tells the shim of a new attachment whose input it is to remember.
    ///
    /// # Errors
    /// [`LinkClosed`]
    pub async fn announce(&self, seat: &Seat) -> Result<(), LinkClosed> {
        let Some(link) = self.link() else { return Err(LinkClosed) };
        link.send(&ToShim::Register { token: InputToken(seat.token()), attachment: seat.id() }).await
    }

    /// Sets the size of the terminal.
    ///
    /// # Errors
    /// [`LinkClosed`]
    pub async fn resize(&self, size: TerminalSize, author: AttachmentId) -> Result<(), LinkClosed> {
        let Some(link) = self.link() else { return Err(LinkClosed) };
        link.send(&ToShim::Resize { size, author }).await
    }

    /// The size of an attachment's terminal changed: it becomes the session's while it controls.
    ///
    /// # Errors
    /// [`LinkClosed`]
    pub async fn resize_as(&self, seat: &Seat, size: TerminalSize) -> Result<(), LinkClosed> {
        seat.note_size(size);
        if self.is_holder(seat.id()) && size != self.size() {
            return self.resize(size, seat.id()).await;
        }
        Ok(())
    }

    /// After a change of control: the size belongs to the holder.
    ///
    /// # Errors
    /// [`LinkClosed`]
    pub async fn fit_holder(&self) -> Result<(), LinkClosed> {
        let holder: Option<Arc<Seat>> = self.holder();
        match holder.as_ref().and_then(|seat| seat.size().map(|size| (seat, size))) {
            Some((seat, size)) if size != self.size() => self.resize(size, seat.id()).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Answers a ping of an attachment.
    pub fn ping(&self, seat: &Seat, id: u64) {
        seat.set_ping(id);
        self.changed();
    }

    /// An attachment wants to leave.
    pub fn ask_to_leave(&self, seat: &Seat) {
        seat.set_leaving();
        self.changed();
    }
}
