//! What is due when. Without anything under way there is no timer.

use std::time::Instant;

use codeplane_core::AttachmentId;

use super::connection::News;
use super::output::Recovery;
use super::shim::Shim;

impl Shim {
    /// The next moment something is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let own = [self.acks_due, self.door_opens, self.terminal.redraw_due()];
        own.into_iter().chain(self.output.dues()).chain(self.ending.dues()).flatten().min()
    }

    /// Does what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.acks_due.is_some_and(|due| due <= now) {
            self.announce_acks();
        }
        if self.door_opens.is_some_and(|due| due <= now) {
            self.door_opens = None;
        }
        if self.terminal.redraw_due().is_some_and(|due| due <= now)
            && let Some(size) = self.terminal.take_redraw()
        {
            self.resize(size, AttachmentId::from_bytes([0; 16]));
        }
        if self.output.tick(now) == Recovery::Done {
            self.door.announce(News::Disk);
            self.door.announce(News::Output);
        }
        self.tick_ending(now);
    }
}
