//! Frames of terminals as messages.

use std::pin::Pin;
use std::task::{Context, Poll};

use codeplane_core::{AttachmentId, EndReason, SessionId};
use codeplane_proto::v1;
use codeplane_proto::v1::terminal_frame::Frame as Message;
use tokio_stream::Stream;
use tonic::Status;

use super::convert;
use crate::app::{Attached, Control, Follower, Frame, NEEDS_APPROVER, StreamEnd, Typing};

/// A follower's frames as messages, until its `End`.
pub(super) struct Frames {
    follower: Follower,
    session: SessionId,
    own: Option<AttachmentId>,
    /// Of an attachment: told when the stream is gone.
    _leaving: Option<Leaving>,
}

/// Lets the size follow whoever controls now.
pub(super) struct Leaving {
    pub(super) typing: Typing,
    pub(super) shutdown: crate::shutdown::Shutdown,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let typing = self.typing.clone();
        drop(self.shutdown.spawn(async move { typing.left().await }));
    }
}

impl Frames {
    pub(super) const fn new(
        follower: Follower,
        session: SessionId,
        own: Option<AttachmentId>,
        leaving: Option<Leaving>,
    ) -> Self {
        Self { follower, session, own, _leaving: leaving }
    }

    fn message(&self, frame: Frame) -> v1::TerminalFrame {
        v1::TerminalFrame { frame: Some(self.convert(frame)) }
    }

    fn convert(&self, frame: Frame) -> Message {
        match frame {
            Frame::Attached(attached) => {
                Message::Attached(attached_message(self.session, attached))
            }
            Frame::Snapshot { position, data, size } => Message::Snapshot(v1::Snapshot {
                position: Some(convert::position(position)),
                data,
                size: Some(convert::size(size)),
            }),
            Frame::Output { incarnation, offset, data } => {
                Message::Output(v1::Output { offset: offset.0, data, incarnation: incarnation.0 })
            }
            Frame::Gap { from, to } => Message::Gap(v1::Gap {
                from: Some(convert::position(from)),
                to: Some(convert::position(to)),
            }),
            Frame::Resized { at, size } => Message::Resized(v1::Resized {
                at: Some(convert::position(at)),
                size: Some(convert::size(size)),
            }),
            Frame::ControlChanged { holder, at } => Message::ControlChanged(v1::ControlChanged {
                holder: holder.map(|id| id.to_string()).unwrap_or_default(),
                you: holder.is_some() && holder == self.own,
                at: Some(convert::position(at)),
            }),
            Frame::InputRefused(seq) => {
                let message = NEEDS_APPROVER.to_owned();
                Message::InputRefused(v1::InputRefused { seq, message })
            }
            Frame::InputAck(seq) => Message::InputAck(v1::InputAck { seq }),
            Frame::StateChanged { state, incarnation } => Message::StateChanged(v1::StateChanged {
                state: convert::state(state).into(),
                incarnation: incarnation.0,
            }),
            Frame::Exited { reason, position } => {
                let mut exited = exited_message(reason);
                exited.position = Some(convert::position(position));
                Message::Exited(exited)
            }
            Frame::Pong(id) => Message::Pong(v1::Pong { id }),
            Frame::End(end) => Message::End(end_message(end)),
        }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<v1::TerminalFrame>> {
        match Pin::new(&mut self.follower).poll_next(cx) {
            Poll::Ready(Some(frame)) => Poll::Ready(Some(self.message(frame))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Responses of `Attach`.
pub(super) struct AttachFrames(pub(super) Frames);

impl Stream for AttachFrames {
    type Item = Result<v1::AttachResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.0.poll_message(cx);
        next.map(|frame| frame.map(|frame| Ok(v1::AttachResponse { frame: Some(frame) })))
    }
}

/// Responses of `TailOutput`.
pub(super) struct TailFrames(pub(super) Frames);

impl Stream for TailFrames {
    type Item = Result<v1::TailOutputResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.0.poll_message(cx);
        next.map(|frame| frame.map(|frame| Ok(v1::TailOutputResponse { frame: Some(frame) })))
    }
}

fn attached_message(session: SessionId, attached: Attached) -> v1::Attached {
    let mut message = v1::Attached {
        session_id: session.to_string(),
        position: Some(convert::position(attached.position)),
        size: Some(convert::size(attached.size)),
        mode: v1::AttachMode::Observe.into(),
        state: convert::state(attached.state).into(),
        ..v1::Attached::default()
    };
    if let Some(seat) = attached.seat {
        message.attachment_id = seat.id.to_string();
        message.resume_token = seat.token.to_vec().into();
        message.input_seq = seat.input_seq;
        if let Control::Held { answers_from } = seat.control {
            message.set_mode(v1::AttachMode::Control);
            message.answers_queries_from = answers_from.map(convert::position);
        }
    }
    message
}

fn exited_message(reason: EndReason) -> v1::Exited {
    let mut message = v1::Exited::default();
    match reason {
        EndReason::Exited(status) => {
            message.status = Some(convert::exit_status(status));
            message.set_state(v1::SessionState::Exited);
        }
        EndReason::Lost { cause } => {
            message.message = cause;
            message.set_state(v1::SessionState::Lost);
        }
        EndReason::Failed { step, message: text } => {
            message.failed_step = step;
            message.message = text;
            message.set_state(v1::SessionState::Failed);
        }
    }
    message
}

fn end_message(end: StreamEnd) -> v1::End {
    let (reason, message) = match end {
        StreamEnd::Detached => (v1::EndReason::Detached, "detached"),
        StreamEnd::Replaced => (v1::EndReason::Detached, "the same client attached again"),
        StreamEnd::SessionEnded => (v1::EndReason::SessionEnded, "the session ended"),
        StreamEnd::SessionDeleted => (v1::EndReason::SessionDeleted, "the session was deleted"),
        StreamEnd::DaemonStopping => {
            (v1::EndReason::DaemonStopping, "the daemon is stopping; the session goes on")
        }
        StreamEnd::Draining => {
            (v1::EndReason::DaemonStopping, "the daemon is draining; the session goes on")
        }
        StreamEnd::Refused(why) => {
            return v1::End { reason: v1::EndReason::Refused.into(), message: why };
        }
        StreamEnd::LimitReached => (v1::EndReason::LimitReached, "that is all for now"),
    };
    v1::End { reason: reason.into(), message: message.to_owned() }
}
