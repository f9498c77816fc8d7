//! Characters that are cut by the end of a piece.

/// The first bytes of a character, at the end of what was scanned.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Partial {
    bytes: [u8; 3],
    length: u8,
}

impl Partial {
    /// How many bytes of the character are there.
    pub(super) fn length(self) -> usize {
        usize::from(self.length)
    }

    /// What is left unfinished after `text`, which follows what `self` holds.
    pub(super) fn after(self, text: &[u8]) -> Self {
        if text.last().is_none_or(u8::is_ascii) {
            return if text.is_empty() { self } else { Self::default() };
        }
        let mut window = [0; 6];
        let carried = self.length();
        let tail = &text[text.len().saturating_sub(3)..];
        window[..carried].copy_from_slice(&self.bytes[..carried]);
        window[carried..carried + tail.len()].copy_from_slice(tail);
        let window = if tail.len() == 3 { tail } else { &window[..carried + tail.len()] };
        (1..=window.len().min(3))
            .map(|length| &window[window.len() - length..])
            .find(|suffix| is_begun_character(suffix))
            .map_or_else(Self::default, Self::of)
    }

    fn of(suffix: &[u8]) -> Self {
        let mut partial = Self::default();
        for (slot, byte) in partial.bytes.iter_mut().zip(suffix) {
            *slot = *byte;
            partial.length += 1;
        }
        partial
    }
}

/// Whether `text` ends in the beginning of a character.
#[cfg(feature = "emulator")]
pub(crate) fn ends_in_begun_character(text: &[u8]) -> bool {
    Partial::default().after(text).length() > 0
}

/// Whether `bytes` are the beginning, and not the whole, of one character.
fn is_begun_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}
