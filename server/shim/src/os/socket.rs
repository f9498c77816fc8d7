//! Unix sockets that keep messages apart: one `recv` is one message.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept4, bind, connect as link,
    getsockopt, listen as open_door, recv, send, socket, socketpair, sockopt,
};
use nix::unistd::geteuid;

use super::pidfd::PidFd;
use super::process::{own, raw};
use super::tree;

/// What came of a receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// A message of this many bytes.
    Message(usize),
    /// A message longer than the buffer, which no version of the protocol has; it is gone.
    TooLong,
    /// None waits.
    Nothing,
    /// The other side is gone.
    Closed,
}

/// What came of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// It is in the other side's queue.
    Sent,
    /// The queue is full; nothing was sent.
    Full,
    /// The other side is gone.
    Closed,
}

/// One connection. Never blocks.
#[derive(Debug)]
pub(crate) struct SeqPacket(OwnedFd);

impl SeqPacket {
    /// Wraps a connected socket.
    pub(crate) const fn from_owned(fd: OwnedFd) -> Self {
        Self(fd)
    }

    /// Another descriptor of the same connection.
    pub(crate) fn duplicate(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Sends one message.
    pub(crate) fn send(&self, message: &[u8]) -> Delivered {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        match send(raw(&self.0), message, flags) {
            Ok(_) => Delivered::Sent,
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ENOBUFS | Errno::ENOMEM) => Delivered::Full,
            Err(_) => Delivered::Closed,
        }
    }

    /// Receives one message.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Received {
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_TRUNC;
        loop {
            return match recv(raw(&self.0), buffer, flags) {
                // Nobody sends empty messages: this is the end.
                Ok(0) => Received::Closed,
                Ok(len) if len > buffer.len() => Received::TooLong,
                Ok(len) => Received::Message(len),
                Err(Errno::EAGAIN) => Received::Nothing,
                // The other side is gone and had not read everything. Said once, and before what
                // it sent itself, which is still to come: the last keys of a killed daemon.
                Err(Errno::EINTR | Errno::ECONNRESET) => continue,
                Err(_) => Received::Closed,
            };
        }
    }
}

impl AsFd for SeqPacket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<SeqPacket> for OwnedFd {
    fn from(socket: SeqPacket) -> Self {
        socket.0
    }
}

/// Two connected ends.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let kind = SockType::SeqPacket;
    Ok(socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?)
}

/// Connects to the socket at `path`; fails at once where nobody listens.
pub(crate) fn connect(path: &Path) -> io::Result<OwnedFd> {
    let fd = new_socket()?;
    link(raw(&fd), &UnixAddr::new(path)?)?;
    Ok(fd)
}

/// Listens at `path`, replacing what is there. Whoever sees the name finds it listening.
pub(crate) fn listen(path: &Path) -> io::Result<OwnedFd> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = Path::new(&temporary);
    match std::fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let fd = new_socket()?;
    bind(raw(&fd), &UnixAddr::new(temporary)?)?;
    open_door(&fd, Backlog::new(16)?)?;
    // For its owner alone, whatever the directory lets others do.
    std::fs::set_permissions(temporary, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(temporary, path)?;
    Ok(fd)
}

fn new_socket() -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    Ok(socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?)
}

/// Who was let in.
#[derive(Debug)]
pub(crate) enum Accepted {
    /// A process that may talk to the shim.
    Trusted(SeqPacket),
    /// Another one; its connection is closed.
    Refused,
    /// Nobody waits.
    Nobody,
    /// Somebody waits and cannot be let in: no descriptor is left, or no memory.
    Impossible,
}

/// Takes the next connection of `door`, and keeps it if its process may talk to the shim.
pub(crate) fn accept(door: &OwnedFd, own_pid: i32) -> Accepted {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    match accept4(raw(door), flags) {
        Ok(fd) => {
            // SAFETY: the call has just returned it.
            let connection = unsafe { own(fd) };
            if peer_is_trusted(&connection, own_pid) {
                Accepted::Trusted(SeqPacket(connection))
            } else {
                Accepted::Refused
            }
        }
        Err(Errno::EAGAIN | Errno::ECONNABORTED | Errno::EINTR) => Accepted::Nobody,
        Err(_) => Accepted::Impossible,
    }
}

/// Same user, and not a process of this session or of another: an agent must not type into its own
/// terminal or its neighbour's, stop a shim, or answer its own questions this way.
///
/// What cannot be seen (another process namespace, or gone already) is refused.
fn peer_is_trusted(connection: &OwnedFd, own_pid: i32) -> bool {
    let Ok(peer) = getsockopt(connection, sockopt::PeerCredentials) else { return false };
    if peer.uid() != geteuid().as_raw() || peer.pid() <= 0 {
        return false;
    }
    // Held before the ancestry is read and asked after it: the number cannot have changed hands.
    let process = getsockopt(connection, sockopt::PeerPidfd).map(PidFd::from_owned);
    // Before Linux 6.5: by number, with the chance of a number used again in between.
    let process = process.or_else(|_| PidFd::open(peer.pid()));
    let is_stranger = tree::is_descendant(peer.pid(), own_pid) == Some(false)
        && tree::is_of_a_session(peer.pid()) == Some(false);
    is_stranger && process.is_ok_and(|process| process.send(0).is_ok())
}
