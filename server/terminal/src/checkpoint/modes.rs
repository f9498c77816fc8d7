//! Modes in a file.

use std::sync::Arc;

use codeplane_core::{Offset, TerminalSize};

use super::fields::{Reader, Writer};
use crate::colour::{Colour, Rgb};
use crate::modes::{
    Charset, Charsets, CursorShape, CursorStyle, Drawing, KeyboardFlags, KeyboardStack, Modes,
    Palette, PaletteEntry, Region, SavedCursor, ScreenKind, Shift, Switch, TabStops,
};
use crate::pen::{Attributes, Hyperlink, Pen, Underline};

mod tag {
    pub(super) const SWITCHES: u8 = 1;
    pub(super) const ANSI: u8 = 2;
    pub(super) const SCREEN: u8 = 3;
    pub(super) const REGION: u8 = 4;
    pub(super) const PEN: u8 = 5;
    pub(super) const CHARSETS: u8 = 6;
    pub(super) const SAVED: [u8; 2] = [7, 8];
    pub(super) const KEYBOARD: [u8; 2] = [9, 10];
    pub(super) const MODIFY_OTHER_KEYS: u8 = 11;
    pub(super) const CURSOR_STYLE: u8 = 12;
    pub(super) const TITLE: u8 = 13;
    pub(super) const TITLE_STACK: u8 = 14;
    pub(super) const PALETTE: u8 = 15;
    pub(super) const TABS: u8 = 16;
    pub(super) const SWITCHED_AT: u8 = 17;
    pub(super) const RESIZED_AT: u8 = 18;
}

pub(super) fn write(modes: &Modes, out: &mut Writer) {
    out.field(tag::SWITCHES, |out| {
        for (mode, flags) in modes.switches.entries() {
            out.u16(mode);
            out.u8(flags);
        }
    });
    out.field(tag::ANSI, |out| {
        let on = |switch| u8::from(switch == Switch::On);
        out.u8(on(modes.insert) | on(modes.newline) << 1);
    });
    out.field(tag::SCREEN, |out| out.u8(u8::from(modes.screen == ScreenKind::Alternate)));
    if let Some(region) = modes.region {
        out.field(tag::REGION, |out| {
            out.u16(region.top);
            out.u16(region.end);
        });
    }
    out.field(tag::PEN, |out| write_pen(&modes.pen, out));
    out.field(tag::CHARSETS, |out| write_charsets(modes.charsets, out));
    for (tag, saved) in tag::SAVED.into_iter().zip(&modes.saved) {
        if let Some(at) = saved.at {
            out.field(tag, |out| write_saved(at, &saved.drawing, out));
        }
    }
    for (tag, keyboard) in tag::KEYBOARD.into_iter().zip(&modes.keyboards) {
        out.field(tag, |out| keyboard.entries().iter().for_each(|flags| out.u8(flags.bits())));
    }
    out.field(tag::MODIFY_OTHER_KEYS, |out| out.u8(modes.modify_other_keys));
    if let Some(style) = modes.cursor_style {
        out.field(tag::CURSOR_STYLE, |out| write_cursor_style(style, out));
    }
    if let Some(title) = &modes.title {
        out.field(tag::TITLE, |out| out.block(title.as_bytes()));
    }
    out.field(tag::TITLE_STACK, |out| {
        for title in &modes.title_stack {
            out.u8(u8::from(title.is_some()));
            out.block(title.as_deref().unwrap_or_default().as_bytes());
        }
    });
    out.field(tag::PALETTE, |out| write_palette(&modes.palette, out));
    let tabs = match modes.tabs {
        TabStops::Initial => None,
        TabStops::Changed(at) => Some(at),
    };
    let places = [
        (tag::TABS, tabs),
        (tag::SWITCHED_AT, modes.switched_at),
        (tag::RESIZED_AT, modes.resized_at),
    ];
    for (tag, place) in places {
        if let Some(at) = place {
            out.field(tag, |out| out.u64(at.0));
        }
    }
}

/// A field that is not there keeps what a new terminal has.
pub(super) fn read(bytes: &[u8], size: TerminalSize) -> Option<Modes> {
    let mut modes = Modes::new(size);
    for field in Reader::new(bytes).fields() {
        let (tag, content) = field?;
        read_field(&mut modes, tag, Reader::new(content))?;
    }
    Some(modes)
}

fn read_field(modes: &mut Modes, tag: u8, mut content: Reader<'_>) -> Option<()> {
    match tag {
        tag::SWITCHES => {
            while !content.is_empty() {
                modes.switches.set_entry(content.u16()?, content.u8()?);
            }
        }
        tag::ANSI => {
            let bits = content.u8()?;
            modes.insert = Switch::from(bits & 1 != 0);
            modes.newline = Switch::from(bits & 2 != 0);
        }
        tag::SCREEN => {
            let is_alternate = content.u8()? != 0;
            modes.screen = if is_alternate { ScreenKind::Alternate } else { ScreenKind::Primary };
        }
        tag::REGION => {
            let (top, end) = (content.u16()?, content.u16()?);
            // What is no region of this size would panic an emulator.
            let region = Region::requested(usize::from(top) + 1, end.into(), modes.size)?;
            modes.region = Some(region);
        }
        tag::PEN => modes.pen = read_pen(&mut content)?,
        tag::CHARSETS => modes.charsets = read_charsets(&mut content)?,
        tag::MODIFY_OTHER_KEYS => modes.modify_other_keys = content.u8()?,
        tag::CURSOR_STYLE => modes.cursor_style = Some(read_cursor_style(&mut content)?),
        tag::TITLE => modes.title = Some(content.text()?.into()),
        tag::TITLE_STACK => {
            while !content.is_empty() {
                let is_set = content.u8()? != 0;
                let title = content.text()?;
                modes.title_stack.push(is_set.then(|| title.into()));
            }
        }
        tag::PALETTE => modes.palette = Arc::new(read_palette(&mut content)?),
        tag::TABS => modes.tabs = TabStops::Changed(Offset(content.u64()?)),
        tag::SWITCHED_AT => modes.switched_at = Some(Offset(content.u64()?)),
        tag::RESIZED_AT => modes.resized_at = Some(Offset(content.u64()?)),
        _ => return read_of_screen(modes, tag, content),
    }
    Some(())
}

/// The fields of which each screen has its own.
fn read_of_screen(modes: &mut Modes, tag: u8, mut content: Reader<'_>) -> Option<()> {
    for screen in 0..2 {
        if tag == tag::SAVED[screen] {
            modes.saved[screen] = read_saved(&mut content)?;
        } else if tag == tag::KEYBOARD[screen] {
            let entries = std::iter::from_fn(|| content.u8().map(KeyboardFlags::from_bits));
            modes.keyboards[screen] = KeyboardStack::from_entries(entries);
        }
    }
    Some(())
}

fn write_saved(at: Offset, drawing: &Drawing, out: &mut Writer) {
    out.u64(at.0);
    out.u8(u8::from(drawing.origin == Switch::On));
    write_charsets(drawing.charsets, out);
    write_pen(&drawing.pen, out);
}

fn read_saved(content: &mut Reader<'_>) -> Option<SavedCursor> {
    let at = Some(Offset(content.u64()?));
    let origin = Switch::from(content.u8()? != 0);
    let charsets = read_charsets(content)?;
    Some(SavedCursor { drawing: Drawing { pen: read_pen(content)?, charsets, origin }, at })
}

fn write_charsets(charsets: Charsets, out: &mut Writer) {
    let sets = (0..).zip(charsets.sets);
    let lines = sets.map(|(slot, set)| u8::from(set == Charset::LineDrawing) << slot).sum::<u8>();
    out.u8(lines | u8::from(charsets.shift == Shift::Out) << 7);
}

fn read_charsets(content: &mut Reader<'_>) -> Option<Charsets> {
    let bits = content.u8()?;
    let set = |slot: u8| {
        if bits & 1 << slot == 0 { Charset::Ascii } else { Charset::LineDrawing }
    };
    let shift = if bits & 0x80 == 0 { Shift::In } else { Shift::Out };
    Some(Charsets { sets: [set(0), set(1), set(2), set(3)], shift })
}

const UNDERLINES: [Underline; 6] = [
    Underline::None,
    Underline::Single,
    Underline::Double,
    Underline::Curly,
    Underline::Dotted,
    Underline::Dashed,
];

fn write_pen(pen: &Pen, out: &mut Writer) {
    out.u8(pen.attributes.bits());
    out.u8((0..).zip(UNDERLINES).find(|(_, kind)| *kind == pen.underline).map_or(0, |(at, _)| at));
    for colour in [pen.foreground, pen.background, pen.underline_colour] {
        write_colour(colour, out);
    }
    match &pen.hyperlink {
        None => out.u8(0),
        Some(link) => {
            out.u8(1);
            out.block(link.id.as_bytes());
            out.block(link.uri.as_bytes());
        }
    }
}

fn read_pen(content: &mut Reader<'_>) -> Option<Pen> {
    Some(Pen {
        attributes: Attributes::from_bits(content.u8()?),
        underline: *UNDERLINES.get(usize::from(content.u8()?))?,
        foreground: read_colour(content)?,
        background: read_colour(content)?,
        underline_colour: read_colour(content)?,
        hyperlink: match content.u8()? {
            0 => None,
            _ => Some(Arc::new(Hyperlink::new(content.text()?, content.text()?)?)),
        },
    })
}

fn write_colour(colour: Colour, out: &mut Writer) {
    match colour {
        Colour::Default => out.u8(0),
        Colour::Ansi(index) => out.bytes(&[1, index]),
        Colour::Indexed(index) => out.bytes(&[2, index]),
        Colour::Rgb(Rgb { red, green, blue }) => out.bytes(&[3, red, green, blue]),
    }
}

fn read_colour(content: &mut Reader<'_>) -> Option<Colour> {
    match content.u8()? {
        0 => Some(Colour::Default),
        1 => content.u8().filter(|index| *index < 16).map(Colour::Ansi),
        2 => content.u8().map(Colour::Indexed),
        3 => read_rgb(content).map(Colour::Rgb),
        _ => None,
    }
}

fn read_rgb(content: &mut Reader<'_>) -> Option<Rgb> {
    Some(Rgb { red: content.u8()?, green: content.u8()?, blue: content.u8()? })
}

fn write_cursor_style(style: CursorStyle, out: &mut Writer) {
    let shape = match style.shape {
        CursorShape::Block => 0,
        CursorShape::Underline => 1,
        CursorShape::Bar => 2,
    };
    out.bytes(&[shape, u8::from(style.blinks)]);
}

fn read_cursor_style(content: &mut Reader<'_>) -> Option<CursorStyle> {
    let shape = match content.u8()? {
        0 => CursorShape::Block,
        1 => CursorShape::Underline,
        2 => CursorShape::Bar,
        _ => return None,
    };
    Some(CursorStyle { shape, blinks: content.u8()? != 0 })
}

fn write_palette(palette: &Palette, out: &mut Writer) {
    for (entry, Rgb { red, green, blue }) in palette.iter() {
        let number = match entry {
            PaletteEntry::Indexed(index) => u16::from(index),
            PaletteEntry::Foreground => 256,
            PaletteEntry::Background => 257,
            PaletteEntry::Cursor => 258,
        };
        out.u16(number);
        out.bytes(&[red, green, blue]);
    }
}

fn read_palette(content: &mut Reader<'_>) -> Option<Palette> {
    let mut palette = Palette::default();
    while !content.is_empty() {
        let entry = match content.u16()? {
            number @ 0..=255 => PaletteEntry::Indexed(u8::try_from(number).ok()?),
            256 => PaletteEntry::Foreground,
            257 => PaletteEntry::Background,
            258 => PaletteEntry::Cursor,
            _ => return None,
        };
        palette.set(entry, read_rgb(content)?);
    }
    Some(palette)
}
