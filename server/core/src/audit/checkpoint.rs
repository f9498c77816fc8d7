//! Signed: the chain had come to this hash.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use super::chain::{HexError, read_hex, write_hex};
use super::{AuditSeq, ChainHash};
use crate::{HostId, Timestamp};

/// In front of everything that is signed.
const DOMAIN: &[u8] = b"codeplane-audit-checkpoint-1";

/// The key that signs checkpoints: Ed25519. It is never shown, and forgotten when dropped.
pub struct AuditKey(SigningKey);

/// The key that checkpoints are checked with. As text: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AuditPublicKey(pub [u8; 32]);

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The newest record it covers.
    pub seq: AuditSeq,
    /// The hash after that record.
    pub hash: ChainHash,
    /// When it was signed.
    pub time: Timestamp,
    /// The boot id of the machine.
    pub boot: String,
}

/// A statement with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// What it says.
    pub statement: Statement,
    /// Who signed it.
    pub key: AuditPublicKey,
    /// Ed25519 over the bytes that [`Statement::encode`] makes.
    pub signature: [u8; 64],
}

impl Statement {
    /// What is signed: `"codeplane-audit-checkpoint-1"`, the 16 bytes of the host's id, the number of
    /// the record, the hash, the time in microseconds, the length of the boot id and the boot id.
    /// Numbers are 8 bytes, big-endian.
    #[must_use]
    pub fn encode(&self, host: HostId) -> Vec<u8> {
        let mut bytes = DOMAIN.to_vec();
        bytes.extend_from_slice(host.as_bytes());
        bytes.extend_from_slice(&self.seq.0.to_be_bytes());
        bytes.extend_from_slice(&self.hash.0);
        bytes.extend_from_slice(&self.time.as_micros().to_be_bytes());
        bytes.extend_from_slice(&(self.boot.len() as u64).to_be_bytes());
        bytes.extend_from_slice(self.boot.as_bytes());
        bytes
    }
}

impl AuditKey {
    /// The key of 32 bytes, which the caller has taken from a random source.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// What its signatures are checked with.
    #[must_use]
    pub fn public(&self) -> AuditPublicKey {
        AuditPublicKey(self.0.verifying_key().to_bytes())
    }

    /// Signs a statement of a host.
    #[must_use]
    pub fn sign(&self, host: HostId, statement: Statement) -> Checkpoint {
        let signature = self.0.sign(&statement.encode(host)).to_bytes();
        Checkpoint { statement, key: self.public(), signature }
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuditKey").field(&self.public()).finish()
    }
}

impl Checkpoint {
    /// Whether its own key signed it for this host. Whether the key is to be trusted is another
    /// question. Strict: nothing but the one signature that signing makes.
    #[must_use]
    pub fn is_signed(&self, host: HostId) -> bool {
        let signature = Signature::from_bytes(&self.signature);
        VerifyingKey::from_bytes(&self.key.0)
            .and_then(|key| key.verify_strict(&self.statement.encode(host), &signature))
            .is_ok()
    }
}

impl fmt::Display for AuditPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for AuditPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AuditPublicKey {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        read_hex(text).map(Self)
    }
}

/// A signature as text: 128 hexadecimal digits.
#[must_use]
pub fn signature_text(signature: &[u8; 64]) -> String {
    signature.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads what [`signature_text`] wrote.
///
/// # Errors
/// [`HexError`]
pub fn parse_signature(text: &str) -> Result<[u8; 64], HexError> {
    read_hex(text)
}
