//! Connections of the local socket, each with who is at its other end.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use codeplane_core::Roles;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tonic::transport::server::Connected;
use tracing::{debug, warn};

use crate::app::Standing;
use crate::config::RoleTable;
use crate::os::{PeerProcess, own_user};

/// How long accepting pauses when the process has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// A process outside every session, of a user that may do something.
    Process {
        /// Its user.
        uid: u32,
        /// Its process id when it connected.
        pid: i32,
        /// What its user may do.
        roles: Roles,
    },
    /// Somebody who may do nothing, and why.
    Refused(String),
}

/// Says where a process stands.
pub(super) type StandingOf = Arc<dyn Fn(i32) -> Standing + Send + Sync>;

/// Binds the socket under a temporary name with its final mode and renames it: whoever sees the
/// socket is served.
pub(super) fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    let temporary = path.with_extension("new");
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(&temporary)?;
    std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(mode))?;
    listener.set_nonblocking(true)?;
    std::fs::rename(&temporary, path)?;
    UnixListener::from_std(listener)
}

/// Who may call on the hook socket: whether inside the right session is known with its token.
#[derive(Clone, Debug)]
pub(super) enum HookPeer {
    /// A process of our own user.
    Process(Arc<PeerProcess>),
    /// Somebody who may do nothing, and why.
    Refused(String),
}

/// Says who is at the other end of a connection.
pub(super) trait Identify: Unpin + Send + 'static {
    /// Who it may be.
    type Peer: Clone + Send + Sync + 'static;

    /// Looks at a new connection.
    fn identify(&self, stream: &UnixStream) -> Self::Peer;
}

/// Knows operators: processes outside every session, of users that were given roles.
pub(super) struct Operators {
    roles: RoleTable,
    standing_of: StandingOf,
}

impl Operators {
    pub(super) const fn outside(standing_of: StandingOf, roles: RoleTable) -> Self {
        Self { roles, standing_of }
    }
}

impl Identify for Operators {
    type Peer = Peer;

    fn identify(&self, stream: &UnixStream) -> Peer {
        let Some(process) = PeerProcess::of(stream) else {
            return Peer::Refused("the caller's process cannot be seen or is gone".to_owned());
        };
        let roles = self.roles.of(process.uid);
        if roles.is_empty() {
            return Peer::Refused(format!("uid {} may not use this daemon", process.uid));
        }
        let standing = (self.standing_of)(process.pid);
        if !process.is_alive() {
            // What was found may be another's.
            return Peer::Refused("the caller's process is gone".to_owned());
        }
        match standing.refusal() {
            None => Peer::Process { uid: process.uid, pid: process.pid, roles },
            Some(why) => {
                warn!(why, "a connection is refused every call: {why}");
                Peer::Refused(why.to_owned())
            }
        }
    }
}

/// Knows who may be an agent's hook.
pub(super) struct Agents;

impl Identify for Agents {
    type Peer = HookPeer;

    fn identify(&self, stream: &UnixStream) -> HookPeer {
        match PeerProcess::of(stream) {
            None => HookPeer::Refused("the caller's process cannot be seen or is gone".to_owned()),
            Some(process) if process.uid != own_user() => {
                HookPeer::Refused(format!("uid {} runs no session here", process.uid))
            }
            Some(process) => HookPeer::Process(Arc::new(process)),
        }
    }
}

/// The stream of connections. It never ends: an error of one connection is that connection's.
pub(super) struct Incoming<I> {
    listener: Option<UnixListener>,
    /// A new one whenever the socket had to be bound again.
    listeners: mpsc::Receiver<UnixListener>,
    peers: I,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl<I: Identify> Incoming<I> {
    pub(super) const fn new(listeners: mpsc::Receiver<UnixListener>, peers: I) -> Self {
        Self { listener: None, listeners, peers, pause: None }
    }
}

impl<I: Identify> Stream for Incoming<I> {
    type Item = io::Result<Connection<I::Peer>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(pause) = &mut self.pause {
                if pause.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                self.pause = None;
            }
            if let Poll::Ready(Some(listener)) = self.listeners.poll_recv(cx) {
                self.listener = Some(listener);
            }
            let Some(listener) = &self.listener else { return Poll::Pending };
            match listener.poll_accept(cx) {
                Poll::Ready(Ok((stream, _))) => {
                    let peer = self.peers.identify(&stream);
                    return Poll::Ready(Some(Ok(Connection { stream, peer })));
                }
                Poll::Ready(Err(error)) => {
                    // Out of descriptors: accepting at once again would only burn the processor.
                    debug!(%error, "accepting pauses");
                    self.pause = Some(Box::pin(tokio::time::sleep(ACCEPT_PAUSE)));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection<P> {
    stream: UnixStream,
    peer: P,
}

impl<P: Clone + Send + Sync + 'static> Connected for Connection<P> {
    type ConnectInfo = P;

    fn connect_info(&self) -> P {
        self.peer.clone()
    }
}

impl<P: Unpin> AsyncRead for Connection<P> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<P: Unpin> AsyncWrite for Connection<P> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
