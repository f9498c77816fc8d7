//! Goes through a chain and names the first record that is not what was written.

use super::{AuditKind, AuditPublicKey, AuditRecord, AuditSeq, ChainHash, Checkpoint};
use crate::HostId;

/// A record as it is stored: the bytes, and the hash that was noted beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// The number it is stored under.
    pub seq: AuditSeq,
    /// The bytes, see [`AuditRecord::encode`].
    pub record: Vec<u8>,
    /// The hash after it.
    pub hash: ChainHash,
}

/// What a chain must begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// Everything that is kept: the first record, or the one behind a removal that the chain records.
    Whole,
    /// A part: from behind any checkpoint.
    Part,
}

/// Why a chain is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {seq}: {flaw}")]
pub struct Finding {
    /// The first record that is not as it was written.
    pub seq: AuditSeq,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Its bytes are no record.
    #[error("it was changed: {0}")]
    Unreadable(String),
    /// Its hash is not that of its bytes and the hash before it.
    #[error("it or its hash was changed, or a record before it was exchanged")]
    Changed,
    /// It says that it is another record.
    #[error("it is record {0}, moved here")]
    Moved(AuditSeq),
    /// It is found under what it does not say.
    #[error("its {0} is another one in the table than in the record")]
    Misfiled(&'static str),
    /// It is not there, and later ones are.
    #[error("it is missing")]
    Missing,
    /// It comes after a later one, or twice.
    #[error("it comes again or too late")]
    OutOfOrder,
    /// Another daemon wrote it.
    #[error("it is of another host ({0})")]
    OtherHost(HostId),
    /// The chain does not begin with the first record, and nothing signed says what came before.
    #[error("the chain begins here, and no checkpoint says what came before")]
    NoBeginning,
    /// Everything before it is gone, and no record says that it was removed.
    #[error("everything before it is gone, and no record says that it was removed")]
    Cut,
    /// A checkpoint covers it, and it is not there.
    #[error("a checkpoint signs it, and it is missing")]
    SignedMissing,
    /// A checkpoint signs another hash: a record after the one before was exchanged.
    #[error("a checkpoint signs another hash: a record after {0} was rewritten")]
    Rewritten(AuditSeq),
    /// A checkpoint's signature is wrong.
    #[error("the signature of its checkpoint is wrong")]
    BadSignature,
    /// A checkpoint is of a key that is not trusted.
    #[error("its checkpoint is signed with an unknown key ({0})")]
    UnknownKey(AuditPublicKey),
}

/// A chain that is as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many records.
    pub records: u64,
    /// How many checkpoints.
    pub checkpoints: u64,
    /// The first record; 0 if there is none.
    pub first: AuditSeq,
    /// The last.
    pub last: AuditSeq,
    /// The hash after it.
    pub hash: ChainHash,
    /// The last record that a checkpoint signs: what follows is chained, and not signed yet.
    pub signed_through: AuditSeq,
}

/// A look at a chain, record by record. Its memory does not grow.
///
/// Records and checkpoints are given in order, a checkpoint after its record; the checkpoint that a
/// chain begins behind comes first of all. After the first finding it is of no more use.
#[derive(Debug)]
pub struct Verifier<'k> {
    host: HostId,
    keys: &'k [AuditPublicKey],
    beginning: Beginning,
    first: AuditSeq,
    last: AuditSeq,
    hash: ChainHash,
    records: u64,
    checkpoints: u64,
    signed_through: AuditSeq,
    /// Through where records say that they were removed.
    removed_through: AuditSeq,
}

impl<'k> Verifier<'k> {
    /// Of a host's chain, with the keys that are trusted.
    #[must_use]
    pub fn new(host: HostId, keys: &'k [AuditPublicKey], beginning: Beginning) -> Self {
        Self {
            host,
            keys,
            beginning,
            first: AuditSeq::NONE,
            last: AuditSeq::NONE,
            hash: ChainHash::genesis(host),
            records: 0,
            checkpoints: 0,
            signed_through: AuditSeq::NONE,
            removed_through: AuditSeq::NONE,
        }
    }

    /// The next record. Answers what it says.
    ///
    /// # Errors
    /// [`Finding`]: it, or one before it, is not what was written.
    pub fn record(&mut self, stored: &StoredRecord) -> Result<AuditRecord, Finding> {
        let found = |flaw| Finding { seq: stored.seq, flaw };
        if stored.seq <= self.last {
            return Err(found(Flaw::OutOfOrder));
        }
        if stored.seq != self.last.next() {
            // Without anything before it, nobody knows whether one is missing.
            return Err(if self.last == AuditSeq::NONE {
                found(Flaw::NoBeginning)
            } else {
                Finding { seq: self.last.next(), flaw: Flaw::Missing }
            });
        }
        let record = AuditRecord::decode(&stored.record)
            .map_err(|error| found(Flaw::Unreadable(error.0)))?;
        if record.host != self.host {
            return Err(found(Flaw::OtherHost(record.host)));
        }
        if record.seq != stored.seq {
            return Err(found(Flaw::Moved(record.seq)));
        }
        let hash = self.hash.after(&stored.record);
        if hash != stored.hash {
            return Err(found(Flaw::Changed));
        }
        if self.records == 0 {
            self.first = stored.seq;
        }
        self.note_removal(&record);
        (self.last, self.hash) = (stored.seq, hash);
        self.records += 1;
        Ok(record)
    }

    /// The checkpoint of the record before, or of the one that the chain begins behind.
    ///
    /// # Errors
    /// [`Finding`]: it is not ours, or a record before it is not what was written.
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), Finding> {
        let statement = &checkpoint.statement;
        let found = |flaw| Finding { seq: statement.seq, flaw };
        if !self.keys.contains(&checkpoint.key) {
            return Err(found(Flaw::UnknownKey(checkpoint.key)));
        }
        if !checkpoint.is_signed(self.host) {
            return Err(found(Flaw::BadSignature));
        }
        if self.records == 0 && self.checkpoints == 0 {
            (self.last, self.hash) = (statement.seq, statement.hash);
        } else if statement.seq > self.last {
            return Err(Finding { seq: self.last.next(), flaw: Flaw::SignedMissing });
        } else if statement.seq < self.last {
            return Err(found(Flaw::OutOfOrder));
        } else if statement.hash != self.hash {
            let flaw = Flaw::Rewritten(self.signed_through);
            return Err(Finding { seq: self.signed_through.next(), flaw });
        }
        self.signed_through = statement.seq;
        self.checkpoints += 1;
        Ok(())
    }

    /// The end of the chain.
    ///
    /// # Errors
    /// [`Finding`]: its beginning is gone.
    pub fn finish(self) -> Result<Verified, Finding> {
        match self.beginning {
            Beginning::Whole => self.check_beginning()?,
            Beginning::Part => {}
        }
        Ok(Verified {
            records: self.records,
            checkpoints: self.checkpoints,
            first: self.first,
            last: self.last,
            hash: self.hash,
            signed_through: self.signed_through,
        })
    }

    /// Whoever removes records by hand cannot write the record that says so.
    fn check_beginning(&self) -> Result<(), Finding> {
        if self.records == 0 && self.checkpoints > 0 {
            return Err(Finding { seq: self.last, flaw: Flaw::SignedMissing });
        }
        let is_recorded = self.first.0 <= 1 || self.first == self.removed_through.next();
        if is_recorded { Ok(()) } else { Err(Finding { seq: self.first, flaw: Flaw::Cut }) }
    }

    fn note_removal(&mut self, record: &AuditRecord) {
        if record.kind == AuditKind::RecordsRemoved.name()
            && let Some(through) = record.detail("through").and_then(|text| text.parse().ok())
        {
            self.removed_through = AuditSeq(through);
        }
    }
}
