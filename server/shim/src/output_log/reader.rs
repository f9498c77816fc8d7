//! Reading by position.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use codeplane_core::Offset;

use super::segment::{segment_path, segments};

/// What is at a position of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// This many bytes, now at the front of the buffer.
    Bytes(usize),
    /// Nothing up to `to`: removed by retention, or never written. Reading goes on there.
    Gap {
        /// The position asked for.
        from: Offset,
        /// The first position after the hole.
        to: Offset,
    },
    /// Nothing yet.
    Empty,
}

/// Reads a log while it is written and its old segments are removed.
///
/// A read within the segment of the one before is one `pread` into the caller's buffer, so it may
/// run on a thread that serves others. It holds at most one descriptor.
#[derive(Debug)]
pub struct LogReader {
    dir: PathBuf,
    current: Option<OpenSegment>,
}

#[derive(Debug)]
struct OpenSegment {
    base: Offset,
    file: File,
}

impl LogReader {
    /// A reader of the log in `dir`; opens nothing before the first read.
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), current: None }
    }

    /// Reads from `offset` into `buffer`, never beyond `end`: the end the shim has published, or
    /// [`super::log_end`] of a log that is finished. Short reads are normal.
    ///
    /// A file that is shorter than it should be, as a power cut leaves it, is a gap.
    ///
    /// # Errors
    /// Those of the file system; the reader stays usable.
    pub fn read(&mut self, offset: Offset, end: Offset, buffer: &mut [u8]) -> io::Result<Read> {
        if offset >= end || buffer.is_empty() {
            return Ok(Read::Empty);
        }
        let wanted = usize::try_from(end.since(offset)).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = &mut buffer[..wanted];
        if let Some(current) = &self.current
            && current.base <= offset
            && let len @ 1.. = current.read(offset, buffer)?
        {
            return Ok(Read::Bytes(len));
        }
        self.read_elsewhere(offset, end, buffer)
    }

    /// The segment at hand has nothing at `offset`: finds the one that has.
    fn read_elsewhere(
        &mut self,
        offset: Offset,
        end: Offset,
        buffer: &mut [u8],
    ) -> io::Result<Read> {
        // Most often it is the next one, whose name is known.
        if self.try_open(offset)?
            && let Some(len @ 1..) = self.read_current(offset, buffer)?
        {
            return Ok(Read::Bytes(len));
        }
        let all = segments(&self.dir)?;
        if let Some(holder) = all.iter().rfind(|s| s.base <= offset && offset < s.end())
            && self.try_open(holder.base)?
            && let Some(len @ 1..) = self.read_current(offset, buffer)?
        {
            return Ok(Read::Bytes(len));
        }
        let next = all.iter().map(|segment| segment.base).find(|base| *base > offset);
        let to = next.map_or(end, |base| base.min(end));
        Ok(Read::Gap { from: offset, to })
    }

    /// Opens the segment that begins at `base`; false if there is none.
    fn try_open(&mut self, base: Offset) -> io::Result<bool> {
        match File::open(segment_path(&self.dir, base)) {
            Ok(file) => {
                self.current = Some(OpenSegment { base, file });
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read_current(&self, offset: Offset, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        self.current.as_ref().map(|segment| segment.read(offset, buffer)).transpose()
    }
}

impl OpenSegment {
    fn read(&self, offset: Offset, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, offset.since(self.base)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LogWriter, remove_segment, segments};
    use super::{LogReader, Offset, Read, segment_path};
    use std::path::Path;

    fn log_of_three_segments(dir: &Path) -> LogWriter {
        let mut log = LogWriter::create(dir, 4).unwrap();
        for chunk in [b"0123", b"4567", b"89ab"] {
            log.append(chunk);
        }
        log
    }

    fn read_all(reader: &mut LogReader, from: Offset, end: Offset) -> Vec<u8> {
        let mut all = Vec::new();
        let mut at = from;
        let mut buffer = [0; 3];
        loop {
            match reader.read(at, end, &mut buffer).unwrap() {
                Read::Bytes(len) => {
                    all.extend_from_slice(&buffer[..len]);
                    at = at.plus(len);
                }
                Read::Gap { to, .. } => {
                    all.push(b'_');
                    at = to;
                }
                Read::Empty => return all,
            }
        }
    }

    #[test]
    fn a_reader_reads_across_segments_from_any_position() {
        let dir = tempfile::tempdir().unwrap();
        let log = log_of_three_segments(dir.path());

        for from in 0..12 {
            let mut reader = LogReader::open(dir.path());
            let read = read_all(&mut reader, Offset(from), log.end());
            assert_eq!(read, &b"0123456789ab"[usize::try_from(from).unwrap()..]);
        }
    }

    #[test]
    fn a_reader_never_sees_beyond_the_published_end() {
        let dir = tempfile::tempdir().unwrap();
        let log = log_of_three_segments(dir.path());
        let mut reader = LogReader::open(dir.path());

        assert_eq!(read_all(&mut reader, Offset(0), Offset(5)), b"01234");
        assert_eq!(reader.read(Offset(5), Offset(5), &mut [0; 9]).unwrap(), Read::Empty);
        assert_eq!(reader.read(log.end(), Offset(5), &mut [0; 9]).unwrap(), Read::Empty);
    }

    #[test]
    fn removed_segments_are_a_gap_to_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let log = log_of_three_segments(dir.path());
        remove_segment(dir.path(), Offset(0)).unwrap();
        remove_segment(dir.path(), Offset(4)).unwrap();
        let mut reader = LogReader::open(dir.path());

        let gap = Read::Gap { from: Offset(2), to: Offset(8) };
        assert_eq!(reader.read(Offset(2), log.end(), &mut [0; 9]).unwrap(), gap);
        assert_eq!(read_all(&mut reader, Offset(2), log.end()), b"_89ab");
    }

    #[test]
    fn a_segment_that_is_open_is_read_on_after_its_removal() {
        let dir = tempfile::tempdir().unwrap();
        let log = log_of_three_segments(dir.path());
        let mut reader = LogReader::open(dir.path());
        reader.read(Offset(0), log.end(), &mut [0; 1]).unwrap();

        remove_segment(dir.path(), Offset(0)).unwrap();

        assert_eq!(read_all(&mut reader, Offset(1), log.end()), b"123456789ab");
    }

    #[test]
    fn the_newest_segment_is_never_removed() {
        let dir = tempfile::tempdir().unwrap();
        let _log = log_of_three_segments(dir.path());

        assert!(remove_segment(dir.path(), Offset(8)).is_err());
        assert!(remove_segment(dir.path(), Offset(4)).is_ok());
        assert!(remove_segment(dir.path(), Offset(4)).is_ok());
        assert_eq!(segments(dir.path()).unwrap().len(), 2);
    }

    #[test]
    fn a_file_that_a_power_cut_shortened_is_a_gap() {
        let dir = tempfile::tempdir().unwrap();
        let log = log_of_three_segments(dir.path());
        let cut = |base, len| {
            let path = segment_path(dir.path(), Offset(base));
            std::fs::File::options().write(true).open(path).unwrap().set_len(len).unwrap();
        };
        cut(4, 1);
        cut(8, 2);

        let mut reader = LogReader::open(dir.path());

        assert_eq!(read_all(&mut reader, Offset(0), log.end()), b"01234_89_");
    }

    #[test]
    fn a_log_that_is_gone_is_one_gap() {
        let mut reader = LogReader::open("/nonexistent/output");

        let gap = Read::Gap { from: Offset(0), to: Offset(9) };
        assert_eq!(reader.read(Offset(0), Offset(9), &mut [0; 9]).unwrap(), gap);
    }
}
