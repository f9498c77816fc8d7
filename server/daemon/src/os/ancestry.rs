//! Whether a process descends from one of a set of processes.

use std::fs;
use std::io::{self, Read};

/// A parent chain longer than this is not followed: `/proc` changes while it is read.
const LONGEST_CHAIN: usize = 4096;

/// Most environments have fewer bytes.
const USUAL_ENVIRONMENT: usize = 16 * 1024;

/// Stands where the id of a session would, for one whose id cannot be read.
const UNNAMED: &str = "of an ancestor";

/// What is known of a process's ancestors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ancestry<T> {
    /// This is said of one of them, or of the process itself.
    Found(T),
    /// Nothing is said of any.
    Foreign,
    /// The process is gone or cannot be seen: nobody may rely on it.
    Unknown,
}

/// Follows the parents of `pid` up to the first process, until something is said of one and its parent.
///
/// What was started by a shim cannot leave its ancestry: the shim is a subreaper, so that orphans
/// are handed to it and not to process 1. When it is killed, they are handed to the daemon that
/// started it.
pub(crate) fn ancestry<T>(pid: i32, said_of: impl Fn(i32, i32) -> Option<T>) -> Ancestry<T> {
    let mut at = pid;
    // No chain of parents is longer than the number of processes; a cycle cannot be, but a
    // process table that changes under us could look like one.
    for _ in 0..32_768 {
        match parent(at) {
            Some(next) => match said_of(at, next) {
                Some(said) => return Ancestry::Found(said),
                None if next == 0 => return Ancestry::Foreign,
                None => at = next,
            },
            None if at == pid => return Ancestry::Unknown,
            // A parent ended while we looked: the child has another one now, so look again.
            None => at = pid,
        }
    }
    Ancestry::Unknown
}

/// The session whose mark a process was started with: the one way to know an orphan whose shim was
/// killed. It can be wiped off, but not by accident.
pub(crate) fn session_mark(pid: i32) -> Option<String> {
    let environment = environment(pid).ok()?;
    let mark = b"CODEPLANE_SESSION=";
    let value = environment.split(|byte| *byte == 0).find_map(|pair| pair.strip_prefix(mark))?;
    String::from_utf8(value.to_vec()).ok()
}

/// Reads with as few calls as can be: this stands before every connection, for each ancestor.
fn environment(pid: i32) -> io::Result<Vec<u8>> {
    let mut file = fs::File::open(format!("/proc/{pid}/environ"))?;
    let mut bytes = vec![0; USUAL_ENVIRONMENT];
    let mut filled = 0;
    loop {
        let count = file.read(&mut bytes[filled..])?;
        filled += count;
        // The kernel fills what it is given, up to the end.
        if filled < bytes.len() {
            bytes.truncate(filled);
            return Ok(bytes);
        }
        bytes.resize(filled * 2, 0);
    }
}

/// The session that this process or one of its ancestors was started in; [`UNNAMED`] where all
/// marks were wiped off and only a shim among the ancestors tells.
pub(crate) fn inherited_mark() -> Option<String> {
    mark_in_chain(i32::try_from(std::process::id()).ok()?)
}

fn mark_in_chain(pid: i32) -> Option<String> {
    let above = |pid: &i32| parent(*pid).filter(|next| *next > 0);
    let chain = || std::iter::successors(Some(pid), above).take(LONGEST_CHAIN);
    chain()
        .find_map(session_mark)
        .or_else(|| chain().skip(1).any(is_named_shim).then(|| UNNAMED.to_owned()))
}

/// Whether a process calls itself a shim, of whichever daemon. A process can name itself and its
/// environment as it likes, but not its ancestors.
fn is_named_shim(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim_ascii_end() == b"cpd-shim")
}

/// The parent of `pid`; 0 for process 1 and for a process whose parent is outside our namespace.
fn parent(pid: i32) -> Option<i32> {
    // The parent stands near the beginning, and one read of what is generated gives all of it.
    let mut start = [0; 128];
    let count = fs::File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut start).ok()?;
    // The second field is the name in parentheses, which may contain anything.
    let name = start[..count].iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(&start[name + 1..count]).ok()?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Whose child a process is, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinship {
    pub(super) parent: i32,
    /// In clock ticks since the machine started: with the number it is the process.
    pub(super) started: u64,
}

/// `None` when the process is gone or cannot be seen.
pub(super) fn kinship(pid: i32) -> Option<Kinship> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let name = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[name + 1..]).ok()?.split_ascii_whitespace().skip(1);
    // Fields 4 and 22.
    Some(Kinship { parent: fields.next()?.parse().ok()?, started: fields.nth(17)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_descends_from_its_parent_and_from_nobody_else() {
        let own = i32::try_from(std::process::id()).unwrap();
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();

        let is = |wanted: i32| move |one, _| (one == wanted).then_some(());
        assert_eq!(ancestry(pid, is(own)), Ancestry::Found(()));
        assert_eq!(ancestry(own, is(pid)), Ancestry::Foreign);

        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(ancestry(pid, is(own)), Ancestry::Unknown);
    }

    #[test]
    fn a_process_carries_the_mark_it_was_started_with() {
        let mut command = std::process::Command::new("sleep");
        let mut child = command.arg("60").env("CODEPLANE_SESSION", "some id").spawn().unwrap();

        // In the middle of its exec a process has no environment yet.
        let pid = i32::try_from(child.id()).unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let mut mark = session_mark(pid);
        while mark.is_none() && std::time::Instant::now() < deadline {
            std::thread::yield_now();
            mark = session_mark(pid);
        }
        assert_eq!(mark.as_deref(), Some("some id"));

        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_wiped_environment_does_not_hide_the_shim_above() {
        // A process is named after the file it executes: a shell that looks like a shim.
        let dir = tempfile::tempdir().unwrap();
        let shim = dir.path().join("cpd-shim");
        std::os::unix::fs::symlink("/bin/sh", &shim).unwrap();
        let mut command = std::process::Command::new(&shim);
        command.args(["-c", "env -i sleep 60 & echo $!; read line; kill $!; wait"]).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());

        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut said = io::BufReader::new(child.stdout.take().unwrap());
        io::BufRead::read_line(&mut said, &mut line).unwrap();

        assert_eq!(mark_in_chain(line.trim().parse().unwrap()).as_deref(), Some(UNNAMED));
        let itself = i32::try_from(child.id()).unwrap();
        assert_eq!(mark_in_chain(itself), None);

        // The end of its input ends both.
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
