//! Keys by name, and the bytes a terminal sends for them.

mod encode;
mod interrupt;
mod parse;

pub use encode::encode;
pub use interrupt::only_interrupts;

/// A key with the modifiers that are held with it.
///
/// Its text form is `ctrl+shift+left`, `alt+x`, `enter`, `f5`, a single character; tmux's `C-c`,
/// `M-x` and `S-Tab` are understood too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// What is held with it.
    pub modifiers: Modifiers,
}

/// A key of a keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyCode {
    /// One that types a character.
    Char(char),
    /// Enter.
    Enter,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Escape.
    Escape,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor right.
    Right,
    /// Cursor left.
    Left,
    /// Home.
    Home,
    /// End.
    End,
    /// Insert.
    Insert,
    /// Delete.
    Delete,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Function key 1 to 20.
    Function(u8),
    /// A key of the number pad.
    Keypad(KeypadKey),
}

/// A key of the number pad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeypadKey {
    /// 0 to 9.
    Digit(u8),
    /// Decimal point.
    Decimal,
    /// Divide.
    Divide,
    /// Multiply.
    Multiply,
    /// Subtract.
    Subtract,
    /// Add.
    Add,
    /// Enter.
    Enter,
    /// Equal.
    Equal,
}

/// Keys that change others while they are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Modifiers(u8);

impl Modifiers {
    /// None.
    pub const NONE: Self = Self(0);
    /// Shift.
    pub const SHIFT: Self = Self(1);
    /// Alt, also called meta or option.
    pub const ALT: Self = Self(1 << 1);
    /// Control.
    pub const CTRL: Self = Self(1 << 2);
    /// Super, also called command or windows. Only the kitty protocol can tell it.
    pub const SUPER: Self = Self(1 << 3);

    /// These and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These but those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` are held.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether none is held.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The number terminals send for them.
    const fn parameter(self) -> u8 {
        self.0 + 1
    }
}

/// A key's name that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing at all.
    #[error("a key needs a name, such as enter, ctrl+c or x")]
    Empty,
    /// No key is called so.
    #[error("unknown key {name:?}{}", suggestion(near))]
    UnknownKey {
        /// What was given.
        name: String,
        /// Names that look like it, the nearest first.
        near: Vec<&'static str>,
    },
    /// Nothing that is held is called so.
    #[error("unknown modifier {name:?} in {key:?}; there are ctrl, alt, shift and super")]
    UnknownModifier {
        /// What was given.
        name: String,
        /// The whole.
        key: String,
    },
}

fn suggestion(near: &[&str]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) }
}
