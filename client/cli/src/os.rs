//! The only module that talks to the operating system beyond what `std` offers.

mod keyboard;
mod last_word;
mod raw;

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codeplane_client::v1;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

pub(crate) use self::keyboard::Keyboard;
pub(crate) use self::last_word::{LastWord, end_after, end_when_unread, on_end_say};
pub(crate) use self::raw::{RawMode, shows};

nix::ioctl_read_bad!(get_window_size, libc::TIOCGWINSZ, libc::winsize);

/// The size of the terminal behind standard output, input or error, within what a session can have;
/// none if none is a terminal, or it says that it has no size.
pub(crate) fn terminal_size() -> Option<v1::TerminalSize> {
    let asked = [io::stdout().as_raw_fd(), io::stdin().as_raw_fd(), io::stderr().as_raw_fd()];
    asked.into_iter().find_map(|fd| {
        let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the kernel writes one `winsize`, which lives until the call returns.
        unsafe { get_window_size(fd, &raw mut size) }.ok()?;
        possible(size.ws_col, size.ws_row)
    })
}

/// A terminal of one column, or of thousands, must not keep its user from attaching.
fn possible(cols: u16, rows: u16) -> Option<v1::TerminalSize> {
    let size =
        v1::TerminalSize { cols: cols.clamp(2, 1000).into(), rows: rows.clamp(1, 500).into() };
    (cols > 0 && rows > 0).then_some(size)
}

/// Whether a person may be typing.
pub(crate) fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Reads what standard input has, once it has something or is at its end; none if that takes longer
/// than until `deadline`.
pub(crate) fn read_stdin(buffer: &mut [u8], deadline: Instant) -> io::Result<Option<usize>> {
    let stdin = io::stdin();
    loop {
        // Rounded up: a wait of nothing would spin through the last millisecond.
        let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let mut ready = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ready, left) {
            Ok(0) if Instant::now() >= deadline => return Ok(None),
            Ok(0) | Err(Errno::EINTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(errno.into()),
        }
        match nix::unistd::read(&stdin, buffer) {
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            read => return Ok(Some(read?)),
        }
    }
}

/// Whether nobody can read what is written to standard output.
pub(crate) fn stdout_is_null_device() -> bool {
    let null = nix::sys::stat::stat("/dev/null").map(|facts| facts.st_rdev);
    let ours = nix::sys::stat::fstat(io::stdout());
    matches!((null, ours), (Ok(null), Ok(ours)) if ours.st_rdev == null)
}

/// Writes all of `bytes` to standard error.
pub(crate) fn write_stderr(bytes: &[u8]) -> io::Result<()> {
    io::Write::write_all(&mut io::stderr().lock(), bytes)
}

/// Writes all of `bytes` to standard output, whose flags belong to the user's shell: it may be
/// non-blocking, and stays as it is.
pub(crate) fn write_stdout(mut bytes: &[u8]) -> io::Result<()> {
    let stdout = io::stdout();
    while !bytes.is_empty() {
        match nix::unistd::write(&stdout, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => {
                let mut ready = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
                poll(&mut ready, PollTimeout::NONE)?;
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// Leaves the terminal's session, so that its end is not ours, and lets go of every descriptor that
/// the starting process may have left open by mistake: a pipe's reader waits for all of them.
pub(crate) fn detach_process() {
    // Fails only for the leader of a group, which a spawned daemon is not.
    nix::unistd::setsid().ok();
    // SAFETY: called first thing in `main`: no descriptor above standard error is in use yet.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}

/// Locks `path` for this process, if nobody else has. The lock goes with the value.
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<Flock<std::fs::File>>> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno.into()),
    }
}

/// Process id of whoever listens on `socket`, as the kernel tells.
pub(crate) fn listener_pid(socket: &Path) -> io::Result<i32> {
    let stream = UnixStream::connect(socket)?;
    Ok(getsockopt(&stream, PeerCredentials)?.pid())
}

/// A new directory for temporary files that only this user can enter.
pub(crate) fn private_directory() -> io::Result<PathBuf> {
    Ok(nix::unistd::mkdtemp(&std::env::temp_dir().join("cpctl-XXXXXX"))?)
}

/// A process that cannot be mistaken for a later one with the same number.
#[derive(Debug)]
pub(crate) struct ProcessHandle(OwnedFd);

impl ProcessHandle {
    /// The process that has this number now.
    pub(crate) fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: takes two integers, returns a new descriptor or -1.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
        let fd = i32::try_from(Errno::result(fd)?).map_err(io::Error::other)?;
        // SAFETY: the kernel has just made it and nobody else knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) -> io::Result<()> {
        let fd = self.0.as_raw_fd();
        let info = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: a descriptor of ours, a signal, no details, no flags.
        let sent =
            unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, libc::SIGTERM, info, 0) };
        Errno::result(sent)?;
        Ok(())
    }

    /// Waits for its end; whether it came within `limit`. Blocks.
    pub(crate) fn wait_for_end(&self, limit: Duration) -> io::Result<bool> {
        let mut ready = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        loop {
            match poll(&mut ready, limit) {
                Ok(ended) => return Ok(ended > 0),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_terminal_has_a_possible_size_or_none() {
        let size = |cols, rows| Some(v1::TerminalSize { cols, rows });

        assert_eq!(possible(80, 24), size(80, 24));
        assert_eq!(possible(1, 1), size(2, 1));
        assert_eq!(possible(5000, 3000), size(1000, 500));
        assert_eq!(possible(0, 0), None);
    }

    #[test]
    fn the_listener_of_a_socket_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();

        let pid = listener_pid(&path).unwrap();

        assert_eq!(pid, i32::try_from(std::process::id()).unwrap());
    }

    #[test]
    fn a_process_is_ended_through_its_handle() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let handle = ProcessHandle::open(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(!handle.wait_for_end(Duration::ZERO).unwrap());

        handle.terminate().unwrap();

        assert!(handle.wait_for_end(Duration::from_secs(10)).unwrap());
        child.wait().unwrap();
    }

    #[test]
    fn a_lock_is_held_by_one_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");

        let first = try_lock(&path).unwrap();
        assert!(first.is_some());
        assert!(try_lock(&path).unwrap().is_none());

        drop(first);
        assert!(try_lock(&path).unwrap().is_some());
    }
}
