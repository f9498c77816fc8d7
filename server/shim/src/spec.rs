//! What to start: sent once, over the socket the shim inherits.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use codeplane_core::{Incarnation, SessionId, TerminalSize};

use crate::wire::{Reader, Writer};

/// What becomes of processes that outlive the natural end of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// They are killed after [`LaunchSpec::leftover_grace_ms`].
    #[default]
    KillLeftovers,
    /// They live on, and the shim with them.
    Leave,
}

/// Everything a shim needs to know. It never touches argv, the environment of the shim, or a
/// disk, as it holds the program's environment.
#[derive(Clone, PartialEq, Eq)]
pub struct LaunchSpec {
    /// The session.
    pub session: SessionId,
    /// Which of its runs this is.
    pub incarnation: Incarnation,
    /// The session's directory, absolute.
    pub bundle: PathBuf,
    /// Where the shim listens, absolute and at most 103 bytes.
    pub socket: PathBuf,
    /// The program and its arguments; a name without a slash is looked up in the `PATH` of `env`.
    pub command: Vec<OsString>,
    /// Absolute path of the directory it starts in.
    pub cwd: PathBuf,
    /// Its complete environment.
    pub env: Vec<(OsString, OsString)>,
    /// The size of its terminal.
    pub size: TerminalSize,
    /// What becomes of processes that outlive it.
    pub keep: Keep,
    /// How long such processes get, in milliseconds.
    pub leftover_grace_ms: u32,
    /// Size from which on the log begins a new segment, in bytes.
    pub segment_bytes: u64,
    /// Most unary input that may wait, in bytes.
    pub input_limit_bytes: u64,
    /// How long a shim whose session is over waits for a connected daemon that does not read, in
    /// milliseconds; everything is on disk by then.
    pub linger_ms: u32,
    /// The program's soft limit of open files; `None` leaves what the daemon runs with, which may
    /// be far above what old programs can handle.
    pub open_files: Option<u64>,
}

impl LaunchSpec {
    /// 10 s: long enough for a program's helpers to write what they have.
    pub const LEFTOVER_GRACE_MS: u32 = 10_000;
    /// 16 MiB: retention removes whole segments, so this is how exact it can be.
    pub const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;
    /// 16 MiB.
    pub const INPUT_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
    /// A minute.
    pub const LINGER_MS: u32 = 60_000;

    /// The encoded form; later versions append fields.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut w = Writer(&mut out);
        w.raw(self.session.as_bytes())
            .u32(self.incarnation.0)
            .bytes(self.bundle.as_os_str().as_bytes())
            .bytes(self.socket.as_os_str().as_bytes())
            .u32(count(self.command.len()));
        for argument in &self.command {
            w.bytes(argument.as_bytes());
        }
        w.bytes(self.cwd.as_os_str().as_bytes()).u32(count(self.env.len()));
        for (name, value) in &self.env {
            w.bytes(name.as_bytes()).bytes(value.as_bytes());
        }
        w.size(self.size)
            .u8(match self.keep {
                Keep::KillLeftovers => 0,
                Keep::Leave => 1,
            })
            .u32(self.leftover_grace_ms)
            .u64(self.segment_bytes)
            .u64(self.input_limit_bytes)
            .u32(self.linger_ms)
            .u64(self.open_files.unwrap_or(0));
        out
    }

    /// Reads the encoded form; `None` if it is cut.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader(bytes);
        Some(Self {
            session: SessionId::from_bytes(r.array()?),
            incarnation: Incarnation(r.u32()?),
            bundle: string(&mut r)?.into(),
            socket: string(&mut r)?.into(),
            command: strings(&mut r)?,
            cwd: string(&mut r)?.into(),
            env: pairs(&mut r)?,
            size: r.size()?,
            keep: if r.u8()? == 0 { Keep::KillLeftovers } else { Keep::Leave },
            leftover_grace_ms: r.u32()?,
            segment_bytes: r.u64()?,
            input_limit_bytes: r.u64()?,
            linger_ms: r.u32()?,
            open_files: r.u64().filter(|limit| *limit > 0),
        })
    }
}

/// Without arguments and environment, which may hold secrets.
impl std::fmt::Debug for LaunchSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaunchSpec")
            .field("session", &self.session)
            .field("incarnation", &self.incarnation)
            .field("bundle", &self.bundle)
            .field("program", &self.command.first())
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn string(r: &mut Reader<'_>) -> Option<OsString> {
    r.bytes().map(|bytes| OsString::from_vec(bytes.to_vec()))
}

fn strings(r: &mut Reader<'_>) -> Option<Vec<OsString>> {
    (0..r.u32()?).map(|_| string(r)).collect()
}

fn pairs(r: &mut Reader<'_>) -> Option<Vec<(OsString, OsString)>> {
    (0..r.u32()?).map(|_| Some((string(r)?, string(r)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Incarnation, Keep, LaunchSpec, SessionId, TerminalSize};

    fn spec() -> LaunchSpec {
        LaunchSpec {
            session: SessionId::from_bytes([1; 16]),
            incarnation: Incarnation(2),
            bundle: "/b".into(),
            socket: "/s".into(),
            command: vec!["sh".into(), "-c".into()],
            cwd: "/".into(),
            env: vec![("PASSWORD".into(), "hunter2".into())],
            size: TerminalSize::DEFAULT,
            keep: Keep::Leave,
            leftover_grace_ms: 3,
            segment_bytes: 4,
            input_limit_bytes: 5,
            linger_ms: 6,
            open_files: Some(7),
        }
    }

    #[test]
    fn a_spec_keeps_its_bytes() {
        let hex: String = spec().encode().iter().map(|byte| format!("{byte:02x}")).collect();

        let expected = [
            "01010101010101010101010101010101",
            "02000000",
            "020000002f62",
            "020000002f73",
            "02000000",
            "020000007368",
            "020000002d63",
            "010000002f",
            "01000000",
            "0800000050415353574f5244",
            "0700000068756e74657232",
            "50001800",
            "01",
            "03000000",
            "0400000000000000",
            "0500000000000000",
            "06000000",
            "0700000000000000",
        ];
        assert_eq!(hex, expected.concat());
    }

    #[test]
    fn a_spec_reads_back_with_fields_of_a_later_version_and_without_its_last() {
        let mut bytes = spec().encode();
        bytes.extend_from_slice(b"later");
        assert!(LaunchSpec::decode(&bytes) == Some(spec()));

        let first_version = &bytes[..bytes.len() - 13];
        let read = LaunchSpec::decode(first_version).unwrap();
        assert!(read == LaunchSpec { open_files: None, ..spec() });
        for cut in 0..first_version.len() {
            assert!(LaunchSpec::decode(&bytes[..cut]).is_none());
        }
    }

    #[test]
    fn neither_arguments_nor_environment_are_shown() {
        let shown = format!("{:?}", spec());

        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!shown.contains("-c"), "{shown}");
    }
}
