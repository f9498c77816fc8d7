//! How the next character will look.

use std::sync::Arc;

use crate::colour::{Colour, Rgb};
use crate::stream::{Csi, Param};

/// The attributes of text that are on or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(u8);

impl Attributes {
    /// None.
    pub const NONE: Self = Self(0);
    /// Bold.
    pub const BOLD: Self = Self(1);
    /// Dim.
    pub const DIM: Self = Self(1 << 1);
    /// Italic.
    pub const ITALIC: Self = Self(1 << 2);
    /// Foreground and background exchanged.
    pub const INVERSE: Self = Self(1 << 3);
    /// Invisible.
    pub const HIDDEN: Self = Self(1 << 4);
    /// Crossed out.
    pub const STRIKEOUT: Self = Self(1 << 5);

    /// Each attribute with the parameter that sets it, in the order in which they are written.
    pub(crate) const ALL: [(Self, &'static str); 6] = [
        (Self::BOLD, ";1"),
        (Self::DIM, ";2"),
        (Self::ITALIC, ";3"),
        (Self::INVERSE, ";7"),
        (Self::HIDDEN, ";8"),
        (Self::STRIKEOUT, ";9"),
    ];

    /// Whether all of `other` are on.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

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

    /// As a number for files, stable across versions.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// From [`bits`](Self::bits); bits without a meaning are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0x3f)
    }
}

/// The line under text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Underline {
    /// None.
    #[default]
    None,
    /// One line.
    Single,
    /// Two lines.
    Double,
    /// A wave.
    Curly,
    /// Dots.
    Dotted,
    /// Dashes.
    Dashed,
}

/// A link under text (OSC 8).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hyperlink {
    /// What joins its pieces; empty if the program gave none.
    pub id: String,
    /// Where it leads, without control characters.
    pub uri: String,
}

impl Hyperlink {
    /// Longest URI that is kept, in bytes: what browsers and other terminals accept.
    const MAX_URI_BYTES: usize = 2083;
    /// Longest id that is kept, in bytes.
    const MAX_ID_BYTES: usize = 250;

    /// A link, unless it is too long to be one or holds control characters.
    pub(crate) fn new(id: &str, uri: &str) -> Option<Self> {
        let is_short = uri.len() <= Self::MAX_URI_BYTES && id.len() <= Self::MAX_ID_BYTES;
        let is_text = |text: &str| !text.chars().any(char::is_control);
        // A semicolon would end the id and a colon begin another parameter.
        let is_id = is_text(id) && !id.contains([';', ':']);
        (!uri.is_empty() && is_short && is_text(uri) && is_id)
            .then(|| Self { id: id.to_owned(), uri: uri.to_owned() })
    }

    /// Reads the payload of an OSC 8 after `8;`.
    pub(crate) fn parse(payload: &str) -> Option<Self> {
        let (params, uri) = payload.split_once(';')?;
        let id = params.split(':').find_map(|param| param.strip_prefix("id="));
        Self::new(id.unwrap_or_default(), uri)
    }
}

/// How the next character will look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pen {
    /// Colour of the text.
    pub foreground: Colour,
    /// Colour behind it.
    pub background: Colour,
    /// The line under it.
    pub underline: Underline,
    /// Colour of that line; the default is the text's.
    pub underline_colour: Colour,
    /// What else is on.
    pub attributes: Attributes,
    /// Where it leads.
    pub hyperlink: Option<Arc<Hyperlink>>,
}

impl Pen {
    /// Whether it writes as a new terminal does.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Obeys a select graphic rendition.
    pub(crate) fn select(&mut self, csi: &Csi<'_>) {
        if let Some(value) = csi.single() {
            self.select_one(value);
            return;
        }
        let mut numbers = [Param::default(); 32];
        let mut count = 0;
        for (slot, param) in numbers.iter_mut().zip(csi.params()) {
            *slot = param;
            count += 1;
        }
        let mut rest = &numbers[..count];
        while let Some((first, after)) = rest.split_first() {
            let subs = after.iter().take_while(|param| param.is_sub).count();
            rest = &after[subs..];
            match (first.value, subs) {
                (38 | 48 | 58, 0) => {
                    let colour = take_colour(&mut rest);
                    self.set_colour(first.value, colour);
                }
                (38 | 48 | 58, _) => {
                    let colour = colour_of_subparams(&after[..subs]);
                    self.set_colour(first.value, colour);
                }
                (4, 1..) => self.underline = underline_of(after[0].value, subs),
                (value, 0) => self.select_one(value),
                // No other attribute has subparameters.
                (_, _) => {}
            }
        }
    }

    fn set_colour(&mut self, target: u16, colour: Option<Colour>) {
        let Some(colour) = colour else { return };
        match target {
            38 => self.foreground = colour,
            48 => self.background = colour,
            _ => self.underline_colour = colour,
        }
    }

    fn select_one(&mut self, value: u16) {
        let low = |offset: u16| Colour::Ansi(u8::try_from(value - offset).unwrap_or_default());
        match value {
            0 => *self = Self { hyperlink: self.hyperlink.take(), ..Self::default() },
            1 => self.set(Attributes::BOLD),
            2 => self.set(Attributes::DIM),
            3 => self.set(Attributes::ITALIC),
            4 => self.underline = Underline::Single,
            7 => self.set(Attributes::INVERSE),
            8 => self.set(Attributes::HIDDEN),
            9 => self.set(Attributes::STRIKEOUT),
            22 => self.clear(Attributes::BOLD.with(Attributes::DIM)),
            23 => self.clear(Attributes::ITALIC),
            24 => self.underline = Underline::None,
            27 => self.clear(Attributes::INVERSE),
            28 => self.clear(Attributes::HIDDEN),
            29 => self.clear(Attributes::STRIKEOUT),
            30..=37 => self.foreground = low(30),
            39 => self.foreground = Colour::Default,
            40..=47 => self.background = low(40),
            49 => self.background = Colour::Default,
            59 => self.underline_colour = Colour::Default,
            90..=97 => self.foreground = low(82),
            100..=107 => self.background = low(92),
            _ => {}
        }
    }

    fn set(&mut self, attributes: Attributes) {
        self.attributes = self.attributes.with(attributes);
    }

    fn clear(&mut self, attributes: Attributes) {
        self.attributes = self.attributes.without(attributes);
    }

    /// Writes the sequence that selects this pen, whatever was selected before; the link apart.
    pub(crate) fn write_rendition(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b[0");
        for (attribute, parameter) in Attributes::ALL {
            if self.attributes.contains(attribute) {
                out.extend_from_slice(parameter.as_bytes());
            }
        }
        out.extend_from_slice(match self.underline {
            Underline::None => b"",
            Underline::Single => b";4",
            Underline::Double => b";4:2",
            Underline::Curly => b";4:3",
            Underline::Dotted => b";4:4",
            Underline::Dashed => b";4:5",
        });
        write_colour(out, self.foreground, 30);
        write_colour(out, self.background, 40);
        write_colour(out, self.underline_colour, 50);
        out.push(b'm');
    }

    #[cfg(feature = "emulator")]
    /// Writes the sequence that begins this pen's link, or ends another.
    pub(crate) fn write_hyperlink(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x1b]8;");
        if let Some(link) = &self.hyperlink {
            if !link.id.is_empty() {
                out.extend_from_slice(b"id=");
                out.extend_from_slice(link.id.as_bytes());
            }
            out.push(b';');
            out.extend_from_slice(link.uri.as_bytes());
        } else {
            out.push(b';');
        }
        out.extend_from_slice(b"\x1b\\");
    }
}

/// Reads a colour from the parameters that follow a 38, 48 or 58.
fn take_colour(rest: &mut &[Param]) -> Option<Colour> {
    colour(std::iter::from_fn(|| {
        let (first, after) = rest.split_first()?;
        let subs = after.iter().take_while(|param| param.is_sub).count();
        *rest = &after[subs..];
        Some(first.value)
    }))
}

/// Reads a colour from subparameters; between its kind and its parts there may be a colour space.
fn colour_of_subparams(subs: &[Param]) -> Option<Colour> {
    let parts = if subs.len() > 4 { &subs[2..] } else { &subs[1..] };
    colour(subs.iter().take(1).chain(parts).map(|param| param.value))
}

fn colour(mut numbers: impl Iterator<Item = u16>) -> Option<Colour> {
    let kind = numbers.next()?;
    let mut part = || numbers.next().and_then(|value| u8::try_from(value).ok());
    match kind {
        2 => Some(Colour::Rgb(Rgb { red: part()?, green: part()?, blue: part()? })),
        5 => part().map(Colour::Indexed),
        _ => None,
    }
}

fn underline_of(style: u16, subs: usize) -> Underline {
    match (style, subs) {
        (0, 1) => Underline::None,
        (2, 1) => Underline::Double,
        (3, 1) => Underline::Curly,
        (4, 1) => Underline::Dotted,
        (5, 1) => Underline::Dashed,
        (_, _) => Underline::Single,
    }
}

fn write_colour(out: &mut Vec<u8>, colour: Colour, base: u16) {
    let text = match colour {
        Colour::Default => return,
        // The underline has no short forms.
        Colour::Ansi(index) if base == 50 => format!(";58;5;{index}"),
        Colour::Ansi(index @ 0..=7) => format!(";{}", base + u16::from(index)),
        Colour::Ansi(index) => format!(";{}", base + 52 + u16::from(index)),
        Colour::Indexed(index) => format!(";{};5;{index}", base + 8),
        Colour::Rgb(Rgb { red, green, blue }) => {
            format!(";{};2;{red};{green};{blue}", base + 8)
        }
    };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pen_of(parameters: &str) -> Pen {
        let mut pen = Pen::default();
        pen.select(&Csi::parse(parameters.as_bytes(), b'm').unwrap());
        pen
    }

    #[test]
    fn what_a_pen_writes_selects_the_same_pen() {
        for parameters in [
            "",
            "1;3;4;31;44",
            "2;7;8;9;97;107",
            "4:3;58:2::1:2:3",
            "38;5;208;48;2;1;2;3;58;5;7",
            "38:5:3;48:2:9:8:7;4:5",
        ] {
            let pen = pen_of(parameters);
            let mut written = Vec::new();

            pen.write_rendition(&mut written);

            let body = &written[2..written.len() - 1];
            assert_eq!(pen_of(std::str::from_utf8(body).unwrap()), pen, "{parameters}");
        }
    }

    #[test]
    fn an_unfinished_colour_changes_nothing() {
        assert_eq!(pen_of("38"), Pen::default());
        assert_eq!(pen_of("38;2;1;2"), Pen::default());
        assert_eq!(pen_of("38;5;256"), Pen::default());
        assert_eq!(pen_of("38;9;1").attributes, Attributes::BOLD);
    }

    #[test]
    fn a_reset_keeps_the_link() {
        let link = Hyperlink::parse("id=a;https://example.org/").map(Arc::new);
        let mut pen = Pen { hyperlink: link.clone(), ..pen_of("1;31") };

        pen.select(&Csi::parse(b"0", b'm').unwrap());

        assert_eq!(pen, Pen { hyperlink: link, ..Pen::default() });
    }

    #[test]
    fn a_link_that_could_not_be_one_is_none() {
        assert_eq!(Hyperlink::parse("id=a;"), None);
        assert_eq!(Hyperlink::parse(&format!(";{}", "x".repeat(3000))), None);
        assert_eq!(Hyperlink::parse(";http://a\u{9c}b"), None);
    }
}
