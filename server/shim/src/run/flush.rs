//! Telling daemons what they do not know yet. Nobody is waited for.

use std::time::Instant;

use super::connection::{Audience, Connection, News, Place};
use super::shim::Shim;
use crate::os::Delivered;
use crate::wire::{FromShim, ProcessState};

impl Shim {
    /// Sends everyone what they do not know, as far as their queues have room.
    pub(super) fn flush_all(&mut self) {
        for place in Place::all() {
            if self.flush(place) == Delivered::Closed {
                self.fall_silent(place);
            }
        }
    }

    /// The other side of a connection is gone. What it said before is still to be read, so it is
    /// the reader who closes it.
    pub(super) fn fall_silent(&mut self, place: Place) {
        if let Some(connection) = self.door.get_mut(place) {
            connection.fall_silent();
        }
    }

    /// There is room again on a connection that was full.
    pub(super) fn room(&mut self, place: Place) {
        if let Some(connection) = self.door.get_mut(place) {
            connection.room();
        }
        if self.flush(place) == Delivered::Closed {
            self.fall_silent(place);
        }
    }

    fn flush(&mut self, place: Place) -> Delivered {
        let Some(connection) = self.door.get_mut(place) else { return Delivered::Sent };
        if connection.is_full() || connection.is_told() {
            return Delivered::Sent;
        }
        let delivered = connection.send_answer();
        if delivered != Delivered::Sent || connection.audience == Audience::Silent {
            return delivered;
        }
        for news in News::ALL {
            let is_untold = self.door.get(place).is_some_and(|c| c.untold.has(news));
            if is_untold {
                let delivered = self.tell(place, news);
                if delivered != Delivered::Sent {
                    return delivered;
                }
            }
        }
        Delivered::Sent
    }

    fn tell(&mut self, place: Place, news: News) -> Delivered {
        let message = match news {
            News::Acks => return self.tell_acks(place),
            News::UnaryAcks => return self.tell_unary_acks(place),
            News::Started => FromShim::Started { pid: u32::try_from(self.child_pid).unwrap_or(0) },
            News::Output => FromShim::Notice { end: self.output.end() },
            News::Resized => FromShim::Resized(self.terminal.size()),
            News::Disk => FromShim::Disk(self.output.disk()),
            News::Drained => FromShim::Drained { end: self.output.end() },
            News::Exited => match self.state {
                ProcessState::Exited { status, end } => FromShim::Exited { status, end },
                ProcessState::Starting | ProcessState::Running | ProcessState::Failed(_) => {
                    return self.told(place, news);
                }
            },
        };
        match self.send(place, &message) {
            Delivered::Sent => self.told(place, news),
            other => other,
        }
    }

    fn tell_acks(&mut self, place: Place) -> Delivered {
        while let Some((token, seq)) = self.input.tokens.untold(place) {
            let delivered = self.send(place, &FromShim::InputAck { token, seq });
            if delivered != Delivered::Sent {
                return delivered;
            }
            self.input.tokens.told(token, place);
        }
        self.told(place, News::Acks)
    }

    fn tell_unary_acks(&mut self, place: Place) -> Delivered {
        while let Some(request) = self.input.requests.untold(place) {
            let delivered = self.send(place, &FromShim::UnaryAck { request });
            if delivered != Delivered::Sent {
                return delivered;
            }
            self.input.requests.told(request, place);
        }
        self.told(place, News::UnaryAcks)
    }

    fn told(&mut self, place: Place, news: News) -> Delivered {
        if let Some(connection) = self.door.get_mut(place) {
            connection.untold.remove(news);
        }
        Delivered::Sent
    }

    fn send(&mut self, place: Place, message: &FromShim) -> Delivered {
        let Some(connection) = self.door.get_mut(place) else { return Delivered::Closed };
        let mut bytes = Vec::with_capacity(32);
        message.encode(&mut bytes);
        connection.send(&bytes)
    }

    /// Sends an answer to what a connection has just said.
    pub(super) fn answer(&mut self, place: Place, message: &FromShim) {
        let delivered = self.door.get_mut(place).map(|connection| connection.answer(message));
        if delivered == Some(Delivered::Closed) {
            self.fall_silent(place);
        }
    }

    /// Whether a message of this connection may be read now.
    pub(super) fn may_read(&self, place: Place) -> bool {
        let is_held_back = |c: &Connection| c.is_typing && self.input.is_over_window();
        self.door.get(place).is_some_and(|c| c.may_answer() && !is_held_back(c))
    }

    /// Ends a connection and remembers what is to be remembered of it.
    pub(super) fn close(&mut self, place: Place) {
        self.forget_connection(place);
        self.door.close(place);
    }

    /// What was known of the connection that had this place before.
    pub(super) fn forget_connection(&mut self, place: Place) {
        self.input.tokens.cut(place, Instant::now());
        self.input.requests.told_all(place);
        self.drop_assembly(place);
    }
}
