//! What the daemon says.

use codeplane_core::{AttachmentId, RequestId, TerminalSize};

use super::{InputToken, Reader, Writer};

/// Who gets a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalTarget {
    /// The program's process group and the terminal's foreground process group.
    Group,
    /// Every process of the session.
    Tree,
}

/// One step of an escalation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopStep {
    /// The signal every process of the session gets.
    pub signal: i32,
    /// How long the shim then waits for all of them to end, in milliseconds.
    pub wait_ms: u32,
}

/// A message to the shim. Byte strings are borrowed from the sender or from the receive buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToShim<'a> {
    /// A part of the encoded [`crate::LaunchSpec`], at most [`super::INPUT_PART_BYTES`].
    Launch {
        /// Whether more parts follow.
        part: Part,
        /// The part.
        bytes: &'a [u8],
    },
    /// Asks for a [`super::HelloReply`], and to be told of everything from then on. Never changes.
    Hello {
        /// The version the daemon speaks.
        protocol: u16,
    },
    /// An attachment whose input is to be remembered. Answered with `Registered`.
    Register {
        /// Its token.
        token: InputToken,
        /// The attachment, for the index.
        attachment: AttachmentId,
    },
    /// Input of an attachment. Acknowledged when the program's terminal has taken all of it.
    Input {
        /// The attachment's token.
        token: InputToken,
        /// 1 for the first message of a token, then one more each.
        seq: u64,
        /// Who typed, for the index.
        author: AttachmentId,
        /// At most [`super::INPUT_PART_BYTES`].
        bytes: &'a [u8],
    },
    /// A part of an input that is typed as one piece once its last part is there.
    UnaryInput {
        /// Which input; a repeated one is acknowledged and not typed again.
        request: RequestId,
        /// Who typed, for the index.
        author: AttachmentId,
        /// 0 for the first part, then one more each.
        index: u32,
        /// Whether more parts follow.
        part: Part,
        /// At most [`super::INPUT_PART_BYTES`].
        bytes: &'a [u8],
    },
    /// The attachment will not come back.
    Forget {
        /// Its token.
        token: InputToken,
    },
    /// Sets the terminal's size, in its turn among the input.
    Resize {
        /// The size.
        size: TerminalSize,
        /// Who did it, for the index.
        author: AttachmentId,
    },
    /// Makes the program repaint: one row less, then back.
    Redraw,
    /// Sends a signal.
    Signal {
        /// Its number.
        signal: i32,
        /// To whom.
        target: SignalTarget,
    },
    /// Ends the session step by step; after the last step everything is killed. Goes on without
    /// the daemon. Another one replaces it.
    Stop {
        /// The steps.
        steps: Vec<StopStep>,
    },
    /// Asks for a `Pong` with the same number.
    Ping {
        /// The number.
        nonce: u64,
    },
    /// Kills everything, writes the status and ends. Never changes.
    Shutdown,
    /// Asks for a `TermMode`.
    QueryTermMode,
    /// Listen at this path (again): the directory of the sockets was removed.
    Relisten {
        /// An absolute path.
        path: &'a [u8],
    },
}

/// Whether a message that is one of several is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// More follow.
    More,
    /// The last.
    Last,
}

impl ToShim<'_> {
    /// Appends the message to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut w = Writer(out);
        match self {
            Self::Launch { part, bytes } => w.u8(b'L').u8(part.to_u8()).bytes(bytes),
            Self::Hello { protocol } => w.u8(b'H').u16(*protocol),
            Self::Register { token, attachment } => {
                w.u8(b'R').raw(&token.0).raw(attachment.as_bytes())
            }
            Self::Input { token, seq, author, bytes } => {
                w.u8(b'I').raw(&token.0).u64(*seq).raw(author.as_bytes()).bytes(bytes)
            }
            Self::UnaryInput { request, author, index, part, bytes } => w
                .u8(b'U')
                .raw(request.as_bytes())
                .raw(author.as_bytes())
                .u32(*index)
                .u8(part.to_u8())
                .bytes(bytes),
            Self::Forget { token } => w.u8(b'F').raw(&token.0),
            Self::Resize { size, author } => w.u8(b'Z').size(*size).raw(author.as_bytes()),
            Self::Redraw => w.u8(b'W'),
            Self::Signal { signal, target } => w.u8(b'G').i32(*signal).u8(match target {
                SignalTarget::Group => 0,
                SignalTarget::Tree => 1,
            }),
            Self::Stop { steps } => {
                w.u8(b'S').u8(u8::try_from(steps.len()).unwrap_or(u8::MAX));
                for step in steps.iter().take(usize::from(u8::MAX)) {
                    w.i32(step.signal).u32(step.wait_ms);
                }
                &mut w
            }
            Self::Ping { nonce } => w.u8(b'P').u64(*nonce),
            Self::Shutdown => w.u8(b'X'),
            Self::QueryTermMode => w.u8(b'M'),
            Self::Relisten { path } => w.u8(b'B').bytes(path),
        };
    }
}

impl<'a> ToShim<'a> {
    /// Reads a message; `None` for one of a later version or one that is cut.
    #[must_use]
    pub fn decode(message: &'a [u8]) -> Option<Self> {
        let mut r = Reader(message);
        Some(match r.u8()? {
            b'L' => Self::Launch { part: Part::read(&mut r)?, bytes: r.bytes()? },
            b'H' => Self::Hello { protocol: r.u16().unwrap_or(0) },
            b'R' => Self::Register { token: token(&mut r)?, attachment: author(&mut r)? },
            b'I' => Self::Input {
                token: token(&mut r)?,
                seq: r.u64()?,
                author: author(&mut r)?,
                bytes: r.bytes()?,
            },
            b'U' => Self::UnaryInput {
                request: RequestId::from_bytes(r.array()?),
                author: author(&mut r)?,
                index: r.u32()?,
                part: Part::read(&mut r)?,
                bytes: r.bytes()?,
            },
            b'F' => Self::Forget { token: token(&mut r)? },
            b'Z' => Self::Resize { size: r.size()?, author: author(&mut r)? },
            b'W' => Self::Redraw,
            b'G' => Self::Signal { signal: r.i32()?, target: target(&mut r)? },
            b'S' => Self::Stop { steps: steps(&mut r)? },
            b'P' => Self::Ping { nonce: r.u64().unwrap_or(0) },
            b'X' => Self::Shutdown,
            b'M' => Self::QueryTermMode,
            b'B' => Self::Relisten { path: r.bytes()? },
            _ => return None,
        })
    }
}

impl Part {
    const fn to_u8(self) -> u8 {
        match self {
            Self::More => 0,
            Self::Last => 1,
        }
    }

    fn read(r: &mut Reader<'_>) -> Option<Self> {
        Some(if r.u8()? == 0 { Self::More } else { Self::Last })
    }
}

fn token(r: &mut Reader<'_>) -> Option<InputToken> {
    r.array().map(InputToken)
}

fn author(r: &mut Reader<'_>) -> Option<AttachmentId> {
    r.array().map(AttachmentId::from_bytes)
}

fn target(r: &mut Reader<'_>) -> Option<SignalTarget> {
    match r.u8()? {
        0 => Some(SignalTarget::Group),
        1 => Some(SignalTarget::Tree),
        _ => None,
    }
}

fn steps(r: &mut Reader<'_>) -> Option<Vec<StopStep>> {
    let count = r.u8()?;
    (0..count).map(|_| Some(StopStep { signal: r.i32()?, wait_ms: r.u32()? })).collect()
}

#[cfg(test)]
mod tests {
    use super::{
        AttachmentId, InputToken, Part, RequestId, SignalTarget, StopStep, TerminalSize, ToShim,
    };

    const TOKEN: InputToken = InputToken([0x11; 16]);
    const AUTHOR: AttachmentId = AttachmentId::from_bytes([0x22; 16]);
    const T: &str = "11111111111111111111111111111111";
    const A: &str = "22222222222222222222222222222222";
    const Q: &str = "33333333333333333333333333333333";

    fn golden() -> Vec<(ToShim<'static>, String)> {
        let request = RequestId::from_bytes([0x33; 16]);
        let size = TerminalSize::new(80, 24).unwrap();
        let steps = vec![StopStep { signal: 1, wait_ms: 500 }, StopStep { signal: 15, wait_ms: 5 }];
        vec![
            (ToShim::Launch { part: Part::Last, bytes: b"ab" }, "4c01020000006162".into()),
            (ToShim::Hello { protocol: 1 }, "480100".into()),
            (ToShim::Register { token: TOKEN, attachment: AUTHOR }, format!("52{T}{A}")),
            (
                ToShim::Input { token: TOKEN, seq: 7, author: AUTHOR, bytes: b"x" },
                format!("49{T}0700000000000000{A}0100000078"),
            ),
            (
                ToShim::UnaryInput {
                    request,
                    author: AUTHOR,
                    index: 2,
                    part: Part::More,
                    bytes: b"x",
                },
                format!("55{Q}{A}02000000000100000078"),
            ),
            (ToShim::Forget { token: TOKEN }, format!("46{T}")),
            (ToShim::Resize { size, author: AUTHOR }, format!("5a50001800{A}")),
            (ToShim::Redraw, "57".into()),
            (ToShim::Signal { signal: 2, target: SignalTarget::Tree }, "470200000001".into()),
            (ToShim::Stop { steps }, "530201000000f40100000f00000005000000".into()),
            (ToShim::Ping { nonce: 258 }, "500201000000000000".into()),
            (ToShim::Shutdown, "58".into()),
            (ToShim::QueryTermMode, "4d".into()),
            (ToShim::Relisten { path: b"/a" }, "42020000002f61".into()),
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
    fn every_message_reads_back_also_with_fields_of_a_later_version() {
        for (message, _) in golden() {
            let mut encoded = Vec::new();
            message.encode(&mut encoded);
            encoded.extend_from_slice(b"later");
            assert_eq!(ToShim::decode(&encoded).as_ref(), Some(&message));
        }
    }

    #[test]
    fn a_cut_message_is_none_or_has_its_defaults_and_never_panics() {
        for (message, _) in golden() {
            let mut encoded = Vec::new();
            message.encode(&mut encoded);
            for cut in 0..encoded.len() {
                if let Some(read) = ToShim::decode(&encoded[..cut]) {
                    assert!(matches!(read, ToShim::Hello { .. } | ToShim::Ping { .. }), "{read:?}");
                }
            }
        }
    }

    #[test]
    fn an_unknown_tag_is_ignored() {
        assert_eq!(ToShim::decode(b"~later"), None);
        assert_eq!(ToShim::decode(b""), None);
    }
}
