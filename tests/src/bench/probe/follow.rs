//! W8: which numbers of a counting program a client gets to see.

use std::{
    collections::BTreeSet,
    ops::Range,
    time::{Duration, Instant},
};

use memchr::memmem;

use super::ATTACH_PATIENCE;
use crate::bench::{
    Result,
    connection::{Connection, Door, Received},
    figures::Follow,
};

/// `CNT ` and eight digits.
const LINE: usize = 12;

/// Watches until a number not below `wanted.end` is seen; those from `wanted.start` on are new.
pub(super) fn watch(
    door: &Door,
    begin: Option<&str>,
    wanted: Range<u64>,
    limit: Duration,
) -> Result<Follow> {
    let started = Instant::now();
    let mut connection = Connection::open(door, 0)?;
    if let Some(id) = begin {
        connection.ping(id, ATTACH_PATIENCE)?;
        connection.send(b"c")?;
    }
    let mut follow = Follow::default();
    let mut numbers = BTreeSet::new();
    let mut seen = Vec::new();
    while started.elapsed() < limit && numbers.last().is_none_or(|last| *last < wanted.end) {
        if connection.receive(Duration::from_millis(100), &mut seen) == Received::Closed {
            follow.closed = true;
            break;
        }
        for number in counted(&seen) {
            if number >= wanted.start {
                follow.first_s.get_or_insert_with(|| started.elapsed().as_secs_f64());
            }
            numbers.insert(number);
        }
        // A number may be cut: its beginning stays.
        seen.drain(..seen.len().saturating_sub(LINE - 1));
    }
    follow.seconds = started.elapsed().as_secs_f64();
    connection.close();
    follow.lowest = numbers.first().copied().unwrap_or_default();
    follow.highest = numbers.last().copied().unwrap_or_default();
    follow.seen = numbers.len();
    Ok(follow)
}

fn counted(seen: &[u8]) -> impl Iterator<Item = u64> {
    memmem::find_iter(seen, b"CNT ").filter_map(|at| {
        let digits = seen.get(at + 4..at + LINE)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    })
}
