//! Colours as programs name them.

use std::fmt;

/// A colour by its parts, 8 bits each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rgb {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

impl Rgb {
    /// From its parts.
    #[must_use]
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `rgb:r/g/b` with one to four hexadecimal digits each, or `#rgb` with as many each.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        if let Some(digits) = text.strip_prefix('#') {
            return Self::parse_hash(digits);
        }
        let mut parts = text.strip_prefix("rgb:")?.split('/').map(scaled_part);
        let rgb = Self { red: parts.next()??, green: parts.next()??, blue: parts.next()?? };
        parts.next().is_none().then_some(rgb)
    }

    /// `#rgb` up to `#rrrrggggbbbb`: fewer than two digits are the high ones, as in X11.
    fn parse_hash(digits: &str) -> Option<Self> {
        let length = digits.len() / 3;
        if !digits.is_ascii() || digits.len() != length * 3 || !(1..=4).contains(&length) {
            return None;
        }
        let part = |index: usize| {
            let value = u16::from_str_radix(&digits[index * length..(index + 1) * length], 16);
            let high = value.ok()? << (16 - 4 * length);
            u8::try_from(high >> 8).ok()
        };
        Some(Self { red: part(0)?, green: part(1)?, blue: part(2)? })
    }

    /// Whether white text is easier to read on it than black.
    #[must_use]
    pub fn is_dark(self) -> bool {
        let luma =
            299 * u32::from(self.red) + 587 * u32::from(self.green) + 114 * u32::from(self.blue);
        luma < 128_000
    }
}

/// The way terminals answer: `rgb:` and four digits a part.
impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { red, green, blue } = self;
        write!(f, "rgb:{red:02x}{red:02x}/{green:02x}{green:02x}/{blue:02x}{blue:02x}")
    }
}

/// One part of `rgb:`, scaled to 8 bits.
fn scaled_part(digits: &str) -> Option<u8> {
    if !(1..=4).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let largest = (1_u32 << (4 * digits.len())) - 1;
    let value = u32::from_str_radix(digits, 16).ok()?;
    u8::try_from(255 * value / largest).ok()
}

/// The colour of text, of its background or of its underline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Colour {
    /// The terminal's own.
    #[default]
    Default,
    /// One of the 16 basic colours, which the user's theme defines; 8 and above are bright.
    Ansi(u8),
    /// One of the 256 of the palette.
    Indexed(u8),
    /// Exactly this one.
    Rgb(Rgb),
}

/// Colour `index` of the palette that xterm and its likes begin with.
#[must_use]
pub fn initial_palette(index: u8) -> Rgb {
    const BASIC: [(u8, u8, u8); 16] = [
        (0x00, 0x00, 0x00),
        (0xcd, 0x00, 0x00),
        (0x00, 0xcd, 0x00),
        (0xcd, 0xcd, 0x00),
        (0x00, 0x00, 0xee),
        (0xcd, 0x00, 0xcd),
        (0x00, 0xcd, 0xcd),
        (0xe5, 0xe5, 0xe5),
        (0x7f, 0x7f, 0x7f),
        (0xff, 0x00, 0x00),
        (0x00, 0xff, 0x00),
        (0xff, 0xff, 0x00),
        (0x5c, 0x5c, 0xff),
        (0xff, 0x00, 0xff),
        (0x00, 0xff, 0xff),
        (0xff, 0xff, 0xff),
    ];
    // The cube's steps: none, then from 0x5f on by 0x28.
    let step = |level: u8| if level == 0 { 0 } else { 0x37 + 0x28 * level };
    match index {
        0..=15 => {
            let (red, green, blue) = BASIC[usize::from(index)];
            Rgb { red, green, blue }
        }
        16..=231 => {
            let cube = index - 16;
            Rgb { red: step(cube / 36), green: step(cube / 6 % 6), blue: step(cube % 6) }
        }
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            Rgb { red: grey, green: grey, blue: grey }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_every_length_of_x11() {
        for (text, rgb) in [
            ("rgb:ff/00/80", Some(Rgb::new(0xff, 0, 0x80))),
            ("rgb:ffff/0000/8080", Some(Rgb::new(0xff, 0, 0x80))),
            ("rgb:f/0/8", Some(Rgb::new(0xff, 0, 0x88))),
            ("#f08", Some(Rgb::new(0xf0, 0, 0x80))),
            ("#ff0080", Some(Rgb::new(0xff, 0, 0x80))),
            ("#ffff00008000", Some(Rgb::new(0xff, 0, 0x80))),
            ("rgb:fffff/0/0", None),
            ("rgb:+1/0/0", None),
            ("rgb:1/2", None),
            ("rgb:1/2/3/4", None),
            ("#ff00", None),
            ("red", None),
        ] {
            assert_eq!(Rgb::parse(text.as_bytes()), rgb, "{text}");
        }
    }

    #[test]
    fn the_initial_palette_is_that_of_xterm() {
        assert_eq!(initial_palette(9), Rgb::new(0xff, 0, 0));
        assert_eq!(initial_palette(16), Rgb::new(0, 0, 0));
        assert_eq!(initial_palette(208), Rgb::new(0xff, 0x87, 0));
        assert_eq!(initial_palette(255), Rgb::new(0xee, 0xee, 0xee));
    }

    #[test]
    fn an_answer_has_four_digits_a_part() {
        assert_eq!(Rgb::new(1, 0xab, 0xff).to_string(), "rgb:0101/abab/ffff");
    }
}
