//! Reads a file that grows, line by line, in pieces of bounded size. Blocks as the file system does.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Longest line that is read, in bytes; a transcript has lines with whole files in them. A longer one is skipped.
pub(super) const LINE_BYTES: u64 = 16 << 20;

/// So much is read at once.
const PIECE_BYTES: usize = 256 << 10;

/// So much is handed on before somebody else has a turn.
const ROUND_BYTES: u64 = 4 << 20;

/// One file, and how far it was read.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    identity: Option<(u64, u64)>,
    /// Where the first line begins that was not read.
    line: u64,
    /// No line ends between that and here.
    searched: u64,
    /// What was there before anybody looked ends here.
    old_until: u64,
}

/// A line that is complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Without its end.
    pub(super) text: &'a [u8],
    /// Where it begins.
    pub(super) start: u64,
    /// Whether it was there when the file was looked at first.
    pub(super) was_there: bool,
}

/// Whether there is more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// No whole line.
    Nothing,
    /// Some.
    More,
}

impl Tail {
    /// A file of which nothing was read before `position`.
    pub(super) const fn new(path: PathBuf, position: u64) -> Self {
        Self { path, identity: None, line: position, searched: position, old_until: 0 }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the first line begins that was not read.
    pub(super) const fn position(&self) -> u64 {
        self.line
    }

    /// The file it has read, unless there was none: two paths may lead to one.
    pub(super) const fn identity(&self) -> Option<(u64, u64)> {
        self.identity
    }

    /// Reads the whole lines that are new, as many as one round allows. A file that is not there has none; one that was
    /// replaced or cut short is read from its beginning.
    ///
    /// # Errors
    /// If it cannot be read, or is no plain file: whoever names it may name anything.
    pub(super) fn read(&mut self, mut each: impl FnMut(Line<'_>)) -> io::Result<Rest> {
        let Some((file, size)) = self.open()? else { return Ok(Rest::Nothing) };
        let mut piece = vec![0; PIECE_BYTES];
        let mut left = ROUND_BYTES;
        while left > 0 {
            self.searched = self.searched.max(data_from(&file, self.searched, size));
            let count = file.read_at(&mut piece, self.searched)?;
            if count == 0 {
                return Ok(Rest::Nothing);
            }
            left = left.saturating_sub(count as u64);
            self.take(&file, &piece[..count], &mut each)?;
        }
        Ok(if self.searched < size { Rest::More } else { Rest::Nothing })
    }

    fn open(&mut self) -> io::Result<Option<(File, u64)>> {
        // A FIFO would wait for its writer.
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&self.path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::other("it is no plain file"));
        }
        let identity = (found.dev(), found.ino());
        let is_another = self.identity.is_some_and(|known| known != identity);
        if is_another || found.len() < self.line {
            (self.line, self.searched) = (0, 0);
        }
        if is_another || self.identity.is_none() || found.len() < self.old_until {
            self.old_until = found.len();
        }
        self.identity = Some(identity);
        Ok(Some((file, found.len())))
    }

    /// Hands on the lines that end in this piece, which begins at `searched`.
    fn take(
        &mut self,
        file: &File,
        piece: &[u8],
        each: &mut impl FnMut(Line<'_>),
    ) -> io::Result<()> {
        let piece_start = self.searched;
        for end in (0..piece.len()).filter(|index| piece[*index] == b'\n') {
            let end_offset = piece_start + end as u64;
            let (start, bytes) = (self.line, end_offset - self.line);
            let was_there = start < self.old_until;
            (self.line, self.searched) = (end_offset + 1, end_offset + 1);
            if bytes > LINE_BYTES {
                continue;
            }
            match start.checked_sub(piece_start).and_then(|start| usize::try_from(start).ok()) {
                Some(within) => each(Line { text: &piece[within..end], start, was_there }),
                None => {
                    let mut text = vec![0; usize::try_from(bytes).unwrap_or_default()];
                    file.read_exact_at(&mut text, start)?;
                    each(Line { text: &text, start, was_there });
                }
            }
        }
        self.searched = piece_start + piece.len() as u64;
        Ok(())
    }
}

/// Where data begins again at or behind `position`: in a hole of a file ends no line, however long it is.
fn data_from(file: &File, position: u64, size: u64) -> u64 {
    let Ok(from) = i64::try_from(position) else { return position };
    match nix::unistd::lseek(file, from, nix::unistd::Whence::SeekData) {
        Ok(found) => u64::try_from(found).unwrap_or(position),
        Err(nix::errno::Errno::ENXIO) => size,
        Err(_) => position,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    struct Lab {
        _directory: tempfile::TempDir,
        tail: Tail,
    }

    impl Lab {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let tail = Tail::new(directory.path().join("t.jsonl"), 0);
            Self { _directory: directory, tail }
        }

        fn append(&self, text: &[u8]) {
            let file = OpenOptions::new().create(true).append(true).open(self.tail.path());
            file.unwrap().write_all(text).unwrap();
        }

        fn read(&mut self) -> Vec<String> {
            let mut lines = Vec::new();
            let all = |line: Line<'_>| lines.push(String::from_utf8_lossy(line.text).into_owned());
            assert_eq!(self.tail.read(all).unwrap(), Rest::Nothing);
            lines
        }
    }

    #[test]
    fn lines_are_read_once_and_only_when_they_are_whole() {
        let mut lab = Lab::new();

        assert!(lab.read().is_empty(), "there is no file yet");
        lab.append(b"one\ntw");
        assert_eq!(lab.read(), ["one"]);
        assert!(lab.read().is_empty());
        lab.append(b"o\n\nthree\n");
        assert_eq!(lab.read(), ["two", "", "three"]);
        assert_eq!(lab.tail.position(), 15);
    }

    #[test]
    fn a_line_longer_than_a_piece_is_read_and_one_that_is_too_long_is_skipped() {
        let mut lab = Lab::new();
        let long = "x".repeat(3 * PIECE_BYTES + 7);
        lab.append(long.as_bytes());
        assert!(lab.read().is_empty());
        lab.append(b"y\nshort\n");
        assert_eq!(lab.read(), [long + "y", "short".to_owned()]);

        let file = OpenOptions::new().write(true).open(lab.tail.path()).unwrap();
        let end = lab.tail.position() + LINE_BYTES + 1;
        file.set_len(end).unwrap();
        lab.append(b"\nshort\n");

        assert_eq!(lab.read(), ["short"]);
    }

    #[test]
    fn a_file_that_was_cut_short_or_replaced_is_read_from_its_beginning() {
        let mut lab = Lab::new();
        lab.append(b"one\ntwo\n");
        assert_eq!(lab.read(), ["one", "two"]);

        fs::write(lab.tail.path(), "new\n").unwrap();
        assert_eq!(lab.read(), ["new"]);
        let other = lab.tail.path().with_extension("other");
        fs::write(&other, "another\nline\n").unwrap();
        fs::rename(&other, lab.tail.path()).unwrap();
        assert_eq!(lab.read(), ["another", "line"]);
    }

    #[test]
    fn what_was_there_before_is_told_from_what_came() {
        let mut lab = Lab::new();
        lab.append(b"one\n");
        let mut seen = Vec::new();
        lab.tail.read(|line| seen.push((line.start, line.was_there))).map(drop).unwrap();
        lab.append(b"two\n");
        lab.tail.read(|line| seen.push((line.start, line.was_there))).map(drop).unwrap();

        assert_eq!(seen, [(0, true), (4, false)]);
    }

    #[test]
    fn much_is_read_in_rounds() {
        let mut lab = Lab::new();
        let line = format!("{}\n", "x".repeat(999));
        lab.append(line.repeat(10_000).as_bytes());
        let (mut lines, mut rounds) = (0, 1);

        while lab.tail.read(|_| lines += 1).unwrap() == Rest::More {
            rounds += 1;
        }

        assert_eq!((lines, rounds), (10_000, 3));
    }

    #[test]
    fn a_file_that_is_nothing_but_length_takes_no_time_and_its_lines_are_read() {
        let mut lab = Lab::new();
        lab.append(b"one\n");
        let file = OpenOptions::new().write(true).open(lab.tail.path()).unwrap();
        file.set_len(8 << 40).unwrap();

        assert_eq!(lab.read(), ["one"]);
        lab.append(b"\ntwo\n");
        assert_eq!(lab.read(), ["two"]);
    }

    #[test]
    fn a_line_that_does_not_end_takes_its_turns_like_others() {
        let mut lab = Lab::new();
        lab.append(&vec![b'x'; 9 << 20]);

        assert_eq!(lab.tail.read(|_| {}).unwrap(), Rest::More);
        assert_eq!(lab.tail.read(|_| {}).unwrap(), Rest::More);
        assert!(lab.read().is_empty());
        lab.append(b"\n");
        assert_eq!(lab.read()[0].len(), 9 << 20);
    }

    #[test]
    fn what_is_no_plain_file_is_not_read() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();

        for path in [fifo, PathBuf::from("/dev/zero"), directory.path().to_path_buf()] {
            assert!(Tail::new(path, 0).read(|_| {}).is_err());
        }
    }
}
