//! Doing what daemons say.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use codeplane_core::{AttachmentId, CANONICAL_LINE_BYTES, TerminalSize, longest_line};

use super::complaint::complain;
use super::connection::{Audience, News, Place, Untold};
use super::input::{Origin, Typing, Work};
use super::shim::Shim;
use super::tokens::Verdict;
use super::unary::{Assembled, Assembly, Known};
use crate::os::Received;
use crate::wire::{FromShim, InputToken, Part, ProcessState, RefusedReason, ToShim};

/// Messages read from one connection before the terminal gets its turn.
const MESSAGES_PER_TURN: usize = 16;

/// How long an acknowledgement waits for output to ride along with. A key is mostly echoed within
/// one millisecond, and one wake-up of the daemon instead of two is what its latency consists of.
const ACK_AFTER: Duration = Duration::from_millis(5);

impl Shim {
    /// Reads what a connection has to say, as far as it may be read now.
    pub(super) fn receive(&mut self, place: Place) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..MESSAGES_PER_TURN {
            if !self.may_read(place) {
                break;
            }
            let Some(connection) = self.door.get(place) else { break };
            let received = connection.receive(&mut buffer);
            match received {
                Received::Message(len) => self.handle(place, &buffer[..len]),
                Received::TooLong => {}
                Received::Nothing => break,
                Received::Closed => {
                    self.close(place);
                    break;
                }
            }
        }
        self.buffer = buffer;
    }

    fn handle(&mut self, place: Place, message: &[u8]) {
        // Of a later version, or cut: not for us.
        let Some(message) = ToShim::decode(message) else { return };
        match message {
            ToShim::Launch { .. } => {}
            ToShim::Hello { .. } => self.greet(place),
            ToShim::Register { token, attachment } => self.register(place, token, attachment),
            ToShim::Input { token, seq, author, bytes } => {
                let typing = Typing {
                    bytes: bytes.to_vec(),
                    done: 0,
                    author,
                    origin: Origin::Attachment(token, seq),
                };
                self.take_input(place, token, seq, typing);
            }
            ToShim::UnaryInput { request, author, index, part, bytes } => {
                let assembly = Assembly::new(request, author);
                self.take_unary(place, assembly, (index, part, bytes));
            }
            ToShim::Forget { token } => self.input.tokens.forget(token),
            ToShim::Resize { size, author } => self.input.push_resize(size, author),
            ToShim::Redraw => self.input.push_redraw(),
            ToShim::Signal { signal, target } => self.send_signal(signal, target),
            ToShim::Stop { steps } => self.stop(steps),
            ToShim::Ping { nonce } => self.answer(place, &FromShim::Pong { nonce }),
            ToShim::Shutdown => self.shut_down(),
            ToShim::QueryTermMode => {
                self.answer(place, &FromShim::TermMode(self.terminal.mode()));
            }
            ToShim::Relisten { path } => self.relisten(Path::new(OsStr::from_bytes(path))),
        }
    }

    /// Says everything, and goes on saying what changes.
    fn greet(&mut self, place: Place) {
        self.drop_assembly(place);
        self.input.tokens.expire(Instant::now());
        // The reply has all of it, but for what is not a state.
        self.input.tokens.told_all(place);
        let is_drained = self.ending.is_drained();
        if let Some(connection) = self.door.get_mut(place) {
            connection.audience = Audience::Told;
            let unary_acks = connection.untold.has(News::UnaryAcks);
            connection.untold = Untold::default();
            if unary_acks {
                connection.untold.add(News::UnaryAcks);
            }
            if is_drained {
                connection.untold.add(News::Drained);
            }
        }
        let reply = FromShim::Hello(self.hello());
        self.answer(place, &reply);
    }

    fn register(&mut self, place: Place, token: InputToken, attachment: AttachmentId) {
        let now = Instant::now();
        let (received, applied) = self.input.tokens.register(token, attachment, place, now);
        self.answer(place, &FromShim::Registered { token, received, applied });
    }

    fn take_input(&mut self, place: Place, token: InputToken, seq: u64, typing: Typing) {
        if let Some(connection) = self.door.get_mut(place) {
            connection.is_typing = true;
        }
        if self.program_pid().is_none() {
            // Nobody reads it; that it ended was or will be told.
            return;
        }
        match self.input.tokens.receive(token, seq) {
            Verdict::Next => {
                self.input.push_attached(typing);
                self.type_pending();
            }
            Verdict::Waiting => {}
            Verdict::Applied => {
                self.input.tokens.repeat(token, place);
                if let Some(connection) = self.door.get_mut(place) {
                    connection.untold.add(News::Acks);
                }
            }
            Verdict::Gap(expected) => self.answer(place, &FromShim::InputGap { token, expected }),
        }
    }

    fn take_unary(
        &mut self,
        place: Place,
        new: Assembly,
        (index, part, bytes): (u32, Part, &[u8]),
    ) {
        let request = new.request;
        match self.input.requests.look_up(request) {
            Known::New => {}
            Known::Waiting => return,
            Known::Applied => {
                if part == Part::Last {
                    self.input.requests.repeat(request, place);
                    if let Some(connection) = self.door.get_mut(place) {
                        connection.untold.add(News::UnaryAcks);
                    }
                }
                return;
            }
        }
        if index > 0 && self.door.get(place).is_some_and(|c| c.refused == Some(request)) {
            return;
        }
        let taken = if (index, part) == (0, Part::Last) {
            self.take_whole(&new, bytes)
        } else {
            let taken = self.assemble(place, new, (index, part, bytes));
            if taken.is_err() {
                self.drop_assembly(place);
            }
            taken
        };
        if let Err(reason) = taken {
            if let Some(connection) = self.door.get_mut(place) {
                connection.refused = Some(request);
            }
            self.answer(place, &FromShim::UnaryRefused { request, reason });
        }
        self.type_pending();
    }

    /// Queues an input that came in one message. What is being put together waits meanwhile: the
    /// daemon answers a program's question also while somebody types a long text.
    fn take_whole(&mut self, new: &Assembly, bytes: &[u8]) -> Result<(), RefusedReason> {
        if self.program_pid().is_none() {
            return Err(RefusedReason::Ended);
        }
        if longest_line(bytes) > CANONICAL_LINE_BYTES && self.terminal.mode().is_canonical() {
            return Err(RefusedReason::LineTooLong);
        }
        if !self.input.requests.has_room(new.author) || !self.input.reserve_unary(bytes.len()) {
            return Err(RefusedReason::TooLarge);
        }
        self.input.push_unary(new.request, new.author, bytes.to_vec());
        Ok(())
    }

    /// Adds a part; queues the input when it is the last.
    fn assemble(
        &mut self,
        place: Place,
        new: Assembly,
        (index, part, bytes): (u32, Part, &[u8]),
    ) -> Result<(), RefusedReason> {
        if self.program_pid().is_none() {
            return Err(RefusedReason::Ended);
        }
        let is_continued = self
            .door
            .get(place)
            .and_then(|connection| connection.assembly.as_ref())
            .is_some_and(|assembly| assembly.request == new.request && index > 0);
        if !is_continued {
            // The one before was given up.
            self.drop_assembly(place);
        }
        if !self.input.requests.has_room(new.author) || !self.input.reserve_unary(bytes.len()) {
            return Err(RefusedReason::TooLarge);
        }
        let Some(connection) = self.door.get_mut(place) else { return Ok(()) };
        let assembly = connection.assembly.get_or_insert(new);
        match assembly.add(index, part, bytes) {
            Assembled::Partly => return Ok(()),
            Assembled::Whole => {}
            Assembled::Broken => {
                self.input.release_unary(bytes.len());
                return Err(RefusedReason::PartMissing);
            }
        }
        if longest_line(&assembly.bytes) > CANONICAL_LINE_BYTES
            && self.terminal.mode().is_canonical()
        {
            return Err(RefusedReason::LineTooLong);
        }
        if let Some(whole) = connection.assembly.take() {
            self.input.push_unary(whole.request, whole.author, whole.bytes);
        }
        Ok(())
    }

    /// Gives up what a connection has not sent whole.
    pub(super) fn drop_assembly(&mut self, place: Place) {
        let assembly = self.door.get_mut(place).and_then(|c| c.assembly.take());
        if let Some(dropped) = assembly {
            self.input.release_unary(dropped.bytes.len());
        }
    }

    /// Listens at the same path again.
    pub(super) fn listen_again(&mut self) {
        let path = self.door.path().to_path_buf();
        self.relisten(&path);
    }

    fn relisten(&mut self, path: &Path) {
        if let Err(error) = self.door.reopen(path) {
            complain(format_args!("listen at {}: {error}", path.display()));
        }
    }

    /// Types what waits, as far as the terminal takes it.
    pub(super) fn type_pending(&mut self) {
        while !self.is_terminal_full && !self.input.is_empty() {
            let Some(work) = self.input.front() else { return };
            match work {
                Work::Type(typing) => {
                    if typing.done == 0 {
                        let author = typing.author;
                        self.output.record_input(author);
                    }
                    match self.terminal.write(&typing.bytes[typing.done..]) {
                        Ok(len) => typing.done += len,
                        // Nothing will take it.
                        Err(_) => typing.done = typing.bytes.len(),
                    }
                    if typing.done < typing.bytes.len() {
                        self.is_terminal_full = true;
                        return;
                    }
                    let origin = typing.origin;
                    self.input.pop();
                    self.applied(origin);
                }
                Work::Resize(size, author) => {
                    let (size, author) = (*size, *author);
                    self.input.pop();
                    self.resize(size, author);
                }
                Work::Redraw => {
                    self.input.pop();
                    self.redraw();
                }
            }
        }
    }

    fn applied(&mut self, origin: Origin) {
        let audience = self.door.audience();
        match origin {
            Origin::Attachment(token, seq) => {
                self.input.tokens.apply(token, seq, audience);
                self.acks_due.get_or_insert_with(|| Instant::now() + ACK_AFTER);
            }
            Origin::Unary(id) => {
                self.input.requests.apply(id, audience);
                self.door.announce(News::UnaryAcks);
            }
        }
    }

    /// Has acknowledgements sent with whatever is sent next.
    pub(super) fn announce_acks(&mut self) {
        if self.acks_due.take().is_some() {
            self.door.announce(News::Acks);
        }
    }

    /// Sets the size.
    pub(super) fn resize(&mut self, size: TerminalSize, author: AttachmentId) {
        let at = self.output.received();
        match self.terminal.resize(size, at) {
            Ok(()) => self.resized(author),
            Err(error) => complain(format_args!("resize: {error}")),
        }
    }

    fn redraw(&mut self) {
        let before = self.terminal.size();
        if let Err(error) = self.terminal.redraw(self.output.received(), Instant::now()) {
            complain(format_args!("redraw: {error}"));
        }
        if self.terminal.size() != before {
            self.resized(AttachmentId::from_bytes([0; 16]));
        }
    }

    fn resized(&mut self, author: AttachmentId) {
        self.output.record_resize(self.terminal.size().size, author);
        self.door.announce(News::Resized);
    }

    /// Whether the program still runs.
    pub(super) const fn is_running(&self) -> bool {
        matches!(self.state, ProcessState::Running)
    }
}
