//! From the terminal to the log.

use std::time::{Duration, Instant};

use codeplane_core::{AttachmentId, ExitStatus, Offset, TerminalSize};

use super::sync::Syncer;
use super::terminal::Terminal;
use crate::index::IndexWriter;
use crate::os::{self, wall_clock};
use crate::output_log::LogWriter;
use crate::wire::DiskState;

/// Bytes read before they are written and announced: fifteen times what a read of a terminal gives
/// at most. More would hold back the first of them for no gain.
const READ_BYTES: usize = 60 * 1024;

/// How often a full disk is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Log, index and what they owe the disk.
pub(super) struct Output {
    log: LogWriter,
    index: IndexWriter,
    sync: Syncer,
    buffer: Vec<u8>,
    retry_due: Option<Instant>,
}

/// What one turn brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pumped {
    /// Where it begins.
    pub(super) from: Offset,
    /// How much it is, in bytes.
    pub(super) bytes: usize,
}

impl Output {
    pub(super) fn new(log: LogWriter, index: IndexWriter) -> Self {
        let sync = Syncer::default();
        Self { log, index, sync, buffer: os::lazy_buffer(), retry_due: None }
    }

    /// Moves what the program has printed into the log: one write, however many reads.
    ///
    /// The index is written by [`Self::record_time`], after whoever waits was told.
    pub(super) fn pump(&mut self, terminal: &Terminal, now: Instant) -> Pumped {
        let mut bytes = 0;
        while bytes < READ_BYTES {
            match terminal.read(&mut self.buffer[bytes..READ_BYTES]) {
                0 => break,
                len => bytes += len,
            }
        }
        let from = self.log.received();
        if bytes > 0 {
            self.log.append(&self.buffer[..bytes]);
            self.sync.note(now);
            if self.log.is_full() {
                self.retry_due.get_or_insert(now + RETRY_AFTER);
            }
        }
        Pumped { from, bytes }
    }

    pub(super) fn record_time(&mut self, pumped: Pumped) {
        self.index.output(pumped.from, wall_clock());
    }

    pub(super) fn record_input(&mut self, author: AttachmentId) {
        self.index.input(author, self.log.received(), wall_clock());
    }

    pub(super) fn record_resize(&mut self, size: TerminalSize, author: AttachmentId) {
        self.index.resize(size, author, self.log.received(), wall_clock());
    }

    pub(super) fn record_exit(&mut self, status: ExitStatus) {
        self.index.exit(status, self.log.received(), wall_clock());
    }

    /// The end of what is in files.
    pub(super) const fn end(&self) -> Offset {
        self.log.end()
    }

    /// The end of what was printed.
    pub(super) const fn received(&self) -> Offset {
        self.log.received()
    }

    /// Whether the disk takes no output at the moment.
    pub(super) const fn disk_is_full(&self) -> bool {
        self.log.is_full()
    }

    pub(super) const fn disk(&self) -> DiskState {
        self.log.disk()
    }

    pub(super) fn dues(&self) -> [Option<Instant>; 2] {
        [self.retry_due, self.sync.due()]
    }

    /// Does what is due. Whether the disk takes output again.
    pub(super) fn tick(&mut self, now: Instant) -> Recovery {
        if self.sync.due().is_some_and(|due| due <= now) {
            let Self { log, index, sync, .. } = self;
            sync.start(now, || unsynced(log, index));
        }
        if self.retry_due.is_none_or(|due| due > now) {
            return Recovery::None;
        }
        if self.log.retry().is_err() {
            self.retry_due = Some(now + RETRY_AFTER);
            return Recovery::None;
        }
        self.retry_due = None;
        self.sync.note(now);
        if let DiskState::Recovered { from, to } = self.log.disk()
            && from < to
        {
            self.index.gap(from, to, self.log.received(), wall_clock());
        }
        Recovery::Done
    }

    /// Leaves nothing that a power cut could take.
    pub(super) fn finish(&mut self) {
        let files = unsynced(&mut self.log, &self.index);
        self.sync.finish(&files);
    }
}

/// Whether a full disk has just become usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    None,
    Done,
}

fn unsynced(log: &mut LogWriter, index: &IndexWriter) -> Vec<std::sync::Arc<std::fs::File>> {
    let mut files = log.take_unsynced();
    files.push(index.file());
    files
}
