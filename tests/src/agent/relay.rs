//! A door in front of the daemon's, behind which answers get lost.

use std::{
    fs,
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    thread,
};

/// As much as is passed on at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Passes on what comes at the socket `door` to the socket `behind`, and what comes back; while there
/// is a file `lose`, nothing comes back, nor does it later over a connection that has lost something.
pub(super) fn relay(door: &str, behind: &str, lose: &str) -> io::Result<()> {
    let listener = UnixListener::bind(door)?;
    for client in listener.incoming() {
        let (client, behind, lose) = (client?, PathBuf::from(behind), PathBuf::from(lose));
        // Nobody behind it: the client finds its connection closed.
        let Ok(server) = UnixStream::connect(behind) else { continue };
        let (to_server, to_client) = (client.try_clone()?, server.try_clone()?);
        thread::spawn(move || there(to_server, server));
        thread::spawn(move || back(to_client, client, &lose));
    }
    Ok(())
}

fn there(mut from: UnixStream, mut to: UnixStream) {
    drop(io::copy(&mut from, &mut to));
    end(&from, &to);
}

fn back(mut from: UnixStream, mut to: UnixStream, lose: &Path) {
    let mut buffer = vec![0; PIECE_BYTES];
    let mut has_lost = false;
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        has_lost |= fs::exists(lose).unwrap_or(true);
        if !has_lost && to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    end(&from, &to);
}

/// Neither side waits for the other once one of them is gone.
fn end(one: &UnixStream, other: &UnixStream) {
    drop(one.shutdown(Shutdown::Both));
    drop(other.shutdown(Shutdown::Both));
}
