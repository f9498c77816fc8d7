//! One attached client, as the probe sees it.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    path::PathBuf,
    time::{Duration, Instant},
};

use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::{Result, SIZE};
use crate::{PtyProcess, environment, pause, processes::Signal, pty::is_readable};

const BUFFER: usize = 64 * 1024;

/// How a client comes in. `{i}` stands for the number of the connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// A command line in a terminal that the probe holds.
    Terminal(Vec<String>),
    /// A Unix socket that carries raw bytes both ways.
    Socket(PathBuf),
}

/// What came in one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Nothing in the time.
    Nothing,
    /// So many bytes.
    Bytes(usize),
    /// The other side is gone.
    Closed,
}

/// An open connection. Dropped: the client is killed.
#[derive(Debug)]
pub struct Connection {
    side: Side,
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum Side {
    Terminal(PtyProcess),
    Socket(UnixStream),
}

impl Connection {
    /// Opens connection number `index` through `door`.
    ///
    /// # Errors
    /// If the client cannot be run, or the socket not be connected.
    pub fn open(door: &Door, index: usize) -> Result<Self> {
        let number = index.to_string();
        let side = match door {
            Door::Terminal(argv) => {
                let argv: Vec<OsString> =
                    argv.iter().map(|argument| argument.replace("{i}", &number).into()).collect();
                Side::Terminal(PtyProcess::spawn(&argv, &environment(), SIZE)?)
            }
            Door::Socket(path) => Side::Socket(UnixStream::connect(path)?),
        };
        Ok(Self { side, buffer: vec![0; BUFFER] })
    }

    /// Types `bytes`.
    ///
    /// # Errors
    /// If the other side is gone.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.side {
            Side::Terminal(process) => process.write_all(bytes)?,
            Side::Socket(stream) => stream.write_all(bytes)?,
        }
        Ok(())
    }

    /// Waits at most `timeout` for bytes and appends them to `to`.
    pub fn receive(&mut self, timeout: Duration, to: &mut Vec<u8>) -> Received {
        let fd = match &self.side {
            Side::Terminal(process) => process.as_fd(),
            Side::Socket(stream) => stream.as_fd(),
        };
        if !is_readable(fd, timeout) {
            return Received::Nothing;
        }
        let read: io::Result<usize> = match &mut self.side {
            Side::Terminal(process) => process.read(&mut self.buffer),
            Side::Socket(stream) => stream.read(&mut self.buffer),
        };
        match read {
            Ok(len @ 1..) => {
                to.extend_from_slice(&self.buffer[..len]);
                Received::Bytes(len)
            }
            Ok(0) | Err(_) => Received::Closed,
        }
    }

    /// Reads and forgets until nothing has come for `quiet`.
    pub fn drain(&mut self, quiet: Duration) {
        let mut rest = Vec::new();
        while let Received::Bytes(_) = self.receive(quiet, &mut rest) {
            rest.clear();
        }
    }

    /// Asks the program for a PONG until it comes: attached in both directions.
    ///
    /// # Errors
    /// If it does not come within `patience`, with what came instead.
    pub fn ping(&mut self, id: &str, patience: Duration) -> Result<()> {
        let wanted = format!("PONG-{id}");
        let end = Instant::now() + patience;
        let mut seen = Vec::new();
        while Instant::now() < end {
            self.send(b"p")?;
            let again = Instant::now() + Duration::from_millis(300);
            while Instant::now() < again {
                if self.receive(Duration::from_millis(50), &mut seen) == Received::Closed {
                    return Err(format!("closed: {}", tail(&seen)).into());
                }
                if memmem::find(&seen, wanted.as_bytes()).is_some() {
                    self.drain(Duration::from_millis(100));
                    return Ok(());
                }
            }
        }
        Err(format!("no pong: {}", tail(&seen)).into())
    }

    /// Hangs up as a closed terminal does, and waits for the client's end.
    pub fn close(self) {
        if let Side::Terminal(mut process) = self.side {
            process.signal(Signal::HUP);
            let end = Instant::now() + Duration::from_millis(500);
            while matches!(process.try_wait(), Ok(None)) && Instant::now() < end {
                pause(Duration::from_millis(2));
            }
        }
    }
}

/// The end of what was seen, for messages.
#[must_use]
pub fn tail(seen: &[u8]) -> String {
    String::from_utf8_lossy(&seen[seen.len().saturating_sub(400)..]).escape_debug().to_string()
}
