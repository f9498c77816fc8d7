//! One record of the index, 40 bytes.

use codeplane_core::{AttachmentId, ExitStatus, Offset, TerminalSize, Timestamp};

/// Bytes of a record. Fixed, so that the file can be searched, and so that half a record at its
/// end, as a power cut leaves it, is known as such.
pub(crate) const RECORD_BYTES: usize = 40;

const VERSION: u8 = 1;

/// Something that happened at a position of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexRecord {
    /// What.
    pub kind: IndexRecordKind,
    /// When, by the wall clock, which may be set back.
    pub at: Timestamp,
    /// Where: the end of the output at that time, but for [`IndexRecordKind::Time`]. Never less
    /// than in the record before.
    pub offset: Offset,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexRecordKind {
    /// The program was started on a terminal of this size.
    Start(TerminalSize),
    /// The output from this offset on came at this time, up to the next such record. While output
    /// flows there is at most one every 10 ms.
    Time,
    /// The terminal got another size.
    Resize {
        /// The size.
        size: TerminalSize,
        /// By whom.
        author: AttachmentId,
    },
    /// Input by this author: written when the author changes, and at most once a second.
    Input(AttachmentId),
    /// The disk was full: these bytes are in no file.
    Gap {
        /// First byte lost.
        from: Offset,
        /// First byte there again.
        to: Offset,
    },
    /// The program ended.
    Exit(ExitStatus),
    /// A kind that a later version added.
    Other(u8),
}

impl IndexRecord {
    pub(crate) fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut cells = [0_u16; 2];
        let mut author = [0; 16];
        let kind = match self.kind {
            IndexRecordKind::Time => 1,
            IndexRecordKind::Resize { size, author: by } => {
                cells = [size.cols(), size.rows()];
                author = *by.as_bytes();
                2
            }
            IndexRecordKind::Input(by) => {
                author = *by.as_bytes();
                3
            }
            IndexRecordKind::Gap { from, to } => {
                author[..8].copy_from_slice(&from.0.to_le_bytes());
                author[8..].copy_from_slice(&to.0.to_le_bytes());
                4
            }
            IndexRecordKind::Start(size) => {
                cells = [size.cols(), size.rows()];
                5
            }
            IndexRecordKind::Exit(status) => {
                cells = encode_status(status);
                6
            }
            IndexRecordKind::Other(kind) => kind,
        };
        let mut bytes = [0; RECORD_BYTES];
        bytes[0] = kind;
        bytes[1] = VERSION;
        bytes[2..4].copy_from_slice(&cells[0].to_le_bytes());
        bytes[4..6].copy_from_slice(&cells[1].to_le_bytes());
        bytes[8..16].copy_from_slice(&self.at.as_micros().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.offset.0.to_le_bytes());
        bytes[24..].copy_from_slice(&author);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; RECORD_BYTES]) -> Self {
        let cells = [u16::from_le_bytes(part(bytes, 2)), u16::from_le_bytes(part(bytes, 4))];
        let size = TerminalSize::new(u32::from(cells[0]), u32::from(cells[1])).unwrap_or_default();
        let author = AttachmentId::from_bytes(part(bytes, 24));
        let kind = match bytes[0] {
            1 => IndexRecordKind::Time,
            2 => IndexRecordKind::Resize { size, author },
            3 => IndexRecordKind::Input(author),
            4 => IndexRecordKind::Gap {
                from: Offset(u64::from_le_bytes(part(bytes, 24))),
                to: Offset(u64::from_le_bytes(part(bytes, 32))),
            },
            5 => IndexRecordKind::Start(size),
            6 => IndexRecordKind::Exit(decode_status(cells)),
            other => IndexRecordKind::Other(other),
        };
        let at = Timestamp::from_micros(i64::from_le_bytes(part(bytes, 8)));
        Self { kind, at, offset: Offset(u64::from_le_bytes(part(bytes, 16))) }
    }
}

/// `N` bytes from `from`, both constants within a record.
fn part<const N: usize>(bytes: &[u8; RECORD_BYTES], from: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[from + i])
}

/// Codes are 0 to 255 and signals 1 to 64.
fn encode_status(status: ExitStatus) -> [u16; 2] {
    match status {
        ExitStatus::Code(code) => [0, u16::try_from(code).unwrap_or(u16::MAX)],
        ExitStatus::Signal(signal) => [1, u16::try_from(signal).unwrap_or(u16::MAX)],
    }
}

fn decode_status([kind, number]: [u16; 2]) -> ExitStatus {
    if kind == 0 { ExitStatus::Code(number.into()) } else { ExitStatus::Signal(number.into()) }
}

#[cfg(test)]
mod tests {
    use super::{
        AttachmentId, ExitStatus, IndexRecord, IndexRecordKind, Offset, TerminalSize, Timestamp,
    };

    #[test]
    fn a_record_keeps_its_bytes() {
        let record = IndexRecord {
            kind: IndexRecordKind::Resize {
                size: TerminalSize::new(80, 24).unwrap(),
                author: AttachmentId::from_bytes([0x22; 16]),
            },
            at: Timestamp::from_micros(258),
            offset: Offset(513),
        };

        let hex: String = record.encode().iter().map(|byte| format!("{byte:02x}")).collect();

        let expected = [
            "02",
            "01",
            "5000",
            "1800",
            "0000",
            "0201000000000000",
            "0102000000000000",
            "22222222222222222222222222222222",
        ];
        assert_eq!(hex, expected.concat());
    }

    #[test]
    fn every_kind_reads_back() {
        let author = AttachmentId::from_bytes([0x22; 16]);
        let size = TerminalSize::new(132, 50).unwrap();
        for kind in [
            IndexRecordKind::Start(size),
            IndexRecordKind::Time,
            IndexRecordKind::Resize { size, author },
            IndexRecordKind::Input(author),
            IndexRecordKind::Gap { from: Offset(1), to: Offset(2) },
            IndexRecordKind::Exit(ExitStatus::Code(255)),
            IndexRecordKind::Exit(ExitStatus::Signal(15)),
            IndexRecordKind::Other(77),
        ] {
            let record = IndexRecord { kind, at: Timestamp::from_micros(-5), offset: Offset(7) };
            assert_eq!(IndexRecord::decode(&record.encode()), record);
        }
    }
}
