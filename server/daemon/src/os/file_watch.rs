//! Tells when files may have changed: inotify, one instance for all.
//!
//! Directories are watched, not files: a file that is not there yet, or is replaced by another, is noticed too. A directory
//! that is not there is waited for at the nearest one that is. A wake-up carries no data: whoever is woken looks again, and
//! names all it waits for again, because directories may have come and gone.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use tokio::io::Interest as Readiness;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

/// Most directories above one that is missing; more than any sensible path has.
const DEPTH: usize = 64;

/// All that is watched.
#[derive(Debug)]
pub(crate) struct FileWatcher {
    inotify: AsyncFd<Descriptor>,
    /// Held while watches are added and removed: the kernel has one for each directory, however many wait for it.
    changing: Mutex<()>,
    interests: Mutex<HashMap<WatchDescriptor, Vec<Interest>>>,
    next: AtomicU64,
}

/// What somebody waits for in one directory.
#[derive(Clone, Debug)]
struct Interest {
    owner: u64,
    /// None: anything in it.
    name: Option<OsString>,
    wake: Arc<Notify>,
}

/// The directory where something is waited for, and the name it has there.
type Place = (WatchDescriptor, Option<OsString>);

/// What to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// This file, there or not.
    File(PathBuf),
    /// Whatever is in this directory, there or not.
    Directory(PathBuf),
}

/// What one party waits for. Dropped: nothing any more.
#[derive(Debug)]
pub(crate) struct FileWatch {
    watcher: Arc<FileWatcher>,
    owner: u64,
    wake: Arc<Notify>,
}

impl FileWatcher {
    /// A watcher of nothing. It must be made within the runtime.
    ///
    /// # Errors
    /// If there are too many of them on this machine.
    pub(crate) fn new() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        // SAFETY: the descriptor is owned by what is registered, which neither replaces nor closes it.
        let inotify =
            unsafe { AsyncFd::register_with_interest(Descriptor(inotify), Readiness::READABLE) };
        Ok(Self {
            inotify: inotify?,
            changing: Mutex::default(),
            interests: Mutex::default(),
            next: AtomicU64::new(0),
        })
    }

    /// A watch of nothing yet, that will wake `wake`.
    #[must_use]
    pub(crate) fn watch(self: &Arc<Self>, wake: Arc<Notify>) -> FileWatch {
        let owner = self.next.fetch_add(1, Ordering::Relaxed);
        FileWatch { watcher: Arc::clone(self), owner, wake }
    }

    /// Wakes whom what happens concerns. Never ends but by an error.
    ///
    /// # Errors
    /// If the kernel cannot be asked any more.
    ///
    /// # Cancel safety
    /// Safe; it can be called again.
    pub(crate) async fn run(&self) -> io::Error {
        loop {
            let mut ready = match self.inotify.readable().await {
                Ok(ready) => ready,
                Err(error) => return error,
            };
            match ready.try_io(|inotify| Ok(inotify.get_ref().0.read_events()?)) {
                Ok(Ok(events)) => events.iter().for_each(|event| self.wake(event)),
                Ok(Err(error)) => return error,
                // Another look has taken them.
                Err(_) => {}
            }
        }
    }

    fn wake(&self, event: &InotifyEvent) {
        let mut interests = self.lock();
        if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            // Something was missed: it may have been anything.
            interests.values().flatten().for_each(|interest| interest.wake.notify_one());
            return;
        }
        let of_directory = interests.get(&event.wd).map(Vec::as_slice).unwrap_or_default();
        let concerns = |interest: &&Interest| match (&interest.name, &event.name) {
            (Some(awaited), Some(name)) => awaited == name,
            (None, _) | (_, None) => true,
        };
        of_directory.iter().filter(concerns).for_each(|interest| interest.wake.notify_one());
        if event.mask.contains(AddWatchFlags::IN_IGNORED) {
            interests.remove(&event.wd);
        }
    }

    fn places(&self, targets: &[Target]) -> Vec<io::Result<Place>> {
        targets.iter().map(|target| self.add(target)).collect()
    }

    /// Watches the directory of a target, or the nearest above it.
    fn add(&self, target: &Target) -> io::Result<Place> {
        let (mut directory, mut name) = match target {
            Target::Directory(path) => (path.clone(), None),
            Target::File(path) => {
                (parent(path).to_path_buf(), path.file_name().map(ToOwned::to_owned))
            }
        };
        for _ in 0..DEPTH {
            match self.inotify.get_ref().0.add_watch(&directory, mask()) {
                Ok(watch) => return Ok((watch, name)),
                Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                Err(error) => return Err(error.into()),
            }
            name = directory.file_name().map(ToOwned::to_owned);
            directory = parent(&directory).to_path_buf();
        }
        Err(Errno::ENOENT.into())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WatchDescriptor, Vec<Interest>>> {
        self.interests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileWatch {
    /// Waits for exactly these from now on. What happened before is not told: look afterwards. Blocks for as long as the
    /// file systems take.
    ///
    /// # Errors
    /// The first target that cannot be watched; all others are. Mostly the machine's limit of watches
    /// (`fs.inotify.max_user_watches`).
    pub(crate) fn set(&self, targets: &[Target]) -> io::Result<()> {
        let watcher = &self.watcher;
        let _changing = watcher.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut places = watcher.places(targets);
        loop {
            self.register(&places);
            // A directory may have come before anybody waited for it.
            let now = watcher.places(targets);
            if now.iter().flatten().eq(places.iter().flatten()) {
                return now.into_iter().collect::<io::Result<Vec<_>>>().map(drop);
            }
            places = now;
        }
    }

    fn register(&self, places: &[io::Result<Place>]) {
        let mut interests = self.watcher.lock();
        interests.values_mut().for_each(|all| all.retain(|one| one.owner != self.owner));
        for (watch, name) in places.iter().flatten() {
            let (name, wake) = (name.clone(), Arc::clone(&self.wake));
            interests.entry(*watch).or_default().push(Interest { owner: self.owner, name, wake });
        }
        interests.retain(|watch, all| {
            if all.is_empty() {
                // It fails where the directory is gone, and its watch with it.
                self.watcher.inotify.get_ref().0.rm_watch(*watch).ok();
            }
            !all.is_empty()
        });
    }
}

impl Drop for FileWatch {
    fn drop(&mut self) {
        // The kernel's watches go when somebody sets others: that may block.
        let mut interests = self.watcher.lock();
        interests.values_mut().for_each(|all| all.retain(|one| one.owner != self.owner));
    }
}

/// Everything by which a file in a directory can come, change or go, and the directory itself.
fn mask() -> AddWatchFlags {
    AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_MODIFY
        | AddWatchFlags::IN_CLOSE_WRITE
        | AddWatchFlags::IN_MOVE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_DELETE_SELF
        | AddWatchFlags::IN_MOVE_SELF
        | AddWatchFlags::IN_ONLYDIR
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// So that the runtime can wait for it.
#[derive(Debug)]
struct Descriptor(Inotify);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    /// Longer than any file system takes; a wake-up ends the wait.
    const PATIENCE: Duration = Duration::from_secs(20);

    struct Lab {
        directory: tempfile::TempDir,
        watcher: Arc<FileWatcher>,
        wake: Arc<Notify>,
    }

    impl Lab {
        fn new() -> Self {
            let watcher = Arc::new(FileWatcher::new().unwrap());
            let running = Arc::clone(&watcher);
            #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
            drop(tokio::spawn(async move { running.run().await }));
            let directory = tempfile::tempdir().unwrap();
            Self { directory, watcher, wake: Arc::new(Notify::new()) }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        fn file(&self, name: &str) -> Target {
            Target::File(self.path(name))
        }

        async fn woken(&self) {
            tokio::time::timeout(PATIENCE, self.wake.notified()).await.expect("a wake-up");
        }
    }

    #[tokio::test]
    async fn a_file_that_comes_grows_is_replaced_or_goes_wakes_who_waits_for_it() {
        let lab = Lab::new();
        let watch = lab.watcher.watch(Arc::clone(&lab.wake));
        watch.set(&[lab.file("a")]).unwrap();

        fs::write(lab.path("a"), "one").unwrap();
        lab.woken().await;
        fs::OpenOptions::new().append(true).open(lab.path("a")).unwrap().set_len(9).unwrap();
        lab.woken().await;
        fs::write(lab.path("b"), "other").unwrap();
        fs::rename(lab.path("b"), lab.path("a")).unwrap();
        lab.woken().await;
        fs::remove_file(lab.path("a")).unwrap();
        lab.woken().await;
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_is_waited_for() {
        let lab = Lab::new();
        let watch = lab.watcher.watch(Arc::clone(&lab.wake));
        let targets = [lab.file("deep/down/a"), Target::Directory(lab.path("far/off"))];

        for step in ["deep", "deep/down", "far", "far/off"] {
            watch.set(&targets).unwrap();
            fs::create_dir(lab.path(step)).unwrap();
            lab.woken().await;
        }
        watch.set(&targets).unwrap();
        fs::write(lab.path("deep/down/a"), "").unwrap();
        lab.woken().await;
        fs::write(lab.path("far/off/any"), "").unwrap();
        lab.woken().await;
        fs::remove_dir_all(lab.path("deep")).unwrap();
        lab.woken().await;
    }

    #[tokio::test]
    async fn what_nobody_waits_for_wakes_nobody() {
        let lab = Lab::new();
        let other = Arc::new(Notify::new());
        let (watch, gone) =
            (lab.watcher.watch(Arc::clone(&lab.wake)), lab.watcher.watch(Arc::clone(&other)));
        gone.set(&[lab.file("a")]).unwrap();
        watch.set(&[lab.file("a")]).unwrap();
        drop(gone);

        fs::write(lab.path("b"), "").unwrap();
        fs::write(lab.path("a"), "").unwrap();

        lab.woken().await;
        let woken = tokio::time::timeout(Duration::ZERO, other.notified()).await;
        assert!(woken.is_err(), "it was dropped");
    }
}
