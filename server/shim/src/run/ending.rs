//! The end: of the program, of what it left behind, of the shim.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use codeplane_core::ExitStatus;

use super::complaint::complain;
use super::connection::News;
use super::shim::Shim;
use crate::os::{self, Reaped};
use crate::record::{ExitRecord, Outcome};
use crate::spec::Keep;
use crate::wire::{ProcessState, StopStep};

/// Output of a program that has ended and of which processes go on printing: read this much, or
/// this long, before the end is announced.
const LAST_OUTPUT_BYTES: usize = 1024 * 1024;
const LAST_OUTPUT_TIME: Duration = Duration::from_millis(50);

/// Between two rounds of killing: the first is short, as what was forked meanwhile is caught by the
/// second; what survives many is stuck in the kernel.
const FIRST_ROUND: Duration = Duration::from_millis(10);
const LAST_ROUND: Duration = Duration::from_secs(1);

/// How often a status that the disk did not take is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What a shim does that is told to end by a signal, as at the shutdown of the machine.
const POLITE_STOP: [StopStep; 2] = [
    StopStep { signal: libc::SIGHUP, wait_ms: 100 },
    StopStep { signal: libc::SIGTERM, wait_ms: 5_000 },
];

/// How far the end has come.
#[derive(Default)]
pub(super) struct Ending {
    escalation: Option<Escalation>,
    /// When what outlived the program is killed.
    leftovers_due: Option<Instant>,
    killing: Option<Killing>,
    /// The status, as long as the disk has not taken it.
    unwritten: Option<Unwritten>,
    is_drained: bool,
    /// Until when a daemon is waited for that has not been told.
    linger_due: Option<Instant>,
    patience: Patience,
}

struct Unwritten {
    record: ExitRecord,
    due: Instant,
}

#[derive(Default)]
enum Patience {
    /// Waits for the disk and for daemons.
    #[default]
    Usual,
    /// Was told to shut down.
    None,
}

struct Escalation {
    steps: VecDeque<StopStep>,
    due: Instant,
}

struct Killing {
    due: Instant,
    pause: Duration,
}

impl Ending {
    /// Whether no process is left and all output is in the log.
    pub(super) const fn is_drained(&self) -> bool {
        self.is_drained
    }

    pub(super) fn dues(&self) -> [Option<Instant>; 5] {
        [
            self.escalation.as_ref().map(|escalation| escalation.due),
            self.leftovers_due,
            self.killing.as_ref().map(|killing| killing.due),
            self.unwritten.as_ref().map(|unwritten| unwritten.due),
            self.linger_due,
        ]
    }
}

impl Shim {
    /// Ends the session step by step.
    pub(super) fn stop(&mut self, steps: Vec<StopStep>) {
        self.ending.escalation = Some(Escalation { steps: steps.into(), due: Instant::now() });
        self.tick_ending(Instant::now());
    }

    pub(super) fn stop_politely(&mut self) {
        self.stop(POLITE_STOP.to_vec());
    }

    /// Kills everything now and waits for nobody.
    pub(super) fn shut_down(&mut self) {
        self.ending.patience = Patience::None;
        self.kill_everything(Instant::now());
    }

    pub(super) fn tick_ending(&mut self, now: Instant) {
        if self.ending.escalation.as_ref().is_some_and(|escalation| escalation.due <= now) {
            self.escalate(now);
        }
        if self.ending.leftovers_due.is_some_and(|due| due <= now) {
            self.ending.leftovers_due = None;
            self.kill_everything(now);
        }
        if self.ending.killing.as_ref().is_some_and(|killing| killing.due <= now) {
            self.kill_round(now);
        }
        if self.ending.unwritten.as_ref().is_some_and(|unwritten| unwritten.due <= now) {
            // Complained about the first time.
            self.write_exit(now).ok();
        }
        if self.ending.linger_due.is_some_and(|due| due <= now) {
            self.ending.linger_due = None;
        }
    }

    fn escalate(&mut self, now: Instant) {
        let Some(escalation) = &mut self.ending.escalation else { return };
        match escalation.steps.pop_front() {
            Some(step) if step.signal != libc::SIGKILL => {
                escalation.due = now + Duration::from_millis(step.wait_ms.into());
                // What was stopped would not see its signal before somebody continues it.
                self.signal_tree(&[step.signal, libc::SIGCONT]);
            }
            Some(_) | None => {
                self.ending.escalation = None;
                self.kill_everything(now);
            }
        }
    }

    fn kill_everything(&mut self, now: Instant) {
        if self.ending.killing.is_none() && !self.ending.is_drained() {
            self.ending.killing = Some(Killing { due: now, pause: FIRST_ROUND });
            self.kill_round(now);
        }
    }

    /// Kills what there is. Processes that are being forked meanwhile are for the next round; the
    /// kernel says when there is none left, see [`Self::reap_children`].
    fn kill_round(&mut self, now: Instant) {
        if let Some(cgroup) = &self.cgroup {
            cgroup.kill();
        }
        self.signal_tree(&[libc::SIGKILL]);
        if let Some(killing) = &mut self.ending.killing {
            killing.due = now + killing.pause;
            killing.pause = (killing.pause * 2).min(LAST_ROUND);
        }
    }

    /// Takes every ended child off the process table: the program, and orphans of the session.
    pub(super) fn reap_children(&mut self) {
        loop {
            match os::reap() {
                // Once it has ended, its number may come again as an orphan's.
                Reaped::Ended(pid, status) if self.program_pid() == Some(pid) => {
                    self.program_ended(status);
                }
                Reaped::Ended(..) => {}
                Reaped::Living => return,
                Reaped::None => return self.nobody_left(),
            }
        }
    }

    fn program_ended(&mut self, status: ExitStatus) {
        let now = Instant::now();
        let mut bytes = 0;
        while bytes < LAST_OUTPUT_BYTES && now.elapsed() < LAST_OUTPUT_TIME {
            match self.pump() {
                0 => break,
                more => bytes += more,
            }
        }
        self.input.clear();
        let end = self.output.received();
        self.state = ProcessState::Exited { status, end };
        self.output.record_exit(status);
        let record = ExitRecord { outcome: Outcome::Exited(status), end, at: os::wall_clock() };
        self.ending.unwritten = Some(Unwritten { record, due: now });
        // On disk before it is announced. A disk that takes nothing must not keep it from those
        // who listen: they can write it down elsewhere.
        if let Err(error) = self.write_exit(now) {
            complain(format_args!("exit status: {error}"));
        }
        self.door.announce(News::Exited);
        if self.facts.keep == Keep::KillLeftovers {
            self.ending.leftovers_due = Some(now + self.facts.leftover_grace);
        }
    }

    fn write_exit(&mut self, now: Instant) -> io::Result<()> {
        if let Some(unwritten) = &mut self.ending.unwritten {
            unwritten.due = now + RETRY_AFTER;
            let written = self.files.write_exit(&unwritten.record);
            // Where the session's directory was removed there is nobody to read it any more.
            if self.files.is_there() {
                written?;
            }
            self.ending.unwritten = None;
        }
        Ok(())
    }

    /// No process is below the shim any more, so nothing can be printed.
    fn nobody_left(&mut self) {
        if self.ending.is_drained() || self.is_running() {
            return;
        }
        // Whoever outside holds the terminal may print for ever; what the session printed is there.
        let mut bytes = 0;
        while bytes < LAST_OUTPUT_BYTES {
            match self.pump() {
                0 => break,
                more => bytes += more,
            }
        }
        self.ending.escalation = None;
        self.ending.leftovers_due = None;
        self.ending.killing = None;
        self.ending.is_drained = true;
        self.ending.linger_due = Some(Instant::now() + self.facts.linger);
        self.is_terminal_full = false;
        if let Some(cgroup) = self.cgroup.take() {
            cgroup.remove();
        }
        self.door.announce(News::Drained);
    }

    /// Whether there is nothing left to do: all is on disk, and everyone who listens knows.
    pub(super) fn is_over(&self) -> bool {
        let is_done = match self.ending.patience {
            Patience::None => true,
            Patience::Usual => {
                self.ending.unwritten.is_none()
                    && !self.output.disk_is_full()
                    && (self.door.is_everyone_told() || self.ending.linger_due.is_none())
            }
        };
        self.ending.is_drained && is_done
    }

    /// The last thing a shim does.
    pub(super) fn leave(mut self) {
        self.output.finish();
        // Dropped with the rest: the name of the socket.
    }
}
