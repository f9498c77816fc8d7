//! The kitty keyboard protocol's flags, which programs stack.

/// Entries a stack holds; the oldest falls out, as in kitty.
const DEPTH: usize = 8;
/// The flags that have a meaning.
const FLAGS: u8 = 0x1f;

/// How `CSI = flags ; how u` changes the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Replace,
    Add,
    Remove,
}

/// Which keys are reported how (kitty's "progressive enhancement").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct KeyboardFlags(u8);

impl KeyboardFlags {
    /// As terminals always did.
    pub const NONE: Self = Self(0);
    /// No sequence is the prefix of another key's.
    pub const DISAMBIGUATE: Self = Self(1);
    /// Repeats and releases too.
    pub const EVENT_TYPES: Self = Self(1 << 1);
    /// Shifted keys and those of other layouts too.
    pub const ALTERNATE_KEYS: Self = Self(1 << 2);
    /// Keys that produce text too.
    pub const ALL_KEYS: Self = Self(1 << 3);
    /// With the text they produce.
    pub const TEXT: Self = Self(1 << 4);

    /// The flags of a number; bits without a meaning are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & FLAGS)
    }

    /// As the number the protocol uses.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether any of `other` is on.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The flags of one screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyboardStack {
    /// The lowest is that of the program that was there first.
    entries: Vec<KeyboardFlags>,
}

impl KeyboardStack {
    /// The flags in force.
    pub(crate) fn current(&self) -> KeyboardFlags {
        self.entries.last().copied().unwrap_or_default()
    }

    pub(crate) fn change(&mut self, flags: KeyboardFlags, change: Change) {
        let current = self.current().0;
        let changed = match change {
            Change::Replace => flags.0,
            Change::Add => current | flags.0,
            Change::Remove => current & !flags.0,
        };
        self.entries.pop();
        self.entries.push(KeyboardFlags(changed));
    }

    pub(crate) fn push(&mut self, flags: KeyboardFlags) {
        if self.entries.is_empty() {
            self.entries.push(KeyboardFlags::NONE);
        }
        if self.entries.len() == DEPTH {
            self.entries.remove(0);
        }
        self.entries.push(flags);
    }

    pub(crate) fn pop(&mut self, count: u16) {
        let left = self.entries.len().saturating_sub(usize::from(count));
        self.entries.truncate(left);
    }

    pub(crate) fn entries(&self) -> &[KeyboardFlags] {
        &self.entries
    }

    /// From what [`entries`](Self::entries) gave.
    pub(crate) fn from_entries(entries: impl Iterator<Item = KeyboardFlags>) -> Self {
        Self { entries: entries.take(DEPTH).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_popped_to_what_was_before() {
        let mut stack = KeyboardStack::default();
        stack.change(KeyboardFlags(1), Change::Replace);

        stack.push(KeyboardFlags(5));
        stack.change(KeyboardFlags(2), Change::Add);
        let inside = stack.current();
        stack.pop(1);

        assert_eq!((inside, stack.current()), (KeyboardFlags(7), KeyboardFlags(1)));
    }

    #[test]
    fn a_program_that_never_pops_does_not_fill_the_memory() {
        let mut stack = KeyboardStack::default();

        for _ in 0..10_000 {
            stack.push(KeyboardFlags::DISAMBIGUATE);
        }
        stack.pop(65_535);

        assert_eq!(stack.current(), KeyboardFlags::NONE);
        assert!(stack.entries.capacity() <= 2 * DEPTH);
    }
}
