//! The shims this daemon started are its children: whoever starts a process must reap it.

use std::collections::HashSet;
use std::fmt;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codeplane_shim::{Bundle, LaunchSpec, Launched, Newborn, SessionLimit, ShimBinary};
use tracing::{debug, warn};

use super::link::Link;
use crate::os::{self, Orphans};

/// Shims that are children of this process, and every shim's process id.
#[derive(Debug)]
pub(crate) struct Shims {
    /// What they are started from.
    binary: ShimBinary,
    /// One that is ready for the next session: to get ready takes longer than all the rest of a
    /// start.
    spare: Mutex<Option<Newborn>>,
    children: Mutex<Vec<Child>>,
    /// Of all shims, adopted ones included: their descendants are no operators.
    pids: Mutex<HashSet<i32>>,
    /// Held while a shim is started, until its process id is known.
    birth: Mutex<()>,
    /// What shims leave behind that were killed.
    orphans: Orphans,
    /// What programs of sessions bear.
    limit: Option<SessionLimit>,
}

/// A shim that was told what to start.
#[derive(Debug)]
pub(crate) struct Started {
    /// The connection to it.
    pub(crate) link: Arc<Link>,
    /// Its process, a child of this one.
    pub(crate) pid: u32,
}

/// A file of a new session, in its directory or for its program alone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BundleFile {
    /// Where, absolute.
    pub(crate) path: PathBuf,
    /// What it holds.
    pub(crate) content: Vec<u8>,
}

/// Says nothing of what it holds: it may be a token.
impl fmt::Debug for BundleFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BundleFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Shims {
    /// No shim yet; those to come are started from `binary`.
    ///
    /// # Errors
    /// Those of making this process the parent of what shims leave behind.
    pub(crate) fn new(binary: ShimBinary) -> io::Result<Self> {
        Ok(Self {
            binary,
            spare: Mutex::default(),
            children: Mutex::default(),
            pids: Mutex::default(),
            birth: Mutex::default(),
            orphans: Orphans::adopt()?,
            limit: SessionLimit::below_own()?,
        })
    }

    /// Whether shims are the small binary, and not the daemon's own executable.
    pub(crate) const fn are_small(&self) -> bool {
        self.binary.is_small()
    }

    /// Makes the session's directory and starts its shim. Blocks for about a millisecond.
    ///
    /// # Errors
    /// Those of the file system and of making a process; nothing runs then.
    pub(crate) fn launch(&self, spec: &LaunchSpec, files: &[BundleFile]) -> io::Result<Started> {
        let spare = lock(&self.spare).take();
        // Where there is none, one gets ready on another processor while the files are made.
        let newborn = spare.map_or_else(|| self.spawn(), Ok)?;
        let pid = newborn.id();
        match prepare_bundle(spec, files).map(|()| newborn.launch(spec)) {
            Ok(Ok(launched)) => self.link(launched),
            Ok(Err(_)) => {
                // Most likely somebody ended the one that waited; other trouble is met again.
                self.forget(pid);
                self.launch_anew(spec)
            }
            Err(error) => {
                self.forget(pid);
                Err(error)
            }
        }
    }

    /// Starts a shim for a session whose directory is there, and none of those that wait.
    ///
    /// # Errors
    /// Those of the file system and of making a process; nothing runs then.
    pub(crate) fn launch_anew(&self, spec: &LaunchSpec) -> io::Result<Started> {
        let newborn = self.spawn()?;
        let pid = newborn.id();
        let launched = newborn.launch(spec).inspect_err(|_| self.forget(pid))?;
        self.link(launched)
    }

    /// Known from the beginning: whatever it starts, told by whomever, is no operator.
    fn spawn(&self) -> io::Result<Newborn> {
        let _birth = lock(&self.birth);
        let newborn = self.binary.spawn()?;
        self.know(newborn.id());
        Ok(newborn)
    }

    fn link(&self, launched: Launched) -> io::Result<Started> {
        let pid = launched.child.id();
        lock(&self.children).push(launched.child);
        Ok(Started { link: Arc::new(Link::new(launched.socket)?), pid })
    }

    /// Kills a shim that this daemon started and that does not answer, and waits for its end.
    pub(crate) fn kill(&self, pid: u32) {
        let mut children = lock(&self.children);
        if let Some(at) = children.iter().position(|child| child.id() == pid) {
            let mut child = children.swap_remove(at);
            drop(children);
            drop(child.kill());
            drop(child.wait());
            self.forget(pid);
        }
    }

    /// Has a shim get ready for the next session, unless one is. Without one the next start takes
    /// longer, and no more. Blocks for some hundred microseconds.
    pub(crate) fn prepare(&self) {
        if lock(&self.spare).is_some() {
            return;
        }
        match self.spawn() {
            // Where another thread was faster, the older one ends here.
            Ok(newborn) => {
                let older = lock(&self.spare).replace(newborn);
                self.end(older);
            }
            Err(error) => debug!(%error, "no shim gets ready for the next session"),
        }
    }

    /// Ends the shim that is ready for the next session: there will be none.
    pub(crate) fn dismiss(&self) {
        let spare = lock(&self.spare).take();
        self.end(spare);
    }

    /// Ends a shim that was told nothing. It is forgotten when it is reaped, not before.
    fn end(&self, newborn: Option<Newborn>) {
        if let Some(newborn) = newborn {
            let pid = newborn.id();
            drop(newborn);
            self.forget(pid);
        }
    }

    /// Remembers a shim that another daemon started.
    pub(crate) fn know(&self, pid: u32) {
        if let Ok(pid) = i32::try_from(pid) {
            lock(&self.pids).insert(pid);
        }
    }

    /// Forgets a shim that has ended.
    pub(crate) fn forget(&self, pid: u32) {
        if let Ok(pid) = i32::try_from(pid) {
            lock(&self.pids).remove(&pid);
        }
    }

    /// Whether this is the process id of a shim.
    #[must_use]
    pub(crate) fn is_shim(&self, pid: i32) -> bool {
        lock(&self.pids).contains(&pid)
    }

    /// Whether a child of `parent` is what a shim left behind; where this process is the first of a
    /// container, it may also be what anybody else left.
    #[must_use]
    pub(crate) fn is_orphan(&self, pid: i32, parent: i32) -> bool {
        self.orphans.is_one(pid, parent)
    }

    /// Whether a process bears the limit of a session's program. One that cannot be asked does.
    #[must_use]
    pub(crate) fn is_limited(&self, pid: i32) -> bool {
        self.limit.is_some_and(|limit| limit.is_borne_by(pid) != Some(false))
    }

    /// Reaps those that have ended, and ends what those left behind that were killed.
    pub(crate) fn reap(&self) {
        if let Some(ended) = lock(&self.spare).take_if(|spare| !spare.is_waiting()) {
            self.forget(ended.id());
        }
        let mut ended = Vec::new();
        let mut children = lock(&self.children);
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
        let _birth = lock(&self.birth);
        let is_limited = |pid| self.limit.is_some_and(|limit| limit.is_borne_by(pid) == Some(true));
        let killed = self.orphans.settle(
            |pid| self.is_shim(pid),
            |pid| is_limited(pid) || os::session_mark(pid).is_some(),
        );
        if killed > 0 {
            warn!("{killed} processes outlived the shim of their session and were killed");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the session's directory with what says whose it is and what its program needs.
fn prepare_bundle(spec: &LaunchSpec, files: &[BundleFile]) -> io::Result<()> {
    let bundle = Bundle::new(&spec.bundle);
    bundle.create()?;
    files.iter().try_for_each(|file| {
        let within = |parent: &&Path| *parent != bundle.dir() && parent.starts_with(bundle.dir());
        if let Some(parent) = file.path.parent().filter(within) {
            DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        write_private(&file.path, &file.content)
    })
}

/// Writes a new file that nobody else may read. It is not synced: the row is, and says the same.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shim_is_known_from_its_beginning_to_its_end() {
        // It needs no more than to be a process.
        let shims = Shims::new(ShimBinary::at(Path::new("/bin/cat")).unwrap()).unwrap();
        let spare = || lock(&shims.spare).as_ref().map(Newborn::id);

        shims.prepare();
        let pid = i32::try_from(spare().unwrap()).unwrap();
        assert!(shims.is_shim(pid), "whatever it starts is no operator");
        shims.prepare();
        assert_eq!(spare(), u32::try_from(pid).ok(), "one is enough");

        shims.dismiss();
        assert!(!shims.is_shim(pid));
    }
}
