//! Processes by descriptor: a number may name another process tomorrow, a descriptor never does.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;

use super::process::{own, raw};
use super::tree;

/// A process, whoever has its number by now.
#[derive(Debug)]
pub(crate) struct PidFd(OwnedFd);

impl PidFd {
    /// The process that has this number now.
    pub(crate) fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: takes two numbers and returns a new descriptor or an error.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = i32::try_from(Errno::result(fd)?).map_err(io::Error::other)?;
        // SAFETY: the call has just returned it.
        Ok(Self(unsafe { own(fd) }))
    }

    /// Wraps what the kernel gave for a process.
    pub(crate) const fn from_owned(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Sends a signal; 0 only asks whether the process still lives.
    pub(crate) fn send(&self, signal: i32) -> io::Result<()> {
        let none = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: the descriptor is open, and a null description means an ordinary signal.
        let sent = unsafe {
            libc::syscall(libc::SYS_pidfd_send_signal, raw(&self.0.as_fd()), signal, none, 0)
        };
        Errno::result(sent)?;
        Ok(())
    }
}

/// Sends `signals` in order to `pid` if that is a process below `ancestor`, and to nobody else.
///
/// The descriptor is opened first and the ancestry read after it: were the number given to a
/// stranger in between, the signal would go to the descriptor's process, which is gone.
pub(crate) fn signal_descendant(pid: i32, ancestor: i32, signals: &[i32]) {
    let Ok(process) = PidFd::open(pid) else { return };
    if tree::is_descendant(pid, ancestor) != Some(true) {
        return;
    }
    for signal in signals {
        // It may be gone by now, or be of another user since it executed something.
        process.send(*signal).ok();
    }
}

/// Kills every process that was started with `pair` in its environment; answers how many there were.
///
/// The descriptor is opened first and the environment read after it, as in [`signal_descendant`].
pub(crate) fn kill_marked(pair: &str) -> usize {
    let Ok(processes) = fs::read_dir("/proc") else { return 0 };
    let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let kill = |pid: i32| {
        let process = PidFd::open(pid).ok()?;
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        environment.split(|byte| *byte == 0).find(|one| *one == pair.as_bytes())?;
        process.send(libc::SIGKILL).ok()
    };
    numbers.filter_map(kill).count()
}
