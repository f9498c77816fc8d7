//! Orphans of shims that were killed. The kernel hands them to the nearest ancestor that asked for it:
//! this process, while it is the one that started the shim.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::ancestry::kinship;

/// Tells children that came as orphans from those that were there before.
#[derive(Debug)]
pub(crate) struct Orphans {
    own: i32,
    /// Process id and start of each child that was there first: this process may have been a shell
    /// that executed the daemon.
    before: Vec<(i32, u64)>,
}

impl Orphans {
    /// From now on this process is the parent of every orphan below it.
    ///
    /// # Errors
    /// Those of the kernel.
    pub(crate) fn adopt() -> io::Result<Self> {
        let own = i32::try_from(std::process::id()).map_err(io::Error::other)?;
        let before = children(own).into_iter().filter_map(|pid| Some((pid, kinship(pid)?.started)));
        let before = before.collect();
        prctl::set_child_subreaper(true)?;
        Ok(Self { own, before })
    }

    /// Whether `pid`, a child of `parent`, came to this process as an orphan. Shims are for the caller
    /// to know. Where this process is the first of a container, it may be anybody's.
    pub(crate) fn is_one(&self, pid: i32, parent: i32) -> bool {
        parent == self.own
            && !kinship(pid).is_some_and(|kin| self.before.contains(&(pid, kin.started)))
    }

    /// Reaps children that have ended, and kills orphans that are known to be a session's; what is below
    /// those comes here next. Answers how many were killed.
    pub(crate) fn settle(
        &self,
        is_shim: impl Fn(i32) -> bool,
        is_of_a_session: impl Fn(i32) -> bool,
    ) -> usize {
        let others = children(self.own).into_iter().filter(|pid| !is_shim(*pid));
        others.filter(|pid| is_living(*pid) && self.kill(*pid, &is_of_a_session)).count()
    }

    /// By number, which is as good as a descriptor here: only its parent frees the number of a process,
    /// and that is asked after it was found to be this one.
    fn kill(&self, pid: i32, is_of_a_session: impl Fn(i32) -> bool) -> bool {
        // The first process of a container is also handed what other daemons left, shims among it.
        let is_ours = self.own != 1 && kinship(pid).is_some_and(|kin| self.is_one(pid, kin.parent));
        is_ours
            && is_of_a_session(pid)
            && nix::sys::signal::kill(Pid::from_raw(pid), nix::sys::signal::SIGKILL).is_ok()
    }
}

/// Reaps a child if it has ended.
fn is_living(pid: i32) -> bool {
    loop {
        match waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => return true,
            Err(Errno::EINTR) => {}
            Ok(_) | Err(_) => return false,
        }
    }
}

/// The children of all threads of a process.
fn children(of: i32) -> BTreeSet<i32> {
    let threads = fs::read_dir(format!("/proc/{of}/task"));
    let mut found = BTreeSet::new();
    for thread in threads.into_iter().flatten().flatten().map(|thread| thread.path()) {
        match fs::read_to_string(thread.join("children")) {
            Ok(list) => found.extend(list.split_ascii_whitespace().flat_map(str::parse::<i32>)),
            // A kernel that keeps no such lists.
            Err(_) if fs::exists(&thread).unwrap_or(false) => return children_by_search(of),
            // A thread that has just ended.
            Err(_) => {}
        }
    }
    found
}

/// As [`children`], by looking at every process there is.
fn children_by_search(of: i32) -> BTreeSet<i32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| kinship(*pid).is_some_and(|kin| kin.parent == of))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::BufRead as _;
    use std::process::{Command, Stdio};

    use super::*;

    fn own() -> i32 {
        i32::try_from(std::process::id()).unwrap()
    }

    /// A process whose parent has ended.
    fn orphan() -> i32 {
        let mut parent = Command::new("sh")
            .args(["-c", "sleep 600 > /dev/null & echo $!"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        io::BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
        parent.wait().unwrap();
        line.trim().parse().unwrap()
    }

    #[test]
    fn an_orphan_comes_here_and_is_ended_only_if_it_is_of_a_session() {
        let mut before = Command::new("sleep").arg("600").spawn().unwrap();
        let first = i32::try_from(before.id()).unwrap();
        let orphans = Orphans::adopt().unwrap();
        let pid = orphan();
        let settle = |is_of_a_session: bool| orphans.settle(|one| one != pid, |_| is_of_a_session);

        assert_eq!(kinship(pid).unwrap().parent, own());
        assert!(orphans.is_one(pid, own()));
        assert!(!orphans.is_one(first, own()), "it was there before");
        assert!(!orphans.is_one(first, first));

        assert_eq!(settle(false), 0);
        assert!(kinship(pid).is_some());
        assert_eq!(settle(true), 1);
        while kinship(pid).is_some() {
            settle(true);
            std::thread::yield_now();
        }
        before.kill().unwrap();
        before.wait().unwrap();
    }

    #[test]
    fn children_are_found_both_ways() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();

        assert!(children(own()).contains(&pid));
        assert!(children_by_search(own()).contains(&pid));

        child.kill().unwrap();
        child.wait().unwrap();
    }
}
