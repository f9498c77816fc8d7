//! A chain with checkpoints, as a daemon writes one.

use codeplane_core::audit::{
    AuditKey, AuditKind, AuditPublicKey, AuditRecord, AuditSeq, Beginning, ChainHash, Checkpoint,
    Finding, NewAudit, Statement, StoredRecord, Verified, Verifier,
};
use codeplane_core::{HostId, SessionId, Timestamp};

pub(crate) const HOST: [u8; 16] = [7; 16];

#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub host: HostId,
    pub keys: Vec<AuditPublicKey>,
    pub records: Vec<StoredRecord>,
    pub checkpoints: Vec<Checkpoint>,
}

pub(crate) fn key() -> AuditKey {
    AuditKey::from_seed(&[1; 32])
}

pub(crate) fn fact(number: u64) -> NewAudit {
    NewAudit::by("uid:1000", Timestamp::from_micros(1_000), AuditKind::SessionCreated)
        .about(SessionId::from_bytes([9; 16]), None)
        .with("command", format!("echo {number}"))
}

/// `length` records, and a checkpoint after each `every`.
pub(crate) fn chain(length: u64, every: u64) -> Chain {
    let host = HostId::from_bytes(HOST);
    let facts = (1..=length).map(fact).collect::<Vec<_>>();
    let mut chain =
        Chain { host, keys: vec![key().public()], records: vec![], checkpoints: vec![] };
    for fact in &facts {
        chain.append(fact);
        if (chain.records.len() as u64).is_multiple_of(every) {
            chain.sign();
        }
    }
    chain
}

impl Chain {
    pub(crate) fn last(&self) -> (AuditSeq, ChainHash) {
        match (self.records.last(), self.checkpoints.last()) {
            (Some(record), _) => (record.seq, record.hash),
            (None, Some(checkpoint)) => (checkpoint.statement.seq, checkpoint.statement.hash),
            (None, None) => (AuditSeq::NONE, ChainHash::genesis(self.host)),
        }
    }

    pub(crate) fn append(&mut self, fact: &NewAudit) {
        let (last, hash) = self.last();
        let record = AuditRecord::of(last.next(), self.host, fact).encode();
        let hash = hash.after(&record);
        self.records.push(StoredRecord { seq: last.next(), record, hash });
    }

    pub(crate) fn sign(&mut self) {
        let (seq, hash) = self.last();
        let (time, boot) = (Timestamp::from_micros(2_000), "boot".to_owned());
        self.checkpoints.push(key().sign(self.host, Statement { seq, hash, time, boot }));
    }

    /// Computes every hash anew, as whoever has no key can.
    pub(crate) fn rehash(&mut self) {
        let mut hash = ChainHash::genesis(self.host);
        for record in &mut self.records {
            hash = hash.after(&record.record);
            record.hash = hash;
        }
    }

    pub(crate) fn verify(&self) -> Result<Verified, Finding> {
        self.verify_as(Beginning::Whole)
    }

    pub(crate) fn verify_as(&self, beginning: Beginning) -> Result<Verified, Finding> {
        let mut verifier = Verifier::new(self.host, &self.keys, beginning);
        let mut checkpoints = self.checkpoints.iter().peekable();
        for record in &self.records {
            while let Some(due) = checkpoints.next_if(|due| due.statement.seq < record.seq) {
                verifier.checkpoint(due)?;
            }
            verifier.record(record).map(drop)?;
        }
        checkpoints.try_for_each(|late| verifier.checkpoint(late))?;
        verifier.finish()
    }
}
