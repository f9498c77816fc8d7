//! A screen on disk: from here on the output can be read without what came before.

mod fields;
mod modes;

use codeplane_core::{Offset, TerminalSize};

use self::fields::{Reader, Writer};
use crate::modes::Modes;

const MAGIC: &[u8; 4] = b"CPck";
/// Raised when an older reader would misread the file; a field that it can do without is just added.
const VERSION: u8 = 1;

/// Everything that later output depends on, at one position of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Where it was taken: neither in a sequence nor in a character.
    pub offset: Offset,
    /// The size of the terminal.
    pub size: TerminalSize,
    /// What draws the screens on a new terminal of that size.
    pub dump: Vec<u8>,
    /// The modes.
    pub modes: Modes,
    /// The character that a repeat (REP) repeats.
    pub preceding: Option<char>,
}

/// A file that is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is something else.
    #[error("not a checkpoint")]
    Foreign,
    /// It is of a later version of Codeplane.
    #[error("checkpoint of version {0}, newer than this program")]
    Newer(u8),
    /// It was cut short or changed.
    #[error("damaged checkpoint")]
    Damaged,
}

mod tag {
    pub(super) const OFFSET: u8 = 1;
    pub(super) const SIZE: u8 = 2;
    pub(super) const DUMP: u8 = 3;
    pub(super) const MODES: u8 = 4;
    pub(super) const PRECEDING: u8 = 5;
}

impl Checkpoint {
    /// For a file. Readers of later versions understand it, and earlier ones of the same format.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.field(tag::OFFSET, |out| out.u64(self.offset.0));
        writer.field(tag::SIZE, |out| {
            out.u16(self.size.cols());
            out.u16(self.size.rows());
        });
        writer.field(tag::MODES, |out| modes::write(&self.modes, out));
        if let Some(preceding) = self.preceding {
            writer.field(tag::PRECEDING, |out| out.u32(u32::from(preceding)));
        }
        writer.field(tag::DUMP, |out| out.bytes(&self.dump));
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        bytes.extend(writer.into_bytes());
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`CheckpointError`] if it is not whole or none that this version knows.
    pub fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(CheckpointError::Foreign)?;
        let (&version, rest) = rest.split_first().ok_or(CheckpointError::Damaged)?;
        if version > VERSION {
            return Err(CheckpointError::Newer(version));
        }
        let (body, sum) = rest.split_last_chunk::<8>().ok_or(CheckpointError::Damaged)?;
        let (whole, _) = bytes.split_at(bytes.len() - sum.len());
        if checksum(whole) != u64::from_le_bytes(*sum) {
            return Err(CheckpointError::Damaged);
        }
        Self::read(body).ok_or(CheckpointError::Damaged)
    }

    fn read(body: &[u8]) -> Option<Self> {
        let fields: Vec<_> = Reader::new(body).fields().collect::<Option<_>>()?;
        let field = |tag: u8| fields.iter().find(|field| field.0 == tag).map(|field| field.1);
        let mut size = Reader::new(field(tag::SIZE)?);
        let size = TerminalSize::new(size.u16()?.into(), size.u16()?.into()).ok()?;
        Some(Self {
            offset: Offset(Reader::new(field(tag::OFFSET)?).u64()?),
            size,
            dump: field(tag::DUMP)?.to_vec(),
            modes: modes::read(field(tag::MODES)?, size)?,
            preceding: match field(tag::PRECEDING) {
                Some(bytes) => Some(char::from_u32(Reader::new(bytes).u32()?)?),
                None => None,
            },
        })
    }
}

/// FNV-1a: guards against a torn write, not against anybody.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::Scanner;
    use proptest::prelude::*;

    /// A checkpoint after output that changes a bit of everything.
    fn checkpoint() -> Checkpoint {
        let size = TerminalSize::new(100, 30).unwrap();
        let mut scanner = Scanner::new(TerminalSize::DEFAULT);
        let output = "\x1b]2;日\x07\x1b[22t\x1b]2;b\x07\x1b[1;4:3;38;5;3;48;2;1;2;3;58;5;9m\x1b7\
            \x1b]8;id=x;http://y\x07\x1b[?1049h\x1b[>5u\x1b[=3u\x1b[>4;2m\x1b[3 q\x1b[?2004;1007h\
            \x1b[?2004s\x1b(0\x1b)0\x0e\x1b[?6h\x1b7\x1b[31m\x1b[3g\x1b]11;#123\x07\x1b]4;9;#fff\x07\
            \x1b[4;20h\x1b[2;9r";
        scanner.scan(Offset(7), output.as_bytes(), &mut |_, _| {});
        scanner.resize(size);
        scanner.scan(Offset(900), b"\x1b[4;8r", &mut |_, _| {});
        Checkpoint {
            offset: scanner.end(),
            size,
            dump: b"\x1b[Hdump".to_vec(),
            modes: scanner.modes().clone(),
            preceding: Some('日'),
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        let checkpoint = checkpoint();

        assert_eq!(Checkpoint::decode(&checkpoint.encode()), Ok(checkpoint));
    }

    #[test]
    fn a_field_of_a_later_version_is_passed_over() {
        let checkpoint = checkpoint();
        let mut bytes = checkpoint.encode();
        bytes.truncate(bytes.len() - 8);
        bytes.extend_from_slice(&[200, 3, 0, 0, 0, 1, 2, 3]);
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());

        assert_eq!(Checkpoint::decode(&bytes), Ok(checkpoint));
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let mut newer = checkpoint().encode();
        newer[4] = 9;

        assert_eq!(Checkpoint::decode(b""), Err(CheckpointError::Foreign));
        assert_eq!(Checkpoint::decode(b"something"), Err(CheckpointError::Foreign));
        assert_eq!(Checkpoint::decode(&newer), Err(CheckpointError::Newer(9)));
    }

    proptest! {
        #[test]
        fn damage_anywhere_is_noticed(at in any::<prop::sample::Index>(), bit in 0_u8..8, keep in any::<prop::sample::Index>()) {
            let whole = checkpoint().encode();
            let mut changed = whole.clone();
            changed[at.index(whole.len())] ^= 1_u8 << bit;

            prop_assert!(Checkpoint::decode(&changed).is_err());
            prop_assert!(Checkpoint::decode(&whole[..keep.index(whole.len())]).is_err());
        }
    }
}
