//! Starts shims, follows their output, waits for facts.

use std::ffi::OsString;
use std::fs;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use codeplane_core::{AttachmentId, ExitStatus, Incarnation, Offset, SessionId, TerminalSize};
use codeplane_shim::{
    Bundle, ExitRecord, FromShim, HelloReply, IncarnationDir, InputToken, Keep, LaunchSpec,
    LogReader, MAX_MESSAGE_BYTES, Outcome, Read, ShimBinary, ShimSocket, ToShim, TryReceive,
    TrySend, log_end,
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use tempfile::TempDir;

/// Nothing here takes longer on a machine that works.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) const TOKEN: InputToken = InputToken([7; 16]);
pub(crate) const AUTHOR: AttachmentId = AttachmentId::from_bytes([8; 16]);

/// A shim that was launched, with the connection it was born with.
pub(crate) struct TestShim {
    pub(crate) dir: TempDir,
    pub(crate) spec: LaunchSpec,
    pub(crate) socket: ShimSocket,
    pub(crate) process: Child,
    seen: Vec<FromShim>,
}

/// What a shell would run, with a bundle in `dir`.
pub(crate) fn spec(dir: &TempDir, script: &str) -> LaunchSpec {
    let session = SessionId::random();
    LaunchSpec {
        session,
        incarnation: Incarnation::FIRST,
        bundle: dir.path().join("bundle"),
        socket: dir.path().join("s"),
        command: vec!["sh".into(), "-c".into(), script.into()],
        cwd: dir.path().to_path_buf(),
        env: vec![
            ("PATH".into(), std::env::var_os("PATH").unwrap()),
            ("CODEPLANE_SESSION".into(), session.to_string().into()),
        ],
        size: TerminalSize::DEFAULT,
        keep: Keep::KillLeftovers,
        leftover_grace_ms: 300,
        segment_bytes: LaunchSpec::SEGMENT_BYTES,
        input_limit_bytes: 1 << 20,
        linger_ms: 1000,
        open_files: None,
    }
}

pub(crate) fn binary() -> ShimBinary {
    ShimBinary::at(env!("CARGO_BIN_EXE_cpd-shim").as_ref()).unwrap()
}

impl TestShim {
    /// Runs `script` in a shell.
    pub(crate) fn run(script: &str) -> Self {
        Self::run_with(script, |_| {})
    }

    /// Runs `script` in a shell, with changes to the spec.
    pub(crate) fn run_with(script: &str, change: impl FnOnce(&mut LaunchSpec)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut spec = spec(&dir, script);
        change(&mut spec);
        let launched = binary().spawn().unwrap().launch(&spec).unwrap();
        Self { dir, spec, socket: launched.socket, process: launched.child, seen: Vec::new() }
    }

    /// Runs a command that is no script.
    pub(crate) fn run_command(command: &[&str]) -> Self {
        let command: Vec<OsString> = command.iter().map(OsString::from).collect();
        Self::run_with("", |spec| spec.command = command)
    }

    pub(crate) fn files(&self) -> IncarnationDir {
        Bundle::new(&self.spec.bundle).incarnation(self.spec.incarnation)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file of the session's directory as text, empty while it is not there.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn send(&self, message: &ToShim<'_>) {
        send(&self.socket, message);
    }

    /// Types as the one attachment of most tests.
    pub(crate) fn type_(&self, seq: u64, bytes: &[u8]) {
        self.send(&ToShim::Input { token: TOKEN, seq, author: AUTHOR, bytes });
    }

    pub(crate) fn register(&mut self) {
        self.send(&ToShim::Register { token: TOKEN, attachment: AUTHOR });
        self.until(|message| matches!(message, FromShim::Registered { .. }).then_some(()));
    }

    /// Waits for a message on the first connection.
    pub(crate) fn until<T>(&mut self, wanted: impl Fn(&FromShim) -> Option<T>) -> T {
        let Self { socket, seen, .. } = self;
        until(socket, seen, wanted)
    }

    /// Every message that has been read from the first connection.
    pub(crate) fn seen(&self) -> &[FromShim] {
        &self.seen
    }

    /// Waits until the log contains `text`; returns all of it.
    pub(crate) fn until_output(&self, text: &str) -> String {
        eventually(&format!("output {text:?}"), || {
            let output = String::from_utf8_lossy(&self.output()).into_owned();
            output.contains(text).then_some(output)
        })
    }

    /// All output that is in files.
    pub(crate) fn output(&self) -> Vec<u8> {
        read_log(&self.files())
    }

    /// Waits until the program has ended and that is on disk.
    pub(crate) fn until_exit(&self) -> ExitRecord {
        eventually("exit record", || self.files().read_exit().unwrap())
    }

    pub(crate) fn until_status(&self) -> ExitStatus {
        match self.until_exit().outcome {
            Outcome::Exited(status) => status,
            Outcome::Failed(fault) => panic!("{fault}"),
        }
    }

    /// Waits until the shim's process is gone.
    pub(crate) fn until_gone(&mut self) {
        let Self { process, .. } = self;
        eventually("end of the shim", || process.try_wait().unwrap());
    }

    /// Another connection, as a daemon makes it that was started again.
    pub(crate) fn connect(&self) -> ShimSocket {
        eventually("connection", || ShimSocket::connect(&self.spec.socket).ok())
    }

    /// Ends the first connection, as the death of the daemon does.
    pub(crate) fn disconnect(&mut self) {
        let (dead, _) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
                .unwrap();
        self.socket = ShimSocket::from(dead);
    }

    /// Replaces the first connection as a daemon does that was killed and started again.
    pub(crate) fn reconnect(&mut self) -> HelloReply {
        self.seen.clear();
        self.disconnect();
        self.socket = self.connect();
        self.socket.wait_hello(DEADLINE).unwrap()
    }
}

impl Drop for TestShim {
    fn drop(&mut self) {
        // Whatever the test did, nothing may stay: Shutdown takes the whole tree along.
        if self.process.try_wait().unwrap().is_none() {
            if let Ok(socket) = ShimSocket::connect(&self.spec.socket) {
                socket.try_send(&ToShim::Shutdown).ok();
            }
            self.socket.try_send(&ToShim::Shutdown).ok();
            let until = Instant::now() + Duration::from_secs(5);
            while self.process.try_wait().unwrap().is_none() && Instant::now() < until {
                pause();
            }
            self.process.kill().ok();
            self.process.wait().ok();
        }
        // Of a shim that was killed something may be left, as it could not clear up.
        if let Ok(Some(record)) = self.files().read_shim() {
            eventually("empty group", || record.reap_leftovers(self.spec.session).then_some(()));
        }
    }
}

pub(crate) fn send(socket: &ShimSocket, message: &ToShim<'_>) {
    let until = Instant::now() + DEADLINE;
    while socket.try_send(message).unwrap() == TrySend::WouldBlock {
        assert!(Instant::now() < until, "the shim reads nothing");
        wait(socket, PollFlags::POLLOUT);
    }
}

/// Waits for a message; everything read goes to `seen`.
pub(crate) fn until<T>(
    socket: &ShimSocket,
    seen: &mut Vec<FromShim>,
    wanted: impl Fn(&FromShim) -> Option<T>,
) -> T {
    let deadline = Instant::now() + DEADLINE;
    let mut buffer = vec![0; MAX_MESSAGE_BYTES];
    loop {
        match socket.try_receive(&mut buffer) {
            TryReceive::Message(message) => {
                let found = wanted(&message);
                seen.push(message);
                if let Some(found) = found {
                    return found;
                }
            }
            TryReceive::WouldBlock => {
                assert!(Instant::now() < deadline, "message did not come; got {seen:?}");
                wait(socket, PollFlags::POLLIN);
            }
            TryReceive::Closed => panic!("shim closed the connection; got {seen:?}"),
        }
    }
}

/// Polls a fact until it is one.
pub(crate) fn eventually<T>(what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = fact() {
            return found;
        }
        assert!(Instant::now() < until, "did not come true: {what}");
        pause();
    }
}

pub(crate) fn read_log(files: &IncarnationDir) -> Vec<u8> {
    let end = log_end(&files.output()).unwrap();
    let mut reader = LogReader::open(files.output());
    let mut all = Vec::new();
    let mut at = Offset::ZERO;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(at, end, &mut buffer).unwrap() {
            Read::Bytes(len) => {
                all.extend_from_slice(&buffer[..len]);
                at = at.plus(len);
            }
            Read::Gap { to, .. } => at = to,
            Read::Empty => return all,
        }
    }
}

/// Whether a process with this id exists and is no zombie.
pub(crate) fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Between two looks at a fact.
fn pause() {
    poll(&mut [], PollTimeout::from(2_u16)).unwrap();
}

fn wait(socket: &ShimSocket, events: PollFlags) {
    poll(&mut [PollFd::new(socket.as_fd(), events)], PollTimeout::from(100_u16)).unwrap();
}
