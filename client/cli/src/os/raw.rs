//! The terminal in raw mode, and its way back whatever happens.
//!
//! Four ways lead out: the value is dropped, a signal ends or stops the process, a panic, and an
//! error that returns through `main`. All end in [`restore`], which may run in a signal handler:
//! there only calls are allowed that are safe at any instant.

use std::cell::UnsafeCell;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};

use codeplane_client::Screen;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};

/// Leaves the alternate screen, and keeps the cursor that comes back with the other. Only for a
/// terminal that shows it: on the other screen some restore a cursor of long ago.
const LEAVE_ALTERNATE: &[u8] = b"\x1b[?1049l";

/// Undoes what programs set: the scroll region, mouse, focus, paste and keyboard modes, the character
/// set, the pen, the cursor and the title. Each part does nothing where nothing was set.
const RESET: &[u8] = b"\x1b7\x1b[r\x1b8\
    \x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\
    \x1b[?1004l\x1b[?2004l\x1b[?2026l\x1b[?2031l\x1b[<9u\x1b[>4m\x1b[?1l\x1b>\
    \x1b[4l\x1b[?7h\x0f\x1b(B\x1b[0m\x1b[0 q\x1b[?25h\x1b[23;0t";

/// Puts the title away, which the session's program may set.
const KEEP_TITLE: &[u8] = b"\x1b[22;0t";

/// How the terminal was and how it is in raw mode; written once, before `ACTIVE` is set.
struct Saved(UnsafeCell<Option<(libc::termios, libc::termios)>>);

// SAFETY: written by the one thread that enters raw mode, before `ACTIVE` is set (release); read
// only after `ACTIVE` was seen set (acquire).
unsafe impl Sync for Saved {}

static SAVED: Saved = Saved(UnsafeCell::new(None));
/// Whether the terminal is in raw mode now.
static ACTIVE: AtomicBool = AtomicBool::new(false);
/// Whether the terminal shows the alternate screen.
static ALTERNATE: AtomicBool = AtomicBool::new(false);
/// Whether raw mode was ever entered: it is entered once in a process.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Raw mode, until dropped.
#[derive(Debug)]
pub(crate) struct RawMode(());

impl RawMode {
    /// Puts the terminal behind standard input into raw mode. Once in a process.
    pub(crate) fn enter() -> io::Result<Self> {
        if ENTERED.swap(true, Ordering::AcqRel) {
            return Err(io::Error::other("the terminal is in raw mode already"));
        }
        let before: Termios = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        // SAFETY: the only write, before `ACTIVE` lets anybody read.
        unsafe { *SAVED.0.get() = Some((before.into(), raw.clone().into())) };
        ACTIVE.store(true, Ordering::Release);
        let guard = Self(());
        install_handlers()?;
        tcsetattr(io::stdin(), SetArg::TCSANOW, &raw)?;
        if io::stdout().is_terminal() {
            super::write_stdout(KEEP_TITLE)?;
        }
        Ok(guard)
    }
}

impl RawMode {
    /// Gives the terminal to another program for a while.
    pub(crate) fn suspend(&self) {
        restore();
    }

    /// Takes it back.
    pub(crate) fn resume(&self) -> io::Result<()> {
        if let Some((_, raw)) = saved() {
            ACTIVE.store(true, Ordering::Release);
            set(raw);
        }
        super::write_stdout(KEEP_TITLE)
    }
}

/// Tells which screen the terminal shows, so that it can be given back as it was.
pub(crate) fn shows(screen: Screen) {
    ALTERNATE.store(screen == Screen::Alternate, Ordering::Release);
}

impl Drop for RawMode {
    fn drop(&mut self) {
        restore();
    }
}

fn install_handlers() -> io::Result<()> {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
        handle(signal, on_deadly_signal, SaFlags::SA_RESETHAND | SaFlags::SA_NODEFER)?;
    }
    handle(Signal::SIGTSTP, on_stop, SaFlags::SA_RESTART)?;
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        restore();
        print(panic);
    }));
    Ok(())
}

fn handle(signal: Signal, handler: extern "C" fn(libc::c_int), flags: SaFlags) -> io::Result<()> {
    let action = SigAction::new(SigHandler::Handler(handler), flags, SigSet::empty());
    // SAFETY: the handlers call only what is safe in one: tcsetattr, poll, write, raise.
    unsafe { sigaction(signal, &action) }?;
    Ok(())
}

/// The handler is gone by now: the signal, raised again, ends the process as it should.
extern "C" fn on_deadly_signal(signal: libc::c_int) {
    restore();
    // SAFETY: safe in a handler.
    unsafe { libc::raise(signal) };
}

/// Stops as asked, with the terminal as the shell knows it; goes on in raw mode.
extern "C" fn on_stop(_: libc::c_int) {
    let was_active = restore();
    // SAFETY: safe in a handler. Returns when the process is continued.
    unsafe { libc::raise(libc::SIGSTOP) };
    if was_active && let Some((_, raw)) = saved() {
        ACTIVE.store(true, Ordering::Release);
        set(raw);
    }
}

/// Gives the terminal back; whether it was in raw mode. May be called at any time, also twice.
fn restore() -> bool {
    if !ACTIVE.swap(false, Ordering::AcqRel) {
        return false;
    }
    if let Some((before, _)) = saved() {
        if can_write() {
            if ALTERNATE.swap(false, Ordering::AcqRel) {
                write(LEAVE_ALTERNATE);
            }
            write(RESET);
        }
        set(before);
    }
    true
}

/// A terminal that takes nothing stays as it is.
fn write(bytes: &[u8]) {
    // SAFETY: safe in a handler: valid bytes and their length.
    unsafe { libc::write(libc::STDOUT_FILENO, bytes.as_ptr().cast(), bytes.len()) };
}

fn saved() -> Option<&'static (libc::termios, libc::termios)> {
    // SAFETY: reached only after `ACTIVE` was seen set, after which nobody writes.
    unsafe { &*SAVED.0.get() }.as_ref()
}

fn set(termios: &libc::termios) {
    // SAFETY: safe in a handler; the pointer is to a value that lives forever.
    unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, termios) };
}

/// Whether standard output is a terminal that takes some bytes now: a handler must not wait.
fn can_write() -> bool {
    // SAFETY: safe in a handler.
    let is_terminal = unsafe { libc::isatty(libc::STDOUT_FILENO) } == 1;
    let mut ready = libc::pollfd { fd: libc::STDOUT_FILENO, events: libc::POLLOUT, revents: 0 };
    // SAFETY: safe in a handler; one entry, no waiting.
    let count = unsafe { libc::poll(&raw mut ready, 1, 0) };
    is_terminal && count == 1 && ready.revents & libc::POLLOUT != 0
}
