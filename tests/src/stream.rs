//! Deterministic bytes: who knows the seed knows every byte that must arrive.

/// The first `len` bytes of the stream of `seed`: printable lines that end in `\n`.
#[must_use]
pub fn stream(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    Stream::new(seed).fill(&mut bytes);
    bytes
}

/// An endless stream of printable ASCII in lines of 64 bytes, different for each seed.
///
/// Lines are numbered, so that a lost or repeated piece is seen at a glance.
#[derive(Clone, Debug)]
pub struct Stream {
    state: u64,
    line: u64,
    rest: Vec<u8>,
}

impl Stream {
    /// The stream of `seed` from its first byte.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed, line: 0, rest: Vec::new() }
    }

    /// Writes the next bytes into `bytes`.
    pub fn fill(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            if self.rest.is_empty() {
                self.rest = self.next_line();
            }
            let len = bytes.len().min(self.rest.len());
            bytes[..len].copy_from_slice(&self.rest[..len]);
            self.rest.drain(..len);
            bytes = &mut bytes[len..];
        }
    }

    fn next_line(&mut self) -> Vec<u8> {
        self.line += 1;
        let words = [self.next(), self.next(), self.next()];
        format!("{:010} {:016x} {:016x} {:016x} \n", self.line, words[0], words[1], words[2])
            .into_bytes()
    }

    /// A step of `SplitMix64`.
    pub const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, for choices that must be the same in every run.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_however_they_are_asked_for() {
        let whole = stream(7, 1000);
        let mut pieces = vec![0; 1000];
        let mut source = Stream::new(7);

        for piece in pieces.chunks_mut(33) {
            source.fill(piece);
        }

        assert_eq!(pieces, whole);
    }

    #[test]
    fn another_seed_gives_other_bytes() {
        assert_ne!(stream(1, 200), stream(2, 200));
    }
}
