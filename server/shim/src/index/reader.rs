//! Reading and searching the index.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use codeplane_core::Offset;

use super::record::{IndexRecord, RECORD_BYTES};

/// Records read at once: about a page.
const BATCH: usize = 100;

/// Reads an index, also while it is written.
#[derive(Debug)]
pub struct IndexReader(File);

impl IndexReader {
    /// Opens the index at `path`.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<Self> {
        File::open(path).map(Self)
    }

    /// How many whole records there are now.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len() / RECORD_BYTES as u64)
    }

    /// Whether there is none.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The record with this number, counted from 0.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] beyond the last; else those of the file system.
    pub fn get(&self, number: u64) -> io::Result<IndexRecord> {
        let mut bytes = [0; RECORD_BYTES];
        self.0.read_exact_at(&mut bytes, number * RECORD_BYTES as u64)?;
        Ok(IndexRecord::decode(&bytes))
    }

    /// Number of the first record at `offset` or later; [`Self::len`] if there is none.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn first_at(&self, offset: Offset) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.len()?);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle)?.offset < offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The records from `number` on, up to those that are there when the end is reached.
    pub fn records_from(&self, number: u64) -> impl Iterator<Item = io::Result<IndexRecord>> + '_ {
        Records { file: &self.0, next: number, batch: Vec::new().into_iter() }
    }
}

struct Records<'a> {
    file: &'a File,
    next: u64,
    batch: std::vec::IntoIter<IndexRecord>,
}

impl Records<'_> {
    fn load(&mut self) -> io::Result<()> {
        let mut bytes = [0; BATCH * RECORD_BYTES];
        let len = self.file.read_at(&mut bytes, self.next * RECORD_BYTES as u64)?;
        let (whole, _half) = bytes[..len].as_chunks::<RECORD_BYTES>();
        self.next += whole.len() as u64;
        self.batch = whole.iter().map(IndexRecord::decode).collect::<Vec<_>>().into_iter();
        Ok(())
    }
}

impl Iterator for Records<'_> {
    type Item = io::Result<IndexRecord>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.batch.as_slice().is_empty()
            && let Err(error) = self.load()
        {
            return Some(Err(error));
        }
        self.batch.next().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{IndexRecordKind, IndexWriter};
    use super::{IndexReader, Offset};
    use codeplane_core::{AttachmentId, ExitStatus, TerminalSize, Timestamp};
    use std::io::Write;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1000)
    }

    #[test]
    fn a_flood_is_timed_every_ten_milliseconds_and_typing_every_second() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let (alice, bob) = (AttachmentId::from_bytes([1; 16]), AttachmentId::from_bytes([2; 16]));
        let mut index = IndexWriter::create(&path, TerminalSize::DEFAULT, at(0)).unwrap();

        for ms in 0..30 {
            index.output(Offset(ms * 100), at(i64::try_from(ms).unwrap()));
        }
        index.input(alice, Offset(2900), at(30));
        index.input(alice, Offset(2900), at(40));
        index.input(bob, Offset(2900), at(50));
        index.input(bob, Offset(2900), at(1050));
        index.exit(ExitStatus::Code(0), Offset(2900), at(1060));

        let reader = IndexReader::open(&path).unwrap();
        let kinds: Vec<_> =
            reader.records_from(0).map(|r| r.unwrap()).map(|r| (r.kind, r.offset.0)).collect();
        assert_eq!(
            kinds,
            [
                (IndexRecordKind::Start(TerminalSize::DEFAULT), 0),
                (IndexRecordKind::Time, 0),
                (IndexRecordKind::Time, 1000),
                (IndexRecordKind::Time, 2000),
                (IndexRecordKind::Input(alice), 2900),
                (IndexRecordKind::Input(bob), 2900),
                (IndexRecordKind::Input(bob), 2900),
                (IndexRecordKind::Exit(ExitStatus::Code(0)), 2900),
            ]
        );
    }

    #[test]
    fn records_are_found_by_offset_and_half_a_record_is_not_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let mut index = IndexWriter::create(&path, TerminalSize::DEFAULT, at(0)).unwrap();
        for step in 1..=300 {
            index.output(Offset(step * 10), at(i64::try_from(step).unwrap() * 10));
        }
        let mut file = std::fs::File::options().append(true).open(&path).unwrap();
        file.write_all(&[1; 39]).unwrap();

        let reader = IndexReader::open(&path).unwrap();

        assert_eq!(reader.len().unwrap(), 301);
        assert_eq!(reader.records_from(0).count(), 301);
        assert_eq!(reader.first_at(Offset(0)).unwrap(), 0);
        assert_eq!(reader.first_at(Offset(1)).unwrap(), 1);
        assert_eq!(reader.first_at(Offset(1995)).unwrap(), 200);
        assert_eq!(reader.get(200).unwrap().offset, Offset(2000));
        assert_eq!(reader.first_at(Offset(99_999)).unwrap(), 301);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_silence_the_index() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let mut index = IndexWriter::create(&path, TerminalSize::DEFAULT, at(0)).unwrap();

        index.output(Offset(0), at(1_000_000));
        index.output(Offset(5), at(5));

        assert_eq!(IndexReader::open(&path).unwrap().len().unwrap(), 3);
    }
}
