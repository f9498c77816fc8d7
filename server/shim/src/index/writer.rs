//! Writing the index. It is an aid: when the disk takes no record, the record is missing.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use codeplane_core::{AttachmentId, ExitStatus, Offset, TerminalSize, Timestamp};

use super::record::{IndexRecord, IndexRecordKind, RECORD_BYTES};

/// A recording is not shown more exactly than this.
const TIME_STEP_US: i64 = 10_000;

/// Typing is not attributed more exactly than this.
const INPUT_STEP_US: i64 = 1_000_000;

/// The writing end of an index; there is one.
#[derive(Debug)]
pub(crate) struct IndexWriter {
    file: Arc<File>,
    records: u64,
    last_time: Option<Timestamp>,
    last_input: Option<(AttachmentId, Timestamp)>,
}

impl IndexWriter {
    /// Begins an index.
    pub(crate) fn create(path: &Path, size: TerminalSize, now: Timestamp) -> io::Result<Self> {
        let file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
        let file = Arc::new(file);
        let mut index = Self { file, records: 0, last_time: None, last_input: None };
        index.write(IndexRecordKind::Start(size), now, Offset::ZERO);
        Ok(index)
    }

    /// Output from `from` on came now.
    pub(crate) fn output(&mut self, from: Offset, now: Timestamp) {
        if is_due(self.last_time, now, TIME_STEP_US) {
            self.last_time = Some(now);
            self.write(IndexRecordKind::Time, now, from);
        }
    }

    /// `author` typed when the output ended at `at`.
    pub(crate) fn input(&mut self, author: AttachmentId, at: Offset, now: Timestamp) {
        let last = self.last_input.filter(|(by, _)| *by == author).map(|(_, time)| time);
        if is_due(last, now, INPUT_STEP_US) {
            self.last_input = Some((author, now));
            self.write(IndexRecordKind::Input(author), now, at);
        }
    }

    /// The terminal got another size when the output ended at `at`.
    pub(crate) fn resize(
        &mut self,
        size: TerminalSize,
        author: AttachmentId,
        at: Offset,
        now: Timestamp,
    ) {
        self.write(IndexRecordKind::Resize { size, author }, now, at);
    }

    /// Bytes were lost; known when the output ended at `at`.
    pub(crate) fn gap(&mut self, from: Offset, to: Offset, at: Offset, now: Timestamp) {
        self.write(IndexRecordKind::Gap { from, to }, now, at);
    }

    /// The program ended when the output ended at `at`.
    pub(crate) fn exit(&mut self, status: ExitStatus, at: Offset, now: Timestamp) {
        self.write(IndexRecordKind::Exit(status), now, at);
    }

    /// The file, for syncing.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    fn write(&mut self, kind: IndexRecordKind, at: Timestamp, offset: Offset) {
        let record = IndexRecord { kind, at, offset };
        // By position: half a record, as a full disk leaves it, is written over by the next one.
        let position = self.records * RECORD_BYTES as u64;
        if self.file.write_all_at(&record.encode(), position).is_ok() {
            self.records += 1;
        }
    }
}

/// Whether `step_us` have passed; a clock that was set back starts anew.
fn is_due(last: Option<Timestamp>, now: Timestamp, step_us: i64) -> bool {
    last.is_none_or(|last| !(0..step_us).contains(&now.micros_since(last)))
}
