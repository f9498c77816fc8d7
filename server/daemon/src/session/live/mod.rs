//! The memory of one session.

mod agent;
mod ages;
mod answerers;
mod resizes;
mod said;
mod seats;
mod states;
mod until;
mod watched;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use codeplane_core::{
    AttachmentId, ControlLease, Incarnation, Offset, OutputPosition, Session, SessionAgent,
    SessionId, SessionState, StateName, TerminalSize,
};
use codeplane_shim::{Bundle, LogReader};
use tokio::sync::mpsc;

pub(crate) use said::ProgramNews;

use ages::Ages;
use answerers::Answerers;
use resizes::Resizes;
use said::Said;
pub(crate) use seats::Passed;

use crate::session::link::Link;
use crate::session::seat::Seat;
use crate::session::surroundings::Surroundings;
use crate::session::task::Fact;
use crate::session::view::{LogHealth, View};
use crate::session::wakers::Wakers;
use crate::session::watch::Watcher;

/// One session. Everything is a level that anybody may look at after a wake-up.
#[derive(Debug)]
pub(crate) struct Live {
    own: Weak<Self>,
    id: SessionId,
    bundle: Bundle,
    /// End of the present incarnation's log, in bytes.
    end: AtomicU64,
    /// Counts changes of everything but `end`: followers compare it before they lock.
    version: AtomicU64,
    wakers: Wakers,
    state: Mutex<State>,
    surroundings: Arc<Surroundings>,
    /// Whether the watching thread has been told of the newest output.
    look: AtomicBool,
    ages: Mutex<Ages>,
}

/// What a mutex guards; never held across an await.
#[derive(Debug)]
struct State {
    session: Session,
    pid: i32,
    size: TerminalSize,
    resizes: Resizes,
    lease: ControlLease,
    control_at: Offset,
    /// Who holds control, and how it has passed since somebody asked.
    controller: Option<(AttachmentId, String)>,
    passed: Vec<Passed>,
    answerers: Answerers,
    facts: Option<mpsc::Sender<Fact>>,
    first_size: TerminalSize,
    seats: HashMap<AttachmentId, Arc<Seat>>,
    /// Inputs the shim remembers of attachments that are cut, by token.
    remembered: HashMap<[u8; 16], Remembered>,
    oldest: Offset,
    title: String,
    log: LogHealth,
    deleted: bool,
    link: Option<Arc<Link>>,
    /// The process id of its shim; 0 if it is not known.
    shim_pid: i32,
    agent: SessionAgent,
    calls: agent::Calls,
    /// What its program says of itself.
    said: Said,
}

/// What the shim remembers of an attachment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remembered {
    pub(super) attachment: AttachmentId,
    pub(super) seq: u64,
}

/// What a follower compares with what it has told its client.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    pub(super) state: SessionState,
    pub(super) incarnation: Incarnation,
    pub(super) holder: Option<AttachmentId>,
    pub(super) control_at: Offset,
    pub(super) resize: Option<(u64, Offset, TerminalSize)>,
    pub(super) deleted: bool,
}

impl Live {
    /// A session as its row and its log say it is.
    #[must_use]
    pub(crate) fn new(
        session: Session,
        bundle: impl Into<PathBuf>,
        surroundings: Arc<Surroundings>,
    ) -> Arc<Self> {
        let size = session.spec.size;
        let id = session.id();
        Arc::new_cyclic(|own| Self {
            own: Weak::clone(own),
            id,
            bundle: Bundle::new(bundle),
            end: AtomicU64::new(0),
            version: AtomicU64::new(1),
            wakers: Wakers::default(),
            state: Mutex::new(State {
                session,
                pid: 0,
                size,
                resizes: Resizes::default(),
                lease: ControlLease::default(),
                control_at: Offset::ZERO,
                controller: None,
                passed: Vec::new(),
                answerers: Answerers::default(),
                facts: None,
                first_size: size,
                seats: HashMap::new(),
                remembered: HashMap::new(),
                oldest: Offset::ZERO,
                title: String::new(),
                log: LogHealth::Written,
                deleted: false,
                link: None,
                shim_pid: 0,
                agent: SessionAgent::default(),
                calls: agent::Calls::default(),
                said: Said::default(),
            }),
            surroundings,
            look: AtomicBool::new(false),
            ages: Mutex::default(),
        })
    }

    /// Its id.
    #[must_use]
    pub(crate) const fn id(&self) -> SessionId {
        self.id
    }

    /// Its directory.
    #[must_use]
    pub(crate) const fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The files of the present incarnation's output.
    #[must_use]
    pub(crate) fn output_dir(&self) -> PathBuf {
        self.bundle.incarnation(self.incarnation()).output()
    }

    /// A reader of the present incarnation's output.
    #[must_use]
    pub(crate) fn reader(&self) -> LogReader {
        LogReader::open(self.output_dir())
    }

    /// The end of the present incarnation's output.
    #[must_use]
    pub(crate) fn end(&self) -> Offset {
        Offset(self.end.load(Ordering::Acquire))
    }

    /// The end of the output as a position.
    #[must_use]
    pub(crate) fn end_position(&self) -> OutputPosition {
        OutputPosition { incarnation: self.incarnation(), offset: self.end() }
    }

    /// The oldest output that is there.
    #[must_use]
    pub(crate) fn start_position(&self) -> OutputPosition {
        let state = self.lock();
        OutputPosition { incarnation: state.session.incarnation, offset: state.oldest }
    }

    /// The present run.
    #[must_use]
    pub(crate) fn incarnation(&self) -> Incarnation {
        self.lock().session.incarnation
    }

    /// The row.
    #[must_use]
    pub(crate) fn session(&self) -> Session {
        self.lock().session.clone()
    }

    /// The state of its process.
    #[must_use]
    pub(crate) fn state(&self) -> SessionState {
        self.lock().session.state.clone()
    }

    /// Everything, at one moment.
    #[must_use]
    pub(crate) fn view(&self) -> View {
        let end = self.end();
        let state = self.lock();
        let incarnation = state.session.incarnation;
        View {
            session: state.session.clone(),
            pid: state.pid,
            size: state.size,
            output_start: OutputPosition { incarnation, offset: state.oldest },
            output_end: OutputPosition { incarnation, offset: end },
            attachments: state.seats.len(),
            holder: state.lease.holder(),
            title: state.title.clone(),
            log: state.log,
            agent: state.agent.clone(),
            pending: state.calls.pending,
            coverage: state.calls.coverage(),
        }
    }

    /// The connection to its shim; none if it has ended or is being started.
    #[must_use]
    pub(crate) fn link(&self) -> Option<Arc<Link>> {
        self.lock().link.clone()
    }

    /// The size of its terminal.
    #[must_use]
    pub(crate) fn size(&self) -> TerminalSize {
        self.lock().size
    }

    /// Who is woken at every change.
    pub(crate) const fn wakers(&self) -> &Wakers {
        &self.wakers
    }

    /// The thread that follows what programs print.
    pub(super) fn watcher(&self) -> &Watcher {
        self.surroundings.watcher()
    }

    /// How often the daemon was drained.
    pub(super) fn drains(&self) -> u64 {
        self.surroundings.drains()
    }

    /// Whether the daemon is ending.
    pub(crate) fn is_stopping(&self) -> bool {
        self.surroundings.is_stopping()
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// What followers compare; `resize` is the number of the next change of size they have not told.
    pub(super) fn levels(&self, resize: u64) -> Levels {
        let state = self.lock();
        Levels {
            state: state.session.state.clone(),
            incarnation: state.session.incarnation,
            holder: state.lease.holder(),
            control_at: state.control_at,
            resize: state.resizes.at_or_after(resize),
            deleted: state.deleted,
        }
    }

    /// The number the next change of size will have.
    pub(super) fn next_resize(&self) -> u64 {
        self.lock().resizes.next_number()
    }

    /// Publishes a new end of the log.
    pub(crate) fn set_end(&self, end: Offset) {
        let before = self.end.fetch_max(end.0, Ordering::AcqRel);
        if before < end.0 {
            self.wakers.wake();
            self.mark(end);
            self.surroundings.grown(before, end.0);
        }
    }

    /// Sets the end of a log that nobody writes any more, and where it begins.
    pub(crate) fn set_extent(&self, oldest: Offset, end: Offset) {
        self.lock().oldest = oldest;
        self.came_at(end);
        self.set_end(end);
    }

    /// Old output was removed.
    pub(crate) fn set_oldest(&self, oldest: Offset) {
        self.change(|state| state.oldest = oldest);
    }

    /// The shim is there.
    pub(super) fn set_link(&self, link: Arc<Link>, pid: i32, size: TerminalSize) {
        self.change(|state| {
            state.link = Some(link);
            state.pid = pid;
            state.size = size;
        });
    }

    pub(super) fn set_pid(&self, pid: i32) {
        self.change(|state| state.pid = pid);
    }

    pub(super) fn set_remembered(&self, inputs: HashMap<[u8; 16], Remembered>) {
        self.change(|state| state.remembered = inputs);
    }

    /// The shim is gone.
    pub(super) fn drop_link(&self) {
        self.change(|state| {
            state.link = None;
            state.pid = 0;
        });
    }

    pub(super) fn set_resized(&self, at: Offset, size: TerminalSize) {
        self.change(|state| {
            state.size = size;
            state.resizes.push(at, size);
        });
    }

    pub(super) fn set_log(&self, log: LogHealth) {
        self.change(|state| state.log = log);
    }

    /// The row was changed by its user.
    pub(crate) fn set_row(&self, change: impl FnOnce(&mut Session)) {
        self.change(|state| change(&mut state.session));
    }

    /// The session is no more.
    pub(crate) fn set_deleted(&self) {
        self.change(|state| state.deleted = true);
    }

    /// The name of its state.
    #[must_use]
    pub(crate) fn state_name(&self) -> StateName {
        self.lock().session.state.name()
    }

    /// Everybody is to look again.
    pub(crate) fn changed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        self.wakers.wake();
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves plain values behind: each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
