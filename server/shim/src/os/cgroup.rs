//! A control group of the session's own, where the system lets us have one: the one list of
//! processes that nothing inside the session leaves by itself.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// A private group of the unified hierarchy, empty when made.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
    directory: File,
}

impl Cgroup {
    /// Makes a group below `parent`. `None` where there is no right to it: everything works
    /// without, by following the process tree.
    pub(crate) fn make(parent: &Path, name: &str) -> Option<Self> {
        let path = parent.join(name);
        fs::create_dir(&path).ok()?;
        let directory = File::open(&path).ok()?;
        Some(Self { path, directory })
    }

    /// The directory of the group this process is in; `None` where there is no unified hierarchy.
    pub(crate) fn own() -> Option<PathBuf> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        mounts.lines().find_map(|line| directory_in(line, own))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Kills every process in it, also such as are being forked.
    pub(crate) fn kill(&self) {
        kill(&self.path).ok();
    }

    /// Removes it; it must be empty.
    pub(crate) fn remove(&self) {
        remove(&self.path).ok();
    }
}

impl AsFd for Cgroup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// Kills what is in the group at `path`.
pub(crate) fn kill(path: &Path) -> io::Result<()> {
    fs::write(path.join("cgroup.kill"), "1")
}

/// Removes the group at `path` with those that were made below it.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    if let Ok(entries) = fs::read_dir(path) {
        for entry in entries.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_dir())) {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(path)
}

/// Where the group `own` is in the mount that `line` describes, if that shows it.
fn directory_in(line: &str, own: &str) -> Option<PathBuf> {
    let (mount, system) = line.split_once(" - ")?;
    if !system.starts_with("cgroup2 ") {
        return None;
    }
    let mut fields = mount.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    let below = Path::new(own).strip_prefix(root).ok()?;
    Some(Path::new(point).join(below))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::directory_in;

    const HYBRID: &str = "35 24 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
    const CONTAINER: &str = "35 24 0:30 /box /sys/fs/cgroup rw,relatime shared:4 - cgroup2 none rw";

    #[test]
    fn the_own_group_is_found_below_the_mount() {
        let found = directory_in(HYBRID, "/user.slice/a.scope");

        assert_eq!(found.as_deref(), Some(Path::new("/sys/fs/cgroup/unified/user.slice/a.scope")));
    }

    #[test]
    fn a_mount_that_shows_only_a_part_is_read_relative_to_it() {
        assert_eq!(
            directory_in(CONTAINER, "/box/inner").as_deref(),
            Some(Path::new("/sys/fs/cgroup/inner"))
        );
        assert_eq!(directory_in(CONTAINER, "/elsewhere"), None);
    }

    #[test]
    fn other_file_systems_are_no_hierarchy() {
        assert_eq!(directory_in("24 1 0:5 / /proc rw - proc proc rw", "/"), None);
    }
}
