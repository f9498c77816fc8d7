//! Appending, whatever the disk says.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use codeplane_core::Offset;

use super::segment::segment_path;
use crate::wire::DiskState;

/// Output kept in memory while the disk takes none, in bytes: what most likely explains the
/// trouble is what was printed last.
const TAIL_BYTES: usize = 64 * 1024;

/// The writing end of a log; there is one.
#[derive(Debug)]
pub(crate) struct LogWriter {
    dir: PathBuf,
    segment_bytes: u64,
    base: Offset,
    file: Arc<File>,
    /// End of what is in files.
    end: Offset,
    disk: DiskState,
    /// What could not be written; empty unless the disk is full.
    tail: Tail,
    /// Finished segments that have not been synced.
    finished: Vec<Arc<File>>,
}

/// The newest output that is in no file.
#[derive(Debug)]
struct Tail {
    start: Offset,
    bytes: Vec<u8>,
}

impl LogWriter {
    /// Begins a log in an empty directory.
    pub(crate) fn create(dir: &Path, segment_bytes: u64) -> io::Result<Self> {
        let file = create_segment(&segment_path(dir, Offset::ZERO))?;
        Ok(Self {
            dir: dir.to_path_buf(),
            segment_bytes: segment_bytes.max(1),
            base: Offset::ZERO,
            file: Arc::new(file),
            end: Offset::ZERO,
            disk: DiskState::Ok,
            tail: Tail { start: Offset::ZERO, bytes: Vec::new() },
            finished: Vec::new(),
        })
    }

    /// End of what is in files: what readers may be told.
    pub(crate) const fn end(&self) -> Offset {
        self.end
    }

    /// End of what was printed; beyond [`Self::end`] while the disk is full.
    pub(crate) const fn received(&self) -> Offset {
        match self.disk {
            DiskState::Full { .. } => self.tail.start.plus(self.tail.bytes.len()),
            DiskState::Ok | DiskState::Recovered { .. } => self.end,
        }
    }

    /// Whether output reaches the disk.
    pub(crate) const fn disk(&self) -> DiskState {
        self.disk
    }

    /// Whether the disk takes no output at the moment.
    pub(crate) const fn is_full(&self) -> bool {
        matches!(self.disk, DiskState::Full { .. })
    }

    /// Appends output. Never fails: what the disk does not take is kept, up to a bound.
    pub(crate) fn append(&mut self, output: &[u8]) {
        if self.is_full() {
            self.tail.push(output);
            return;
        }
        if self.end.since(self.base) >= self.segment_bytes {
            self.roll_over();
        }
        let (written, result) = write_as_much_as_possible(&self.file, output);
        self.end = self.end.plus(written);
        if let Err(error) = result {
            crate::run::complain(format_args!("output at {}: {error}", self.end));
            self.disk = DiskState::Full { since: self.end };
            self.tail = Tail { start: self.end, bytes: Vec::new() };
            self.tail.push(&output[written..]);
        }
    }

    /// Tries to write what is kept; true when the disk takes output again. The tail goes whole or
    /// not at all, so that a nearly full disk does not fill with splinters.
    pub(crate) fn retry(&mut self) -> Result<(), io::Error> {
        if self.tail.start == self.base {
            // The segment is still empty: go on with it, its name is taken.
            let result = write_as_much_as_possible(&self.file, &self.tail.bytes).1;
            if result.is_err() {
                self.file.set_len(0)?;
            }
            result?;
        } else {
            let path = segment_path(&self.dir, self.tail.start);
            let temporary = path.with_extension("new");
            let file = self.write_tail(&temporary).and_then(|file| {
                fs::rename(&temporary, &path)?;
                Ok(file)
            });
            let file = file.inspect_err(|_| {
                fs::remove_file(&temporary).ok();
            })?;
            self.replace_segment(file, self.tail.start);
        }
        self.disk = DiskState::Recovered { from: self.end, to: self.tail.start };
        self.end = self.tail.start.plus(self.tail.bytes.len());
        self.tail.bytes = Vec::new();
        Ok(())
    }

    /// Every file with bytes that a power cut would take.
    pub(crate) fn take_unsynced(&mut self) -> Vec<Arc<File>> {
        let mut files = std::mem::take(&mut self.finished);
        if !files.is_empty() {
            // A new segment's name is in the directory, which is synced apart.
            files.extend(File::open(&self.dir).ok().map(Arc::new));
        }
        files.push(Arc::clone(&self.file));
        files
    }

    fn roll_over(&mut self) {
        match create_segment(&segment_path(&self.dir, self.end)) {
            Ok(file) => self.replace_segment(file, self.end),
            // No room for a name: the old segment grows on, and the next append tries again.
            Err(error) => crate::run::complain(format_args!("segment at {}: {error}", self.end)),
        }
    }

    fn replace_segment(&mut self, file: File, base: Offset) {
        self.finished.push(std::mem::replace(&mut self.file, Arc::new(file)));
        self.base = base;
    }

    fn write_tail(&self, path: &Path) -> io::Result<File> {
        fs::remove_file(path).ok();
        let file = create_segment(path)?;
        (&file).write_all(&self.tail.bytes)?;
        Ok(file)
    }
}

impl Tail {
    fn push(&mut self, output: &[u8]) {
        self.bytes.extend_from_slice(output);
        let excess = self.bytes.len().saturating_sub(TAIL_BYTES);
        self.bytes.drain(..excess);
        self.start = self.start.plus(excess);
    }
}

fn create_segment(path: &Path) -> io::Result<File> {
    File::options().append(true).create_new(true).mode(0o600).open(path)
}

/// How many bytes were written, and the error that ended it.
fn write_as_much_as_possible(mut file: &File, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(len) => written += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

#[cfg(test)]
mod tests {
    use super::super::{Segment, log_end, segments};
    use super::{DiskState, LogWriter, Offset, TAIL_BYTES, Tail};

    #[test]
    fn a_segment_ends_where_the_next_one_begins() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogWriter::create(dir.path(), 10).unwrap();

        for chunk in [&b"0123456"[..], b"789abc", b"d", b"e"] {
            log.append(chunk);
        }

        let found = segments(dir.path()).unwrap();
        let ranges: Vec<_> = found.iter().map(|s| (s.base.0, Segment::end(s).0)).collect();
        assert_eq!(ranges, [(0, 13), (13, 15)]);
        assert_eq!((log.end(), log.received()), (Offset(15), Offset(15)));
        assert_eq!(log_end(dir.path()).unwrap(), Offset(15));
    }

    #[test]
    fn the_tail_keeps_the_newest_and_its_position() {
        let mut tail = Tail { start: Offset(100), bytes: Vec::new() };

        tail.push(&vec![b'a'; TAIL_BYTES]);
        tail.push(b"bc");

        assert_eq!(tail.start, Offset(102));
        assert_eq!(tail.bytes.len(), TAIL_BYTES);
        assert!(tail.bytes.ends_with(b"abc"));
    }

    #[test]
    fn what_the_disk_refused_goes_into_a_segment_after_the_gap() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = LogWriter::create(dir.path(), 1000).unwrap();
        log.append(b"before");
        log.disk = DiskState::Full { since: log.end };
        log.tail = Tail { start: log.end, bytes: Vec::new() };

        log.append(&vec![b'x'; TAIL_BYTES + 4]);
        assert_eq!((log.end(), log.received().0), (Offset(6), 10 + TAIL_BYTES as u64));
        log.retry().unwrap();

        let recovered = DiskState::Recovered { from: Offset(6), to: Offset(10) };
        assert_eq!(log.disk(), recovered);
        assert_eq!(log.end(), log.received());
        let bases: Vec<_> = segments(dir.path()).unwrap().iter().map(|s| s.base.0).collect();
        assert_eq!(bases, [0, 10]);
    }
}
