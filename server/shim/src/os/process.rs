//! What the shim does to its own process, and what it learns of its children.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use codeplane_core::{ExitStatus, Timestamp};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{dup2_raw, getpid, getsid, setsid};

/// Signals that reach the shim by accident only: it has no terminal and no reader to lose.
const IGNORED: [Signal; 7] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGPIPE,
    Signal::SIGTSTP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
];

/// What the shim is woken for by a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// A child changed its state.
    Child,
    /// The shim was asked to end.
    Terminate,
    /// The shim was asked to listen again: its socket's name was removed while no daemon ran.
    Listen,
}

/// Signals as something to poll.
#[derive(Debug)]
pub(crate) struct SignalDoor(SignalFd);

impl SignalDoor {
    /// The next signal that arrived, if any.
    pub(crate) fn next(&self) -> Option<Awaited> {
        let info = self.0.read_signal().ok()??;
        // `ssi_signo` is a signal number, which fits.
        Some(match i32::try_from(info.ssi_signo) {
            Ok(libc::SIGCHLD) => Awaited::Child,
            Ok(libc::SIGUSR1) => Awaited::Listen,
            Ok(_) | Err(_) => Awaited::Terminate,
        })
    }
}

impl AsFd for SignalDoor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Starts from known signal dispositions and turns the awaited ones into a descriptor.
///
/// A disposition of "ignored" and the mask survive exec: with `SIGCHLD` ignored by whoever started
/// the daemon, no exit status could ever be read.
pub(crate) fn take_over_signals() -> io::Result<SignalDoor> {
    for one in Signal::iterator() {
        // SAFETY: the default disposition runs no code of ours. It fails for KILL and STOP, which
        // have no other.
        unsafe { signal(one, SigHandler::SigDfl) }.ok();
    }
    for one in IGNORED {
        // SAFETY: ignoring a signal runs no code of ours.
        unsafe { signal(one, SigHandler::SigIgn) }?;
    }
    let mut awaited = SigSet::empty();
    awaited.add(Signal::SIGCHLD);
    awaited.add(Signal::SIGTERM);
    awaited.add(Signal::SIGUSR1);
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&awaited), None)?;
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    Ok(SignalDoor(SignalFd::with_flags(&awaited, flags)?))
}

/// Leaves the session of whoever started the daemon and becomes the parent of every orphan below.
pub(crate) fn adopt_descendants() -> io::Result<()> {
    if let Err(error) = setsid() {
        // Already a session leader: nothing to leave.
        if getsid(None) != Ok(getpid()) {
            return Err(error.into());
        }
    }
    prctl::set_child_subreaper(true)?;
    Ok(())
}

/// Shows nothing of the shim's memory, in which environments and input pass, to other processes
/// with the same uid, nor to a core file. Both are undone by the program's exec.
pub(crate) fn seal() -> io::Result<()> {
    prctl::set_dumpable(false)?;
    Ok(())
}

/// The soft and hard limit of core files as they were; the shim's own become 0.
pub(crate) fn limit_core_dumps() -> io::Result<libc::rlimit> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    // The hard limit stays: the program is to get both back, and only root could raise it again.
    setrlimit(Resource::RLIMIT_CORE, 0, hard)?;
    Ok(libc::rlimit { rlim_cur: soft, rlim_max: hard })
}

/// Files of the shim are its owner's alone. Returns the mask the program is to get back.
pub(crate) fn forget_umask() -> libc::mode_t {
    umask(Mode::from_bits_truncate(0o077)).bits()
}

/// Names the process for `ps`; executed through a descriptor it would be named by a number.
pub(crate) fn name_process(name: &CStr) {
    prctl::set_name(name).ok();
}

/// Makes all threads share one heap: a heap of its own would cost every idle shim some pages that
/// its short-lived thread touched once.
pub(crate) fn keep_one_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt only sets a number, and no other thread runs yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// A buffer of which only what is used takes memory, however large it is.
///
/// Above the size from which the C library asks the kernel for pages instead of using its heap:
/// the kernel's are zero, and not there before they are touched. An idle shim touches one.
pub(crate) fn lazy_buffer() -> Vec<u8> {
    vec![0; 256 * 1024]
}

/// Gives back what starting took and nobody needs any more.
pub(crate) fn trim_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: only returns free pages to the kernel.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Closes every descriptor above standard error.
pub(crate) fn close_inherited() {
    // SAFETY: called first thing, when nothing in this process owns a descriptor above 2.
    let closed = unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
    if closed != 0 {
        // Before Linux 5.9. The daemon marks its own close-on-exec; this is the second line.
        for fd in 3..1024 {
            // SAFETY: as above.
            unsafe { libc::close(fd) };
        }
    }
}

/// Takes standard input away as a descriptor of its own, and puts the null device in its place,
/// and in that of standard output.
pub(crate) fn redirect_standard_input() -> io::Result<OwnedFd> {
    // SAFETY: descriptor 0 is open for as long as this process lives.
    let input = unsafe { BorrowedFd::borrow_raw(0) }.try_clone_to_owned()?;
    let null = std::fs::File::options().read(true).write(true).open("/dev/null")?;
    replace_standard(&null, 0)?;
    replace_standard(&null, 1)?;
    Ok(input)
}

/// Lets go of the standard error of whoever started this process, which may want to end.
pub(crate) fn leave_standard_error() {
    // SAFETY: standard output is open for as long as this process lives.
    replace_standard(&unsafe { BorrowedFd::borrow_raw(1) }, 2).ok();
}

fn replace_standard(with: &impl AsFd, standard: RawFd) -> io::Result<()> {
    // SAFETY: nothing in this process owns the standard descriptors.
    let replaced: OwnedFd = unsafe { dup2_raw(with, standard) }?;
    // It stays open under its number.
    std::mem::forget(replaced);
    Ok(())
}

/// Identity of a process that a number alone does not give: numbers are used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Process id.
    pub(crate) pid: u32,
    /// When it started, in clock ticks since the machine did.
    pub(crate) start_time: u64,
    /// Which start of the machine.
    pub(crate) boot_id: String,
}

impl Identity {
    /// That of this process.
    pub(crate) fn own() -> io::Result<Self> {
        let pid = std::process::id();
        Ok(Self { pid, start_time: start_time(pid)?, boot_id: boot_id()? })
    }
}

/// The identity of the running kernel: another one means that no process of before is left.
pub(crate) fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// When the process started, in clock ticks since the machine did.
pub(crate) fn start_time(pid: u32) -> io::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may contain anything; field 22 is the 20th after it.
    stat.rsplit_once(')')
        .and_then(|(_, fields)| fields.split_whitespace().nth(19)?.parse().ok())
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}

/// The wall clock.
pub(crate) fn wall_clock() -> Timestamp {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid place for the answer, and the realtime clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now) };
    Timestamp::from_micros(now.tv_sec * 1_000_000 + now.tv_nsec / 1_000)
}

/// What a look at the children gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaped {
    /// This one ended.
    Ended(i32, ExitStatus),
    /// None ended, some live.
    Living,
    /// There is none. As orphans below come to the shim, there is no descendant either.
    None,
}

/// Takes one ended child off the process table.
pub(crate) fn reap() -> Reaped {
    loop {
        let mut status = 0;
        // SAFETY: `status` is a valid place for the answer.
        let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        match pid {
            0 => return Reaped::Living,
            -1 if Errno::last() == Errno::EINTR => {}
            -1 => return Reaped::None,
            _ if libc::WIFEXITED(status) => {
                return Reaped::Ended(pid, ExitStatus::Code(libc::WEXITSTATUS(status)));
            }
            _ if libc::WIFSIGNALED(status) => {
                return Reaped::Ended(pid, ExitStatus::Signal(libc::WTERMSIG(status)));
            }
            // Stopped or continued: not asked for, not an end.
            _ => {}
        }
    }
}

/// Sends a signal to the process group that `leader`, a child which was not reaped, leads.
pub(crate) fn signal_group(leader: i32, signal: i32) {
    // SAFETY: takes two numbers.
    unsafe { libc::kill(-leader, signal) };
}

/// The descriptor as a number, for calls that take one.
pub(crate) fn raw(fd: &impl AsFd) -> RawFd {
    fd.as_fd().as_raw_fd()
}

/// Takes a descriptor that a system call has just returned.
///
/// # Safety
/// `fd` is open and owned by nobody.
pub(crate) unsafe fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: the caller's promise.
    unsafe { OwnedFd::from_raw_fd(fd) }
}
