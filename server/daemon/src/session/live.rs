//! The memory of one session.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codeplane_core::{
    Acquire, AttachmentId, ControlChange, ControlLease, ControlTaken, EndReason, Incarnation,
    Offset, OutputPosition, Session, SessionId, SessionState, StateName, TerminalSize, Timestamp,
};
use codeplane_shim::{Bundle, LogReader};

use super::link::Link;
use super::seat::{Answers, Seat};
use super::surroundings::Surroundings;
use super::view::{LogHealth, View};
use super::wakers::Wakers;

/// How many changes of size are remembered for followers that are behind.
const RESIZES: usize = 256;

/// One session. Everything is a level that anybody may look at after a wake-up.
#[derive(Debug)]
pub struct Live {
    id: SessionId,
    bundle: Bundle,
    /// End of the present incarnation's log, in bytes.
    end: AtomicU64,
    /// Counts changes of everything but `end`: followers compare it before they lock.
    version: AtomicU64,
    wakers: Wakers,
    state: Mutex<State>,
    surroundings: Arc<Surroundings>,
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
    seats: HashMap<AttachmentId, Arc<Seat>>,
    /// Inputs the shim remembers of attachments that are cut, by token.
    remembered: HashMap<[u8; 16], Remembered>,
    oldest: Offset,
    title: String,
    log: LogHealth,
    deleted: bool,
    link: Option<Arc<Link>>,
}

/// What the shim remembers of an attachment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remembered {
    pub(super) attachment: AttachmentId,
    pub(super) seq: u64,
}

/// Changes of size in the order of their positions; numbered, so that each is seen once.
#[derive(Debug, Default)]
pub(super) struct Resizes {
    first: u64,
    list: std::collections::VecDeque<(Offset, TerminalSize)>,
}

impl Resizes {
    fn push(&mut self, at: Offset, size: TerminalSize) {
        if self.list.len() == RESIZES {
            self.list.pop_front();
            self.first += 1;
        }
        self.list.push_back((at, size));
    }

    /// The change with this number or the oldest one after it, with its number.
    fn at_or_after(&self, number: u64) -> Option<(u64, Offset, TerminalSize)> {
        let number = number.max(self.first);
        let index = usize::try_from(number - self.first).ok()?;
        self.list.get(index).map(|(at, size)| (number, *at, *size))
    }

    fn next_number(&self) -> u64 {
        self.first + self.list.len() as u64
    }
}

/// The attachment cannot be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumeError;

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
    pub fn new(session: Session, bundle: Bundle, surroundings: Arc<Surroundings>) -> Arc<Self> {
        let size = session.spec.size;
        let id = session.id();
        Arc::new(Self {
            id,
            bundle,
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
                seats: HashMap::new(),
                remembered: HashMap::new(),
                oldest: Offset::ZERO,
                title: String::new(),
                log: LogHealth::Written,
                deleted: false,
                link: None,
            }),
            surroundings,
        })
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Its directory.
    #[must_use]
    pub const fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The files of the present incarnation's output.
    #[must_use]
    pub fn output_dir(&self) -> PathBuf {
        self.bundle.incarnation(self.incarnation()).output()
    }

    /// A reader of the present incarnation's output.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        LogReader::open(self.output_dir())
    }

    /// The end of the present incarnation's output.
    #[must_use]
    pub fn end(&self) -> Offset {
        Offset(self.end.load(Ordering::Acquire))
    }

    /// The end of the output as a position.
    #[must_use]
    pub fn end_position(&self) -> OutputPosition {
        OutputPosition { incarnation: self.incarnation(), offset: self.end() }
    }

    /// The oldest output that is there.
    #[must_use]
    pub fn start_position(&self) -> OutputPosition {
        let state = self.lock();
        OutputPosition { incarnation: state.session.incarnation, offset: state.oldest }
    }

    /// The present run.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.lock().session.incarnation
    }

    /// The row.
    #[must_use]
    pub fn session(&self) -> Session {
        self.lock().session.clone()
    }

    /// The state of its process.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.lock().session.state.clone()
    }

    /// Everything, at one moment.
    #[must_use]
    pub fn view(&self) -> View {
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
        }
    }

    /// The connection to its shim; none if it has ended or is being started.
    #[must_use]
    pub fn link(&self) -> Option<Arc<Link>> {
        self.lock().link.clone()
    }

    /// The size of its terminal.
    #[must_use]
    pub fn size(&self) -> TerminalSize {
        self.lock().size
    }

    /// Waits until `look` sees what it looks for.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn until<T>(&self, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let place = Place { wakers: &self.wakers, slot: self.wakers.join() };
        std::future::poll_fn(|cx| {
            // First ask to be woken, then look.
            place.wakers.register(place.slot, cx.waker());
            look(self).map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        })
        .await
    }

    /// Who is woken at every change.
    pub(crate) const fn wakers(&self) -> &Wakers {
        &self.wakers
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
    pub(super) fn set_end(&self, end: Offset) {
        let before = self.end.fetch_max(end.0, Ordering::AcqRel);
        if before < end.0 {
            self.wakers.wake();
            self.surroundings.grown(before, end.0);
        }
    }

    /// Sets the end of a log that nobody writes any more, and where it begins.
    pub fn set_extent(&self, oldest: Offset, end: Offset) {
        self.lock().oldest = oldest;
        self.set_end(end);
    }

    /// Old output was removed.
    pub fn set_oldest(&self, oldest: Offset) {
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

    /// The program set its title.
    pub fn set_title(&self, title: String) {
        self.change(|state| state.title = title);
    }

    /// The process runs. Does nothing once it has ended or was told to stop.
    pub fn set_started(&self, at: Timestamp) {
        self.change(|state| {
            state.session.started_at = Some(at);
            match state.session.state {
                SessionState::Starting => {
                    state.session.state = SessionState::Running;
                    state.session.version += 1;
                }
                SessionState::Running
                | SessionState::Stopping
                | SessionState::Restarting { .. }
                | SessionState::Ended(_) => {}
            }
        });
    }

    /// It was told to stop.
    pub fn set_stopping(&self) {
        self.change(|state| match state.session.state {
            SessionState::Starting | SessionState::Running => {
                state.session.state = SessionState::Stopping;
                state.session.version += 1;
            }
            SessionState::Stopping | SessionState::Restarting { .. } | SessionState::Ended(_) => {}
        });
    }

    /// The incarnation is over. The first reason stays.
    pub fn set_ended(&self, reason: EndReason, at: Timestamp) {
        self.change(|state| {
            if state.session.state.is_live() {
                state.session.state = SessionState::Ended(reason);
                state.session.ended_at = Some(at);
                state.session.version += 1;
                state.pid = 0;
            }
        });
    }

    /// The row was changed by its user.
    pub fn set_row(&self, change: impl FnOnce(&mut Session)) {
        self.change(|state| change(&mut state.session));
    }

    /// The session is no more.
    pub fn set_deleted(&self) {
        self.change(|state| state.deleted = true);
    }

    /// Takes a seat: a new attachment, or with its token an earlier one that goes on.
    ///
    /// # Errors
    /// [`ResumeError`] if nobody remembers the token.
    pub fn sit(
        &self,
        resume: Option<[u8; 16]>,
        principal: &str,
        answers: Answers,
    ) -> Result<Arc<Seat>, ResumeError> {
        let mut state = self.lock();
        let (id, token, seq) = match resume {
            None => (AttachmentId::random(), *AttachmentId::random().as_bytes(), 0),
            Some(token) => {
                let seated = state.seats.values().find(|seat| seat.token() == token).cloned();
                let known = match (&seated, state.remembered.get(&token)) {
                    (Some(old), _) => Remembered { attachment: old.id(), seq: old.acked() },
                    (None, Some(remembered)) => *remembered,
                    (None, None) => return Err(ResumeError),
                };
                // A client that comes back before its old connection is seen to be dead.
                if let Some(old) = seated {
                    old.set_replaced();
                }
                (known.attachment, token, known.seq)
            }
        };
        let seat = Arc::new(Seat::new(id, token, principal.to_owned(), answers));
        seat.set_acked(seq);
        state.remembered.insert(token, Remembered { attachment: id, seq });
        state.seats.insert(id, Arc::clone(&seat));
        drop(state);
        self.changed();
        Ok(seat)
    }

    /// Leaves a seat; the newest remaining controller follows.
    pub fn leave(&self, seat: &Arc<Seat>) {
        let end = self.end();
        let mut state = self.lock();
        let own = state.seats.get(&seat.id()).is_some_and(|one| Arc::ptr_eq(one, seat));
        if own {
            state.seats.remove(&seat.id());
            if let Some(remembered) = state.remembered.get_mut(&seat.token()) {
                remembered.seq = remembered.seq.max(seat.acked());
            }
            if state.lease.release(seat.id()) == ControlChange::Changed {
                state.control_at = end;
            }
        }
        drop(state);
        self.changed();
    }

    /// A seat by its id.
    #[must_use]
    pub fn seat(&self, id: AttachmentId) -> Option<Arc<Seat>> {
        self.lock().seats.get(&id).cloned()
    }

    /// Asks for control. Answers from which position on it holds.
    ///
    /// # Errors
    /// [`ControlTaken`] if another attachment holds it and `how` does not steal.
    pub fn acquire(&self, who: AttachmentId, how: Acquire) -> Result<OutputPosition, ControlTaken> {
        let end = self.end();
        let mut state = self.lock();
        if state.lease.acquire(who, how)? == ControlChange::Changed {
            state.control_at = end;
        }
        let at = OutputPosition { incarnation: state.session.incarnation, offset: state.control_at };
        drop(state);
        self.changed();
        Ok(at)
    }

    /// Gives control up. Answers who holds it now.
    pub fn release(&self, who: AttachmentId) -> Option<AttachmentId> {
        let end = self.end();
        let mut state = self.lock();
        if state.lease.release(who) == ControlChange::Changed {
            state.control_at = end;
        }
        let holder = state.lease.holder();
        drop(state);
        self.changed();
        holder
    }

    /// Who holds control.
    #[must_use]
    pub fn holder(&self) -> Option<Arc<Seat>> {
        let state = self.lock();
        state.lease.holder().and_then(|id| state.seats.get(&id).cloned())
    }

    /// Whether this attachment holds control.
    pub(super) fn is_holder(&self, who: AttachmentId) -> bool {
        self.lock().lease.holder() == Some(who)
    }

    /// Input of an attachment was applied.
    pub(super) fn acked(&self, token: [u8; 16], seq: u64) {
        let mut state = self.lock();
        if let Some(remembered) = state.remembered.get_mut(&token) {
            remembered.seq = remembered.seq.max(seq);
        }
        let seat = state.seats.values().find(|seat| seat.token() == token).cloned();
        drop(state);
        if let Some(seat) = seat {
            seat.set_acked(seq);
            self.changed();
        }
    }

    /// The name of its state.
    #[must_use]
    pub fn state_name(&self) -> StateName {
        self.lock().session.state.name()
    }

    /// Everybody is to look again.
    pub(super) fn changed(&self) {
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

/// A place among those who are woken, given back however the wait ends.
struct Place<'a> {
    wakers: &'a Wakers,
    slot: usize,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.wakers.leave(self.slot);
    }
}
