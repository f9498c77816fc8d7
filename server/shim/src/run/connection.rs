//! One daemon's connection, and what it has not been told yet.

use std::os::fd::{AsFd, BorrowedFd};

use codeplane_core::RequestId;

use super::unary::Assembly;
use crate::os::{Delivered, Received, SeqPacket};
use crate::wire::FromShim;

/// Daemons at once: the one that runs, one that is dying, and whoever only asks.
pub(super) const PLACES: usize = 4;

/// Which connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(pub(super) usize);

impl Place {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..PLACES).map(Self)
    }

    /// Its bit in a set of connections.
    pub(super) const fn bit(self) -> u8 {
        1 << self.0
    }
}

/// Something a connection is to be told. Each is a level: told late, it is told as it is then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum News {
    /// The program runs.
    Started = 1,
    /// The log grew.
    Output = 2,
    /// Input of attachments was applied.
    Acks = 4,
    /// Unary input was applied.
    UnaryAcks = 8,
    /// The size changed.
    Resized = 16,
    /// The disk is full, or is not any more.
    Disk = 32,
    /// The program ended.
    Exited = 64,
    /// Nothing is left.
    Drained = 128,
}

impl News {
    /// In the order they are told.
    pub(super) const ALL: [Self; 8] = [
        Self::Started,
        Self::Resized,
        Self::Output,
        Self::Acks,
        Self::UnaryAcks,
        Self::Disk,
        Self::Exited,
        Self::Drained,
    ];
}

/// A set of news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Untold(u16);

impl Untold {
    pub(super) const fn add(&mut self, news: News) {
        self.0 |= news as u16;
    }

    pub(super) const fn remove(&mut self, news: News) {
        self.0 &= !(news as u16);
    }

    pub(super) const fn has(self, news: News) -> bool {
        self.0 & news as u16 != 0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Whether a connection is told of what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// It has not said hello.
    Silent,
    /// It is told.
    Told,
}

/// The other side, as it was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    /// It reads.
    Reading,
    /// Its queue is full.
    Full,
    /// It is gone; what it said before may still have to be read.
    Gone,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    socket: SeqPacket,
    pub(super) audience: Audience,
    pub(super) untold: Untold,
    /// An answer that did not fit. While it waits nothing is read, so there is never a second one.
    answer: Option<Vec<u8>>,
    peer: Peer,
    /// Whether attachments type through it: then it waits while too much is waiting.
    pub(super) is_typing: bool,
    /// Unary input of which parts are missing.
    pub(super) assembly: Option<Assembly>,
    /// The last unary input that was refused: the parts behind are part of nothing.
    pub(super) refused: Option<RequestId>,
    /// Counts up with every connection.
    pub(super) number: u64,
}

impl Connection {
    pub(super) const fn new(socket: SeqPacket, audience: Audience, number: u64) -> Self {
        Self {
            socket,
            audience,
            untold: Untold(0),
            answer: None,
            peer: Peer::Reading,
            is_typing: false,
            assembly: None,
            refused: None,
            number,
        }
    }

    pub(super) fn receive(&self, buffer: &mut [u8]) -> Received {
        self.socket.receive(buffer)
    }

    /// Sends a message that is told anew when it does not fit.
    pub(super) fn send(&mut self, message: &[u8]) -> Delivered {
        let delivered = self.socket.send(message);
        if delivered == Delivered::Full {
            self.peer = Peer::Full;
        }
        delivered
    }

    /// Sends an answer, or keeps it until there is room.
    pub(super) fn answer(&mut self, message: &FromShim) -> Delivered {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        let delivered = self.send(&bytes);
        if delivered == Delivered::Full {
            self.answer = Some(bytes);
        }
        delivered
    }

    /// Sends the answer that was kept, if any.
    pub(super) fn send_answer(&mut self) -> Delivered {
        let Some(bytes) = self.answer.take() else { return Delivered::Sent };
        let delivered = self.send(&bytes);
        if delivered == Delivered::Full {
            self.answer = Some(bytes);
        }
        delivered
    }

    /// Whether a message may be read: its answer has a place.
    pub(super) const fn may_answer(&self) -> bool {
        self.answer.is_none()
    }

    pub(super) const fn is_full(&self) -> bool {
        matches!(self.peer, Peer::Full)
    }

    /// There is room again.
    pub(super) const fn room(&mut self) {
        if self.is_full() {
            self.peer = Peer::Reading;
        }
    }

    /// Whether the other side was seen to be gone.
    pub(super) const fn is_gone(&self) -> bool {
        matches!(self.peer, Peer::Gone)
    }

    /// The other side is gone: there is nobody to tell. It is closed by whoever reads its last word.
    pub(super) fn fall_silent(&mut self) {
        self.audience = Audience::Silent;
        self.untold = Untold::default();
        self.answer = None;
        self.peer = Peer::Gone;
    }

    /// Whether it knows everything.
    pub(super) const fn is_told(&self) -> bool {
        self.answer.is_none() && self.untold.is_empty()
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
