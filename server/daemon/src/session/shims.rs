//! The shims this daemon started are its children: whoever starts a process must reap it.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};

use codeplane_shim::{Bundle, LaunchSpec, Launched, ShimBinary};

use super::link::Link;

/// Shims that are children of this process, and every shim's process id.
#[derive(Debug)]
pub(crate) struct Shims {
    /// What they are started from.
    binary: ShimBinary,
    children: Mutex<Vec<Child>>,
    /// Of all shims, adopted ones included: their descendants are no operators.
    pids: Mutex<HashSet<i32>>,
}

impl Shims {
    /// No shim yet; those to come are started from `binary`.
    pub(crate) fn new(binary: ShimBinary) -> Self {
        Self { binary, children: Mutex::default(), pids: Mutex::default() }
    }

    /// Whether shims are the small binary, and not the daemon's own executable.
    pub(crate) const fn are_small(&self) -> bool {
        self.binary.is_small()
    }

    /// Makes the session's directory and starts its shim. Blocks for about a millisecond.
    ///
    /// # Errors
    /// Those of the file system and of making a process; nothing runs then.
    pub(crate) fn launch(&self, spec: &LaunchSpec, session_file: &[u8]) -> io::Result<Arc<Link>> {
        // The process gets ready on another processor meanwhile.
        let newborn = self.binary.spawn(spec.session)?;
        let bundle = Bundle::new(&spec.bundle);
        bundle.create()?;
        write_private(&bundle.session_file(), session_file)?;
        let Launched { socket, child } = newborn.launch(spec)?;
        self.add(child);
        Link::new(socket).map(Arc::new)
    }

    /// Takes charge of a child.
    fn add(&self, child: Child) {
        self.know(child.id());
        self.children.lock().unwrap_or_else(PoisonError::into_inner).push(child);
    }

    /// Remembers a shim that another daemon started.
    pub(crate) fn know(&self, pid: u32) {
        if let Ok(pid) = i32::try_from(pid) {
            self.pids.lock().unwrap_or_else(PoisonError::into_inner).insert(pid);
        }
    }

    /// Forgets a shim that has ended.
    pub(crate) fn forget(&self, pid: u32) {
        if let Ok(pid) = i32::try_from(pid) {
            self.pids.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid);
        }
    }

    /// Whether this is the process id of a shim.
    #[must_use]
    pub(crate) fn is_shim(&self, pid: i32) -> bool {
        self.pids.lock().unwrap_or_else(PoisonError::into_inner).contains(&pid)
    }

    /// Reaps those that have ended.
    pub(crate) fn reap(&self) {
        let mut ended = Vec::new();
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.retain_mut(|child| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(_)) | Err(_) => {
                ended.push(child.id());
                false
            }
        });
        drop(children);
        for pid in ended {
            self.forget(pid);
        }
    }
}

/// Writes a new file that nobody else may read. It is not synced: the row is, and says the same.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
}
