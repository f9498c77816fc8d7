//! Typing: every way in ends in the shim's one queue.

use codeplane_core::{AttachmentId, OutputPosition, RequestId, Role, Roles, TerminalSize};
use codeplane_shim::{InputToken, Part, ToShim};
use codeplane_terminal::keys::only_interrupts;

use super::frame::StreamEnd;
use super::link::{LinkClosed, UnaryRefusal};
use super::live::Live;
use super::seat::{INPUT_BYTES, Seat};

/// Input was not typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InputError {
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
    /// A line is longer than the terminal can hand to the program.
    #[error("a line is longer than 4095 bytes, and the program reads whole lines")]
    LineTooLong,
    /// It is longer than the limit.
    #[error("the input is longer than the limit")]
    TooLong,
    /// It may answer a dialog, and whoever types may not.
    #[error("a permission may be asked for on the screen, and whoever types may not give it")]
    NeedsApprover,
}

impl From<LinkClosed> for InputError {
    fn from(_: LinkClosed) -> Self {
        Self::Ended
    }
}

/// One atomic item of input.
#[derive(Debug)]
pub(crate) struct UnaryInput<'a> {
    /// A repetition with the same id is not typed again.
    pub request: RequestId,
    /// On whose behalf it is recorded.
    pub author: AttachmentId,
    /// What to type.
    pub bytes: &'a [u8],
    /// What whoever types may do.
    pub roles: Roles,
}

impl Live {
    /// Types an attachment's input, if it holds control; an observer's is swallowed. Its number is
    /// used up either way, so that the numbers go on when it gets control.
    ///
    /// # Errors
    /// [`InputError::Ended`]; [`InputError::NeedsApprover`], its number is used up then too and its
    /// client is told.
    ///
    /// # Cancel safety
    /// Dropped before it is sent: nothing is typed. After: all of it is.
    pub(crate) async fn type_as(
        &self,
        seat: &Seat,
        seq: u64,
        bytes: &[u8],
        roles: Roles,
    ) -> Result<(), InputError> {
        let Some(link) = self.link() else { return Err(InputError::Ended) };
        self.announce(seat).await;
        let may_type = self.is_holder(seat.id()) && roles.contains(Role::Operator);
        let bytes = if may_type { bytes } else { &[] };
        let room = link.room(bytes.len()).await?;
        // Asked now and not before: while it waited for room, a dialog may have come up.
        let allowed = self.check_dialog(bytes, roles);
        let (bytes, room) = match allowed {
            Ok(()) => (bytes, room),
            Err(_) => {
                drop(room);
                seat.set_refused(seq);
                self.changed();
                (&[][..], link.room(0).await?)
            }
        };
        let message =
            ToShim::Input { token: InputToken(seat.token()), seq, author: seat.id(), bytes };
        link.send_input(&message, room).await?;
        allowed
    }

    /// While a dialog may be on the screen that asks for a permission, whoever types may give it: only who
    /// may approve does more than break off.
    fn check_dialog(&self, bytes: &[u8], roles: Roles) -> Result<(), InputError> {
        let may = roles.contains(Role::Approver) || only_interrupts(bytes);
        if may || !self.may_show_dialog() { Ok(()) } else { Err(InputError::NeedsApprover) }
    }

    /// Types one item, nothing in between. Waits until it was written to the terminal, and answers
    /// where the output was then.
    ///
    /// # Errors
    /// [`InputError`], before the first byte.
    ///
    /// # Cancel safety
    /// Dropped: either all of it is typed or nothing.
    pub(crate) async fn type_unary(
        &self,
        input: UnaryInput<'_>,
    ) -> Result<OutputPosition, InputError> {
        let Some(link) = self.link() else { return Err(InputError::Ended) };
        let turn = match input.bytes.len() {
            0..=INPUT_BYTES => None,
            _ => Some(link.turn().await?),
        };
        let fate = link.expect_unary(input.request);
        let mut parts = input.bytes.chunks(INPUT_BYTES).peekable();
        let mut index = 0;
        loop {
            let bytes = parts.next().unwrap_or_default();
            let last = parts.peek().is_none();
            // The shim types nothing before it has all of it.
            if let Err(refused) = self.check_dialog(input.bytes, input.roles) {
                link.answer_unary(input.request, &Err(UnaryRefusal::Unknown));
                return Err(refused);
            }
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
        drop(turn);
        match fate.await {
            Ok(Ok(())) => Ok(self.end_position()),
            Ok(Err(UnaryRefusal::LineTooLong)) => Err(InputError::LineTooLong),
            Ok(Err(UnaryRefusal::TooLong)) => Err(InputError::TooLong),
            Ok(Err(UnaryRefusal::Ended | UnaryRefusal::Unknown)) | Err(_) => Err(InputError::Ended),
        }
    }

    /// Tells the shim of an attachment whose input it is to remember, before its first.
    async fn announce(&self, seat: &Seat) {
        if !seat.is_announced() {
            let token = InputToken(seat.token());
            self.tell(&ToShim::Register { token, attachment: seat.id() }).await;
            seat.set_announced();
        }
    }

    /// The size of an attachment's terminal changed: it becomes the session's while it controls.
    pub(crate) async fn resize_as(&self, seat: &Seat, size: TerminalSize) {
        seat.note_size(size);
        self.fit_holder().await;
    }

    /// After a change of control: the size belongs to the holder.
    pub(crate) async fn fit_holder(&self) {
        let Some(holder) = self.holder() else { return };
        match holder.size() {
            Some(size) if size != self.size() => {
                self.tell(&ToShim::Resize { size, author: holder.id() }).await;
            }
            Some(_) | None => {}
        }
    }

    async fn tell(&self, message: &ToShim<'_>) {
        if let Some(link) = self.link() {
            link.tell(message).await;
        }
    }

    /// Answers a ping of an attachment.
    pub(crate) fn ping(&self, seat: &Seat, id: u64) {
        seat.set_ping(id);
        self.changed();
    }

    /// An attachment's terminal is given no output behind this position.
    pub(crate) fn shown_up_to(&self, seat: &Seat, position: OutputPosition) {
        if position.incarnation == self.incarnation() {
            seat.set_shown(position.offset);
        }
    }

    /// An attachment wants to leave.
    pub(crate) fn ask_to_leave(&self, seat: &Seat) {
        seat.depart(StreamEnd::Detached);
        self.changed();
    }

    /// An attachment's client sent what cannot be.
    pub(crate) fn refuse(&self, seat: &Seat, why: String) {
        seat.depart(StreamEnd::Refused(why));
        self.changed();
    }

    /// An attachment's wish for control was refused.
    pub(crate) fn tell_holder(&self, seat: &Seat) {
        seat.set_retell();
        self.changed();
    }
}

#[cfg(test)]
mod tests;
