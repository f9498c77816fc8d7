//! Attachments whose input is remembered, so that each of it is applied once.

use std::time::{Duration, Instant};

use codeplane_core::AttachmentId;

use super::connection::Place;
use crate::wire::{InputToken, RememberedInput};

/// How long an attachment may take to come back.
const REMEMBER_FOR: Duration = Duration::from_secs(10 * 60);

/// More attachments than a session ever has; what is beyond is a mistake that must not grow.
const MOST_TOKENS: usize = 1024;

/// What is known of every attachment that types.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    entries: Vec<Entry>,
    /// How often any was used.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    token: InputToken,
    attachment: AttachmentId,
    received: u64,
    applied: u64,
    link: Link,
    /// Which of all uses was its last.
    used: u64,
    /// The connections that have not been told of `applied`, one bit each.
    untold: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Through(Place),
    CutAt(Instant),
}

/// What to do with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the next one: type it.
    Next,
    /// It waits already, and is acknowledged in its turn.
    Waiting,
    /// It was typed before: acknowledge it again.
    Applied,
    /// It is not the next one; this is. 0 for an unknown token.
    Gap(u64),
}

impl Tokens {
    /// Remembers an attachment, or binds a remembered one to its new connection.
    /// Returns the numbers of its last received and last applied input.
    pub(super) fn register(
        &mut self,
        token: InputToken,
        attachment: AttachmentId,
        place: Place,
        now: Instant,
    ) -> (u64, u64) {
        self.expire(now);
        let link = Link::Through(place);
        let used = self.next_use();
        if let Some(entry) = self.find(token) {
            entry.link = link;
            entry.used = used;
            return (entry.received, entry.applied);
        }
        if self.entries.len() >= MOST_TOKENS {
            self.forget_least();
        }
        let entry = Entry { token, attachment, received: 0, applied: 0, link, used, untold: 0 };
        self.entries.push(entry);
        (0, 0)
    }

    /// Judges an input by its number, and takes it if it is the next one.
    pub(super) fn receive(&mut self, token: InputToken, seq: u64) -> Verdict {
        let used = self.next_use();
        let Some(entry) = self.find(token) else { return Verdict::Gap(0) };
        entry.used = used;
        if seq <= entry.applied {
            Verdict::Applied
        } else if seq <= entry.received {
            Verdict::Waiting
        } else if seq == entry.received + 1 {
            entry.received = seq;
            Verdict::Next
        } else {
            Verdict::Gap(entry.received + 1)
        }
    }

    /// The terminal has taken the input with this number; `audience` is to be told.
    pub(super) fn apply(&mut self, token: InputToken, seq: u64, audience: u8) {
        if let Some(entry) = self.find(token) {
            entry.applied = seq;
            entry.untold |= audience;
        }
    }

    /// Tells one connection (again).
    pub(super) fn repeat(&mut self, token: InputToken, place: Place) {
        if let Some(entry) = self.find(token) {
            entry.untold |= place.bit();
        }
    }

    /// The next acknowledgement this connection has not got.
    pub(super) fn untold(&self, place: Place) -> Option<(InputToken, u64)> {
        let entry = self.entries.iter().find(|entry| entry.untold & place.bit() != 0)?;
        Some((entry.token, entry.applied))
    }

    /// The connection has it.
    pub(super) fn told(&mut self, token: InputToken, place: Place) {
        if let Some(entry) = self.find(token) {
            entry.untold &= !place.bit();
        }
    }

    /// The connection has all of them, or is gone.
    pub(super) fn told_all(&mut self, place: Place) {
        for entry in &mut self.entries {
            entry.untold &= !place.bit();
        }
    }

    pub(super) fn forget(&mut self, token: InputToken) {
        self.entries.retain(|entry| entry.token != token);
    }

    /// The connection ended: its attachments have ten minutes to come back.
    pub(super) fn cut(&mut self, place: Place, now: Instant) {
        for entry in self.entries.iter_mut().filter(|entry| entry.link == Link::Through(place)) {
            entry.link = Link::CutAt(now);
        }
        self.told_all(place);
    }

    /// Drops what did not come back. Called when somebody comes anyway: nothing may wake an idle
    /// shim.
    pub(super) fn expire(&mut self, now: Instant) {
        self.entries.retain(|entry| match entry.link {
            Link::Through(_) => true,
            Link::CutAt(cut) => now.saturating_duration_since(cut) < REMEMBER_FOR,
        });
    }

    pub(super) fn remembered(&self) -> Vec<RememberedInput> {
        let remember = |entry: &Entry| RememberedInput {
            token: entry.token,
            attachment: entry.attachment,
            applied: entry.applied,
            received: entry.received,
        };
        self.entries.iter().map(remember).collect()
    }

    fn find(&mut self, token: InputToken) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.token == token)
    }

    const fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }

    /// Makes room. Who never typed loses nothing: a forgotten one starts with number 1 anyway once
    /// it registers again. Who typed would be told of a gap it cannot fill, so those go last, the
    /// cut ones before the others; among equals the one that was used longest ago.
    fn forget_least(&mut self) {
        let rank = |entry: &Entry| match (entry.received, entry.link) {
            (0, Link::CutAt(_)) => (0, entry.used),
            (0, Link::Through(_)) => (1, entry.used),
            (_, Link::CutAt(_)) => (2, entry.used),
            (_, Link::Through(_)) => (3, entry.used),
        };
        let least = self.entries.iter().enumerate().min_by_key(|(_, entry)| rank(entry));
        if let Some((at, _)) = least {
            self.entries.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AttachmentId, InputToken, MOST_TOKENS, Place, REMEMBER_FOR, Tokens, Verdict};
    use std::time::{Duration, Instant};

    const TOKEN: InputToken = InputToken([1; 16]);
    const ATTACHMENT: AttachmentId = AttachmentId::from_bytes([2; 16]);
    const FIRST: Place = Place(0);
    const SECOND: Place = Place(1);

    fn registered() -> (Tokens, Instant) {
        let now = Instant::now();
        let mut tokens = Tokens::default();
        assert_eq!(tokens.register(TOKEN, ATTACHMENT, FIRST, now), (0, 0));
        (tokens, now)
    }

    #[test]
    fn each_number_is_taken_once_and_in_order() {
        let (mut tokens, _) = registered();

        assert_eq!(tokens.receive(TOKEN, 1), Verdict::Next);
        assert_eq!(tokens.receive(TOKEN, 1), Verdict::Waiting);
        assert_eq!(tokens.receive(TOKEN, 3), Verdict::Gap(2));
        tokens.apply(TOKEN, 1, FIRST.bit());
        assert_eq!(tokens.receive(TOKEN, 1), Verdict::Applied);
        assert_eq!(tokens.receive(TOKEN, 2), Verdict::Next);
    }

    #[test]
    fn an_unknown_token_waits_for_number_zero() {
        assert_eq!(Tokens::default().receive(TOKEN, 1), Verdict::Gap(0));
    }

    #[test]
    fn an_attachment_that_comes_back_goes_on_where_it_was() {
        let (mut tokens, now) = registered();
        tokens.receive(TOKEN, 1);
        tokens.receive(TOKEN, 2);
        tokens.apply(TOKEN, 1, FIRST.bit());

        tokens.cut(FIRST, now);
        let later = now + REMEMBER_FOR - Duration::from_secs(1);

        assert_eq!(tokens.register(TOKEN, ATTACHMENT, SECOND, later), (2, 1));
        assert_eq!(tokens.receive(TOKEN, 3), Verdict::Next);
    }

    #[test]
    fn one_that_does_not_come_back_for_ten_minutes_is_dropped() {
        let (mut tokens, now) = registered();
        tokens.receive(TOKEN, 1);

        tokens.cut(FIRST, now);
        tokens.expire(now + REMEMBER_FOR);

        assert_eq!(tokens.remembered(), []);
    }

    #[test]
    fn an_acknowledgement_is_a_level_per_connection() {
        let (mut tokens, _) = registered();
        tokens.receive(TOKEN, 1);
        tokens.receive(TOKEN, 2);
        tokens.apply(TOKEN, 1, FIRST.bit() | SECOND.bit());
        tokens.apply(TOKEN, 2, FIRST.bit() | SECOND.bit());

        assert_eq!(tokens.untold(FIRST), Some((TOKEN, 2)));
        tokens.told(TOKEN, FIRST);
        assert_eq!(tokens.untold(FIRST), None);
        assert_eq!(tokens.untold(SECOND), Some((TOKEN, 2)));
    }

    fn other(n: usize) -> InputToken {
        InputToken(u128::try_from(n + 1000).unwrap().to_le_bytes())
    }

    #[test]
    fn the_number_of_attachments_is_bounded_and_those_that_left_go_first() {
        let (mut tokens, now) = registered();
        tokens.register(other(0), ATTACHMENT, SECOND, now);
        tokens.cut(SECOND, now);
        for n in 1..MOST_TOKENS {
            tokens.register(other(n), ATTACHMENT, FIRST, now);
        }

        assert_eq!(tokens.remembered().len(), MOST_TOKENS);
        assert_eq!(tokens.receive(other(0), 1), Verdict::Gap(0));
        assert_eq!(tokens.receive(TOKEN, 1), Verdict::Next);
    }

    #[test]
    fn one_that_typed_outlives_any_number_of_those_that_never_did() {
        let (mut tokens, now) = registered();
        tokens.receive(TOKEN, 1);
        tokens.cut(FIRST, now);

        for n in 0..3 * MOST_TOKENS {
            tokens.register(other(n), ATTACHMENT, SECOND, now);
        }

        assert_eq!(tokens.remembered().len(), MOST_TOKENS);
        assert_eq!(tokens.register(TOKEN, ATTACHMENT, SECOND, now), (1, 0));
        assert_eq!(tokens.receive(TOKEN, 2), Verdict::Next);
    }

    #[test]
    fn of_those_that_typed_the_one_that_is_idle_longest_goes_first() {
        let (mut tokens, now) = registered();
        tokens.receive(TOKEN, 1);
        for n in 1..MOST_TOKENS {
            tokens.register(other(n), ATTACHMENT, FIRST, now);
            tokens.receive(other(n), 1);
        }
        tokens.receive(TOKEN, 2);

        tokens.register(other(0), ATTACHMENT, FIRST, now);

        assert_eq!(tokens.receive(other(1), 2), Verdict::Gap(0));
        assert_eq!(tokens.receive(TOKEN, 3), Verdict::Next);
    }
}
