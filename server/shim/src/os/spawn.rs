//! Starting the program.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;

/// Highest signal number of Linux.
const LAST_SIGNAL: i32 = 64;

/// The default disposition as the kernel takes it.
static DEFAULT: [u64; 8] = [0; 8];

/// Size of the kernel's signal set.
const SIGNAL_SET_BYTES: usize = 8;

/// Makes the child in a control group; too wide for the type it has in `libc`.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// A program to start on a terminal.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    /// Files to try in order, as a search path gives them; never empty.
    pub(crate) candidates: &'a [CString],
    /// Its arguments, the name it is called by first.
    pub(crate) arguments: &'a [CString],
    /// Its whole environment, `NAME=value`.
    pub(crate) environment: &'a [CString],
    /// The directory it starts in.
    pub(crate) directory: &'a CStr,
    /// The terminal's other end.
    pub(crate) terminal: RawFd,
    /// The control group it starts in.
    pub(crate) cgroup: Option<BorrowedFd<'a>>,
    /// The mask it creates files with.
    pub(crate) umask: libc::mode_t,
    /// Its limit of core files.
    pub(crate) core_limit: libc::rlimit,
    /// Its soft limit of open files, if that differs from the shim's.
    pub(crate) open_files: Option<u64>,
}

/// Which part of starting failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum SpawnStep {
    /// Making a process.
    Process = 0,
    /// Making the terminal its own.
    Terminal = 1,
    /// Entering the directory.
    Directory = 2,
    /// Executing the file.
    Execute = 3,
}

/// Why a program did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpawnFault {
    /// Where.
    pub(crate) step: SpawnStep,
    /// Why.
    pub(crate) errno: i32,
}

/// Starts `program` in a session of its own, with the terminal as its controlling one, default
/// signal dispositions, an empty mask, and no descriptor but 0, 1 and 2. Returns its process id
/// once it executes.
pub(crate) fn spawn(program: &Program<'_>) -> Result<i32, SpawnFault> {
    let process = |errno: Errno| SpawnFault { step: SpawnStep::Process, errno: errno as i32 };
    let (report, reporter) = pipe2(OFlag::O_CLOEXEC).map_err(process)?;
    let arguments = pointers(program.arguments);
    let environment = pointers(program.environment);
    let pid = fork_into(program.cgroup).map_err(process)?;
    if pid == 0 {
        become_program(program, &arguments, &environment, reporter.as_raw_fd());
    }
    drop(reporter);
    read_report(report).map_or(Ok(pid), |fault| {
        // The child has ended or is about to; it is not the program, and must not be taken for it.
        // SAFETY: a null status is allowed.
        unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
        Err(fault)
    })
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect()
}

/// Forks, with the child already in the group: written into the group's list later, the program
/// could have forked before, and the kernel makes every writer wait for all processors.
fn fork_into(cgroup: Option<BorrowedFd<'_>>) -> Result<i32, Errno> {
    if let Some(group) = cgroup {
        // No right to put it there, or a kernel that cannot: it runs without.
        if let Ok(pid) = clone3(CLONE_INTO_CGROUP, group.as_raw_fd()) {
            return Ok(pid);
        }
    }
    // SAFETY: the shim has one thread here, so the child may do whatever its parent might.
    Errno::result(unsafe { libc::fork() })
}

fn clone3(flags: u64, group: RawFd) -> Result<i32, Errno> {
    // SAFETY: all fields are numbers, for which zero is "none".
    let mut how: libc::clone_args = unsafe { std::mem::zeroed() };
    how.flags = flags;
    how.exit_signal = libc::SIGCHLD as u64;
    how.cgroup = u64::try_from(group).unwrap_or(0);
    let size = size_of::<libc::clone_args>();
    // SAFETY: without shared memory this is a fork: the child goes on with a copy of everything.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &raw mut how, size) };
    Errno::result(pid).map(|pid| i32::try_from(pid).unwrap_or(-1))
}

fn read_report(report: OwnedFd) -> Option<SpawnFault> {
    let mut bytes = [0; 5];
    // Closed without a word by a successful exec.
    File::from(report).read_exact(&mut bytes).ok()?;
    let step = match bytes[0] {
        1 => SpawnStep::Terminal,
        2 => SpawnStep::Directory,
        3 => SpawnStep::Execute,
        _ => SpawnStep::Process,
    };
    let errno = i32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]);
    Some(SpawnFault { step, errno })
}

/// The child's way to the program. Nothing here allocates or returns.
fn become_program(
    program: &Program<'_>,
    arguments: &[*const libc::c_char],
    environment: &[*const libc::c_char],
    reporter: RawFd,
) -> ! {
    let (step, errno) = match take_terminal(program.terminal) {
        Err(errno) => (SpawnStep::Terminal, errno),
        Ok(()) => match restore(program) {
            Err(errno) => (SpawnStep::Directory, errno),
            Ok(()) => (SpawnStep::Execute, execute(program.candidates, arguments, environment)),
        },
    };
    let mut message = [step as u8, 0, 0, 0, 0];
    message[1..].copy_from_slice(&(errno as i32).to_le_bytes());
    // SAFETY: the pipe is open, and a message this short is written whole.
    unsafe { libc::write(reporter, message.as_ptr().cast(), message.len()) };
    // SAFETY: ends the process without running anything of its parent's.
    unsafe { libc::_exit(127) }
}

fn take_terminal(terminal: RawFd) -> Result<(), Errno> {
    // SAFETY: changes only this process.
    Errno::result(unsafe { libc::setsid() })?;
    // SAFETY: the descriptor is an open terminal; 0 means that it is not stolen from another session.
    Errno::result(unsafe { libc::ioctl(terminal, libc::TIOCSCTTY, 0) })?;
    for standard in 0..3 {
        // SAFETY: the descriptor is open; the standard ones are replaced on purpose.
        Errno::result(unsafe { libc::dup2(terminal, standard) })?;
    }
    Ok(())
}

/// Undoes what the shim set for itself, and enters the program's directory.
fn restore(program: &Program<'_>) -> Result<(), Errno> {
    for number in 1..=LAST_SIGNAL {
        // SAFETY: a disposition of zeros is the default one, in the kernel's layout of at most 64
        // bytes. Not through the C library, which keeps two signals to itself and would leave them
        // ignored if they came so. Refused for the signals that have no other.
        unsafe {
            libc::syscall(libc::SYS_rt_sigaction, number, &raw const DEFAULT, 0, SIGNAL_SET_BYTES)
        };
    }
    // SAFETY: an all-zero set is an empty set.
    let mut none: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: `none` is a valid set.
    unsafe { libc::sigemptyset(&raw mut none) };
    // SAFETY: as above; the old mask is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()) };
    // SAFETY: a valid limit.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const program.core_limit) };
    if let Some(soft) = program.open_files {
        limit_open_files(soft);
    }
    // SAFETY: takes a number.
    unsafe { libc::umask(program.umask) };
    // SAFETY: a string with its end; after the mask and limits, so that what it opens is the program's.
    Errno::result(unsafe { libc::chdir(program.directory.as_ptr()) })?;
    // SAFETY: only marks; descriptors stay usable until exec. Each is marked already where it is
    // opened, so this is the second line, and an old kernel without it changes nothing.
    unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC.cast_signed()) };
    Ok(())
}

fn limit_open_files(soft: u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place for the answer.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0 {
        limit.rlim_cur = soft.min(limit.rlim_max);
        // SAFETY: a valid limit.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    }
}

/// Tries each file as `execvp` does, but for its habit of handing any text to a shell.
fn execute(
    candidates: &[CString],
    arguments: &[*const libc::c_char],
    environment: &[*const libc::c_char],
) -> Errno {
    let mut worst = Errno::ENOENT;
    for file in candidates {
        // SAFETY: strings with their ends, and lists of such that end in null.
        unsafe { libc::execve(file.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
        match Errno::last() {
            Errno::ENOENT | Errno::ENOTDIR => {}
            // Found, but not ours to execute: a later directory may have a better one.
            Errno::EACCES => worst = Errno::EACCES,
            other => return other,
        }
    }
    worst
}

/// Turns a string into what the kernel takes; `None` if it contains NUL.
pub(crate) fn c_string(bytes: &[u8]) -> Option<CString> {
    CString::new(bytes).ok()
}
