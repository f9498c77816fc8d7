//! What the watching thread knows of one session.

use std::sync::Arc;
use std::time::Duration;

use codeplane_core::{Incarnation, Offset};
use codeplane_shim::{LogReader, Read};
use codeplane_terminal::{Fact, FactKind, Modes, Scanner};
use tracing::{debug, warn};

use super::answer;
use crate::session::live::Live;
use crate::session::task;

/// How much is read at a time.
const CHUNK: usize = 256 << 10;

/// A query that is older is not answered: whoever asked has stopped waiting, and the answer would
/// be typed into whatever asks for input now.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// The scanner of one session and its place in the log.
pub(super) struct Tracked {
    incarnation: Incarnation,
    scanner: Scanner,
    reader: LogReader,
    /// Number of the next change of size that the scanner has not seen.
    resize: u64,
}

impl Tracked {
    pub(super) fn new(live: &Live) -> Self {
        Self {
            incarnation: live.incarnation(),
            scanner: Scanner::new(live.first_size()),
            reader: live.reader(),
            resize: 0,
        }
    }

    pub(super) const fn modes(&self) -> &Modes {
        self.scanner.modes()
    }

    /// Scans what is new.
    pub(super) fn catch_up(&mut self, live: &Arc<Live>) {
        if self.incarnation != live.incarnation() {
            *self = Self::new(live);
        }
        let end = live.end();
        let mut buffer = Vec::new();
        while self.scanner.end() < end {
            let limit = self.resize_up_to(live, end);
            buffer.resize(CHUNK, 0);
            let at = self.scanner.end();
            let wanted = usize::try_from(limit.since(at)).unwrap_or(CHUNK).min(CHUNK);
            match self.reader.read(at, limit, &mut buffer[..wanted]) {
                Ok(Read::Bytes(count)) => self.scan(live, at, &buffer[..count]),
                Ok(Read::Gap { to, .. }) => {
                    // What was lost may have changed anything; what is known is the best guess.
                    self.scanner = Scanner::resume(to, self.scanner.modes().clone());
                }
                Ok(Read::Empty) => return,
                Err(error) => {
                    warn!(session.id = %live.id(), %error, "output cannot be read for scanning");
                    return;
                }
            }
        }
    }

    /// Applies the changes of size up to the scanner's place; answers how far it may scan before the
    /// next one.
    fn resize_up_to(&mut self, live: &Live, end: Offset) -> Offset {
        while let Some((number, at, size)) = live.resize_after(self.resize) {
            if at > self.scanner.end() {
                return at.min(end);
            }
            self.scanner.resize(size);
            self.resize = number + 1;
        }
        end
    }

    fn scan(&mut self, live: &Arc<Live>, at: Offset, bytes: &[u8]) {
        self.scanner.scan(at, bytes, &mut |fact, modes| react(live, fact, modes));
    }
}

/// What a sequence asks of us.
fn react(live: &Arc<Live>, fact: Fact, modes: &Modes) {
    match fact.kind {
        FactKind::Query(query) => {
            if live.is_older(fact.span.end, ANSWER_WITHIN) {
                debug!(session.id = %live.id(), "a query is too old to be answered");
            } else if live.daemon_answers(fact.span.start) {
                answer::answer(live, &query, modes);
            }
        }
        FactKind::Title(title) => {
            live.set_title(title.clone());
            live.record(task::Fact::Title(title));
        }
        FactKind::Bell => live.record(task::Fact::Bell),
        FactKind::Notification { title, body } => {
            live.record(task::Fact::Notification { title, body });
        }
        // Of no use to anybody yet.
        FactKind::WorkingDirectory(_) | FactKind::ProgramStatus(_) | FactKind::Modes => {}
    }
}
