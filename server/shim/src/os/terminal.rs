//! The pseudo-terminal.

use std::io;
use std::os::fd::{AsFd, FromRawFd, IntoRawFd, OwnedFd};

use codeplane_core::TerminalSize;
use nix::fcntl::{OFlag, open};
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::stat;
use nix::sys::termios::{
    InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices, tcgetattr, tcsetattr,
};
use pty_process::blocking::{Pts, Pty};

use super::process::raw;

/// Opens a terminal of the given size: the master never blocks, and no other process inherits it.
///
/// `pty_process::blocking::open` marks the master close-on-exec in a second step, between which a
/// concurrent spawn inherits it; hence both ends are opened here and handed over.
pub(crate) fn open_terminal(size: TerminalSize) -> io::Result<(Pty, Pts)> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let master = posix_openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let slave = open(ptsname_r(&master)?.as_str(), flags, stat::Mode::empty())?;
    make_sane(&slave)?;
    // SAFETY: `into_raw_fd` gave up the only owner of this open descriptor.
    let master = unsafe { OwnedFd::from_raw_fd(master.into_raw_fd()) };
    // SAFETY: it is the master of a pseudo-terminal.
    let pty = unsafe { Pty::from_fd(master) };
    // SAFETY: it is the other end of the same.
    let pts = unsafe { Pts::from_fd(slave) };
    set_size(&pty, size)?;
    Ok((pty, pts))
}

/// Sets the size; the kernel tells the foreground processes only if it changed.
pub(crate) fn set_size(pty: &Pty, size: TerminalSize) -> io::Result<()> {
    pty.resize(pty_process::Size::new(size.rows(), size.cols())).map_err(io::Error::other)
}

/// How the terminal treats input now.
pub(crate) fn local_flags(pty: &Pty) -> LocalFlags {
    // Asked on the master, Linux answers for the program's side.
    tcgetattr(pty).map_or(LocalFlags::empty(), |modes| modes.local_flags)
}

/// The terminal's foreground process group.
pub(crate) fn foreground_group(pty: &Pty) -> Option<i32> {
    nix::unistd::tcgetpgrp(pty).ok().map(nix::unistd::Pid::as_raw).filter(|group| *group > 0)
}

/// What `stty sane` would set; a new terminal lacks the UTF-8 mark, without which erasing a
/// character removes one byte.
fn make_sane(slave: &impl AsFd) -> io::Result<()> {
    let mut modes = tcgetattr(slave)?;
    modes.input_flags |= InputFlags::ICRNL | InputFlags::IXON | InputFlags::IUTF8;
    modes.output_flags |= OutputFlags::OPOST | OutputFlags::ONLCR;
    modes.local_flags |= LocalFlags::ISIG
        | LocalFlags::ICANON
        | LocalFlags::IEXTEN
        | LocalFlags::ECHO
        | LocalFlags::ECHOE
        | LocalFlags::ECHOK
        | LocalFlags::ECHOCTL
        | LocalFlags::ECHOKE;
    modes.control_chars[SpecialCharacterIndices::VERASE as usize] = 0x7f;
    tcsetattr(slave, SetArg::TCSANOW, &modes)?;
    Ok(())
}

/// The number of the descriptor, for a child that is about to make it its terminal.
pub(crate) fn number(pts: &Pts) -> i32 {
    raw(pts)
}
