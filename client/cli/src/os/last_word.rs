//! What a process says before a signal, or its time, ends it.
//!
//! For a program whose silence would be taken for consent. The word is written by a signal handler,
//! whatever the threads of the process are doing; there only calls are allowed that are safe at any
//! instant.

use std::io;
use std::os::fd::AsFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{
    SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask,
};

/// All that ends a process and can be noticed. SIGPIPE is ignored by the standard library: a broken
/// pipe is an error where it is written to. SIGABRT is what is left when memory runs out.
const DEADLY: [Signal; 6] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGABRT,
    Signal::SIGALRM,
];

/// What is written, and the exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LastWord {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) code: u8,
}

/// The present one. Never freed once it is here: a handler may be reading it.
static WORD: AtomicPtr<LastWord> = AtomicPtr::new(ptr::null_mut());

/// From now on, whatever ends the process makes it say `word`. Replaces what was to be said before.
pub(crate) fn on_end_say(word: LastWord) -> io::Result<()> {
    let is_first = WORD.swap(Box::into_raw(Box::new(word)), Ordering::AcqRel).is_null();
    if is_first {
        install()?;
    }
    Ok(())
}

/// Ends the process after `limit`, to the next second, unless it has ended by then. Replaces an
/// earlier limit.
pub(crate) fn end_after(limit: Duration) {
    let seconds = limit.as_secs().saturating_add(1);
    nix::unistd::alarm::set(libc::c_uint::try_from(seconds).unwrap_or(libc::c_uint::MAX));
}

/// Ends the process as soon as nobody can read its standard output any more. Watches that on a
/// thread of its own, however often it is asked for.
pub(crate) fn end_when_unread() -> io::Result<()> {
    static WATCHED: AtomicBool = AtomicBool::new(false);
    if WATCHED.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let watch = || {
        let stdout = io::stdout();
        // Without any flag it returns for errors and hang-ups only.
        let mut ready = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
        while poll(&mut ready, PollTimeout::NONE) == Err(Errno::EINTR) {}
        let gone = PollFlags::POLLERR | PollFlags::POLLHUP;
        if ready[0].revents().is_some_and(|revents| revents.intersects(gone)) {
            nix::sys::signal::raise(Signal::SIGTERM).ok();
        }
    };
    std::thread::Builder::new().name("unread".to_owned()).spawn(watch).map(drop)
}

fn install() -> io::Result<()> {
    let handler = SigHandler::Handler(say_and_end);
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::all());
    for signal in DEADLY {
        // SAFETY: the handler calls only what is safe in one: an atomic exchange, write, _exit.
        unsafe { sigaction(signal, &action) }?;
    }
    // Whoever started us may have blocked them, which we would have inherited.
    sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&SigSet::from_iter(DEADLY)), None)?;
    Ok(())
}

extern "C" fn say_and_end(_: libc::c_int) {
    // Taken away, so that it is said once: by now another thread may be here as well.
    let word = WORD.swap(ptr::null_mut(), Ordering::AcqRel);
    // SAFETY: either null or from a box that is never freed.
    let Some(word) = (unsafe { word.as_ref() }) else { return };
    write(libc::STDERR_FILENO, &word.stderr);
    write(libc::STDOUT_FILENO, &word.stdout);
    // SAFETY: safe in a handler; nothing of this process has to be put in order.
    unsafe { libc::_exit(i32::from(word.code)) };
}

/// As much as the other side takes: nobody waits in a handler.
fn write(fd: libc::c_int, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: safe in a handler: valid bytes and their length.
        let written = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(_) => return,
        }
    }
}
