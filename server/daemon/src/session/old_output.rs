//! Which old output must go, and its removal.

use std::sync::Arc;

use codeplane_core::{Offset, SegmentFacts, excess};
use codeplane_shim::{Segment, remove_segment, segments};

use super::live::Live;

/// How much output is kept, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Of one session.
    pub(crate) session: u64,
    /// Of all together.
    pub(crate) total: u64,
}

/// A segment: the number of its session, and its own.
type Key = (usize, usize);

/// Up to where the output of which sessions must go: first each session down to its limit, then all
/// together, what was written longest ago first. Blocks.
pub(crate) fn too_much(all: &[Arc<Live>], limits: Limits) -> Vec<(usize, Offset)> {
    let mut lists: Vec<Vec<Segment>> =
        all.iter().map(|live| segments(&live.output_dir()).unwrap_or_default()).collect();
    let mut gone = vec![0; all.len()];
    for (index, list) in lists.iter_mut().enumerate() {
        let total = list.iter().map(|segment| segment.len_bytes).sum();
        gone[index] = excess(&removable(list), total, limits.session).len();
        list.drain(..gone[index]);
    }
    let total: u64 = lists.iter().flatten().map(|segment| segment.len_bytes).sum();
    let mut more = vec![0; all.len()];
    for (session, _) in excess(&by_age(&lists), total, limits.total) {
        more[session] += 1;
    }
    (0..all.len())
        .filter(|index| gone[*index] + more[*index] > 0)
        .filter_map(|index| Some((index, lists[index].get(more[index])?.base)))
        .collect()
}

/// Removes the segments before `boundary`. Blocks.
///
/// # Errors
/// Those of the file system; some may have been removed.
pub(crate) fn remove_before(live: &Live, boundary: Offset) -> std::io::Result<()> {
    let dir = live.output_dir();
    let old = segments(&dir)?.into_iter().filter(|segment| segment.base < boundary);
    old.map(|segment| segment.base).try_for_each(|base| remove_segment(&dir, base))
}

/// All but the newest, which the shim writes.
fn removable(list: &[Segment]) -> Vec<SegmentFacts<usize>> {
    let old = list.len().saturating_sub(1);
    let facts = list.iter().take(old).enumerate();
    facts.map(|(key, segment)| SegmentFacts { key, bytes: segment.len_bytes }).collect()
}

/// The removable segments of all sessions, the one written longest ago first.
fn by_age(lists: &[Vec<Segment>]) -> Vec<SegmentFacts<Key>> {
    let mut dated = Vec::new();
    for (session, list) in lists.iter().enumerate() {
        for SegmentFacts { key, bytes } in removable(list) {
            let written = std::fs::metadata(&list[key].path).and_then(|facts| facts.modified());
            dated.push((written.ok(), SegmentFacts { key: (session, key), bytes }));
        }
    }
    dated.sort_by_key(|(written, facts)| (*written, facts.key));
    dated.into_iter().map(|(_, facts)| facts).collect()
}
