//! Tells the service manager how the daemon is doing: the datagrams of `sd_notify(3)`.

use std::env;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// What the service manager is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notification {
    /// The daemon serves.
    Ready,
    /// The daemon ends.
    Stopping,
}

/// Sends a notification if a service manager asked for them (`NOTIFY_SOCKET`).
pub(crate) fn notify(what: Notification) {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else { return };
    let text: &[u8] = match what {
        Notification::Ready => b"READY=1",
        Notification::Stopping => b"STOPPING=1",
    };
    let name = path.as_encoded_bytes();
    let address = match name.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    let sent = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(text, &address));
    if let Err(error) = sent {
        tracing::warn!(%error, "the service manager cannot be notified");
    }
}
