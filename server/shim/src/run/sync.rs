//! Output survives a power cut but for its last second.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::complaint::complain;

/// How much output a power cut may take.
const SYNC_AFTER: Duration = Duration::from_secs(1);

/// A thread that does nothing but wait for the disk needs hardly a stack.
const STACK_BYTES: usize = 32 * 1024;

/// Has unsynced files written to the disk, a second after the first byte.
///
/// On a thread, so that a slow disk never stops the terminal; a short-lived one, so that an idle
/// session has none.
#[derive(Debug, Default)]
pub(super) struct Syncer {
    due: Option<Instant>,
    is_busy: Arc<AtomicBool>,
}

impl Syncer {
    /// Something was written.
    pub(super) fn note(&mut self, now: Instant) {
        self.due.get_or_insert(now + SYNC_AFTER);
    }

    /// When to call [`Self::start`]; `None` while everything is synced.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Syncs `files`, which are all that are not. If the disk is still busy with the ones of
    /// before, they are not taken and are due again in a second.
    pub(super) fn start(&mut self, now: Instant, files: impl FnOnce() -> Vec<Arc<File>>) {
        if self.is_busy.swap(true, Ordering::AcqRel) {
            self.due = Some(now + SYNC_AFTER);
            return;
        }
        self.due = None;
        let files = files();
        let is_busy = Arc::clone(&self.is_busy);
        let work = move || {
            sync(&files);
            is_busy.store(false, Ordering::Release);
        };
        if let Err(error) = thread::Builder::new().stack_size(STACK_BYTES).spawn(work) {
            complain(format_args!("sync thread: {error}"));
            self.is_busy.store(false, Ordering::Release);
            self.due = Some(now + SYNC_AFTER);
        }
    }

    /// Syncs `files` before it returns, if anything was written since the last time.
    pub(super) fn finish(&mut self, files: &[Arc<File>]) {
        if self.due.take().is_some() {
            sync(files);
        }
    }
}

fn sync(files: &[Arc<File>]) {
    for file in files {
        if let Err(error) = file.sync_data() {
            complain(format_args!("sync: {error}"));
        }
    }
}
