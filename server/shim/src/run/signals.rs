//! Signals to the session's processes, and to no others.

use super::shim::Shim;
use crate::os;
use crate::wire::SignalTarget;

impl Shim {
    /// Sends a signal on behalf of the daemon.
    pub(super) fn send_signal(&self, signal: i32, target: SignalTarget) {
        match target {
            SignalTarget::Tree => self.signal_tree(&[signal]),
            SignalTarget::Group => self.signal_groups(signal),
        }
    }

    /// Sends `signals` in order to every process below the shim.
    pub(super) fn signal_tree(&self, signals: &[i32]) {
        for pid in os::descendants(self.pid) {
            os::signal_descendant(pid, self.pid, signals);
        }
    }

    /// The program's process group and the terminal's foreground group: what a person means who
    /// presses Ctrl-C.
    fn signal_groups(&self, signal: i32) {
        let program = self.program_pid();
        if let Some(pid) = program {
            // It has not been taken off the process table, so its number is still its own, and
            // with it that of its group; all at once is kinder to a pipeline than one by one.
            os::signal_group(pid, signal);
        }
        let Some(foreground) = self.terminal.foreground_group() else { return };
        if Some(foreground) == program {
            return;
        }
        for pid in os::descendants(self.pid) {
            if os::kinship(pid).is_some_and(|kin| kin.group == foreground) {
                os::signal_descendant(pid, self.pid, &[signal]);
            }
        }
    }
}
