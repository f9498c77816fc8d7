//! The terminal of the session, its size and how it is read.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use codeplane_core::{Offset, TerminalSize};
use nix::sys::termios::LocalFlags;
use pty_process::blocking::{Pts, Pty};

use crate::os;
use crate::wire::{LoggedSize, Switch, TermMode};

/// How long a program sees the smaller size of a redraw. Two changes at once would reach it as
/// one signal, after which it finds the size it knows and does nothing.
const REDRAW_PAUSE: Duration = Duration::from_millis(50);

/// Both ends of the pseudo-terminal.
pub(super) struct Terminal {
    pty: Pty,
    /// The program's end stays open here, so that a program which closes its own and opens the
    /// terminal again later (or a terminal nobody has open at the moment) is no hang-up: the end
    /// of a session is the end of its processes, and nothing else.
    pts: Pts,
    size: LoggedSize,
    /// When to go back to which size.
    redraw: Option<(Instant, TerminalSize)>,
}

impl Terminal {
    /// Opens a new one of this size.
    pub(super) fn open(size: TerminalSize) -> io::Result<Self> {
        let (pty, pts) = os::open_terminal(size)?;
        Ok(Self { pty, pts, size: LoggedSize { size, at: Offset::ZERO }, redraw: None })
    }

    /// The program's end as a number, for the child to inherit.
    pub(super) fn inherited(&self) -> i32 {
        os::number(&self.pts)
    }

    pub(super) const fn size(&self) -> LoggedSize {
        self.size
    }

    /// Reads what the program printed; 0 when there is nothing.
    pub(super) fn read(&self, buffer: &mut [u8]) -> usize {
        loop {
            match (&self.pty).read(buffer) {
                Ok(len) => return len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return 0,
            }
        }
    }

    /// Types; returns how many bytes the terminal took, 0 when it takes none now.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match (&self.pty).write(bytes) {
                Ok(len) => return Ok(len),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) => return Err(error),
            }
        }
    }

    /// Sets the size; `at` is the end of the output so far.
    pub(super) fn resize(&mut self, size: TerminalSize, at: Offset) -> io::Result<()> {
        self.redraw = None;
        self.set_size(size, at)
    }

    /// One row less now, back in a moment. A redraw that is under way is enough for both.
    pub(super) fn redraw(&mut self, at: Offset, now: Instant) -> io::Result<()> {
        if self.redraw.is_some() {
            return Ok(());
        }
        let size = self.size.size;
        let rows = if size.rows() > 1 { size.rows() - 1 } else { 2 };
        let other = TerminalSize::new(size.cols().into(), rows.into()).map_err(io::Error::other)?;
        self.set_size(other, at)?;
        self.redraw = Some((now + REDRAW_PAUSE, size));
        Ok(())
    }

    /// When the size of before the redraw is due.
    pub(super) fn redraw_due(&self) -> Option<Instant> {
        self.redraw.map(|(due, _)| due)
    }

    /// Ends the redraw; the size to go back to.
    pub(super) fn take_redraw(&mut self) -> Option<TerminalSize> {
        self.redraw.take().map(|(_, size)| size)
    }

    pub(super) fn mode(&self) -> TermMode {
        let flags = os::local_flags(&self.pty);
        let is = |flag| if flags.contains(flag) { Switch::On } else { Switch::Off };
        TermMode::from_flags(is(LocalFlags::ICANON), is(LocalFlags::ECHO), is(LocalFlags::ISIG))
    }

    pub(super) fn foreground_group(&self) -> Option<i32> {
        os::foreground_group(&self.pty)
    }

    fn set_size(&mut self, size: TerminalSize, at: Offset) -> io::Result<()> {
        os::set_size(&self.pty, size)?;
        self.size = LoggedSize { size, at };
        Ok(())
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pty.as_fd()
    }
}
