//! Processes as `/proc` shows them: who belongs to a test, what they cost, and how to end them.
//!
//! A signal goes through a descriptor of the process that was looked at, never to a stored number.

use std::{
    fs,
    path::PathBuf,
    process,
    time::{Duration, Instant},
};

pub use rustix::process::Signal;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use crate::pause;

/// Name of the environment variable that marks a process as started by a test.
pub const TAG: &str = "CODEPLANE_TEST_TAG";

/// One process at the time it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: i32,
    /// Process id of its parent.
    pub parent: i32,
    /// Name of its executable, cut to 15 bytes.
    pub name: String,
    /// State letter of `/proc/PID/stat`; `Z` is a zombie.
    pub state: char,
    /// User and system time in clock ticks.
    pub cpu_ticks: u64,
    /// When it started, in clock ticks since boot: with the id it identifies the process.
    pub start_ticks: u64,
}

/// What the processes of one test have in common.
#[derive(Clone, Debug)]
pub struct Family {
    /// Value of [`TAG`] in their environment.
    pub tag: String,
    /// Directories in which they have files open.
    pub directories: Vec<PathBuf>,
}

impl Process {
    /// Looks at process `pid`; nothing if there is none.
    #[must_use]
    pub fn read(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in parentheses and may contain any character, these included.
        let (head, rest) = stat.rsplit_once(") ")?;
        let (_, name) = head.split_once('(')?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            name: name.to_owned(),
            state: fields.first()?.chars().next()?,
            cpu_ticks: number(11)? + number(12)?,
            start_ticks: number(19)?,
        })
    }

    /// Every process of the machine.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| Self::read(entry.file_name().to_str()?.parse().ok()?)).collect()
    }

    /// Whether it is still there and not only a zombie.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        Self::read(self.pid)
            .is_some_and(|now| now.start_ticks == self.start_ticks && now.state != 'Z')
    }

    /// Its arguments.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let arguments = line.split(|byte| *byte == 0);
        arguments.map(|argument| String::from_utf8_lossy(argument).into_owned()).collect()
    }

    /// Sends `signal` if this very process still lives.
    pub fn signal(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        // Looked at again behind the descriptor: from here on the number cannot change hands.
        if self.is_alive() {
            // It may have ended since.
            pidfd_send_signal(descriptor, signal).ok();
        }
    }

    /// Memory it alone is responsible for, in KiB: its own and its part of what is shared.
    #[must_use]
    pub fn memory_kb(&self) -> u64 {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid));
        let rollup = rollup.unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    fn has_tag(&self, tag: &str) -> bool {
        let wanted = format!("{TAG}={tag}");
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    }

    /// A daemon or shim may have wiped its environment; its open files still tell.
    fn has_file_below(&self, directories: &[PathBuf]) -> bool {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.pid));
        let mut targets = descriptors.into_iter().flatten().flatten();
        targets.any(|entry| {
            let target = fs::read_link(entry.path());
            target.is_ok_and(|target| directories.iter().any(|below| target.starts_with(below)))
        })
    }
}

impl Family {
    /// The processes that live: marked ones, those with files open in the directory, and all that
    /// descend from them. Without the caller.
    #[must_use]
    pub fn members(&self) -> Vec<Process> {
        let all: Vec<Process> = Process::all()
            .into_iter()
            .filter(|process| process.pid != i32::try_from(process::id()).unwrap_or(0))
            .collect();
        let mut is_member: Vec<bool> = all
            .iter()
            .map(|process| process.has_tag(&self.tag) || process.has_file_below(&self.directories))
            .collect();
        loop {
            let pids: Vec<i32> = members(&all, &is_member).map(|member| member.pid).collect();
            for (index, process) in all.iter().enumerate() {
                is_member[index] |= pids.contains(&process.parent);
            }
            if members(&all, &is_member).count() == pids.len() {
                break;
            }
        }
        members(&all, &is_member).filter(|process| process.state != 'Z').cloned().collect()
    }

    /// Ends all of them: asked first, then killed, until none is left.
    pub fn end(&self) {
        for (signal, patience_ms) in
            [(Signal::TERM, 500), (Signal::KILL, 500), (Signal::KILL, 5000)]
        {
            let end = Instant::now() + Duration::from_millis(patience_ms);
            for member in self.members() {
                member.signal(signal);
            }
            while !self.members().is_empty() {
                if Instant::now() > end {
                    break;
                }
                pause(Duration::from_millis(10));
            }
        }
    }
}

fn members<'a>(all: &'a [Process], chosen: &'a [bool]) -> impl Iterator<Item = &'a Process> {
    all.iter().zip(chosen).filter_map(|(process, chosen)| chosen.then_some(process))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_finds_itself() {
        let own = i32::try_from(process::id()).unwrap();

        let process = Process::read(own).unwrap();

        assert!(process.is_alive());
        assert!(process.memory_kb() > 0);
        assert!(!process.arguments().is_empty());
    }

    #[test]
    fn a_family_ends_with_its_descendants() {
        let directory = tempfile::tempdir().unwrap();
        let family = Family {
            tag: format!("family-{}", process::id()),
            directories: vec![directory.path().to_path_buf()],
        };
        let mut child = process::Command::new("sh")
            .args(["-c", "sleep 600 & exec sleep 601"])
            .env(TAG, &family.tag)
            .spawn()
            .unwrap();
        crate::wait_until("both processes", crate::PATIENCE, || family.members().len() == 2);

        family.end();

        child.wait().unwrap();
        assert_eq!(family.members(), []);
    }
}
