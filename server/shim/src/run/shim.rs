//! The shim's state and its loop.

use std::time::{Duration, Instant};

use codeplane_core::{Incarnation, SessionId};

use super::connection::{News, PLACES, Place};
use super::door::Door;
use super::ending::Ending;
use super::input::Input;
use super::output::Output;
use super::terminal::Terminal;
use crate::bundle::IncarnationDir;
use crate::os::{Accepted, Awaited, Cgroup, Interest, Poll, SignalDoor};
use crate::spec::Keep;
use crate::wire::{HelloReply, PROTOCOL, ProcessState};

const SIGNALS: usize = 0;
const TERMINAL: usize = 1;
const DOOR: usize = 2;
const CONNECTIONS: usize = 3;

/// How long the door stays shut when nobody can be let in.
const DOOR_PAUSE: Duration = Duration::from_secs(1);

/// Everything one incarnation needs.
pub(super) struct Shim {
    pub(super) pid: i32,
    pub(super) facts: Facts,
    pub(super) files: IncarnationDir,
    pub(super) signals: SignalDoor,
    pub(super) cgroup: Option<Cgroup>,
    pub(super) terminal: Terminal,
    pub(super) output: Output,
    pub(super) input: Input,
    pub(super) door: Door,
    pub(super) state: ProcessState,
    pub(super) child_pid: i32,
    pub(super) ending: Ending,
    /// When acknowledgements go out even if no output does.
    pub(super) acks_due: Option<Instant>,
    /// Until when the door stays shut, if there is no descriptor to let anyone in.
    pub(super) door_opens: Option<Instant>,
    /// Whether the terminal took no more input the last time.
    pub(super) is_terminal_full: bool,
    /// Where messages are received.
    pub(super) buffer: Vec<u8>,
}

/// What the spec said that matters after the start.
pub(super) struct Facts {
    pub(super) session: SessionId,
    pub(super) incarnation: Incarnation,
    pub(super) keep: Keep,
    pub(super) leftover_grace: Duration,
    pub(super) linger: Duration,
}

impl Shim {
    /// Serves until the session is over and everyone who listens knows.
    pub(super) fn run(mut self) {
        self.door.announce(News::Started);
        self.flush_all();
        while !self.is_over() {
            let poll = self.wait();
            self.serve(&poll);
        }
        self.leave();
    }

    fn wait(&self) -> Poll<{ CONNECTIONS + PLACES }> {
        let mut poll = Poll::new();
        poll.watch(SIGNALS, &self.signals, Interest::Read);
        if !self.ending.is_drained() {
            let interest = if self.is_terminal_full { Interest::ReadWrite } else { Interest::Read };
            poll.watch(TERMINAL, &self.terminal, interest);
        }
        if self.door_opens.is_none() {
            poll.watch(DOOR, self.door.listener(), Interest::Read);
        }
        for place in Place::all() {
            if let Some(connection) = self.door.get(place) {
                if connection.is_gone() && !self.may_read(place) {
                    // Its last words wait until the program has read what was typed before.
                    continue;
                }
                let interest = match (self.may_read(place), connection.is_full()) {
                    (true, true) => Interest::ReadWrite,
                    (true, false) => Interest::Read,
                    (false, true) => Interest::Write,
                    (false, false) => Interest::End,
                };
                poll.watch(CONNECTIONS + place.0, connection, interest);
            }
        }
        let now = Instant::now();
        poll.wait(self.next_due().map(|due| due.saturating_duration_since(now)));
        poll
    }

    fn serve(&mut self, poll: &Poll<{ CONNECTIONS + PLACES }>) {
        // The terminal first: what waits for output waits for nothing else.
        if poll.is_readable(TERMINAL) {
            self.pump();
        }
        for place in Place::all() {
            let at = CONNECTIONS + place.0;
            if poll.is_writable(at) {
                self.room(place);
            }
            if poll.is_readable(at) {
                self.receive(place);
            }
            if poll.is_ended(at) {
                self.fall_silent(place);
            }
        }
        if poll.is_writable(TERMINAL) {
            self.is_terminal_full = false;
        }
        self.type_pending();
        if poll.is_readable(SIGNALS) {
            self.on_signals();
        }
        if poll.is_readable(DOOR) {
            self.admit();
        }
        self.tick(Instant::now());
        self.flush_all();
    }

    /// Lets in whoever waits at the door.
    fn admit(&mut self) {
        match self.door.next() {
            Accepted::Trusted(socket) => {
                let place = self.door.place_for_newcomer();
                self.forget_connection(place);
                self.door.admit(place, socket);
            }
            // Who waits keeps waiting, and so the door would be ready at once again.
            Accepted::Impossible => self.door_opens = Some(Instant::now() + DOOR_PAUSE),
            Accepted::Refused | Accepted::Nobody => {}
        }
    }

    /// Moves output into the log and tells everyone.
    pub(super) fn pump(&mut self) -> usize {
        let now = Instant::now();
        let before = (self.output.end(), self.output.disk());
        let pumped = self.output.pump(&self.terminal, now);
        if pumped.bytes == 0 {
            return 0;
        }
        if self.output.disk() != before.1 {
            self.door.announce(News::Disk);
        }
        if self.output.end() != before.0 {
            self.door.announce(News::Output);
            // Acknowledgements ride along: the daemon wakes once for a key and its echo.
            self.announce_acks();
        }
        self.flush_all();
        // After those who wait were told.
        self.output.record_time(pumped);
        pumped.bytes
    }

    fn on_signals(&mut self) {
        while let Some(signal) = self.signals.next() {
            match signal {
                Awaited::Child => self.reap_children(),
                Awaited::Terminate => self.stop_politely(),
                Awaited::Listen => self.listen_again(),
            }
        }
    }

    /// The program's process id while it has not ended.
    pub(super) const fn program_pid(&self) -> Option<i32> {
        match self.state {
            ProcessState::Running => Some(self.child_pid),
            ProcessState::Starting | ProcessState::Exited { .. } | ProcessState::Failed(_) => None,
        }
    }

    /// Everything a daemon must know.
    pub(super) fn hello(&self) -> HelloReply {
        HelloReply {
            protocol: PROTOCOL,
            build: crate::BUILD_ID.to_owned(),
            session: self.facts.session,
            incarnation: self.facts.incarnation,
            shim_pid: u32::try_from(self.pid).unwrap_or(0),
            child_pid: self.program_pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0),
            end: self.output.end(),
            size: self.terminal.size(),
            state: self.state.clone(),
            disk: self.output.disk(),
            inputs: self.input.tokens.remembered(),
        }
    }
}
