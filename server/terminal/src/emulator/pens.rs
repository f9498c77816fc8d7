//! The emulator's cells and cursors in our words.

use std::sync::Arc;

use alacritty_terminal::grid::Cursor;
use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::vte::ansi::{CharsetIndex, Color, NamedColor, StandardCharset};

use crate::colour::{Colour, Rgb};
use crate::modes::{Charset, Shift};
use crate::pen::{Attributes, Hyperlink, Pen, Underline};

const ATTRIBUTES: [(Flags, Attributes); 6] = [
    (Flags::BOLD, Attributes::BOLD),
    (Flags::DIM, Attributes::DIM),
    (Flags::ITALIC, Attributes::ITALIC),
    (Flags::INVERSE, Attributes::INVERSE),
    (Flags::HIDDEN, Attributes::HIDDEN),
    (Flags::STRIKEOUT, Attributes::STRIKEOUT),
];

const UNDERLINES: [(Flags, Underline); 5] = [
    (Flags::UNDERLINE, Underline::Single),
    (Flags::DOUBLE_UNDERLINE, Underline::Double),
    (Flags::UNDERCURL, Underline::Curly),
    (Flags::DOTTED_UNDERLINE, Underline::Dotted),
    (Flags::DASHED_UNDERLINE, Underline::Dashed),
];

/// How a cell looks, or what a cursor writes with.
pub(super) fn pen_of(cell: &Cell) -> Pen {
    let attributes = ATTRIBUTES.iter().filter(|(flag, _)| cell.flags.contains(*flag));
    let underline = UNDERLINES.iter().find(|(flag, _)| cell.flags.contains(*flag));
    Pen {
        foreground: colour_of(cell.fg),
        background: colour_of(cell.bg),
        underline: underline.map_or(Underline::None, |(_, underline)| *underline),
        underline_colour: cell.underline_color().map_or(Colour::Default, colour_of),
        attributes: attributes.fold(Attributes::NONE, |all, (_, one)| all.with(*one)),
        hyperlink: cell.hyperlink().map(|link| {
            Arc::new(Hyperlink { id: link.id().to_owned(), uri: link.uri().to_owned() })
        }),
    }
}

fn colour_of(colour: Color) -> Colour {
    match colour {
        Color::Named(name) => ansi_index(name).map_or(Colour::Default, Colour::Ansi),
        Color::Indexed(index) => Colour::Indexed(index),
        Color::Spec(rgb) => Colour::Rgb(Rgb::new(rgb.r, rgb.g, rgb.b)),
    }
}

fn ansi_index(name: NamedColor) -> Option<u8> {
    u8::try_from(name as usize).ok().filter(|index| *index < 16)
}

/// Whether a cell is as in a new terminal.
pub(super) fn is_blank(cell: &Cell) -> bool {
    cell.c == ' '
        && cell.fg == Color::Named(NamedColor::Foreground)
        && cell.bg == Color::Named(NamedColor::Background)
        && cell.flags.is_empty()
        && is_plain(cell)
}

/// Whether a cell is as an erasure leaves it, in whatever background.
pub(super) fn is_erased(cell: &Cell) -> bool {
    cell.c == ' '
        && cell.fg == Color::Named(NamedColor::Foreground)
        && cell.flags.is_empty()
        && is_plain(cell)
}

/// Whether a cell has nothing but a character, colours and flags.
fn is_plain(cell: &Cell) -> bool {
    cell.extra.is_none()
        || (marks(cell).is_empty()
            && cell.underline_color().is_none()
            && cell.hyperlink().is_none())
}

/// The characters of no width over a cell's character.
pub(super) fn marks(cell: &Cell) -> &[char] {
    cell.zerowidth().unwrap_or_default()
}

/// Whether two cells are the same to every later output.
pub(super) fn is_same_cell(a: &Cell, b: &Cell) -> bool {
    a.c == b.c
        && a.fg == b.fg
        && a.bg == b.bg
        && a.flags == b.flags
        && ((a.extra.is_none() && b.extra.is_none())
            || (marks(a) == marks(b)
                && a.underline_color() == b.underline_color()
                && a.hyperlink() == b.hyperlink()))
}

/// Whether two cursors are the same to every later output.
pub(super) fn is_same_cursor(a: &Cursor<Cell>, b: &Cursor<Cell>) -> bool {
    a.point == b.point
        && a.charsets == b.charsets
        && a.input_needs_wrap == b.input_needs_wrap
        && is_same_cell(&a.template, &b.template)
}

/// The character sets of a cursor.
pub(super) fn sets_of(cursor: &Cursor<Cell>) -> [Charset; 4] {
    [CharsetIndex::G0, CharsetIndex::G1, CharsetIndex::G2, CharsetIndex::G3].map(|index| {
        match cursor.charsets[index] {
            StandardCharset::Ascii => Charset::Ascii,
            StandardCharset::SpecialCharacterAndLineDrawing => Charset::LineDrawing,
        }
    })
}

/// The emulator's name for a shift.
pub(super) const fn charset_index(shift: Shift) -> CharsetIndex {
    match shift {
        Shift::In => CharsetIndex::G0,
        Shift::Out => CharsetIndex::G1,
    }
}
