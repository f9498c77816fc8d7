//! Which old output goes first.

/// One segment of an output log that may be removed: not the newest of its incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentFacts<Key> {
    /// What the caller calls it.
    pub key: Key,
    /// Size in bytes.
    pub bytes: u64,
}

/// Which of `segments`, oldest first, must go so that `total` comes down to `limit` bytes.
///
/// `total` counts all bytes, those of segments that may not be removed included; where these alone
/// are over the limit, everything removable goes.
pub fn excess<Key: Copy>(segments: &[SegmentFacts<Key>], total: u64, limit: u64) -> Vec<Key> {
    let mut left = total;
    segments
        .iter()
        .take_while(|segment| {
            let over = left > limit;
            left = left.saturating_sub(segment.bytes);
            over
        })
        .map(|segment| segment.key)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENTS: [SegmentFacts<u8>; 3] = [
        SegmentFacts { key: 1, bytes: 10 },
        SegmentFacts { key: 2, bytes: 10 },
        SegmentFacts { key: 3, bytes: 10 },
    ];

    #[test]
    fn the_oldest_go_until_the_rest_fits() {
        assert_eq!(excess(&SEGMENTS, 35, 35), Vec::<u8>::new());
        assert_eq!(excess(&SEGMENTS, 35, 34), [1]);
        assert_eq!(excess(&SEGMENTS, 35, 25), [1]);
        assert_eq!(excess(&SEGMENTS, 35, 24), [1, 2]);
    }

    #[test]
    fn what_may_not_be_removed_never_is() {
        assert_eq!(excess(&SEGMENTS, 135, 1), [1, 2, 3]);
    }
}
