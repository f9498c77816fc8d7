//! The files of a log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use codeplane_core::Offset;

/// One file of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Offset of its first byte.
    pub base: Offset,
    /// How many bytes it has.
    pub len_bytes: u64,
    /// Where it is.
    pub path: PathBuf,
}

impl Segment {
    /// Offset after its last byte.
    #[must_use]
    pub const fn end(&self) -> Offset {
        Offset(self.base.0 + self.len_bytes)
    }
}

/// The segments in `dir`, oldest first. None if the directory is not there.
///
/// # Errors
/// Those of the file system.
pub fn segments(dir: &Path) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Some(base) = entry.file_name().to_str().and_then(parse_name) else { continue };
        match entry.metadata() {
            Ok(metadata) => {
                found.push(Segment { base, len_bytes: metadata.len(), path: entry.path() });
            }
            // Removed since the directory was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_by_key(|segment| segment.base);
    Ok(found)
}

/// The end of what is in files: the log's end once its shim is gone.
///
/// # Errors
/// Those of the file system.
pub fn log_end(dir: &Path) -> io::Result<Offset> {
    Ok(segments(dir)?.last().map_or(Offset::ZERO, Segment::end))
}

/// Removes the segment that begins at `base`; readers who have it open read on. Gone already is
/// no error.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] for the newest segment, which the shim may be writing; else
/// those of the file system.
pub fn remove_segment(dir: &Path, base: Offset) -> io::Result<()> {
    if !segments(dir)?.iter().any(|segment| segment.base > base) {
        let message = format!("segment {base} is the newest");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    match fs::remove_file(segment_path(dir, base)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Where the segment that begins at `base` is. Twenty digits, so that names sort as numbers.
pub(super) fn segment_path(dir: &Path, base: Offset) -> PathBuf {
    dir.join(format!("{:020}.log", base.0))
}

fn parse_name(name: &str) -> Option<Offset> {
    let digits = name.strip_suffix(".log")?;
    (digits.len() == 20).then(|| digits.parse().ok().map(Offset))?
}
