//! One reader of one terminal, as a stream of frames.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use codeplane_core::{
    AttachmentId, EndReason, Incarnation, Offset, OutputPosition, SessionState, StateName,
};
use codeplane_shim::{LogReader, Read};
use tokio_stream::Stream;

use crate::session::frame::{Frame, StreamEnd};
use crate::session::live::Live;
use crate::session::seat::Seat;

/// Most bytes of one `Output` frame. 16 KiB is as good and 256 KiB gains nothing; see
/// `BENCHMARKS.md`.
const CHUNK_BYTES: u64 = 64 << 10;

/// Where and how to follow.
#[derive(Debug)]
pub(crate) struct Follow {
    /// The first frames, before any output: `Attached`, a snapshot.
    pub head: Vec<Frame>,
    /// Where output begins.
    pub from: OutputPosition,
    /// The attachment; none for a tail.
    pub seat: Option<Arc<Seat>>,
    /// When to end.
    pub until: Until,
}

/// When a follower ends, besides the end of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// When the session is over.
    SessionEnds,
    /// When the incarnation is over.
    IncarnationEnds,
    /// At this position: a reader that does not follow.
    Position(Offset),
}

/// A stream that reads the log at its own pace.
///
/// It has no queue: it is asked for a frame when its client can take one, and reads the file then.
/// So a slow client slows only itself, and the log is its buffer.
#[derive(Debug)]
pub(crate) struct Follower {
    live: Arc<Live>,
    slot: usize,
    reader: LogReader,
    position: OutputPosition,
    seat: Option<Arc<Seat>>,
    until: Until,
    /// Frames that are due before the next output.
    due: VecDeque<Frame>,
    told: Told,
    /// How often the daemon had been drained when it began.
    drains: u64,
    over: bool,
}

/// What the client was told last.
#[derive(Debug)]
struct Told {
    version: u64,
    state: StateName,
    incarnation: Incarnation,
    holder: Option<AttachmentId>,
    /// Number of the next change of size to tell.
    resize: u64,
    acked: u64,
    refused: u64,
}

impl Follower {
    /// A follower that sees everything from now on.
    #[must_use]
    pub(crate) fn new(live: Arc<Live>, follow: Follow) -> Self {
        let resize = live.next_resize();
        let levels = live.levels(resize);
        let told = Told {
            version: 0,
            state: levels.state.name(),
            incarnation: levels.incarnation,
            holder: levels.holder,
            resize,
            acked: follow.seat.as_ref().map_or(0, |seat| seat.acked()),
            refused: follow.seat.as_ref().map_or(0, |seat| seat.refused()),
        };
        Self {
            slot: live.wakers().join(),
            reader: live.reader(),
            position: follow.from,
            seat: follow.seat,
            until: follow.until,
            due: follow.head.into(),
            told,
            drains: live.drains(),
            over: false,
            live,
        }
    }

    /// Looks at the levels and queues a frame for each that differs from what was told.
    fn compare(&mut self) -> Option<(Offset, u64)> {
        let levels = self.live.levels(self.told.resize);
        if let Some(why) = self.cut(levels.deleted) {
            // Nothing that is due is worth waiting for.
            self.due.clear();
            let end = self.end(why);
            self.due.push_back(end);
            return None;
        }
        if let Some(seat) = &self.seat {
            let refused = seat.refused();
            if refused != self.told.refused {
                self.told.refused = refused;
                self.due.push_back(Frame::InputRefused(refused));
            }
            let acked = seat.acked();
            if acked != self.told.acked {
                self.told.acked = acked;
                self.due.push_back(Frame::InputAck(acked));
            }
            if let Some(id) = seat.take_ping() {
                self.due.push_back(Frame::Pong(id));
            }
        }
        let retell = self.seat.as_ref().is_some_and(|seat| seat.take_retell());
        if levels.holder != self.told.holder || retell {
            self.told.holder = levels.holder;
            let at = OutputPosition { offset: levels.control_at, incarnation: levels.incarnation };
            self.due.push_back(Frame::ControlChanged { holder: levels.holder, at });
        }
        let state = levels.state.name();
        let ended = !levels.state.is_live();
        if (state, levels.incarnation) != (self.told.state, self.told.incarnation) {
            self.told.state = state;
            self.told.incarnation = levels.incarnation;
            if !ended {
                let incarnation = levels.incarnation;
                self.due.push_back(Frame::StateChanged { state, incarnation });
            }
        }
        if let Some((number, at, size)) = levels.resize {
            if at > self.position.offset {
                return Some((at, number));
            }
            self.told.resize = number + 1;
            // There may be more of them.
            self.told.version = 0;
            let at = OutputPosition { offset: at, ..self.position };
            self.due.push_back(Frame::Resized { at, size });
        }
        None
    }

    /// Why the stream ends before the output is read to its end, if it does.
    #[expect(clippy::fn_params_excessive_bools, reason = "a level as it was read")]
    fn cut(&self, deleted: bool) -> Option<StreamEnd> {
        if let Some(why) = self.seat.as_ref().and_then(|seat| seat.departure()) {
            return Some(why);
        }
        if deleted {
            return Some(StreamEnd::SessionDeleted);
        }
        (self.live.drains() != self.drains).then_some(StreamEnd::Draining)
    }

    /// The next output, up to `limit`.
    fn read(&mut self, limit: Offset) -> Option<Frame> {
        let wanted = limit.since(self.position.offset).min(CHUNK_BYTES);
        if wanted == 0 {
            return None;
        }
        let mut chunk = BytesMut::zeroed(usize::try_from(wanted).unwrap_or(0));
        match self.reader.read(self.position.offset, limit, &mut chunk) {
            Ok(Read::Bytes(count)) => {
                chunk.truncate(count);
                Some(self.output(chunk.freeze()))
            }
            Ok(Read::Gap { to, .. }) => {
                let from = self.position;
                self.position.offset = to;
                Some(Frame::Gap { from, to: self.position })
            }
            Ok(Read::Empty) => None,
            Err(error) => {
                // The bytes cannot be read now; the client may come back for them by position.
                tracing::error!(session.id = %self.live.id(), %error, "output cannot be read");
                Some(self.end(StreamEnd::DaemonStopping))
            }
        }
    }

    fn output(&mut self, data: Bytes) -> Frame {
        let OutputPosition { incarnation, offset } = self.position;
        self.position.offset = offset.plus(data.len());
        Frame::Output { incarnation, offset, data }
    }

    /// What to do at the end of the output so far.
    fn at_end(&mut self) -> Option<Frame> {
        match self.live.state() {
            SessionState::Ended(reason) => Some(self.exited(reason)),
            SessionState::Starting
            | SessionState::Running
            | SessionState::Stopping
            | SessionState::Restarting { .. } => {
                self.live.is_stopping().then(|| self.end(StreamEnd::DaemonStopping))
            }
        }
    }

    fn exited(&mut self, reason: EndReason) -> Frame {
        let end = self.end(StreamEnd::SessionEnded);
        self.due.push_back(end);
        Frame::Exited { reason, position: self.position }
    }

    fn end(&mut self, why: StreamEnd) -> Frame {
        self.over = true;
        Frame::End(why)
    }

    fn next_frame(&mut self, waker: &std::task::Waker) -> Option<Frame> {
        loop {
            if let Some(frame) = self.due.pop_front() {
                return Some(frame);
            }
            // First ask to be woken, then look: no change can fall between the two.
            self.live.wakers().register(self.slot, waker);
            let version = self.live.version();
            let mut limit = match self.until {
                Until::SessionEnds | Until::IncarnationEnds => self.live.end(),
                Until::Position(position) => position,
            };
            if version != self.told.version {
                self.told.version = version;
                if let Some((resized_at, _)) = self.compare() {
                    limit = limit.min(resized_at);
                    // Look again when the position has come there.
                    self.told.version = 0;
                }
                if !self.due.is_empty() {
                    continue;
                }
            }
            if let Some(frame) = self.read(limit) {
                return Some(frame);
            }
            if let Until::Position(position) = self.until
                && self.position.offset >= position
            {
                return Some(self.end(StreamEnd::LimitReached));
            }
            return self.at_end();
        }
    }
}

impl Stream for Follower {
    type Item = Frame;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        if self.over {
            return Poll::Ready(self.due.pop_front());
        }
        match self.next_frame(cx.waker()) {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Poll::Pending,
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.live.wakers().leave(self.slot);
        if let Some(seat) = self.seat.take() {
            self.live.leave(&seat);
        }
    }
}

#[cfg(test)]
mod tests;
