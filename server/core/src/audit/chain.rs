//! Each record is hashed together with the hash of the one before it.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::HostId;

/// In front of everything that is hashed into the chain.
const RECORD_DOMAIN: &[u8] = b"codeplane-audit-1";
/// In front of what the chain begins with.
const GENESIS_DOMAIN: &[u8] = b"codeplane-audit-1 genesis";

/// What the chain has come to at a record: SHA-256, 32 bytes. As text: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash(pub [u8; 32]);

/// The text is no hash or key: 64 hexadecimal digits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 64 hexadecimal digits")]
pub struct HexError;

impl ChainHash {
    /// Before the first record of a host: SHA-256 of `"codeplane-audit-1 genesis"` and the 16 bytes of
    /// the host's id, so that the records of two hosts cannot be exchanged.
    #[must_use]
    pub fn genesis(host: HostId) -> Self {
        Self(
            Sha256::new()
                .chain_update(GENESIS_DOMAIN)
                .chain_update(host.as_bytes())
                .finalize()
                .into(),
        )
    }

    /// After one more record: SHA-256 of `"codeplane-audit-1"`, this hash, the record's length in bytes
    /// as 8 bytes (big-endian), and the record's bytes.
    #[must_use]
    pub fn after(self, record: &[u8]) -> Self {
        let hash = Sha256::new()
            .chain_update(RECORD_DOMAIN)
            .chain_update(self.0)
            .chain_update((record.len() as u64).to_be_bytes())
            .chain_update(record);
        Self(hash.finalize().into())
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ChainHash {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        read_hex(text).map(Self)
    }
}

pub(super) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

pub(super) fn read_hex<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return Err(HexError);
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        // Lower case only: one value has one text.
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(HexError),
        };
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}
