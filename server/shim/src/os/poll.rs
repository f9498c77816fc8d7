//! Waiting for descriptors.

use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Something to read, or the end.
    Read,
    /// Room to write.
    Write,
    /// Both.
    ReadWrite,
    /// Only the end of the other side.
    End,
}

/// A poll set of `N` places.
#[derive(Debug)]
pub(crate) struct Poll<const N: usize>([libc::pollfd; N]);

impl<const N: usize> Poll<N> {
    /// Nothing to wait for yet.
    pub(crate) const fn new() -> Self {
        Self([libc::pollfd { fd: -1, events: 0, revents: 0 }; N])
    }

    /// Waits for `fd` at `place`.
    pub(crate) fn watch(&mut self, place: usize, fd: &impl AsFd, interest: Interest) {
        let events = match interest {
            Interest::Read => libc::POLLIN,
            Interest::Write => libc::POLLOUT,
            Interest::ReadWrite => libc::POLLIN | libc::POLLOUT,
            Interest::End => 0,
        };
        self.0[place] = libc::pollfd { fd: fd.as_fd().as_raw_fd(), events, revents: 0 };
    }

    /// Returns when something is ready or the time is over; `None` waits for ever.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) {
        // Rounded up, so that what is due has come when poll returns.
        let millis = timeout.map_or(-1, |time| {
            i32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
        });
        // SAFETY: the array has N valid entries; the kernel ignores negative descriptors.
        let ready = unsafe { libc::poll(self.0.as_mut_ptr(), N as libc::nfds_t, millis) };
        if ready <= 0 {
            for entry in &mut self.0 {
                entry.revents = 0;
            }
        }
    }

    /// Whether there is something to read, or the other side ended.
    pub(crate) const fn is_readable(&self, place: usize) -> bool {
        self.0[place].revents & (libc::POLLIN | libc::POLLHUP | libc::POLLERR) != 0
    }

    /// Whether the other side is gone.
    pub(crate) const fn is_ended(&self, place: usize) -> bool {
        self.0[place].revents & (libc::POLLHUP | libc::POLLERR) != 0
    }

    /// Whether there is room to write.
    pub(crate) const fn is_writable(&self, place: usize) -> bool {
        self.0[place].revents & libc::POLLOUT != 0
    }
}
