//! The session's directory: every file name in one place.
//!
//! ```text
//! BUNDLE/                          0700, all files 0600
//! ├── session                      what the daemon knows of the session; opaque here
//! └── incarnation-1/
//!     ├── 00000000000000000000.log the output: segments named by the offset they begin at
//!     ├── 00000000000067108864.log
//!     ├── index                    times, resizes, authors of input, gaps
//!     ├── exit                     how it ended, or why it did not start
//!     ├── shim                     which process owns it
//!     ├── shim.log                 what that process had to complain about, if anything
//!     └── checkpoints/             the daemon's, if there was much output
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use codeplane_core::{Incarnation, Offset, Timestamp};

use crate::durable::{self, Durability};
use crate::fault::{StartFault, StartStep};
use crate::record::{ExitRecord, Outcome, ShimRecord};

const INCARNATION_PREFIX: &str = "incarnation-";

/// A session's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle(PathBuf);

impl Bundle {
    /// The bundle at `dir`, which need not exist.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// Makes the directory and what is missing above it, mode 0700.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create(&self) -> io::Result<()> {
        durable::create_directory(&self.0)
    }

    /// Its path.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// Where the daemon keeps what it knows of the session.
    #[must_use]
    pub fn session_file(&self) -> PathBuf {
        self.0.join("session")
    }

    /// Replaces the session file; it survives a power cut once this returns, and is the old or
    /// the new one at any instant before.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write_session(&self, content: &[u8]) -> io::Result<()> {
        durable::replace(&self.session_file(), content, Durability::PowerCut)
    }

    /// The content of the session file, `None` if there is none.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn read_session(&self) -> io::Result<Option<Vec<u8>>> {
        durable::read(&self.session_file())
    }

    /// The files of one incarnation, which need not exist.
    #[must_use]
    pub fn incarnation(&self, incarnation: Incarnation) -> IncarnationDir {
        IncarnationDir(self.0.join(format!("{INCARNATION_PREFIX}{incarnation}")))
    }

    /// The incarnations that have a directory, oldest first.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn incarnations(&self) -> io::Result<Vec<Incarnation>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(INCARNATION_PREFIX));
            found.extend(number.and_then(|number| number.parse().ok()).map(Incarnation));
        }
        found.sort();
        Ok(found)
    }
}

/// The error of a start that was given up.
const GIVEN_UP: i32 = libc::ECANCELED;

fn is_given_up(record: &ExitRecord) -> bool {
    match &record.outcome {
        Outcome::Failed(fault) => fault.step == StartStep::Bundle && fault.errno == GIVEN_UP,
        Outcome::Exited(_) => false,
    }
}

/// What came of giving a start up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// No shim will start the program.
    InTime,
    /// A shim owns the incarnation.
    TooLate,
}

/// The directory of one incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncarnationDir(PathBuf);

impl IncarnationDir {
    /// Makes the directory and what is missing above it, mode 0700.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn create(&self) -> io::Result<()> {
        durable::create_directory(&self.0)
    }

    /// Its path.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// The directory of the output log's segments: its own, as every directory more would cost
    /// the start of a session.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.0.clone()
    }

    /// The index file.
    #[must_use]
    pub fn index(&self) -> PathBuf {
        self.0.join("index")
    }

    /// The file that says how it ended.
    #[must_use]
    pub fn exit(&self) -> PathBuf {
        self.0.join("exit")
    }

    /// The file that says which process owns it.
    #[must_use]
    pub fn shim(&self) -> PathBuf {
        self.0.join("shim")
    }

    /// Where the shim complains; there is none before it has something to complain about.
    #[must_use]
    pub fn shim_log(&self) -> PathBuf {
        self.0.join("shim.log")
    }

    /// The directory for the daemon's checkpoints of the screen; it makes it with the first.
    #[must_use]
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// How it ended, `None` while that is not known.
    ///
    /// # Errors
    /// Those of the file system, and [`io::ErrorKind::InvalidData`] for a file that says nothing.
    pub fn read_exit(&self) -> io::Result<Option<ExitRecord>> {
        let record = durable::read(&self.exit())?.map(|content| ExitRecord::parse(&content));
        let record = record.transpose()?;
        // A start that was given up although a shim owned it says nothing of how that ended.
        if record.as_ref().is_some_and(is_given_up) && self.read_shim()?.is_some() {
            return Ok(None);
        }
        Ok(record)
    }

    /// Whether its directory is there; one that cannot be looked at may be.
    pub(crate) fn is_there(&self) -> bool {
        fs::metadata(&self.0).err().is_none_or(|error| error.kind() != io::ErrorKind::NotFound)
    }

    /// Whether anything is written about its end, be it that its start was given up.
    pub(crate) fn has_exit(&self) -> bool {
        self.exit().exists()
    }

    /// Which process owns it, `None` before there is one (or when a power cut took the file).
    ///
    /// # Errors
    /// Those of the file system.
    pub fn read_shim(&self) -> io::Result<Option<ShimRecord>> {
        Ok(durable::read(&self.shim())?.and_then(|content| ShimRecord::parse(&content)))
    }

    pub(crate) fn write_exit(&self, record: &ExitRecord) -> io::Result<()> {
        durable::replace(&self.exit(), record.to_text().as_bytes(), Durability::PowerCut)
    }

    /// Gives up a start of which no shim is known: one that is late finds this and starts nothing.
    /// Answers whether a shim owns the incarnation after all: then it may have started the program.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn give_up(&self, why: &str, at: Timestamp) -> io::Result<GivenUp> {
        let fault =
            StartFault { step: StartStep::Bundle, errno: GIVEN_UP, message: why.to_owned() };
        let record = ExitRecord { outcome: Outcome::Failed(fault), end: Offset::ZERO, at };
        // Never in the place of a status that a shim wrote.
        let given_up = self.0.join("given-up");
        durable::replace(&given_up, record.to_text().as_bytes(), Durability::PowerCut)?;
        let linked = fs::hard_link(&given_up, self.exit());
        fs::remove_file(&given_up)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        // Looked at after it is written, as the shim does it the other way round.
        Ok(if self.read_shim()?.is_some() { GivenUp::TooLate } else { GivenUp::InTime })
    }

    /// Not synced: after a power cut there is no process for it to name, and an empty or missing
    /// file says the same as one with another boot id. It would cost every start a disk write.
    pub(crate) fn write_shim(&self, record: &ShimRecord) -> io::Result<()> {
        durable::replace(&self.shim(), record.to_text().as_bytes(), Durability::ProcessDeath)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bundle, Incarnation};

    #[test]
    fn incarnations_are_found_by_their_directories() {
        let dir = tempfile::tempdir().unwrap();
        let bundle = Bundle::new(dir.path().join("x"));
        for number in [10, 2] {
            bundle.incarnation(Incarnation(number)).create().unwrap();
        }
        bundle.write_session(b"row").unwrap();

        assert_eq!(bundle.incarnations().unwrap(), [Incarnation(2), Incarnation(10)]);
        assert_eq!(bundle.read_session().unwrap().as_deref(), Some(&b"row"[..]));
        assert_eq!(bundle.incarnation(Incarnation(2)).read_exit().unwrap(), None);
        assert_eq!(bundle.incarnation(Incarnation(2)).read_shim().unwrap(), None);
    }
}
