//! What the client wants to say, kept until the daemon has it.
//!
//! Input waits here until it is acknowledged, so that a cut connection loses nothing; everything
//! else is a level (the newest size, the newest wish), so that nothing grows.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_stream::Stream;

use super::input::InputRefused;
use crate::v1::{self, attach_request::Request};

/// Input that may be unacknowledged before typing has to wait.
const PENDING_LIMIT_BYTES: usize = 64 * 1024;

/// Shared by the attachment, its input handles and the request stream of the present connection.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Not acknowledged, oldest first.
    pending: VecDeque<Item>,
    pending_bytes: usize,
    /// How many of `pending` went out over the present connection.
    sent: usize,
    last_seq: u64,
    size: Option<v1::TerminalSize>,
    /// Requests but for input and detach, each kind at most once.
    wishes: VecDeque<Request>,
    detach: Option<Request>,
    /// Which connection may take from here; older streams end.
    connection: u64,
    phase: Phase,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// No connection has been joined (yet): what is said is kept.
    #[default]
    Waiting,
    Joined(Right),
    /// As `Waiting`, with the right of the connection that broke.
    Cut(Right),
    Over,
}

/// Whether input is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    Control,
    Observe,
}

#[derive(Debug)]
struct Item {
    seq: u64,
    data: Bytes,
    /// Whether it ever went out, over whatever connection.
    tried: bool,
}

/// Whether the daemon goes on counting where this attachment stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    Continues,
    Anew,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let waker = {
            let mut state = self.lock();
            change(&mut state);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Queues input if there is room for any; otherwise gives it back.
    pub(super) fn try_type(&self, data: Bytes) -> Result<Option<Bytes>, InputRefused> {
        let mut refused = None;
        let mut rest = None;
        self.change(|state| match state.phase {
            Phase::Over => refused = Some(InputRefused::Ended),
            Phase::Joined(Right::Observe) | Phase::Cut(Right::Observe) => {
                refused = Some(InputRefused::Observing);
            }
            Phase::Waiting | Phase::Joined(Right::Control) | Phase::Cut(Right::Control) => {
                if state.has_room() {
                    state.push(data);
                } else {
                    rest = Some(data);
                }
            }
        });
        refused.map_or(Ok(rest), Err)
    }

    /// Whether input would be queued at once.
    pub(super) fn has_room(&self) -> bool {
        self.lock().has_room()
    }

    /// Waits until input would be queued, or refused, at once. Cancel safe.
    pub(super) async fn room(&self) {
        loop {
            // Made before the look, so that room made in between wakes it.
            let made = self.room.notified();
            {
                let state = self.lock();
                if state.has_room() || state.phase == Phase::Over {
                    return;
                }
            }
            made.await;
        }
    }

    /// Says something that replaces what was said before of the same kind.
    pub(super) fn wish(&self, request: Request) {
        self.change(|state| {
            if let Request::Resize(size) = request {
                state.size = Some(size);
            }
            let kind = std::mem::discriminant(&request);
            state.wishes.retain(|wish| std::mem::discriminant(wish) != kind);
            state.wishes.push_back(request);
        });
    }

    /// Says good-bye once everything typed before is on its way.
    pub(super) fn detach(&self, position: Option<v1::OutputPosition>) {
        self.change(|state| state.detach = Some(Request::Detach(v1::AttachDetach { position })));
    }

    /// Remembers the size that Init tells.
    pub(super) fn remember_size(&self, size: v1::TerminalSize) {
        self.lock().size = Some(size);
    }

    /// The size told last.
    pub(super) fn size(&self) -> Option<v1::TerminalSize> {
        self.lock().size
    }

    /// Prepares the stream of a new connection; it says `init`, then nothing until [`Self::join`].
    pub(super) fn requests(self: &Arc<Self>, init: v1::AttachInit) -> Requests {
        let mut connection = 0;
        self.change(|state| {
            state.cut();
            state.connection += 1;
            connection = state.connection;
        });
        let init = Some(v1::AttachRequest { request: Some(Request::Init(init)) });
        Requests { outbox: Arc::clone(self), connection, init }
    }

    /// The new connection stands: says again what the daemon has not received. Returns the bytes of
    /// which nobody knows whether it has.
    pub(super) fn join(&self, received_seq: u64, numbering: Numbering, right: Right) -> usize {
        let mut uncertain = 0;
        self.change(|state| {
            uncertain = state.renumber(received_seq, numbering);
            state.sent = 0;
            state.phase = Phase::Joined(right);
        });
        self.room.notify_waiters();
        uncertain
    }

    /// The connection broke: what is typed now waits for the next one.
    pub(super) fn cut(&self) {
        self.change(State::cut);
    }

    /// Control came or went.
    pub(super) fn set_right(&self, right: Right) {
        self.change(|state| {
            if let Phase::Joined(now) = &mut state.phase {
                *now = right;
            }
        });
    }

    /// The right to type, also of a connection that is broken at the moment.
    pub(super) fn right(&self) -> Option<Right> {
        match self.lock().phase {
            Phase::Joined(right) | Phase::Cut(right) => Some(right),
            Phase::Waiting | Phase::Over => None,
        }
    }

    /// The daemon has all input up to `seq`.
    pub(super) fn acknowledge(&self, seq: u64) {
        self.lock().acknowledge(seq);
        self.room.notify_waiters();
    }

    /// Nothing will be typed any more.
    pub(super) fn finish(&self) {
        self.change(|state| {
            state.phase = Phase::Over;
            state.pending.clear();
            state.pending_bytes = 0;
        });
        self.room.notify_waiters();
    }
}

impl State {
    const fn has_room(&self) -> bool {
        self.pending_bytes < PENDING_LIMIT_BYTES
    }

    fn push(&mut self, data: Bytes) {
        self.last_seq += 1;
        self.pending_bytes += data.len();
        self.pending.push_back(Item { seq: self.last_seq, data, tried: false });
    }

    fn cut(&mut self) {
        if let Phase::Joined(right) = self.phase {
            self.phase = Phase::Cut(right);
        }
    }

    fn acknowledge(&mut self, seq: u64) {
        let received = self.pending.iter().take_while(|item| item.seq <= seq).count();
        self.sent = self.sent.saturating_sub(received);
        self.pending_bytes -=
            self.pending.drain(..received).map(|item| item.data.len()).sum::<usize>();
    }

    fn renumber(&mut self, received_seq: u64, numbering: Numbering) -> usize {
        let first = self.pending.front().map_or(self.last_seq + 1, |item| item.seq);
        if numbering == Numbering::Continues && received_seq + 1 >= first {
            self.acknowledge(received_seq);
            self.last_seq = self.last_seq.max(received_seq);
            return 0;
        }
        // The daemon has forgotten this attachment. What was on its way may have arrived: typing
        // it twice is worse than saying so.
        let tried = |item: &Item| if item.tried { item.data.len() } else { 0 };
        let uncertain = self.pending.iter().map(tried).sum();
        self.pending.retain(|item| !item.tried);
        self.pending_bytes -= uncertain;
        self.last_seq = received_seq;
        for item in &mut self.pending {
            self.last_seq += 1;
            item.seq = self.last_seq;
        }
        uncertain
    }

    fn next_request(&mut self) -> Option<Request> {
        if let Some(wish) = self.wishes.pop_front() {
            return Some(wish);
        }
        if let Some(item) = self.pending.get_mut(self.sent) {
            self.sent += 1;
            item.tried = true;
            return Some(Request::Input(v1::AttachInput {
                seq: item.seq,
                data: item.data.clone(),
            }));
        }
        self.detach.take()
    }
}

/// The requests of one connection. HTTP/2 takes from it only when it may send, so that flow control
/// is the brake and the outbox the queue.
#[derive(Debug)]
pub(super) struct Requests {
    outbox: Arc<Outbox>,
    connection: u64,
    init: Option<v1::AttachRequest>,
}

impl Stream for Requests {
    type Item = v1::AttachRequest;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(init) = self.init.take() {
            return Poll::Ready(Some(init));
        }
        let mut state = self.outbox.lock();
        if state.connection != self.connection {
            return Poll::Ready(None);
        }
        let request = match state.phase {
            Phase::Joined(_) => state.next_request(),
            Phase::Waiting | Phase::Cut(_) => None,
            Phase::Over => return Poll::Ready(None),
        };
        match request {
            Some(request) => Poll::Ready(Some(v1::AttachRequest { request: Some(request) })),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
