//! Colours that a program changed.

use std::collections::BTreeMap;

use crate::colour::{Rgb, initial_palette};

/// Which colour of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PaletteEntry {
    /// One of the 256.
    Indexed(u8),
    /// Of text that has no other.
    Foreground,
    /// Of the screen.
    Background,
    /// Of the cursor.
    Cursor,
}

impl PaletteEntry {
    /// The entry a dynamic colour's number (OSC 10 to 12) stands for.
    pub(crate) const fn dynamic(code: u16) -> Option<Self> {
        match code {
            10 => Some(Self::Foreground),
            11 => Some(Self::Background),
            12 => Some(Self::Cursor),
            _ => None,
        }
    }
}

/// The colours a terminal shows, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    changed: BTreeMap<PaletteEntry, Rgb>,
}

impl Palette {
    /// The colour the program set, if it did.
    #[must_use]
    pub fn get(&self, entry: PaletteEntry) -> Option<Rgb> {
        self.changed.get(&entry).copied()
    }

    pub(crate) fn set(&mut self, entry: PaletteEntry, rgb: Rgb) {
        self.changed.insert(entry, rgb);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (PaletteEntry, Rgb)> + '_ {
        self.changed.iter().map(|(entry, rgb)| (*entry, *rgb))
    }

    /// The colour of `entry` in a terminal whose own are `theme`.
    #[must_use]
    pub fn shown(&self, entry: PaletteEntry, theme: &Theme) -> Rgb {
        self.get(entry).unwrap_or_else(|| match entry {
            PaletteEntry::Indexed(index) => initial_palette(index),
            PaletteEntry::Foreground => theme.foreground,
            PaletteEntry::Background => theme.background,
            PaletteEntry::Cursor => theme.cursor,
        })
    }

    /// Obeys an OSC, if it changes colours. Returns whether it did.
    pub(crate) fn apply(&mut self, code: u16, arguments: &str) -> bool {
        let mut parts = arguments.split(';');
        let before = self.changed.len();
        match code {
            4 => {
                let mut changed = false;
                while let (Some(index), Some(colour)) = (parts.next(), parts.next()) {
                    if let (Ok(index), Some(rgb)) = (index.parse(), Rgb::parse(colour.as_bytes())) {
                        self.set(PaletteEntry::Indexed(index), rgb);
                        changed = true;
                    }
                }
                return changed;
            }
            10..=12 => {
                let mut changed = false;
                for (code, colour) in (code..).zip(parts) {
                    let entry = PaletteEntry::dynamic(code);
                    if let (Some(entry), Some(rgb)) = (entry, Rgb::parse(colour.as_bytes())) {
                        self.set(entry, rgb);
                        changed = true;
                    }
                }
                return changed;
            }
            104 if arguments.is_empty() => {
                self.changed.retain(|entry, _| !matches!(entry, PaletteEntry::Indexed(_)));
            }
            104 => {
                for index in parts.filter_map(|index| index.parse().ok()) {
                    self.changed.remove(&PaletteEntry::Indexed(index));
                }
            }
            110..=112 => {
                if let Some(entry) = PaletteEntry::dynamic(code - 100) {
                    self.changed.remove(&entry);
                }
            }
            _ => {}
        }
        self.changed.len() != before
    }
}

/// The colours of a terminal of which nobody changed anything: what programs are told that ask
/// while nobody is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Of text.
    pub foreground: Rgb,
    /// Of the screen.
    pub background: Rgb,
    /// Of the cursor.
    pub cursor: Rgb,
}

impl Default for Theme {
    /// Light on dark, as most terminals of programmers are.
    fn default() -> Self {
        let foreground = Rgb::new(0xd8, 0xd8, 0xd8);
        Self { foreground, background: Rgb::new(0x18, 0x18, 0x18), cursor: foreground }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_set_one_after_the_other_and_reset() {
        let mut palette = Palette::default();

        palette.apply(4, "1;rgb:11/22/33;300;rgb:0/0/0;2;?");
        palette.apply(10, "#ffffff;#000000;?;#123456");

        assert_eq!(palette.get(PaletteEntry::Indexed(1)), Some(Rgb::new(0x11, 0x22, 0x33)));
        assert_eq!(palette.get(PaletteEntry::Background), Some(Rgb::new(0, 0, 0)));
        assert_eq!(palette.iter().count(), 3);

        palette.apply(104, "");
        palette.apply(110, "");
        palette.apply(111, "");

        assert_eq!(palette, Palette::default());
    }
}
