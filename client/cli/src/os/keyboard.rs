//! Reading what is typed.

use std::future::pending;
use std::io;
use std::os::fd::AsFd;

use bytes::Bytes;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Most bytes read at once: a terminal gives at most 4 KiB, a pipe more.
const READ_BYTES: usize = 32 * 1024;

/// Standard input. Its flags belong to the user's shell, which shares them: it is never made
/// non-blocking, but read only when something is there.
#[derive(Debug)]
pub(crate) struct Keyboard {
    source: Source,
    buffer: Box<[u8]>,
}

#[derive(Debug)]
enum Source {
    /// A terminal, pipe or socket.
    Waiting(AsyncFd<io::Stdin>),
    /// A file, for which nobody has to wait.
    File,
    Ended,
}

impl Keyboard {
    /// Must be called inside a runtime.
    pub(crate) fn open() -> io::Result<Self> {
        // SAFETY: standard input is open as long as the process is.
        let registered =
            unsafe { AsyncFd::register_with_interest(io::stdin(), Interest::READABLE) };
        let source = match registered.map_err(io::Error::from) {
            Ok(fd) => Source::Waiting(fd),
            // What epoll does not take is always ready.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => Source::File,
            Err(error) => return Err(error),
        };
        Ok(Self { source, buffer: vec![0; READ_BYTES].into_boxed_slice() })
    }

    /// Waits for input; `None` once, at its end. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        match &self.source {
            Source::Waiting(fd) => loop {
                let Ok(mut ready) = fd.readable().await else { break };
                if is_readable_now() {
                    break;
                }
                ready.clear_ready();
            },
            // Others must have their turn while a long file is read.
            Source::File => tokio::task::yield_now().await,
            Source::Ended => pending().await,
        }
        let read = read_once(&mut self.buffer);
        if read.is_none() {
            self.source = Source::Ended;
        }
        read
    }
}

/// Asked before each read: readiness may be an old story, and a read would then block everything.
fn is_readable_now() -> bool {
    let stdin = io::stdin();
    let mut ready = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    matches!(poll(&mut ready, PollTimeout::ZERO), Ok(1..))
}

/// A terminal that hung up is at its end as well.
fn read_once(buffer: &mut [u8]) -> Option<Bytes> {
    loop {
        match nix::unistd::read(io::stdin(), buffer) {
            Ok(0) => return None,
            Ok(count) => return Some(Bytes::copy_from_slice(&buffer[..count])),
            Err(Errno::EINTR) => {}
            Err(_) => return None,
        }
    }
}
