//! What a program told its terminal, but for what it drew.

mod apply;
mod keyboard;
mod palette;
mod switches;
mod undo;

use std::sync::Arc;

use codeplane_core::{Offset, TerminalSize};

pub(crate) use apply::Effect;
pub use keyboard::KeyboardFlags;
pub(crate) use keyboard::KeyboardStack;
pub use palette::{Palette, PaletteEntry, Theme};
pub(crate) use switches::Switches;
pub(crate) use undo::cursor_style_number;
#[cfg(feature = "emulator")]
pub(crate) use undo::private_mode;

use crate::pen::Pen;

/// Longest title that is kept, in characters.
pub(crate) const TITLE_CHARS: usize = 1024;
/// Titles a program can stack (CSI 22 t); the oldest falls out, as in xterm.
const TITLE_STACK: usize = 10;

/// Which of its two screens a terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ScreenKind {
    /// The one with history.
    #[default]
    Primary,
    /// The one for full-screen programs.
    Alternate,
}

impl ScreenKind {
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Primary => 0,
            Self::Alternate => 1,
        }
    }
}

/// Rows that scroll, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    /// The first that scrolls.
    pub top: u16,
    /// The first below that does not.
    pub end: u16,
}

impl Region {
    /// All rows.
    pub(crate) const fn full(size: TerminalSize) -> Self {
        Self { top: 0, end: size.rows() }
    }

    /// What DECSTBM asks for, counted from 1 with 0 for the default; none if it is to be ignored.
    pub(crate) fn requested(top: usize, bottom: usize, size: TerminalSize) -> Option<Self> {
        let rows = usize::from(size.rows());
        let end = if bottom == 0 { rows } else { bottom.min(rows) };
        let top = top.max(1);
        let number = |value: usize| u16::try_from(value).ok();
        if top >= end { None } else { Some(Self { top: number(top - 1)?, end: number(end)? }) }
    }
}

/// What a graphic character set makes of ASCII.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Charset {
    /// Nothing; every set that is not line drawing counts as it.
    #[default]
    Ascii,
    /// Lines and corners.
    LineDrawing,
}

/// The sets G0 to G3 and which of the first two is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Charsets {
    /// G0 to G3.
    pub sets: [Charset; 4],
    /// G0 or G1.
    pub shift: Shift,
}

/// Which set characters are taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shift {
    /// G0, after SI.
    #[default]
    In,
    /// G1, after SO.
    Out,
}

/// The looks of the cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CursorStyle {
    /// Its form.
    pub shape: CursorShape,
    /// Whether it blinks.
    pub blinks: bool,
}

/// The form of the cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CursorShape {
    /// The whole cell.
    #[default]
    Block,
    /// Its lower edge.
    Underline,
    /// Its left edge.
    Bar,
}

/// What belongs to the cursor besides its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drawing {
    pub(crate) pen: Pen,
    pub(crate) charsets: Charsets,
    pub(crate) origin: Switch,
}

/// What DECSC kept, but for the place, which only the emulator knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SavedCursor {
    pub(crate) drawing: Drawing,
    /// Where it was saved; never means the home position.
    pub(crate) at: Option<Offset>,
}

/// Where the tab stops are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TabStops {
    /// Every eight columns.
    #[default]
    Initial,
    /// Only the emulator knows; last changed here.
    Changed(Offset),
}

/// What a program told its terminal, as of one position in its output.
///
/// It follows from the bytes alone, without a grid, and exactly: two terminals that read the same
/// bytes have equal modes, whatever their cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modes {
    pub(crate) size: TerminalSize,
    pub(crate) switches: Switches,
    pub(crate) insert: Switch,
    pub(crate) newline: Switch,
    pub(crate) screen: ScreenKind,
    /// None: all rows.
    pub(crate) region: Option<Region>,
    /// Pen and charsets; the origin mode is among the switches.
    pub(crate) pen: Pen,
    pub(crate) charsets: Charsets,
    pub(crate) saved: [SavedCursor; 2],
    pub(crate) keyboards: [KeyboardStack; 2],
    pub(crate) modify_other_keys: u8,
    pub(crate) cursor_style: Option<CursorStyle>,
    pub(crate) title: Option<Arc<str>>,
    pub(crate) title_stack: Vec<Option<Arc<str>>>,
    pub(crate) palette: Arc<Palette>,
    pub(crate) tabs: TabStops,
    /// Where the screens were last exchanged.
    pub(crate) switched_at: Option<Offset>,
    /// Where the size last changed.
    pub(crate) resized_at: Option<Offset>,
}

/// A mode that is on or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Switch {
    #[default]
    Off,
    On,
}

impl From<bool> for Switch {
    fn from(state: bool) -> Self {
        if state { Self::On } else { Self::Off }
    }
}

impl Modes {
    /// Those of a new terminal.
    #[must_use]
    pub fn new(size: TerminalSize) -> Self {
        Self {
            size,
            switches: Switches::default(),
            insert: Switch::Off,
            newline: Switch::Off,
            screen: ScreenKind::Primary,
            region: None,
            pen: Pen::default(),
            charsets: Charsets::default(),
            saved: <[SavedCursor; 2]>::default(),
            keyboards: <[KeyboardStack; 2]>::default(),
            modify_other_keys: 0,
            cursor_style: None,
            title: None,
            title_stack: Vec::new(),
            palette: Arc::default(),
            tabs: TabStops::Initial,
            switched_at: None,
            resized_at: None,
        }
    }

    /// The size of the terminal.
    #[must_use]
    pub const fn size(&self) -> TerminalSize {
        self.size
    }

    /// Whether DEC private mode `mode` is on; none if it is not known.
    #[must_use]
    pub fn private(&self, mode: u16) -> Option<bool> {
        match mode {
            12 => Some(self.cursor_style.is_some_and(|style| style.blinks)),
            47 | 1047 | 1049 => Some(self.screen == ScreenKind::Alternate),
            _ => self.switches.get(mode),
        }
    }

    /// Whether ANSI mode `mode` is on; none if it is not known.
    #[must_use]
    pub fn ansi(&self, mode: u16) -> Option<bool> {
        match mode {
            4 => Some(self.insert == Switch::On),
            20 => Some(self.newline == Switch::On),
            _ => None,
        }
    }

    /// Which screen is shown.
    #[must_use]
    pub const fn screen(&self) -> ScreenKind {
        self.screen
    }

    /// The rows that scroll.
    #[must_use]
    pub fn region(&self) -> Region {
        self.region.unwrap_or(Region::full(self.size))
    }

    /// How the next character will look.
    #[must_use]
    pub const fn pen(&self) -> &Pen {
        &self.pen
    }

    /// The character sets.
    #[must_use]
    pub const fn charsets(&self) -> Charsets {
        self.charsets
    }

    /// The keyboard flags of the screen that is shown.
    #[must_use]
    pub fn keyboard(&self) -> KeyboardFlags {
        self.keyboards[self.screen.index()].current()
    }

    /// xterm's modifyOtherKeys: 0 to 3.
    #[must_use]
    pub const fn modify_other_keys(&self) -> u8 {
        self.modify_other_keys
    }

    /// The cursor's looks; none if they are the user's.
    #[must_use]
    pub const fn cursor_style(&self) -> Option<CursorStyle> {
        self.cursor_style
    }

    /// Whether the cursor is shown.
    #[must_use]
    pub fn is_cursor_visible(&self) -> bool {
        self.switches.is_on(25)
    }

    /// Whether a paste is to be bracketed.
    #[must_use]
    pub fn is_paste_bracketed(&self) -> bool {
        self.switches.is_on(2004)
    }

    /// Whether the program is in the middle of a synchronized update.
    #[must_use]
    pub fn is_updating(&self) -> bool {
        self.switches.is_on(2026)
    }

    /// The title; none if the program set none. It may hold any character but C0 controls.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The colours the program changed.
    #[must_use]
    pub fn palette(&self) -> &Palette {
        &self.palette
    }

    /// The terminal got another size at `at`: margins fall, as in every terminal.
    pub fn resize(&mut self, at: Offset, size: TerminalSize) {
        if size != self.size {
            self.size = size;
            self.region = None;
            self.resized_at = Some(at);
        }
    }

    /// Whether a program could tell a terminal in these modes from one in `other`: everything but
    /// where things were changed last.
    #[must_use]
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let without_places = |modes: &Self| {
            let mut modes = modes.clone();
            for saved in &mut modes.saved {
                saved.at = saved.at.map(|_| Offset::ZERO);
            }
            if let TabStops::Changed(at) = &mut modes.tabs {
                *at = Offset::ZERO;
            }
            Self { switched_at: None, resized_at: None, ..modes }
        };
        without_places(self) == without_places(other)
    }

    pub(crate) fn drawing(&self) -> Drawing {
        Drawing {
            pen: self.pen.clone(),
            charsets: self.charsets,
            origin: Switch::from(self.switches.is_on(6)),
        }
    }
}
