//! What the watching thread knows of one session.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codeplane_core::{Incarnation, Offset};
use codeplane_shim::{LogReader, Read};
use codeplane_terminal::{CursorPosition, Fact, FactKind, Modes, ModesTrail, Query, Scanner};
use tracing::{debug, warn};

use super::answer;
use super::keeper::{Goal, Keeper, Making, Progress, with_history};
use crate::session::live::Live;
use crate::session::task;

/// How much is read at a time.
const CHUNK: usize = 256 << 10;

/// A query that is older is not answered: whoever asked has stopped waiting, and the answer would
/// be typed into whatever asks for input now.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// Most questions that are answered of one piece of output.
const QUESTIONS: usize = 64;

/// How long the emulator may take to answer them: other sessions wait meanwhile.
const CURSORS: Duration = Duration::from_millis(50);

/// Most questions of one session that are left to a terminal at a time.
const LEFT: usize = 32;

/// The scanner of one session with its place in the log, and the keeper of its screen.
pub(super) struct Tracked {
    incarnation: Incarnation,
    scanner: Scanner,
    trail: ModesTrail,
    keeper: Keeper,
    reader: LogReader,
    /// Number of the next change of size that the scanner has not seen.
    resize: u64,
    /// Questions left to the terminal that holds control, while they are fresh: it may give control
    /// up without having seen them.
    left: VecDeque<Question>,
}

impl Tracked {
    /// Begins where the newest checkpoint on disk is, or with the oldest output.
    pub(super) fn new(live: &Live) -> Self {
        let incarnation = live.incarnation();
        let keeper = Keeper::load(live.bundle().incarnation(incarnation).checkpoints());
        let oldest = live.oldest();
        let known = keeper.newest().filter(|one| one.offset >= oldest && one.offset <= live.end());
        let start = known.map_or(oldest, |checkpoint| checkpoint.offset);
        let (size, resize) = live.resizes_up_to(start);
        let mut modes = known.map_or_else(|| Modes::new(size), |one| one.modes.clone());
        if modes.size() != size {
            // It came at the checkpoint's position, after the checkpoint.
            modes.resize(start, size);
        }
        let scanner = Scanner::resume(start, modes);
        let mut trail = ModesTrail::new();
        trail.look(&scanner);
        Self {
            incarnation,
            scanner,
            trail,
            keeper,
            reader: live.reader(),
            resize,
            left: VecDeque::new(),
        }
    }

    pub(super) const fn modes(&self) -> &Modes {
        self.scanner.modes()
    }

    /// Scans what is new; answers whether there was anything.
    pub(super) fn catch_up(&mut self, live: &Arc<Live>) -> News {
        if self.incarnation != live.incarnation() {
            *self = Self::new(live);
        }
        self.answer_left(live);
        let (begin, end) = (self.scanner.end(), live.end());
        let mut buffer = Vec::new();
        while self.scanner.end() < end {
            let limit = self.resize_up_to(live, end);
            let at = self.scanner.end();
            let wanted = usize::try_from(limit.since(at)).unwrap_or(CHUNK).min(CHUNK);
            buffer.resize(wanted, 0);
            match self.reader.read(at, limit, &mut buffer) {
                Ok(Read::Bytes(count)) => self.scan(live, at, &buffer[..count]),
                Ok(Read::Gap { to, .. }) => self.skip_to(to),
                Ok(Read::Empty) => break,
                Err(error) => {
                    warn!(session.id = %live.id(), %error, "output cannot be read for scanning");
                    break;
                }
            }
        }
        if self.scanner.end() > begin { News::Some } else { News::None }
    }

    /// What was lost may have changed anything; what is known is the best guess.
    fn skip_to(&mut self, to: Offset) {
        self.scanner = Scanner::resume(to, self.scanner.modes().clone());
        self.trail = ModesTrail::new();
        self.trail.look(&self.scanner);
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
        let mut asked = Vec::new();
        self.trail.scan(&mut self.scanner, at, bytes, &mut |fact, modes| {
            // Nobody asks that much and reads the answers.
            if asked.len() < QUESTIONS {
                asked.extend(react(live, fact, modes));
            }
        });
        self.answer_all(live, asked);
    }

    /// Answers in order, with one emulator for all places of the cursor.
    fn answer_all(&mut self, live: &Arc<Live>, asked: impl IntoIterator<Item = Question>) {
        let mut cursors = Cursors { making: None, until: Instant::now() + CURSORS };
        for question in asked {
            if !live.is_older(question.end, ANSWER_WITHIN) {
                self.answer_or_leave(live, question, &mut cursors);
            }
        }
    }

    fn answer_or_leave(&mut self, live: &Arc<Live>, question: Question, cursors: &mut Cursors) {
        if question.query != Query::ProgramStatus && !live.daemon_answers(question.at) {
            if self.left.len() == LEFT {
                self.left.pop_front();
            }
            self.left.push_back(question);
            return;
        }
        let needs = question.query.needs_cursor();
        let cursor = if needs { self.cursor_at(live, question.at, cursors) } else { None };
        answer::answer(live, &question.query, &question.modes, cursor);
    }

    /// Answers what a terminal that has given control up did not get to see.
    fn answer_left(&mut self, live: &Arc<Live>) {
        if !self.left.is_empty() {
            let left = std::mem::take(&mut self.left);
            self.answer_all(live, left);
        }
    }

    /// Where the cursor was at a position: only the emulator knows.
    fn cursor_at(&self, live: &Live, at: Offset, cursors: &mut Cursors) -> Option<CursorPosition> {
        let begin = || self.keeper.begin(live, &self.trail, at);
        let making = cursors.making.get_or_insert_with(begin);
        making.aim(at);
        loop {
            if Instant::now() > cursors.until {
                debug!(session.id = %live.id(), "the cursor takes too long to know");
                return None;
            }
            match making.step(live) {
                Ok(Progress::Done) => return Some(making.screen_mut().cursor()),
                Ok(Progress::More) => {}
                Err(error) => {
                    debug!(session.id = %live.id(), %error, "the cursor cannot be known");
                    return None;
                }
            }
        }
    }

    /// Begins to make the screen as it is now.
    pub(super) fn begin(&self, live: &Live, lines: usize) -> Making {
        let target = live.end();
        match lines {
            0 => self.keeper.begin(live, &self.trail, target),
            lines => with_history(live, &self.trail, Goal { target, lines }),
        }
    }

    /// Keeps a screen that was made without history.
    pub(super) fn keep(&mut self, making: &mut Making, live: &Live) {
        self.keeper.keep(making, live.oldest());
    }

    /// Makes sure that the output before `boundary` is not needed for any screen behind it.
    ///
    /// # Errors
    /// If the log cannot be read or a file cannot be written.
    pub(super) fn seal(&mut self, live: &Live, boundary: Offset) -> io::Result<()> {
        self.keeper.seal(live, &self.trail, boundary)?;
        self.trail.forget_before(boundary);
        Ok(())
    }
}

/// The emulator that tells the places of the cursor, in the order of the output, and how long it may.
struct Cursors {
    making: Option<Making>,
    until: Instant,
}

/// Whether there was new output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Some,
    None,
}

/// A query that the daemon is to answer.
struct Question {
    query: Query,
    /// The modes right behind it.
    modes: Modes,
    at: Offset,
    end: Offset,
}

/// What a sequence asks of us.
fn react(live: &Arc<Live>, fact: Fact, modes: &Modes) -> Option<Question> {
    match fact.kind {
        FactKind::Query(query) => {
            if live.is_older(fact.span.end, ANSWER_WITHIN) {
                debug!(session.id = %live.id(), "a query is too old to be answered");
            } else {
                let (at, end) = (fact.span.start, fact.span.end);
                return Some(Question { query, modes: modes.clone(), at, end });
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
        // What it said before the daemon came, hooks have outdated.
        FactKind::ProgramStatus(status) if !live.was_there(fact.span.end) => {
            live.set_program_status(status);
            live.record(task::Fact::ProgramStatus);
        }
        // Of no use to anybody yet.
        FactKind::WorkingDirectory(_) | FactKind::ProgramStatus(_) | FactKind::Modes => {}
    }
    None
}
