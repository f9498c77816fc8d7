//! The watching thread: short work at once, long work in slices.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use codeplane_core::{Offset, SessionId};
use tracing::{error, warn};

use super::jobs::{Job, Shown, Wanted};
use super::keeper::{Making, Progress};
use super::queue::Queue;
use super::tracked::{News, Tracked};
use crate::session::live::Live;

/// How long new output is left alone: a burst is then read once, and delivery goes first. A program
/// that asks its terminal something waits that much longer for the answer.
const LOOK_AFTER: Duration = Duration::from_millis(5);

/// A session that has printed nothing for this long gets its screen prepared, so that whoever
/// attaches does not wait for it. Never along with a flood: parsing costs more than printing.
const QUIET: Duration = Duration::from_millis(50);

/// Screens that may wait to be begun; one more is refused.
const ASKED: usize = 64;

/// Screens for somebody that are made at a time.
const AT_A_TIME: usize = 2;

/// What the thread knows.
#[derive(Default)]
pub(super) struct Thread {
    sessions: HashMap<SessionId, Tracked>,
    looks: Queue<Arc<Live>>,
    quiets: Queue<(Arc<Live>, Offset)>,
    /// Screens that are being made; a slice of the first at a time.
    screens: VecDeque<Screening>,
    /// Screens that somebody waits for and that are not begun.
    asked: VecDeque<(Arc<Live>, Wanted)>,
}

/// A screen that is being made, and for whom.
struct Screening {
    live: Arc<Live>,
    making: Making,
    wanted: Purpose,
}

enum Purpose {
    /// To be ready when somebody asks.
    Prepare,
    /// Somebody waits.
    Answer(Wanted),
}

impl Purpose {
    const fn is_answer(&self) -> bool {
        matches!(self, Self::Answer(_))
    }

    fn is_abandoned(&self) -> bool {
        match self {
            Self::Prepare => false,
            Self::Answer(wanted) => wanted.is_abandoned(),
        }
    }
}

impl Thread {
    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            match self.next_job(jobs) {
                Ok(job) => self.guarded(|thread| thread.take(job)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.guarded(Self::look);
            self.guarded(Self::prepare_quiet);
            self.guarded(Self::go_on);
        }
    }

    /// Waits for a job, but not while there is something to do.
    fn next_job(&self, jobs: &Receiver<Job>) -> Result<Job, RecvTimeoutError> {
        if !self.screens.is_empty() || !self.asked.is_empty() {
            return jobs.try_recv().map_err(|error| match error {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            });
        }
        let due = [self.looks.next_due(), self.quiets.next_due()].into_iter().flatten().min();
        match due {
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => jobs.recv_timeout(due.saturating_duration_since(Instant::now())),
        }
    }

    /// An emulator that panics on strange output costs what it was doing, and nothing else.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            error!("the emulator gave up on some output: its screens are made anew");
            self.screens.clear();
            self.asked.clear();
            self.sessions.clear();
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Look(live) => self.looks.push(Instant::now() + LOOK_AFTER, live),
            Job::Modes(live, answer) => {
                let tracked = self.caught_up(&live);
                // Its client may have hung up.
                drop(answer.send(tracked.modes().clone()));
            }
            // One too many is dropped: its client is told that the daemon is busy.
            Job::Show(..) if self.asked.len() >= ASKED => {}
            Job::Show(live, wanted) => self.asked.push_back((live, wanted)),
            Job::Seal(live, boundary, answer) => {
                let sealed = self.caught_up(&live).seal(&live, boundary);
                drop(answer.send(sealed));
            }
            Job::Forget(id) => {
                self.sessions.remove(&id);
                self.screens.retain(|screening| screening.live.id() != id);
                self.asked.retain(|(live, _)| live.id() != id);
            }
        }
    }

    fn look(&mut self) {
        while let Some(live) = self.looks.pop_due(Instant::now()) {
            live.release_look();
            if self.tracked(&live).catch_up(&live) == News::Some {
                let end = live.end();
                self.quiets.push(Instant::now() + QUIET, (live, end));
            }
        }
    }

    fn prepare_quiet(&mut self) {
        while let Some((live, end)) = self.quiets.pop_due(Instant::now()) {
            // Where more was printed since, a later look has queued it again.
            if live.end() == end {
                let making = self.tracked(&live).begin(&live, 0);
                self.screens.push_back(Screening { live, making, wanted: Purpose::Prepare });
            }
        }
    }

    /// One slice of one screen: those that somebody waits for first, a few at a time, as each takes
    /// memory.
    fn go_on(&mut self) {
        self.screens.retain(|screening| !screening.wanted.is_abandoned());
        let answered = self.screens.iter().filter(|one| one.wanted.is_answer()).count();
        if answered < AT_A_TIME
            && let Some((live, wanted)) = self.asked.pop_front()
            && !wanted.is_abandoned()
        {
            let making = self.caught_up(&live).begin(&live, wanted.lines());
            self.screens.push_front(Screening { live, making, wanted: Purpose::Answer(wanted) });
        }
        let Some(mut screening) = self.screens.pop_front() else { return };
        match screening.making.step(&screening.live) {
            Ok(Progress::More) => self.screens.push_back(screening),
            Ok(Progress::Done) => self.finish(screening),
            Err(error) => {
                let id = screening.live.id();
                warn!(session.id = %id, %error, "the screen of session {id} cannot be made");
            }
        }
    }

    fn finish(&mut self, mut screening: Screening) {
        let (live, making) = (&screening.live, &mut screening.making);
        if making.screen_mut().scrollback_lines() == 0 {
            self.tracked(live).keep(making, live);
        }
        let screen = making.screen_mut();
        let (offset, size) = (screen.offset(), screen.size());
        // Whoever asked may have hung up.
        match screening.wanted {
            Purpose::Prepare => {}
            Purpose::Answer(Wanted::Dump { answer, .. }) => {
                drop(answer.send(Shown { offset, size, screen: screen.dump() }));
            }
            Purpose::Answer(Wanted::Rows { answer, .. }) => {
                drop(answer.send(Shown { offset, size, screen: screen.snapshot() }));
            }
        }
    }

    fn caught_up(&mut self, live: &Arc<Live>) -> &mut Tracked {
        let tracked = self.tracked(live);
        tracked.catch_up(live);
        tracked
    }

    fn tracked(&mut self, live: &Arc<Live>) -> &mut Tracked {
        self.sessions.entry(live.id()).or_insert_with(|| Tracked::new(live))
    }
}
