//! Verifying without a daemon: a state directory, or a file that was exported.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use codeplane_core::HostId;
use codeplane_core::audit::{Beginning, Checkpoint, Finding, Verified, Verifier};
use codeplane_store::{AuditFile, OpenError, StoreError};

use super::keys::{KeyError, read_public_keys};
use super::line::{FORMAT, Line, Link, parsed};

/// Longest line of an export that is read, in bytes: details are cut long before.
const LINE_BYTES: u64 = 16 << 20;

/// What is verified, and by what it is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measure {
    /// A file of public keys that are trusted.
    pub public_key: Option<PathBuf>,
    /// A file of checkpoints that were kept elsewhere.
    pub checkpoints: Option<PathBuf>,
}

/// Why nobody can say whether a log is as it was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    /// There is nothing.
    #[error("there is no audit log in {}: no daemon has run there yet", .0.display())]
    NoLog(PathBuf),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(OpenError),
    /// It cannot be read.
    #[error("cannot read the audit log: {0}")]
    Store(StoreError),
    /// A file of keys cannot be used.
    #[error(transparent)]
    Key(KeyError),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line is not what it should be.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
}

/// Verifies the log of a state directory, read only; a daemon may go on with it. Without a file of
/// keys the directory's own are trusted, which whoever can write there could have exchanged.
///
/// # Errors
/// [`VerifyError`] if it cannot be read.
pub(crate) fn verify_state(
    state: &Path,
    measure: &Measure,
) -> Result<Result<Verified, Finding>, VerifyError> {
    let own = state.join("audit/signing.pub");
    let mut file = AuditFile::open(state).map_err(|error| {
        if let OpenError::Io { source, .. } = &error
            && source.kind() == io::ErrorKind::NotFound
        {
            return VerifyError::NoLog(state.to_owned());
        }
        VerifyError::Open(error)
    })?;
    let keys =
        read_public_keys(measure.public_key.as_ref().unwrap_or(&own)).map_err(VerifyError::Key)?;
    let witnesses = witnesses(measure, file.host())?;
    file.verify(&keys, &witnesses).map_err(VerifyError::Store)
}

/// Verifies an export by the keys that are trusted: those in it prove nothing.
///
/// # Errors
/// [`VerifyError`] if it cannot be read, is no export or was cut off.
pub(crate) fn verify_export(
    export: &Path,
    public_key: &Path,
) -> Result<Result<Verified, Finding>, VerifyError> {
    let keys = read_public_keys(public_key).map_err(VerifyError::Key)?;
    let mut lines = Lines::open(export)?;
    let (host, beginning) = header(&mut lines)?;
    let mut verifier = Verifier::new(host, &keys, beginning);
    let mut count = 0;
    loop {
        let Some(line) = lines.next()? else {
            return Err(lines.wrong("the export was cut off: its last line is missing"));
        };
        let link = Line::parse(&line).and_then(|line| line.link(host));
        let checked = match link.map_err(|problem| lines.wrong(problem))? {
            Link::Record(record) => {
                count += 1;
                verifier.record(&record).map(drop)
            }
            Link::Checkpoint(checkpoint) => verifier.checkpoint(&checkpoint),
            Link::End(records) if records == count => break,
            Link::End(records) => {
                let problem = format!("the export had {records} records, and {count} are there");
                return Err(lines.wrong(problem));
            }
        };
        if let Err(finding) = checked {
            return Ok(Err(finding));
        }
    }
    match lines.next()? {
        None => Ok(verifier.finish()),
        Some(_) => Err(lines.wrong("text behind the end of the export")),
    }
}

fn header(lines: &mut Lines) -> Result<(HostId, Beginning), VerifyError> {
    let first = lines.next()?.unwrap_or_default();
    match Line::parse(&first) {
        Ok(Line::Header { format, host, part, .. }) if format == FORMAT => {
            let host = parsed("host", &host).map_err(|problem| lines.wrong(problem))?;
            Ok((host, if part { Beginning::Part } else { Beginning::Whole }))
        }
        Ok(_) | Err(_) => Err(lines.wrong(format!("it is no export of format {FORMAT}"))),
    }
}

/// The checkpoints of a host in a file that may have those of several.
fn witnesses(measure: &Measure, host: HostId) -> Result<Vec<Checkpoint>, VerifyError> {
    let Some(path) = &measure.checkpoints else { return Ok(Vec::new()) };
    let mut lines = Lines::open(path)?;
    let mut found = Vec::new();
    while let Some(text) = lines.next()? {
        let line = Line::parse(&text).map_err(|problem| lines.wrong(problem))?;
        if matches!(&line, Line::Checkpoint { host: of, .. } if *of != host.to_string()) {
            continue;
        }
        match line.link(host) {
            Ok(Link::Checkpoint(checkpoint)) => found.push(checkpoint),
            Ok(Link::Record(_) | Link::End(_)) => return Err(lines.wrong("no checkpoint")),
            Err(problem) => return Err(lines.wrong(problem)),
        }
    }
    Ok(found)
}

/// A file line by line, none of which takes all memory.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, VerifyError> {
        let opened = File::open(path);
        let file = opened.map_err(|source| VerifyError::Io { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), reader: BufReader::new(file), number: 0 })
    }

    fn next(&mut self) -> Result<Option<String>, VerifyError> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut bytes);
        read.map_err(|source| VerifyError::Io { path: self.path.clone(), source })?;
        self.number += 1;
        if bytes.is_empty() {
            return Ok(None);
        }
        String::from_utf8(bytes).map(Some).map_err(|_| self.wrong("it is no text"))
    }

    fn wrong(&self, problem: impl Into<String>) -> VerifyError {
        VerifyError::Line { path: self.path.clone(), line: self.number, problem: problem.into() }
    }
}
