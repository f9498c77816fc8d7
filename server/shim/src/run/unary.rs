//! Input that is typed as one piece: its parts, and which requests were typed already.

use std::collections::VecDeque;

use codeplane_core::{AttachmentId, RequestId};

use super::connection::Place;
use crate::wire::Part;

/// How many requests are remembered.
const MOST_REQUESTS: usize = 1024;

/// The author of what the daemon types by itself: answers to what programs ask their terminal.
const DAEMON: AttachmentId = AttachmentId::from_bytes([0; 16]);

/// The requests that were taken. A program can make its daemon answer as often as it likes, so
/// answers have places of their own and push nobody's request out of memory.
#[derive(Debug, Default)]
pub(super) struct Requests {
    typed: Memory,
    answers: Memory,
}

/// Requests, oldest first.
#[derive(Debug, Default)]
struct Memory {
    known: VecDeque<Request>,
    waiting: usize,
}

#[derive(Debug)]
struct Request {
    id: RequestId,
    state: State,
    /// The connections that have not been told that it is applied, one bit each.
    untold: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Applied,
}

/// What is known of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: type it.
    New,
    /// It waits already, and is acknowledged in its turn.
    Waiting,
    /// It was typed: acknowledge it again.
    Applied,
}

impl Requests {
    pub(super) fn look_up(&self, id: RequestId) -> Known {
        match self.all().find(|request| request.id == id).map(|request| request.state) {
            None => Known::New,
            Some(State::Waiting) => Known::Waiting,
            Some(State::Applied) => Known::Applied,
        }
    }

    /// Whether one more of this author can be remembered until it is applied.
    pub(super) fn has_room(&self, author: AttachmentId) -> bool {
        let memory = if author == DAEMON { &self.answers } else { &self.typed };
        memory.waiting < MOST_REQUESTS
    }

    /// Remembers a request that was queued.
    pub(super) fn add(&mut self, id: RequestId, author: AttachmentId) {
        let memory = if author == DAEMON { &mut self.answers } else { &mut self.typed };
        memory.add(id);
    }

    /// The terminal has taken all of it; `audience` is to be told.
    pub(super) fn apply(&mut self, id: RequestId, audience: u8) {
        self.typed.apply(id, audience);
        self.answers.apply(id, audience);
    }

    /// Tells one connection (again).
    pub(super) fn repeat(&mut self, id: RequestId, place: Place) {
        for request in self.all_mut().filter(|request| request.id == id) {
            request.untold |= place.bit();
        }
    }

    /// The next acknowledgement this connection has not got.
    pub(super) fn untold(&self, place: Place) -> Option<RequestId> {
        self.all().find(|request| request.untold & place.bit() != 0).map(|r| r.id)
    }

    /// The connection has it.
    pub(super) fn told(&mut self, id: RequestId, place: Place) {
        for request in self.all_mut().filter(|request| request.id == id) {
            request.untold &= !place.bit();
        }
    }

    /// The connection is gone.
    pub(super) fn told_all(&mut self, place: Place) {
        for request in self.all_mut() {
            request.untold &= !place.bit();
        }
    }

    fn all(&self) -> impl Iterator<Item = &Request> {
        self.typed.known.iter().chain(&self.answers.known)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Request> {
        self.typed.known.iter_mut().chain(&mut self.answers.known)
    }
}

impl Memory {
    /// The oldest that was applied makes room for the new one.
    fn add(&mut self, id: RequestId) {
        if self.known.len() >= MOST_REQUESTS
            && let Some(oldest) = self.known.iter().position(|r| r.state == State::Applied)
        {
            self.known.remove(oldest);
        }
        self.known.push_back(Request { id, state: State::Waiting, untold: 0 });
        self.waiting += 1;
    }

    fn apply(&mut self, id: RequestId, audience: u8) {
        // The newest are asked for most.
        if let Some(request) = self.known.iter_mut().rev().find(|request| request.id == id)
            && request.state == State::Waiting
        {
            request.state = State::Applied;
            request.untold = audience;
            self.waiting -= 1;
        }
    }
}

/// The parts of an input that have come on one connection.
#[derive(Debug)]
pub(super) struct Assembly {
    pub(super) request: RequestId,
    pub(super) author: AttachmentId,
    pub(super) bytes: Vec<u8>,
    parts: u32,
}

/// What a part led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assembled {
    /// More parts are to come.
    Partly,
    /// All are there.
    Whole,
    /// One is missing or came twice.
    Broken,
}

impl Assembly {
    pub(super) const fn new(request: RequestId, author: AttachmentId) -> Self {
        Self { request, author, bytes: Vec::new(), parts: 0 }
    }

    pub(super) fn add(&mut self, index: u32, part: Part, bytes: &[u8]) -> Assembled {
        if index != self.parts {
            return Assembled::Broken;
        }
        self.parts += 1;
        self.bytes.extend_from_slice(bytes);
        match part {
            Part::More => Assembled::Partly,
            Part::Last => Assembled::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Assembled, Assembly, AttachmentId, DAEMON, Known, MOST_REQUESTS, Part, Place, RequestId,
        Requests,
    };

    const AUTHOR: AttachmentId = AttachmentId::from_bytes([2; 16]);

    fn id(n: usize) -> RequestId {
        RequestId::from_bytes(u128::try_from(n).unwrap().to_le_bytes())
    }

    #[test]
    fn a_request_is_new_once() {
        let mut requests = Requests::default();

        assert_eq!(requests.look_up(id(1)), Known::New);
        requests.add(id(1), AUTHOR);
        assert_eq!(requests.look_up(id(1)), Known::Waiting);
        requests.apply(id(1), Place(2).bit());
        assert_eq!(requests.look_up(id(1)), Known::Applied);
        assert_eq!(requests.untold(Place(2)), Some(id(1)));
        requests.told(id(1), Place(2));
        assert_eq!(requests.untold(Place(2)), None);
    }

    #[test]
    fn the_last_1024_are_remembered() {
        let mut requests = Requests::default();
        for n in 0..=MOST_REQUESTS {
            assert!(requests.has_room(AUTHOR));
            requests.add(id(n), AUTHOR);
            requests.apply(id(n), 0);
        }

        assert_eq!(requests.look_up(id(0)), Known::New);
        assert_eq!(requests.look_up(id(1)), Known::Applied);
    }

    #[test]
    fn one_that_waits_is_never_forgotten() {
        let mut requests = Requests::default();
        requests.add(id(0), AUTHOR);
        for n in 1..=2 * MOST_REQUESTS {
            requests.add(id(n), AUTHOR);
            requests.apply(id(n), 0);
        }

        assert_eq!(requests.look_up(id(0)), Known::Waiting);
    }

    #[test]
    fn answers_of_the_daemon_take_nobodys_place() {
        let mut requests = Requests::default();
        requests.add(id(0), AUTHOR);
        requests.apply(id(0), 0);
        for n in 1..=2 * MOST_REQUESTS {
            requests.add(id(n), DAEMON);
            requests.apply(id(n), Place(2).bit());
            assert_eq!(requests.untold(Place(2)), Some(id(n)));
            requests.told(id(n), Place(2));
        }

        assert_eq!(requests.look_up(id(0)), Known::Applied);
        assert_eq!(requests.look_up(id(1)), Known::New);
        assert_eq!(requests.look_up(id(2 * MOST_REQUESTS)), Known::Applied);
    }

    #[test]
    fn answers_that_wait_leave_room_for_a_request() {
        let mut requests = Requests::default();
        for n in 0..MOST_REQUESTS {
            assert!(requests.has_room(DAEMON));
            requests.add(id(n), DAEMON);
        }

        assert!(!requests.has_room(DAEMON));
        assert!(requests.has_room(AUTHOR));
    }

    #[test]
    fn parts_are_put_together_in_order_or_not_at_all() {
        let mut assembly = Assembly::new(id(1), AttachmentId::from_bytes([0; 16]));

        assert_eq!(assembly.add(0, Part::More, b"ab"), Assembled::Partly);
        assert_eq!(assembly.add(2, Part::More, b"x"), Assembled::Broken);
        assert_eq!(assembly.add(1, Part::Last, b"c"), Assembled::Whole);
        assert_eq!(assembly.bytes, b"abc");
    }
}
