//! What the shim says.

use codeplane_core::{ExitStatus, Offset, RequestId};

use super::hello::{self, HelloReply, LoggedSize};
use super::{InputToken, Reader, Writer};
use crate::fault::{StartFault, StartStep};

/// A message from the shim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromShim {
    /// Everything the daemon must know, answering `Hello`.
    Hello(HelloReply),
    /// The program runs.
    Started {
        /// Its process id.
        pid: u32,
    },
    /// The program could not be started; the shim is about to exit.
    StartFailed(StartFault),
    /// The log reaches to here. Exactly nine bytes on the wire: the one message per output.
    Notice {
        /// The end of what is in files.
        end: Offset,
    },
    /// The attachment is remembered. Its next input has the number after `received`.
    Registered {
        /// Its token.
        token: InputToken,
        /// Number of its last input the shim has taken.
        received: u64,
        /// Number of its last input the terminal has taken.
        applied: u64,
    },
    /// The terminal has taken the input up to this number.
    InputAck {
        /// The attachment's token.
        token: InputToken,
        /// The number.
        seq: u64,
    },
    /// Input was not taken, as it was not the next one.
    InputGap {
        /// The attachment's token.
        token: InputToken,
        /// The number the shim waits for; 0 when it does not know the token (any longer).
        expected: u64,
    },
    /// The terminal has taken the whole input.
    UnaryAck {
        /// Which.
        request: RequestId,
    },
    /// Nothing of the input was typed.
    UnaryRefused {
        /// Which.
        request: RequestId,
        /// Why.
        reason: RefusedReason,
    },
    /// The terminal's size, and where in the output it was set.
    Resized(LoggedSize),
    /// The program ended, and that is on disk.
    Exited {
        /// How.
        status: ExitStatus,
        /// The end of its output. What outlived it may print more.
        end: Offset,
    },
    /// Whether output reaches the disk.
    Disk(DiskState),
    /// Nothing of the session is left and all output is in the log; the shim is about to exit.
    Drained {
        /// The final end of the log.
        end: Offset,
    },
    /// Answers `Ping`.
    Pong {
        /// The number of the ping.
        nonce: u64,
    },
    /// How the terminal treats input at the moment.
    TermMode(TermMode),
}

/// Why an input was not typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedReason {
    /// It, or all input that waits, is over the session's limit.
    TooLarge,
    /// The program reads whole lines and one is longer than the kernel keeps.
    LineTooLong,
    /// A part is missing or repeated.
    PartMissing,
    /// The program has ended.
    Ended,
    /// One that a later version added.
    Other,
}

/// Whether output reaches the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiskState {
    /// It does, and always did.
    #[default]
    Ok,
    /// It does again; the bytes from the first up to the second offset are lost. Equal when the
    /// bounded tail held everything.
    Recovered {
        /// First byte lost.
        from: Offset,
        /// First byte there again.
        to: Offset,
    },
    /// It does not.
    Full {
        /// First byte that is not in a file.
        since: Offset,
    },
}

/// How the terminal treats input. Bits, so that a later version can add some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TermMode(u8);

impl TermMode {
    const CANONICAL: u8 = 1;
    const ECHO: u8 = 2;
    const SIGNALS: u8 = 4;

    pub(crate) const fn new(bits: u8) -> Self {
        Self(bits)
    }

    pub(crate) const fn from_flags(canonical: Switch, echo: Switch, signals: Switch) -> Self {
        Self(canonical.bit(Self::CANONICAL) | echo.bit(Self::ECHO) | signals.bit(Self::SIGNALS))
    }

    /// The program reads whole lines, of at most [`codeplane_core::CANONICAL_LINE_BYTES`].
    #[must_use]
    pub const fn is_canonical(self) -> bool {
        self.0 & Self::CANONICAL != 0
    }

    /// The terminal shows what is typed.
    #[must_use]
    pub const fn is_echoing(self) -> bool {
        self.0 & Self::ECHO != 0
    }

    /// Control characters become signals.
    #[must_use]
    pub const fn makes_signals(self) -> bool {
        self.0 & Self::SIGNALS != 0
    }
}

/// One flag of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    Off,
}

impl Switch {
    const fn bit(self, bit: u8) -> u8 {
        match self {
            Self::On => bit,
            Self::Off => 0,
        }
    }
}

impl FromShim {
    /// Appends the message to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut w = Writer(out);
        match self {
            Self::Hello(reply) => reply.encode(w.u8(b'h')),
            Self::Started { pid } => w.u8(b's').u32(*pid),
            Self::StartFailed(fault) => write_fault(w.u8(b'f'), fault),
            Self::Notice { end } => w.u8(b'n').u64(end.0),
            Self::Registered { token, received, applied } => {
                w.u8(b'r').raw(&token.0).u64(*received).u64(*applied)
            }
            Self::InputAck { token, seq } => w.u8(b'a').raw(&token.0).u64(*seq),
            Self::InputGap { token, expected } => w.u8(b'g').raw(&token.0).u64(*expected),
            Self::UnaryAck { request } => w.u8(b'u').raw(request.as_bytes()),
            Self::UnaryRefused { request, reason } => {
                w.u8(b'x').raw(request.as_bytes()).u8(reason.to_u8())
            }
            Self::Resized(logged) => w.u8(b'z').u64(logged.at.0).size(logged.size),
            Self::Exited { status, end } => hello::write_status(w.u8(b'e'), *status).u64(end.0),
            Self::Disk(state) => state.write(w.u8(b'd')),
            Self::Drained { end } => w.u8(b'q').u64(end.0),
            Self::Pong { nonce } => w.u8(b'p').u64(*nonce),
            Self::TermMode(mode) => w.u8(b'm').u8(mode.0),
        };
    }

    /// Reads a message; `None` for one of a later version or one that is cut.
    #[must_use]
    pub fn decode(message: &[u8]) -> Option<Self> {
        let mut r = Reader(message);
        Some(match r.u8()? {
            b'h' => Self::Hello(HelloReply::decode(&mut r)?),
            b's' => Self::Started { pid: r.u32()? },
            b'f' => Self::StartFailed(read_fault(&mut r)?),
            b'n' => Self::Notice { end: Offset(r.u64()?) },
            b'r' => Self::Registered {
                token: InputToken(r.array()?),
                received: r.u64()?,
                applied: r.u64()?,
            },
            b'a' => Self::InputAck { token: InputToken(r.array()?), seq: r.u64()? },
            b'g' => Self::InputGap { token: InputToken(r.array()?), expected: r.u64()? },
            b'u' => Self::UnaryAck { request: RequestId::from_bytes(r.array()?) },
            b'x' => Self::UnaryRefused {
                request: RequestId::from_bytes(r.array()?),
                reason: RefusedReason::from_u8(r.u8()?),
            },
            b'z' => Self::Resized(LoggedSize { at: Offset(r.u64()?), size: r.size()? }),
            b'e' => Self::Exited { status: hello::read_status(&mut r)?, end: Offset(r.u64()?) },
            b'd' => Self::Disk(DiskState::read(&mut r)?),
            b'q' => Self::Drained { end: Offset(r.u64()?) },
            b'p' => Self::Pong { nonce: r.u64()? },
            b'm' => Self::TermMode(TermMode::new(r.u8()?)),
            _ => return None,
        })
    }
}

impl RefusedReason {
    const fn to_u8(self) -> u8 {
        match self {
            Self::TooLarge => 1,
            Self::LineTooLong => 2,
            Self::PartMissing => 3,
            Self::Ended => 4,
            Self::Other => 0,
        }
    }

    const fn from_u8(number: u8) -> Self {
        match number {
            1 => Self::TooLarge,
            2 => Self::LineTooLong,
            3 => Self::PartMissing,
            4 => Self::Ended,
            _ => Self::Other,
        }
    }
}

impl DiskState {
    pub(super) fn write<'w, 'a>(self, w: &'w mut Writer<'a>) -> &'w mut Writer<'a> {
        match self {
            Self::Ok => w.u8(0).u64(0).u64(0),
            Self::Recovered { from, to } => w.u8(1).u64(from.0).u64(to.0),
            Self::Full { since } => w.u8(2).u64(since.0).u64(0),
        }
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Option<Self> {
        let (kind, from, to) = (r.u8()?, Offset(r.u64()?), Offset(r.u64()?));
        Some(match kind {
            1 => Self::Recovered { from, to },
            2 => Self::Full { since: from },
            _ => Self::Ok,
        })
    }
}

pub(super) fn write_fault<'w, 'a>(w: &'w mut Writer<'a>, fault: &StartFault) -> &'w mut Writer<'a> {
    w.bytes(fault.step.as_str().as_bytes()).i32(fault.errno).bytes(fault.message.as_bytes())
}

pub(super) fn read_fault(r: &mut Reader<'_>) -> Option<StartFault> {
    let step = StartStep::parse(&r.text()?).unwrap_or(StartStep::Spawn);
    Some(StartFault { step, errno: r.i32()?, message: r.text()? })
}

#[cfg(test)]
mod tests {
    use codeplane_core::TerminalSize;

    use super::{
        DiskState, ExitStatus, FromShim, InputToken, LoggedSize, Offset, RefusedReason, RequestId,
        StartFault, StartStep, TermMode,
    };

    fn golden() -> Vec<(FromShim, String)> {
        let token = InputToken([0x11; 16]);
        let request = RequestId::from_bytes([0x33; 16]);
        let t = "11".repeat(16);
        let q = "33".repeat(16);
        let size = LoggedSize { at: Offset(9), size: TerminalSize::new(80, 24).unwrap() };
        let fault = StartFault { step: StartStep::Exec, errno: 2, message: "no".to_owned() };
        let recovered = DiskState::Recovered { from: Offset(1), to: Offset(2) };
        let reason = RefusedReason::LineTooLong;
        vec![
            (FromShim::Started { pid: 5 }, "7305000000".into()),
            (FromShim::StartFailed(fault), "66040000006578656302000000020000006e6f".into()),
            (FromShim::Notice { end: Offset(258) }, "6e0201000000000000".into()),
            (
                FromShim::Registered { token, received: 3, applied: 2 },
                format!("72{t}03000000000000000200000000000000"),
            ),
            (FromShim::InputAck { token, seq: 4 }, format!("61{t}0400000000000000")),
            (FromShim::InputGap { token, expected: 4 }, format!("67{t}0400000000000000")),
            (FromShim::UnaryAck { request }, format!("75{q}")),
            (FromShim::UnaryRefused { request, reason }, format!("78{q}02")),
            (FromShim::Resized(size), "7a090000000000000050001800".into()),
            (
                FromShim::Exited { status: ExitStatus::Signal(9), end: Offset(1) },
                "6501090000000100000000000000".into(),
            ),
            (FromShim::Disk(recovered), "640101000000000000000200000000000000".into()),
            (
                FromShim::Disk(DiskState::Full { since: Offset(1) }),
                "640201000000000000000000000000000000".into(),
            ),
            (FromShim::Drained { end: Offset(1) }, "710100000000000000".into()),
            (FromShim::Pong { nonce: 1 }, "700100000000000000".into()),
            (FromShim::TermMode(TermMode::new(5)), "6d05".into()),
        ]
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn every_message_keeps_its_bytes() {
        for (message, bytes) in golden() {
            let mut encoded = Vec::new();
            message.encode(&mut encoded);
            assert_eq!(hex(&encoded), bytes, "{message:?}");
        }
    }

    #[test]
    fn every_message_reads_back_and_its_cuts_never_panic() {
        for (message, _) in golden() {
            let mut encoded = Vec::new();
            message.encode(&mut encoded);
            for cut in 0..encoded.len() {
                assert_eq!(FromShim::decode(&encoded[..cut]), None);
            }
            encoded.extend_from_slice(b"later");
            assert_eq!(FromShim::decode(&encoded).as_ref(), Some(&message));
        }
    }

    #[test]
    fn a_notice_is_nine_bytes() {
        let mut encoded = Vec::new();
        FromShim::Notice { end: Offset(u64::MAX) }.encode(&mut encoded);

        assert_eq!(encoded.len(), 9);
    }

    #[test]
    fn a_reason_of_a_later_version_is_other() {
        assert_eq!(RefusedReason::from_u8(99), RefusedReason::Other);
    }
}
