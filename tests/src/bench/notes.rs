//! Facts that must not travel through the peer: files that the program and the driver share.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::Result;
use crate::pause;

/// The notes of one session.
#[derive(Clone, Debug)]
pub struct Notes {
    directory: PathBuf,
    id: String,
}

impl Notes {
    /// Those of session `id` in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, id: impl Into<String>) -> Self {
        Self { directory: directory.into(), id: id.into() }
    }

    /// Written with its process id when the program can take commands.
    #[must_use]
    pub fn ready(&self) -> PathBuf {
        self.path("ready")
    }

    /// Written with its seconds when the program has written all that a command asked for.
    #[must_use]
    pub fn done(&self) -> PathBuf {
        self.path("done")
    }

    /// The last number the program has counted to.
    #[must_use]
    pub fn count(&self) -> PathBuf {
        self.path("count")
    }

    /// How many MiB the program is to print.
    #[must_use]
    pub fn megabytes(&self) -> PathBuf {
        self.path("mb")
    }

    /// The number in one of these files, if there is one.
    #[must_use]
    pub fn number(path: &Path) -> Option<u64> {
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }

    /// Waits until `path` is there.
    ///
    /// # Errors
    /// If it is not after `patience`.
    pub fn wait_for(path: &Path, patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        while !path.exists() {
            if Instant::now() > end {
                return Err(format!("no {} after {patience:?}", path.display()).into());
            }
            pause(Duration::from_millis(2));
        }
        Ok(())
    }

    fn path(&self, what: &str) -> PathBuf {
        self.directory.join(format!("{}.{what}", self.id))
    }
}
