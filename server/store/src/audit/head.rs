//! Where the chain has come to.

use codeplane_core::HostId;
use codeplane_core::audit::{AuditSeq, ChainHash};
use diesel::prelude::*;

use crate::schema::{audit_checkpoints, audit_records};

/// The newest record of the chain. The writer has it in memory and takes it back with a job that is
/// undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// Its number; [`AuditSeq::NONE`] before the first.
    pub seq: AuditSeq,
    /// The hash after it.
    pub hash: ChainHash,
}

impl AuditHead {
    /// Reads it back: the newest record, or before the first the beginning of the chain.
    pub(crate) fn load(connection: &mut SqliteConnection, host: HostId) -> QueryResult<Self> {
        let record: Option<(i64, Vec<u8>)> = audit_records::table
            .select((audit_records::seq, audit_records::hash))
            .order(audit_records::seq.desc())
            .first(connection)
            .optional()?;
        // Never without records, unless somebody else removed them: then no number is given twice.
        let newest = match record {
            Some(newest) => Some(newest),
            None => audit_checkpoints::table
                .select((audit_checkpoints::seq, audit_checkpoints::hash))
                .order(audit_checkpoints::seq.desc())
                .first(connection)
                .optional()?,
        };
        let Some((seq, hash)) = newest else {
            return Ok(Self { seq: AuditSeq::NONE, hash: ChainHash::genesis(host) });
        };
        let damaged = |what: &str| diesel::result::Error::DeserializationError(what.into());
        Ok(Self {
            seq: AuditSeq(seq.try_into().map_err(|_| damaged("a negative audit number"))?),
            hash: ChainHash(hash.try_into().map_err(|_| damaged("an audit hash is not 32 bytes"))?),
        })
    }
}
