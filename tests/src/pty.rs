//! A program in a pseudo-terminal that we hold.

use std::{
    env,
    ffi::{CString, OsString},
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStringExt,
    },
    time::Duration,
};

use nix::{
    fcntl::OFlag,
    spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp},
    sys::{
        signal::SigSet,
        stat::Mode,
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{
        LocalModes, OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize,
    },
};

use crate::processes::{Process, Signal};

/// Size of a terminal in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

/// A program whose terminal is ours. Dropped: it is killed.
#[derive(Debug)]
pub struct PtyProcess {
    master: OwnedFd,
    process: Process,
    ended: Option<Ended>,
}

/// The environment of this process.
#[must_use]
pub fn environment() -> Vec<(OsString, OsString)> {
    env::vars_os().collect()
}

/// Puts a terminal in the mode that agents' libraries (libuv) use: input raw, output processed.
///
/// # Errors
/// If `terminal` is none.
pub fn cook_output(terminal: impl AsFd) -> io::Result<()> {
    let mut modes = tcgetattr(&terminal)?;
    modes.make_raw();
    modes.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
    Ok(tcsetattr(terminal, OptionalActions::Now, &modes)?)
}

impl PtyProcess {
    /// Starts `argv` (looked up in our own PATH) with exactly `env`, in a session of its own.
    ///
    /// # Errors
    /// Those of opening a terminal and of running the program.
    pub fn spawn(
        argv: &[OsString],
        env: &[(OsString, OsString)],
        size: TerminalSize,
    ) -> io::Result<Self> {
        // Close-on-exec from the start: a program started at the same time must not inherit it.
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        set_size(&master, size)?;
        let slave = ptsname(&master, Vec::new())?;

        // A session leader that opens a terminal without O_NOCTTY controls it.
        let mut files = PosixSpawnFileActions::init()?;
        files.add_open(0, slave.as_c_str(), OFlag::O_RDWR, Mode::empty())?;
        files.add_dup2(0, 1)?;
        files.add_dup2(0, 2)?;
        let args = c_strings(argv.iter().cloned())?;
        let vars = c_strings(env.iter().map(|(name, value)| {
            let mut pair = name.clone();
            pair.push("=");
            pair.push(value);
            pair
        }))?;
        let program = args.first().ok_or(io::ErrorKind::InvalidInput)?;
        let pid = posix_spawnp(program, &files, &fresh_session()?, &args, &vars)?;
        let process = Process::read(pid.as_raw()).ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { master, process, ended: None })
    }

    /// Process id of the program.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.process.pid
    }

    /// Reads what the program printed; 0 once nobody holds the other side.
    ///
    /// # Errors
    /// Those of reading.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match rustix::io::read(&self.master, &mut *buffer) {
            // Linux says EIO where a pipe would say "end of file".
            Err(rustix::io::Errno::IO) => Ok(0),
            Err(rustix::io::Errno::INTR) => self.read(buffer),
            other => Ok(other?),
        }
    }

    /// Types `bytes`. Blocks while the terminal's queue is full.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        write_all(&self.master, bytes)
    }

    /// Whether there is something to read (or the end), after at most `timeout`.
    #[must_use]
    pub fn is_readable(&self, timeout: Duration) -> bool {
        is_readable(self.master.as_fd(), timeout)
    }

    /// Gives the terminal another size; the program gets SIGWINCH.
    ///
    /// # Errors
    /// Those of the system call.
    pub fn resize(&self, size: TerminalSize) -> io::Result<()> {
        set_size(&self.master, size)
    }

    /// Whether the terminal's owner has put it in raw mode.
    ///
    /// # Errors
    /// Those of the system call.
    pub fn is_raw(&self) -> io::Result<bool> {
        Ok(!tcgetattr(&self.master)?.local_modes.contains(LocalModes::ICANON))
    }

    /// Sends a signal to the program, if it still lives.
    pub fn signal(&self, signal: Signal) {
        if self.ended.is_none() {
            self.process.signal(signal);
        }
    }

    /// How the program ended, if it has.
    ///
    /// # Errors
    /// Those of the system call.
    pub fn try_wait(&mut self) -> io::Result<Option<Ended>> {
        if self.ended.is_none() {
            let status = waitpid(Pid::from_raw(self.process.pid), Some(WaitPidFlag::WNOHANG))?;
            self.ended = match status {
                WaitStatus::Exited(_, code) => Some(Ended::Code(code)),
                WaitStatus::Signaled(_, signal, _) => Some(Ended::Signal(signal as i32)),
                _ => None,
            };
        }
        Ok(self.ended)
    }
}

impl AsFd for PtyProcess {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

impl Drop for PtyProcess {
    fn drop(&mut self) {
        if matches!(self.try_wait(), Ok(None)) {
            self.signal(Signal::KILL);
            waitpid(Pid::from_raw(self.process.pid), None).ok();
        }
    }
}

/// Whether there is something to read from `fd`, after at most `timeout`.
#[must_use]
pub(crate) fn is_readable(fd: BorrowedFd<'_>, timeout: Duration) -> bool {
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    let timeout = Timespec::try_from(timeout).ok();
    matches!(poll(&mut fds, timeout.as_ref()), Ok(ready) if ready > 0)
}

/// Writes all of `bytes`, however often that takes.
pub(crate) fn write_all(fd: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&fd, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn set_size(terminal: impl AsFd, size: TerminalSize) -> io::Result<()> {
    let size = Winsize { ws_col: size.cols, ws_row: size.rows, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(tcsetwinsize(terminal, size)?)
}

/// A session of its own, all signals as the system sets them and none blocked.
fn fresh_session() -> io::Result<PosixSpawnAttr> {
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_sigdefault(&SigSet::all())?;
    attributes.set_sigmask(&SigSet::empty())?;
    let new_session = PosixSpawnFlags::from_bits_retain(nix::libc::POSIX_SPAWN_SETSID.into());
    attributes.set_flags(
        new_session
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK,
    )?;
    Ok(attributes)
}

fn c_strings(strings: impl Iterator<Item = OsString>) -> io::Result<Vec<CString>> {
    strings.map(|string| Ok(CString::new(string.into_vec())?)).collect()
}
