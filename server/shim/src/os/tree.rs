//! The process tree below the shim, read from `/proc`.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::fs;

use super::limit::SessionLimit;

/// A parent chain longer than this is not followed: `/proc` changes while it is read.
const LONGEST_CHAIN: usize = 4096;

/// What every shim calls itself. Nobody else can rename a shim, and what it started cannot leave
/// its descent while it lives.
pub(crate) const SHIM_NAME: &CStr = c"cpd-shim";

/// What the environment of a session's program begins with, in one of its variables.
const SESSION_MARK: &[u8] = b"CODEPLANE_SESSION=";

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kinship {
    /// Its parent.
    pub(crate) parent: i32,
    /// Its process group.
    pub(crate) group: i32,
}

/// Parent and group of a process; `None` when it is gone or invisible.
pub(crate) fn kinship(pid: i32) -> Option<Kinship> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may contain anything, also parentheses and bytes that are no text.
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let mut fields = str::from_utf8(&stat[after_name..]).ok()?.split_ascii_whitespace().skip(1);
    Some(Kinship { parent: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
}

/// Whether `ancestor` is among the parents of `pid`; `None` when the chain cannot be read to its
/// end, because a process on it is gone or invisible.
pub(crate) fn is_descendant(pid: i32, ancestor: i32) -> Option<bool> {
    let mut current = pid;
    for _ in 0..LONGEST_CHAIN {
        if current <= 1 {
            return Some(false);
        }
        let parent = kinship(current)?.parent;
        if parent == ancestor {
            return Some(true);
        }
        current = parent;
    }
    None
}

/// Whether `pid` belongs to any session: it or one of its parents is a shim, or was started with
/// a session's mark, or it bears a session's limit. `None` when the chain cannot be read to its end.
pub(crate) fn is_of_a_session(pid: i32) -> Option<bool> {
    let lineage = lineage(pid)?;
    for one in &lineage {
        if is_shim(*one)? {
            return Some(true);
        }
    }
    if SessionLimit::worn().is_some_and(|limit| limit.is_borne_by(pid) != Some(false)) {
        return Some(true);
    }
    // Only an orphan of a shim that was killed needs the mark to be known. Environments of other
    // users, or of processes that hide theirs, cannot be read, which says nothing against a daemon.
    Some(lineage.into_iter().any(is_marked))
}

/// A process and its parents, without process 1.
fn lineage(pid: i32) -> Option<Vec<i32>> {
    let mut lineage = Vec::new();
    let mut current = pid;
    while current > 1 {
        if lineage.len() == LONGEST_CHAIN {
            return None;
        }
        lineage.push(current);
        current = kinship(current)?.parent;
    }
    Some(lineage)
}

fn is_shim(pid: i32) -> Option<bool> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(name.trim_ascii_end() == SHIM_NAME.to_bytes())
}

fn is_marked(pid: i32) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|pair| pair.starts_with(SESSION_MARK))
}

/// Every process below `root`, parents before children, as far as it can be seen in one pass.
pub(crate) fn descendants(root: i32) -> Vec<i32> {
    let mut found = children(root);
    // Numbers may be used again while this looks; seen twice would be for ever.
    let mut seen: BTreeSet<i32> = found.iter().copied().collect();
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children(pid).into_iter().filter(|child| seen.insert(*child)));
        next += 1;
    }
    found
}

/// The children of all threads of a process.
fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(list) => found.extend(list.split_ascii_whitespace().flat_map(str::parse::<i32>)),
            // A kernel without this file: look at every process there is.
            Err(_) if fs::exists(thread.path()).unwrap_or(false) => return children_by_search(pid),
            Err(_) => {}
        }
    }
    found
}

fn children_by_search(parent: i32) -> Vec<i32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| kinship(*pid).is_some_and(|kin| kin.parent == parent))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{children_by_search, descendants, is_descendant, kinship};

    #[test]
    fn a_child_is_seen_both_ways() {
        let own = i32::try_from(std::process::id()).unwrap();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();

        assert!(descendants(own).contains(&pid));
        assert!(children_by_search(own).contains(&pid));
        assert_eq!(is_descendant(pid, own), Some(true));
        assert_eq!(is_descendant(own, pid), Some(false));
        assert_eq!(kinship(pid).map(|kin| kin.parent), Some(own));

        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(is_descendant(pid, own), None);
    }
}
