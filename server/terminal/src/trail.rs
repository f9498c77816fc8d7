//! The modes along an output, so that reading may begin near its end.

use std::collections::VecDeque;

use codeplane_core::Offset;

use crate::modes::Modes;
use crate::scanner::{Fact, Scanner};

/// How far two places are apart at least.
const STEP_BYTES: u64 = 32 * 1024;
/// A gap is at most this part of its distance from the end.
const GAP_PART: u64 = 4;
/// Bytes scanned between two looks at whether a place is due.
const PIECE_BYTES: usize = 32 * 1024;

/// The modes of an output at some of its positions: dense near the end, ever fewer towards the
/// beginning, so that their number grows only with the logarithm of the output's length.
#[derive(Clone, Debug, Default)]
pub struct ModesTrail {
    places: VecDeque<(Offset, Modes)>,
}

impl ModesTrail {
    /// Without any place.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `scanner` follow `bytes`, which begin at `offset`, and remembers places on the way.
    pub fn scan(
        &mut self,
        scanner: &mut Scanner,
        offset: Offset,
        bytes: &[u8],
        sink: &mut impl FnMut(Fact, &Modes),
    ) {
        let mut at = offset;
        for piece in bytes.chunks(PIECE_BYTES) {
            scanner.scan(at, piece, sink);
            at = at.plus(piece.len());
            self.look(scanner);
        }
    }

    /// Remembers where `scanner` is, if the last place is far enough.
    ///
    /// A sequence or character that is cut there has no effect yet: the place is before it.
    pub fn look(&mut self, scanner: &Scanner) {
        let here = scanner.unfinished_since().unwrap_or(scanner.end());
        let last = self.places.back().map(|(offset, _)| *offset);
        if last.is_none_or(|last| here.since(last) >= STEP_BYTES) {
            self.places.push_back((here, scanner.modes().clone()));
            self.thin_out(here);
        }
    }

    /// The last place at or before `offset`, with the modes there: neither in a sequence nor in a
    /// character.
    #[must_use]
    pub fn before(&self, offset: Offset) -> Option<(Offset, &Modes)> {
        let index = self.places.partition_point(|(place, _)| *place <= offset);
        let (place, modes) = self.places.get(index.checked_sub(1)?)?;
        Some((*place, modes))
    }

    /// Forgets what lies before `offset`: the output there is gone.
    pub fn forget_before(&mut self, offset: Offset) {
        let kept = self.places.partition_point(|(place, _)| *place < offset);
        self.places.drain(..kept);
    }

    fn thin_out(&mut self, end: Offset) {
        for index in (1..self.places.len().saturating_sub(1)).rev() {
            let (older, newer) = (self.places[index - 1].0, self.places[index + 1].0);
            if newer.since(older) <= end.since(newer) / GAP_PART {
                self.places.remove(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeplane_core::TerminalSize;

    fn scanner() -> Scanner {
        Scanner::new(TerminalSize::DEFAULT)
    }

    #[test]
    fn a_place_has_the_modes_of_its_position() {
        let mut output = vec![b'x'; 1 << 20];
        output[300_000..300_008].copy_from_slice(b"\x1b[?2004h");
        let mut trail = ModesTrail::new();

        trail.scan(&mut scanner(), Offset::ZERO, &output, &mut |_, _| {});

        for end in (0..output.len()).step_by(10_000) {
            if let Some((place, modes)) = trail.before(Offset(end as u64)) {
                let mut reference = scanner();
                let length = usize::try_from(place.0).unwrap();
                reference.scan(Offset::ZERO, &output[..length], &mut |_, _| {});
                assert!(length <= end && reference.is_ground());
                assert_eq!(modes, reference.modes());
            }
        }
    }

    #[test]
    fn near_the_end_there_is_always_a_place_and_there_are_never_many() {
        let mut trail = ModesTrail::new();

        for piece in 1..80_000_u64 {
            let end = Offset(piece * 32 * 1024);
            trail.look(&Scanner::resume(end, scanner().modes().clone()));
            for distance in [256 << 10, 1 << 20, 4 << 20, 64 << 20, 512 << 20] {
                let wanted = Offset(end.0.saturating_sub(distance));
                if let Some((place, _)) = trail.before(wanted) {
                    let most = 2 * STEP_BYTES + distance / 2;
                    assert!(wanted.since(place) <= most, "{distance}: {}", wanted.since(place));
                }
            }
        }
        assert!(trail.places.len() < 150, "{}", trail.places.len());
    }

    #[test]
    fn what_is_forgotten_is_gone() {
        let mut trail = ModesTrail::new();
        trail.scan(&mut scanner(), Offset::ZERO, &vec![b'x'; 1 << 20], &mut |_, _| {});

        trail.forget_before(Offset(500_000));

        assert_eq!(trail.before(Offset(499_999)), None);
        assert!(trail.before(Offset(1 << 20)).is_some());
    }

    #[test]
    fn a_place_is_before_the_sequence_that_is_cut() {
        let mut trail = ModesTrail::new();
        let mut scanner = scanner();

        scanner.scan(Offset::ZERO, b"text\x1b[?20", &mut |_, _| {});
        trail.look(&scanner);

        assert_eq!(trail.before(Offset(9)).map(|(place, _)| place), Some(Offset(4)));
    }
}
