//! Starting shims, on the daemon's side.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::BUILD_ID;
use crate::bundle::Bundle;
use crate::client::{ShimSocket, TrySend};
use crate::os::{self, Interest};
use crate::spec::LaunchSpec;
use crate::wire::{INPUT_PART_BYTES, Part, ToShim};

/// The name of the small binary, and what people see in `ps`.
const NAME: &str = "cpd-shim";

/// How long a new shim may take to accept what it is to start. It takes a millisecond; a machine
/// that takes this long cannot run a session.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(10);

/// What is executed as a shim.
#[derive(Debug)]
pub struct ShimBinary(Kind);

#[derive(Debug)]
enum Kind {
    /// The small binary, held open: an upgrade that replaces the file does not mix versions.
    Installed(File),
    /// This very executable in its mode `shim`.
    OwnExecutable,
}

/// A shim that gets ready and does not know yet what for. Dropped, it is killed.
#[derive(Debug)]
pub struct Newborn {
    socket: ShimSocket,
    child: Untold,
}

/// The process of a shim until it has been told what to start.
#[derive(Debug)]
struct Untold(Option<Child>);

/// A shim that has been told what to start.
#[derive(Debug)]
pub struct Launched {
    /// The connection it was born with. The shim tells everything on it without being asked;
    /// first comes [`crate::FromShim::Started`] or [`crate::FromShim::StartFailed`].
    pub socket: ShimSocket,
    /// The shim's process, to be waited for by whoever lives when it ends.
    pub child: Child,
}

impl ShimBinary {
    /// The small binary beside the running executable if it is of the same build, else the
    /// executable itself, whose `main` must call [`crate::run_from_inherited_socket`] when its
    /// first argument is `shim`.
    ///
    /// Runs the small binary once; call it at start-up.
    #[must_use]
    pub fn find() -> Self {
        std::env::current_exe()
            .ok()
            .and_then(|own| Self::beside(&own))
            .unwrap_or(Self(Kind::OwnExecutable))
    }

    /// The small binary in the directory of `executable`, if it is of the same build.
    #[must_use]
    pub fn beside(executable: &Path) -> Option<Self> {
        Self::at(&executable.with_file_name(NAME)).ok().filter(Self::is_of_this_build)
    }

    /// The small binary at `path`, whatever its build.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn at(path: &Path) -> io::Result<Self> {
        Ok(Self(Kind::Installed(File::open(path)?)))
    }

    /// Whether this is the small binary and not the daemon's own executable.
    #[must_use]
    pub const fn is_small(&self) -> bool {
        matches!(self.0, Kind::Installed(_))
    }

    /// Starts a shim, which gets ready and then waits, for ever if need be, until it is told what
    /// to start. It ends when its [`Newborn`] is dropped, and when this process ends, however it
    /// does. Blocks for some hundred microseconds; call it on a thread that may wait.
    ///
    /// Neither argv nor the environment of a shim ever contain anything but its session's short
    /// id. What keeps it from getting ready it tells on the caller's standard error.
    ///
    /// # Errors
    /// Those of making a process.
    pub fn spawn(&self) -> io::Result<Newborn> {
        let (ours, theirs) = os::pair()?;
        let mut command = self.command();
        if !self.is_small() {
            command.arg("shim");
        }
        // No hook runs between fork and exec, so that the standard library spawns without copying
        // the daemon's memory map. The shim leaves the daemon's session and group by itself.
        command.arg(os::UNNAMED).stdin(Stdio::from(theirs)).stdout(Stdio::null());
        let child = command.spawn()?;
        // With the command goes our copy of the other end: when the shim dies, ours reads the end.
        drop(command);
        Ok(Newborn { socket: ShimSocket::from_owned(ours), child: Untold(Some(child)) })
    }

    fn is_of_this_build(&self) -> bool {
        let output = self.command().arg("--build-id").stdin(Stdio::null()).output();
        output.is_ok_and(|output| output.stdout.trim_ascii() == BUILD_ID.as_bytes())
    }

    fn command(&self) -> Command {
        let path = match &self.0 {
            Kind::Installed(file) => PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())),
            Kind::OwnExecutable => PathBuf::from("/proc/self/exe"),
        };
        let mut command = Command::new(path);
        command.arg0(NAME).env_clear();
        command
    }
}

impl Newborn {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.0.as_ref().map_or(0, Child::id)
    }

    /// Whether its process still waits. Where it does not, it is reaped.
    pub fn is_waiting(&mut self) -> bool {
        self.child.0.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Makes the incarnation's directories and tells the shim what to start. Blocks for some
    /// hundred microseconds.
    ///
    /// # Errors
    /// Those of the file system and of talking to the shim, which is gone then.
    pub fn launch(self, spec: &LaunchSpec) -> io::Result<Launched> {
        let Self { socket, mut child } = self;
        Bundle::new(&spec.bundle).incarnation(spec.incarnation).create()?;
        send_spec(&socket, &spec.encode())?;
        let child = child.0.take().ok_or(io::ErrorKind::NotFound)?;
        Ok(Launched { socket, child })
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It has started nothing: it waits for the rest or is gone.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn send_spec(socket: &ShimSocket, spec: &[u8]) -> io::Result<()> {
    let until = Instant::now() + ACCEPT_TIMEOUT;
    let mut parts = spec.chunks(INPUT_PART_BYTES).peekable();
    while let Some(bytes) = parts.next() {
        let part = if parts.peek().is_some() { Part::More } else { Part::Last };
        let message = ToShim::Launch { part, bytes };
        while socket.try_send(&message).map_err(io::Error::other)? == TrySend::WouldBlock {
            socket.wait(Interest::Write, until, ACCEPT_TIMEOUT).map_err(io::Error::other)?;
        }
    }
    Ok(())
}
