//! The connection to one shim.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Mutex, PoisonError};

use codeplane_core::RequestId;
use codeplane_shim::{
    FromShim, HelloReply, INPUT_WINDOW_BYTES, MAX_MESSAGE_BYTES, ShimSocket, StartFault, ToShim,
    TryReceive, TrySend,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

/// The shim is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session's shim is gone")]
pub(crate) struct LinkClosed;

/// What became of one unary input.
pub(super) type UnaryAnswer = Result<(), UnaryRefusal>;

/// Why the shim did not take an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UnaryRefusal {
    /// A line is longer than the terminal can hand to the program.
    LineTooLong,
    /// It is longer than the shim was told to accept.
    TooLong,
    /// The program has ended.
    Ended,
    /// A newer shim's reason.
    Unknown,
}

/// What became of a program that was to be started.
#[derive(Debug)]
pub(crate) enum Begun {
    /// It was started, with this process id. It may be over already: what comes next on the
    /// connection says so.
    Runs(u32),
    /// It could not be started.
    Failed(StartFault),
}

thread_local! {
    /// One for all links: a message is decoded before the next is received.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; MAX_MESSAGE_BYTES]);
}

/// Inputs of one attachment that were sent and not yet applied: their numbers and lengths.
type UnderWay = VecDeque<(u64, usize)>;

/// A connection to a shim. Any number of tasks may send; one receives.
#[derive(Debug)]
pub(crate) struct Link {
    socket: AsyncFd<ShimSocket>,
    /// Room for attached input that the terminal has not taken yet, in bytes.
    room: Semaphore,
    /// What takes up the room, by attachment.
    under_way: Mutex<HashMap<[u8; 16], UnderWay>>,
    /// Who sends a unary input in several messages: their parts must not mix.
    parts: Semaphore,
    /// Who waits for which unary input.
    unary: Mutex<HashMap<RequestId, Vec<oneshot::Sender<UnaryAnswer>>>>,
}

impl Link {
    /// Wraps a connected socket.
    ///
    /// # Errors
    /// If the runtime cannot watch it.
    pub(crate) fn new(socket: ShimSocket) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        // SAFETY: the socket owns its descriptor and answers the same one as long as it lives.
        let registered = unsafe { AsyncFd::register_with_interest(socket, interest) };
        let socket = registered.map_err(io::Error::from)?;
        Ok(Self {
            socket,
            room: Semaphore::new(INPUT_WINDOW_BYTES),
            under_way: Mutex::default(),
            parts: Semaphore::new(1),
            unary: Mutex::default(),
        })
    }

    /// Sends one message. Waits while the shim's queue is full.
    ///
    /// # Errors
    /// [`LinkClosed`] once the shim is gone.
    ///
    /// # Cancel safety
    /// Dropped before it is sent: it is not. A message is sent whole or not at all.
    pub(super) async fn send(&self, message: &ToShim<'_>) -> Result<(), LinkClosed> {
        loop {
            if self.try_send(message)? == TrySend::Sent {
                return Ok(());
            }
            let mut ready = self.socket.writable().await.map_err(|_| LinkClosed)?;
            // Tried again after the flag is cleared, so that a queue which was emptied in between
            // is not waited for.
            ready.clear_ready();
            if self.try_send(message)? == TrySend::Sent {
                return Ok(());
            }
        }
    }

    /// Sends one message to a shim that may be gone: then there is nobody who needs it.
    ///
    /// # Cancel safety
    /// As [`Link::send`].
    pub(super) async fn tell(&self, message: &ToShim<'_>) {
        if self.send(message).await.is_err() {
            tracing::debug!("a message found no shim");
        }
    }

    /// Ends the shim and whatever is left of its session.
    pub(crate) async fn shut_down(&self) {
        self.tell(&ToShim::Shutdown).await;
    }

    /// Sends one message if there is room for it, from any thread.
    ///
    /// # Errors
    /// [`LinkClosed`] if there is none, or the shim is gone.
    pub(super) fn offer(&self, message: &ToShim<'_>) -> Result<(), LinkClosed> {
        match self.try_send(message)? {
            TrySend::Sent => Ok(()),
            TrySend::WouldBlock => Err(LinkClosed),
        }
    }

    fn try_send(&self, message: &ToShim<'_>) -> Result<TrySend, LinkClosed> {
        self.socket.get_ref().try_send(message).map_err(|_| LinkClosed)
    }

    /// Waits until the terminal has taken enough of what attachments typed before that `length` bytes
    /// more may be sent: so the shim never stops reading, and a stop or a signal always gets through.
    ///
    /// # Errors
    /// [`LinkClosed`] once the shim is gone.
    ///
    /// # Cancel safety
    /// Safe.
    pub(super) async fn room(&self, length: usize) -> Result<SemaphorePermit<'_>, LinkClosed> {
        let permits = u32::try_from(length.min(INPUT_WINDOW_BYTES)).unwrap_or(u32::MAX);
        self.room.acquire_many(permits).await.map_err(|_| LinkClosed)
    }

    /// Sends an attachment's input into the `room` that was waited for.
    ///
    /// # Errors
    /// [`LinkClosed`] once the shim is gone.
    ///
    /// # Cancel safety
    /// As [`Link::send`].
    pub(super) async fn send_input(
        &self,
        message: &ToShim<'_>,
        room: SemaphorePermit<'_>,
    ) -> Result<(), LinkClosed> {
        self.send(message).await?;
        let ToShim::Input { token, seq, bytes, .. } = message else { return Ok(()) };
        let length = bytes.len();
        room.forget();
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.entry(token.0).or_default().push_back((*seq, length));
        Ok(())
    }

    /// The terminal has taken the input up to `seq`.
    pub(super) fn applied(&self, token: [u8; 16], seq: u64) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = under_way.get_mut(&token) else { return };
        let mut bytes = 0;
        while let Some((first, length)) = queue.front().copied() {
            if first > seq {
                break;
            }
            bytes += length.min(INPUT_WINDOW_BYTES);
            queue.pop_front();
        }
        if queue.is_empty() {
            under_way.remove(&token);
        }
        self.room.add_permits(bytes);
    }

    /// The shim took none of an attachment's input that is under way: its room is free again.
    pub(super) fn refused(&self, token: [u8; 16]) {
        self.applied(token, u64::MAX);
    }

    /// The answer to `Hello`, on a connection that nobody else receives on yet.
    ///
    /// # Errors
    /// [`LinkClosed`] if the shim ends instead.
    pub(super) async fn hello(&self) -> Result<HelloReply, LinkClosed> {
        loop {
            if let FromShim::Hello(hello) = self.receive().await? {
                return Ok(hello);
            }
        }
    }

    /// What a new shim says of its program.
    ///
    /// # Errors
    /// [`LinkClosed`] if the shim ends before it says anything.
    pub(crate) async fn started(&self) -> Result<Begun, LinkClosed> {
        loop {
            match self.receive().await? {
                FromShim::StartFailed(fault) => return Ok(Begun::Failed(fault)),
                FromShim::Started { pid } => return Ok(Begun::Runs(pid)),
                _ => {}
            }
        }
    }

    /// Receives the next message.
    ///
    /// # Errors
    /// [`LinkClosed`] once the shim is gone and everything it sent was received.
    ///
    /// # Cancel safety
    /// Safe: nothing is received that is not returned.
    pub(super) async fn receive(&self) -> Result<FromShim, LinkClosed> {
        loop {
            if let Some(message) = self.try_receive()? {
                return Ok(message);
            }
            let mut ready = self.socket.readable().await.map_err(|_| LinkClosed)?;
            ready.clear_ready();
            if let Some(message) = self.try_receive()? {
                return Ok(message);
            }
        }
    }

    fn try_receive(&self) -> Result<Option<FromShim>, LinkClosed> {
        let received = BUFFER.with_borrow_mut(|buffer| self.socket.get_ref().try_receive(buffer));
        match received {
            TryReceive::Message(message) => Ok(Some(message)),
            TryReceive::WouldBlock => Ok(None),
            TryReceive::Closed => Err(LinkClosed),
        }
    }

    /// Waits for its turn to send a unary input in several messages; the turn lasts as long as what
    /// is returned.
    ///
    /// # Errors
    /// [`LinkClosed`] once the shim is gone.
    ///
    /// # Cancel safety
    /// Safe.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, LinkClosed> {
        self.parts.acquire().await.map_err(|_| LinkClosed)
    }

    /// Registers interest in the fate of a unary input, before its first part is sent.
    pub(super) fn expect_unary(&self, request: RequestId) -> oneshot::Receiver<UnaryAnswer> {
        let (answer, fate) = oneshot::channel();
        let mut unary = self.unary.lock().unwrap_or_else(PoisonError::into_inner);
        unary.entry(request).or_default().push(answer);
        fate
    }

    /// Tells those who wait.
    pub(super) fn answer_unary(&self, request: RequestId, answer: &UnaryAnswer) {
        let mut unary = self.unary.lock().unwrap_or_else(PoisonError::into_inner);
        for waiting in unary.remove(&request).into_iter().flatten() {
            // Nobody waits any more: its client hung up.
            drop(waiting.send(answer.clone()));
        }
    }

    /// Nobody gets an answer any more.
    pub(super) fn close(&self) {
        self.room.close();
        self.parts.close();
        self.unary.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
