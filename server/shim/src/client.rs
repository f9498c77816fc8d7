//! The daemon's end of the connection.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::fault::StartFault;
use crate::os::{self, Delivered, Interest, Poll, Received, SeqPacket};
use crate::wire::{FromShim, HelloReply, MAX_MESSAGE_BYTES, PROTOCOL, ProcessState, ToShim};

/// A connection to a shim. Nothing on it blocks but the two waiting helpers; poll it for reading
/// and writing as any descriptor.
///
/// What the shim says while nobody reads is not lost: it keeps the newest state of everything and
/// says it when there is room.
#[derive(Debug)]
pub struct ShimSocket(SeqPacket);

/// What came of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrySend {
    /// The shim has it in its queue.
    Sent,
    /// The queue is full; nothing was sent. Wait for the socket to be writable.
    WouldBlock,
}

/// What came of a receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TryReceive {
    /// A message.
    Message(FromShim),
    /// None waits. Wait for the socket to be readable.
    WouldBlock,
    /// The shim is gone. How the session ended is in its exit file; without one it is lost.
    Closed,
}

/// What became of a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// The program runs, or ran already.
    Running {
        /// Its process id.
        pid: u32,
    },
    /// It could not be started; the shim is gone or about to go.
    Failed(StartFault),
}

/// Why a shim did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It is gone, or closed the connection.
    #[error("shim closed the connection")]
    Closed,
    /// It did not answer in time.
    #[error("shim did not answer within {0:?}")]
    TimedOut(Duration),
    /// The connection could not be made.
    #[error("connection to shim")]
    Connect(#[source] io::Error),
}

impl ShimSocket {
    /// Connects to the shim that listens at `path`. The shim tells nothing before it got
    /// [`ToShim::Hello`].
    ///
    /// # Errors
    /// [`io::ErrorKind::ConnectionRefused`] or [`io::ErrorKind::NotFound`] where none listens.
    pub fn connect(path: &Path) -> io::Result<Self> {
        Ok(Self::from_owned(os::connect(path)?))
    }

    pub(crate) const fn from_owned(fd: OwnedFd) -> Self {
        Self(SeqPacket::from_owned(fd))
    }

    /// Sends one message, whole or not at all.
    ///
    /// # Errors
    /// [`ClientError::Closed`] when the shim is gone.
    pub fn try_send(&self, message: &ToShim<'_>) -> Result<TrySend, ClientError> {
        let mut bytes = Vec::with_capacity(64);
        message.encode(&mut bytes);
        match self.0.send(&bytes) {
            Delivered::Sent => Ok(TrySend::Sent),
            Delivered::Full => Ok(TrySend::WouldBlock),
            Delivered::Closed => Err(ClientError::Closed),
        }
    }

    /// Receives one message into `buffer`, which must have [`MAX_MESSAGE_BYTES`] and may be shared
    /// by many sockets. Messages of a later version are skipped.
    pub fn try_receive(&self, buffer: &mut [u8]) -> TryReceive {
        loop {
            match self.0.receive(buffer) {
                Received::Message(len) => {
                    if let Some(message) = FromShim::decode(&buffer[..len]) {
                        return TryReceive::Message(message);
                    }
                }
                Received::TooLong => {}
                Received::Nothing => return TryReceive::WouldBlock,
                Received::Closed => return TryReceive::Closed,
            }
        }
    }

    /// Says hello and waits for the reply. Blocks; for threads that recover sessions. What the
    /// shim said before the reply is dropped, as the reply says all of it.
    ///
    /// # Errors
    /// [`ClientError`] when the shim is gone or does not answer within `timeout`.
    pub fn wait_hello(&self, timeout: Duration) -> Result<HelloReply, ClientError> {
        let until = Instant::now() + timeout;
        while self.try_send(&ToShim::Hello { protocol: PROTOCOL })? == TrySend::WouldBlock {
            self.wait(Interest::Write, until, timeout)?;
        }
        self.wait_for(until, timeout, |message| match message {
            FromShim::Hello(reply) => Some(reply),
            FromShim::StartFailed(_)
            | FromShim::Started { .. }
            | FromShim::Notice { .. }
            | FromShim::Registered { .. }
            | FromShim::InputAck { .. }
            | FromShim::InputGap { .. }
            | FromShim::UnaryAck { .. }
            | FromShim::UnaryRefused { .. }
            | FromShim::Resized(_)
            | FromShim::Exited { .. }
            | FromShim::Disk(_)
            | FromShim::Drained { .. }
            | FromShim::Pong { .. }
            | FromShim::TermMode(_) => None,
        })
    }

    /// Waits until the program of a launch runs or has failed to. Blocks; for the thread that
    /// launched it.
    ///
    /// # Errors
    /// [`ClientError`] when the shim is gone or does not answer within `timeout`.
    pub fn wait_started(&self, timeout: Duration) -> Result<Started, ClientError> {
        let until = Instant::now() + timeout;
        self.wait_for(until, timeout, |message| match message {
            FromShim::Started { pid } => Some(Started::Running { pid }),
            FromShim::StartFailed(fault) => Some(Started::Failed(fault)),
            FromShim::Hello(reply) => match reply.state {
                ProcessState::Starting => None,
                ProcessState::Running | ProcessState::Exited { .. } => {
                    Some(Started::Running { pid: reply.child_pid })
                }
                ProcessState::Failed(fault) => Some(Started::Failed(fault)),
            },
            FromShim::Notice { .. }
            | FromShim::Registered { .. }
            | FromShim::InputAck { .. }
            | FromShim::InputGap { .. }
            | FromShim::UnaryAck { .. }
            | FromShim::UnaryRefused { .. }
            | FromShim::Resized(_)
            | FromShim::Exited { .. }
            | FromShim::Disk(_)
            | FromShim::Drained { .. }
            | FromShim::Pong { .. }
            | FromShim::TermMode(_) => None,
        })
    }

    fn wait_for<T>(
        &self,
        until: Instant,
        timeout: Duration,
        mut wanted: impl FnMut(FromShim) -> Option<T>,
    ) -> Result<T, ClientError> {
        let mut buffer = vec![0; MAX_MESSAGE_BYTES];
        loop {
            match self.try_receive(&mut buffer) {
                TryReceive::Message(message) => {
                    if let Some(found) = wanted(message) {
                        return Ok(found);
                    }
                }
                TryReceive::WouldBlock => self.wait(Interest::Read, until, timeout)?,
                TryReceive::Closed => return Err(ClientError::Closed),
            }
        }
    }

    /// Waits for the socket; an error once the time is over.
    pub(crate) fn wait(
        &self,
        interest: Interest,
        until: Instant,
        timeout: Duration,
    ) -> Result<(), ClientError> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ClientError::TimedOut(timeout));
        }
        let mut poll = Poll::<1>::new();
        poll.watch(0, self, interest);
        poll.wait(Some(left));
        Ok(())
    }
}

impl AsFd for ShimSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for ShimSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Takes over a connected socket of the kind that keeps messages apart.
impl From<OwnedFd> for ShimSocket {
    fn from(fd: OwnedFd) -> Self {
        Self::from_owned(fd)
    }
}

impl From<ShimSocket> for OwnedFd {
    fn from(socket: ShimSocket) -> Self {
        socket.0.into()
    }
}

/// Asks the shim that listens at `path` for its state, and leaves again. Blocks.
///
/// # Errors
/// [`ClientError::Connect`] where none listens, else as [`ShimSocket::wait_hello`].
pub fn probe(path: &Path, timeout: Duration) -> Result<HelloReply, ClientError> {
    ShimSocket::connect(path).map_err(ClientError::Connect)?.wait_hello(timeout)
}
