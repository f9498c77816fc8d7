//! Sequences that a terminal answers on the program's standard input.

mod recognise;
mod reply;

pub(crate) use recognise::{ITERM_QUERIES, can_ask, is_graphics_query, number};
pub use reply::{CellPixels, CursorPosition, ReplyContext, reply_to};

use crate::modes::PaletteEntry;
use crate::stream::Terminator;

/// A question of a program to its terminal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// ENQ.
    Enquiry,
    /// DA1: what are you?
    PrimaryAttributes,
    /// DA2: which version?
    SecondaryAttributes,
    /// DA3: which unit?
    TertiaryAttributes,
    /// XTVERSION: name and version?
    Version,
    /// DSR 5: are you well?
    Status,
    /// DSR 6: where is the cursor?
    CursorPosition,
    /// DECXCPR: where is the cursor, on which page?
    ExtendedCursorPosition,
    /// Another DEC device status, by its number.
    DeviceStatus(u16),
    /// DECRQM for an ANSI mode.
    AnsiMode(u16),
    /// DECRQM for a private mode.
    PrivateMode(u16),
    /// The kitty keyboard protocol's flags?
    KeyboardFlags,
    /// A setting of xterm's key modifiers, by its number; 4 is modifyOtherKeys.
    KeyModifiers(u16),
    /// Colours, each with the number to name it by in the answer.
    Colours(Vec<ColourQuery>, Terminator),
    /// OSC 52: what is on the clipboard?
    Clipboard,
    /// DECRQSS: the state of a setting, by the sequence that sets it.
    Setting(Vec<u8>),
    /// XTGETTCAP: capabilities, each as its hexadecimal name.
    Capabilities(Vec<String>),
    /// The window's title.
    WindowTitle,
    /// The icon's title.
    IconTitle,
    /// A report on the window, by its number (CSI t).
    Window(u16),
    /// DECREQTPARM, with its parameter.
    TerminalParameters(u16),
    /// XTSMGRAPHICS: which item.
    Graphics(u16),
    /// OSC 7501: do you know the program status protocol?
    ProgramStatus,
    /// Any other question; nobody answers it here.
    Other,
}

/// One colour asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ColourQuery {
    /// Which.
    pub entry: PaletteEntry,
    /// The dynamic colour's number, 10 to 12; none for one of the 256.
    pub dynamic: Option<u16>,
}

impl Query {
    /// Whether only the emulator can answer, because it takes the place of the cursor.
    #[must_use]
    pub const fn needs_cursor(&self) -> bool {
        matches!(self, Self::CursorPosition | Self::ExtendedCursorPosition)
    }

    /// Whether an answer would let a program type what it likes at its own prompt, or read what it
    /// must not: no terminal of a user ever gets to see these.
    #[must_use]
    pub const fn is_harmful(&self) -> bool {
        matches!(self, Self::WindowTitle | Self::IconTitle | Self::Setting(_) | Self::Clipboard)
    }
}
