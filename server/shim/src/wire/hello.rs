//! The one message that says everything.

use codeplane_core::{AttachmentId, ExitStatus, Incarnation, Offset, SessionId, TerminalSize};

use super::from_shim::{DiskState, read_fault, write_fault};
use super::{InputToken, Reader, Writer};
use crate::fault::StartFault;

/// Bytes of one remembered input on the wire; a later version may lengthen it.
const REMEMBERED_BYTES: u16 = 48;

/// The state of a shim, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelloReply {
    /// The protocol it speaks.
    pub protocol: u16,
    /// What it was built from.
    pub build: String,
    /// Its session.
    pub session: SessionId,
    /// Its incarnation.
    pub incarnation: Incarnation,
    /// Its own process id.
    pub shim_pid: u32,
    /// The program's process id; 0 when it does not run.
    pub child_pid: u32,
    /// The end of what is in files.
    pub end: Offset,
    /// The terminal's size.
    pub size: LoggedSize,
    /// The state of the program.
    pub state: ProcessState,
    /// Whether output reaches the disk.
    pub disk: DiskState,
    /// The attachments whose input it remembers.
    pub inputs: Vec<RememberedInput>,
}

/// A size and where in the output it was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedSize {
    /// The size.
    pub size: TerminalSize,
    /// What was printed from here on was printed for that size.
    pub at: Offset,
}

/// The state of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It is being started.
    Starting,
    /// It runs.
    Running,
    /// It ended; what it started may still run.
    Exited {
        /// How.
        status: ExitStatus,
        /// The end of its output.
        end: Offset,
    },
    /// It could not be started.
    Failed(StartFault),
}

/// What the shim remembers of an attachment's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RememberedInput {
    /// Its token.
    pub token: InputToken,
    /// The attachment.
    pub attachment: AttachmentId,
    /// Number of its last input that the terminal has taken whole.
    pub applied: u64,
    /// Number of its last input the shim has taken; what is between waits for the program.
    pub received: u64,
}

impl HelloReply {
    pub(super) fn encode<'w, 'a>(&self, w: &'w mut Writer<'a>) -> &'w mut Writer<'a> {
        w.u16(self.protocol)
            .bytes(self.build.as_bytes())
            .raw(self.session.as_bytes())
            .u32(self.incarnation.0)
            .u32(self.shim_pid)
            .u32(self.child_pid)
            .u64(self.end.0)
            .u64(self.size.at.0)
            .size(self.size.size);
        let mut state = Vec::new();
        self.state.write(&mut Writer(&mut state));
        w.bytes(&state);
        self.disk.write(w);
        w.u16(REMEMBERED_BYTES).u16(u16::try_from(self.inputs.len()).unwrap_or(u16::MAX));
        for input in self.inputs.iter().take(usize::from(u16::MAX)) {
            w.raw(&input.token.0)
                .raw(input.attachment.as_bytes())
                .u64(input.applied)
                .u64(input.received);
        }
        w
    }

    pub(super) fn decode(r: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            protocol: r.u16()?,
            build: r.text()?,
            session: SessionId::from_bytes(r.array()?),
            incarnation: Incarnation(r.u32()?),
            shim_pid: r.u32()?,
            child_pid: r.u32()?,
            end: Offset(r.u64()?),
            size: LoggedSize { at: Offset(r.u64()?), size: r.size()? },
            state: ProcessState::read(&mut Reader(r.bytes()?))?,
            disk: DiskState::read(r)?,
            inputs: read_inputs(r)?,
        })
    }
}

impl ProcessState {
    fn write(&self, w: &mut Writer<'_>) {
        match self {
            Self::Starting => w.u8(0),
            Self::Running => w.u8(1),
            Self::Exited { status, end } => write_status(w.u8(2), *status).u64(end.0),
            Self::Failed(fault) => write_fault(w.u8(3), fault),
        };
    }

    fn read(r: &mut Reader<'_>) -> Option<Self> {
        Some(match r.u8()? {
            0 => Self::Starting,
            1 => Self::Running,
            2 => Self::Exited { status: read_status(r)?, end: Offset(r.u64()?) },
            3 => Self::Failed(read_fault(r)?),
            _ => return None,
        })
    }
}

pub(super) fn write_status<'w, 'a>(
    w: &'w mut Writer<'a>,
    status: ExitStatus,
) -> &'w mut Writer<'a> {
    match status {
        ExitStatus::Code(code) => w.u8(0).i32(code),
        ExitStatus::Signal(signal) => w.u8(1).i32(signal),
    }
}

pub(super) fn read_status(r: &mut Reader<'_>) -> Option<ExitStatus> {
    Some(match (r.u8()?, r.i32()?) {
        (0, code) => ExitStatus::Code(code),
        (_, signal) => ExitStatus::Signal(signal),
    })
}

fn read_inputs(r: &mut Reader<'_>) -> Option<Vec<RememberedInput>> {
    let (bytes, count) = (r.u16()?, r.u16()?);
    (0..count)
        .map(|_| {
            let mut entry = Reader(r.raw(usize::from(bytes))?);
            Some(RememberedInput {
                token: InputToken(entry.array()?),
                attachment: AttachmentId::from_bytes(entry.array()?),
                applied: entry.u64()?,
                received: entry.u64()?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::FromShim;
    use super::{
        AttachmentId, DiskState, ExitStatus, HelloReply, Incarnation, InputToken, LoggedSize,
        Offset, ProcessState, RememberedInput, SessionId, StartFault, TerminalSize,
    };
    use crate::fault::StartStep;

    fn reply() -> HelloReply {
        HelloReply {
            protocol: 1,
            build: "b".to_owned(),
            session: SessionId::from_bytes([0x44; 16]),
            incarnation: Incarnation(2),
            shim_pid: 10,
            child_pid: 11,
            end: Offset(300),
            size: LoggedSize { size: TerminalSize::new(80, 24).unwrap(), at: Offset(20) },
            state: ProcessState::Exited { status: ExitStatus::Code(3), end: Offset(299) },
            disk: DiskState::Full { since: Offset(300) },
            inputs: vec![RememberedInput {
                token: InputToken([0x11; 16]),
                attachment: AttachmentId::from_bytes([0x22; 16]),
                applied: 5,
                received: 6,
            }],
        }
    }

    fn encoded(reply: &HelloReply) -> Vec<u8> {
        let mut bytes = Vec::new();
        FromShim::Hello(reply.clone()).encode(&mut bytes);
        bytes
    }

    #[test]
    fn the_reply_keeps_its_bytes() {
        let expected = [
            "68",                                 // tag
            "0100",                               // protocol
            "0100000062",                         // build
            "44444444444444444444444444444444",   // session
            "02000000",                           // incarnation
            "0a000000",                           // shim
            "0b000000",                           // program
            "2c01000000000000",                   // end
            "1400000000000000",                   // where the size was set
            "50001800",                           // size
            "0e000000",                           // bytes of the state
            "0200030000002b01000000000000",       // exited, code 3, end
            "022c010000000000000000000000000000", // disk full since
            "3000",                               // bytes of an input
            "0100",                               // inputs
            "11111111111111111111111111111111",
            "22222222222222222222222222222222",
            "0500000000000000",
            "0600000000000000",
        ];

        let hex: String = encoded(&reply()).iter().map(|byte| format!("{byte:02x}")).collect();

        assert_eq!(hex, expected.concat());
    }

    #[test]
    fn every_state_reads_back() {
        let fault = StartFault { step: StartStep::Cwd, errno: 20, message: "a file".to_owned() };
        for state in [
            ProcessState::Starting,
            ProcessState::Running,
            ProcessState::Exited { status: ExitStatus::Signal(11), end: Offset(1) },
            ProcessState::Failed(fault),
        ] {
            let reply = HelloReply { state, ..reply() };
            assert_eq!(FromShim::decode(&encoded(&reply)), Some(FromShim::Hello(reply)));
        }
    }

    #[test]
    fn inputs_that_a_later_version_lengthened_are_read() {
        let mut bytes = encoded(&reply());
        let inputs = bytes.len() - 52;
        bytes[inputs] += 2;
        bytes.extend_from_slice(b"xx");

        assert_eq!(FromShim::decode(&bytes), Some(FromShim::Hello(reply())));
    }

    #[test]
    fn a_cut_reply_is_none() {
        let bytes = encoded(&reply());

        for cut in 0..bytes.len() {
            assert_eq!(FromShim::decode(&bytes[..cut]), None, "cut at {cut}");
        }
    }
}
