//! Which requests may have been recorded: most are new, and need not be looked up.

use std::sync::atomic::{AtomicU64, Ordering};

use codeplane_core::RequestId;
use diesel::prelude::*;

use crate::schema::requests;

/// 64 KiB. With 20,000 requests recorded, one new request in 200 is looked up for nothing; with
/// 200,000 every third or fourth.
const BITS: usize = 1 << 19;

/// A set that never denies what is in it, and rarely claims what is not (a Bloom filter of two
/// hashes; the ids are random by themselves).
#[derive(Debug)]
pub(crate) struct KnownRequests(Box<[AtomicU64]>);

impl KnownRequests {
    /// Those that are recorded.
    pub(crate) fn load(connection: &mut SqliteConnection) -> QueryResult<Self> {
        let known = Self((0..BITS / 64).map(|_| AtomicU64::new(0)).collect());
        let ids = requests::table.select(requests::id).load::<String>(connection)?;
        for id in ids.iter().filter_map(|id| id.parse().ok()) {
            known.add(id);
        }
        Ok(known)
    }

    /// Adds one, before it is recorded.
    pub(crate) fn add(&self, id: RequestId) {
        for bit in bits(id) {
            self.0[bit / 64].fetch_or(1 << (bit % 64), Ordering::Relaxed);
        }
    }

    /// Whether this one may be recorded; a `false` is certain.
    pub(crate) fn may_contain(&self, id: RequestId) -> bool {
        bits(id).iter().all(|bit| self.0[bit / 64].load(Ordering::Relaxed) & (1 << (bit % 64)) != 0)
    }
}

/// Two places in the set, of bytes that are random in every version 4 UUID.
fn bits(id: RequestId) -> [usize; 2] {
    let bytes = id.as_bytes();
    let place = |at: usize| {
        let number = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        number as usize % BITS
    };
    [place(0), place(12)]
}
