//! The yardstick: a terminal, one poll loop, every byte copied to each client of a Unix socket.
//!
//! `serve SOCKET COMMAND…` is the daemon, `attach SOCKET` the smallest client that an interactive
//! command line can have, `start SOCKET COMMAND…` both, as one that creates a session and attaches.

use std::{
    ffi::OsString,
    io::{self, Read, Write as _},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    process::{Command, Stdio},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};

use super::{Result, SIZE};
use crate::{PtyProcess, environment, pty::write_all};

const BUFFER: usize = 64 * 1024;

/// Serves one session until its program ends.
///
/// # Errors
/// Those of the socket and of starting the program.
pub fn serve(arguments: &[OsString]) -> Result<()> {
    let [socket, command @ ..] = arguments else { return Err("no socket".into()) };
    copy(&UnixListener::bind(socket)?, Vec::new(), command)
}

/// Serves the session of [`start`]: the listener is our standard input.
///
/// # Errors
/// Those of the socket and of starting the program.
pub fn serve_inherited(command: &[OsString]) -> Result<()> {
    rustix::process::setsid()?;
    let listener = UnixListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    // Nothing may be printed before the client is there: nobody would see it.
    let first = listener.accept()?.0;
    copy(&listener, vec![first], command)
}

/// Creates a session and attaches to it.
///
/// # Errors
/// Those of the socket and of starting the daemon.
pub fn start(arguments: &[OsString]) -> Result<()> {
    let [socket, command @ ..] = arguments else { return Err("no socket".into()) };
    let listener = UnixListener::bind(socket)?;
    Command::new("/proc/self/exe")
        .arg("serve-inherited")
        .args(command)
        .stdin(OwnedFd::from(listener))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    attach(arguments)
}

/// Connects our terminal with a session until either side ends.
///
/// # Errors
/// Those of the terminal and of the socket.
pub fn attach(arguments: &[OsString]) -> Result<()> {
    let [socket, ..] = arguments else { return Err("no socket".into()) };
    let mut modes = tcgetattr(io::stdin())?;
    modes.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
    let mut stream = UnixStream::connect(Path::new(socket))?;
    let (stdin, stdout) = (io::stdin(), io::stdout());
    let mut buffer = vec![0; BUFFER];
    loop {
        let mut fds = [PollFd::new(&stdin, PollFlags::IN), PollFd::new(&stream, PollFlags::IN)];
        poll(&mut fds, None)?;
        let is_ready = fds.each_ref().map(|fd| !fd.revents().is_empty());
        if is_ready[0] {
            match rustix::io::read(&stdin, &mut buffer[..])? {
                0 => return Ok(()),
                len => stream.write_all(&buffer[..len])?,
            }
        }
        if is_ready[1] {
            match stream.read(&mut buffer)? {
                0 => return Ok(()),
                len => write_all(&stdout, &buffer[..len])?,
            }
        }
    }
}

fn copy(listener: &UnixListener, mut clients: Vec<UnixStream>, command: &[OsString]) -> Result<()> {
    let program = PtyProcess::spawn(command, &environment(), SIZE)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let is_ready = wait(&program, listener, &clients)?;
        let mut inputs = is_ready[2..].iter();
        clients.retain_mut(|client| {
            if !inputs.next().copied().unwrap_or(false) {
                return true;
            }
            let typed = client.read(&mut buffer).unwrap_or(0);
            typed > 0 && program.write_all(&buffer[..typed]).is_ok()
        });
        if is_ready[0] {
            let len = program.read(&mut buffer)?;
            if len == 0 {
                return Ok(());
            }
            clients.retain_mut(|client| client.write_all(&buffer[..len]).is_ok());
        }
        if is_ready[1] {
            clients.push(listener.accept()?.0);
        }
    }
}

/// Which of the program, the listener and the clients can be read.
fn wait(
    program: &PtyProcess,
    listener: &UnixListener,
    clients: &[UnixStream],
) -> io::Result<Vec<bool>> {
    let first = [program.as_fd(), listener.as_fd()];
    let all: Vec<_> = first.into_iter().chain(clients.iter().map(AsFd::as_fd)).collect();
    let mut fds: Vec<_> = all.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    poll(&mut fds, None)?;
    Ok(fds.iter().map(|fd| !fd.revents().is_empty()).collect())
}
