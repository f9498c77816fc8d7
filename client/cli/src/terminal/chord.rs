//! Keys as terminals send them.
//!
//! A program may have switched the terminal to another encoding: agents and editors often ask for
//! the kitty keyboard protocol or xterm's modifyOtherKeys, with which Ctrl-D is not a byte but
//! `ESC [ 100 ; 5 u` or `ESC [ 27 ; 5 ; 100 ~`.

/// Bits of a modifier field, which is sent plus one.
const SHIFT: u32 = 1;
const ALT: u32 = 2;
const CTRL: u32 = 4;
const SUPER_HYPER_META: u32 = 8 | 16 | 32;
/// Event type of the kitty protocol: the key was let go.
const RELEASE: u32 = 3;
/// The keys that only modify others, in the kitty protocol.
const MODIFIER_KEYS: std::ops::RangeInclusive<u32> = 57_441..=57_454;

/// One key, perhaps with Ctrl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chord {
    /// The key's own character, a small letter for letters.
    key: u8,
    ctrl: Ctrl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ctrl {
    Held,
    Not,
}

/// One thing that a terminal has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// How many bytes it takes.
    pub(super) length: usize,
    meaning: Meaning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Byte(u8),
    Key {
        code: u32,
        modifiers: u32,
    },
    /// A key was let go, or one that only modifies others was pressed: part of pressing a chord.
    Between,
    Other,
}

impl Chord {
    /// Ctrl-C.
    pub(super) const INTERRUPT: Self = Self { key: b'c', ctrl: Ctrl::Held };

    /// Reads a character, or `ctrl-` and a letter or one of `@[\]^_`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (ctrl, name) = match text.strip_prefix("ctrl-").or_else(|| text.strip_prefix("ctrl+")) {
            Some(name) => (Ctrl::Held, name),
            None => (Ctrl::Not, text),
        };
        let [key] = *name.as_bytes() else { return None };
        match (ctrl, key) {
            (Ctrl::Not, b'!'..=b'~') => Some(Self { key, ctrl }),
            (Ctrl::Held, b'a'..=b'z' | b'@'..=b'_') => {
                Some(Self { key: key.to_ascii_lowercase(), ctrl })
            }
            (Ctrl::Held | Ctrl::Not, _) => None,
        }
    }

    /// The byte it has always been.
    const fn byte(self) -> u8 {
        match self.ctrl {
            Ctrl::Held => self.key.to_ascii_uppercase() & 0x1f,
            Ctrl::Not => self.key,
        }
    }

    /// Whether `token` is this chord, in whatever encoding.
    pub(super) fn is(self, token: Token) -> bool {
        match token.meaning {
            Meaning::Byte(byte) => byte == self.byte(),
            Meaning::Key { code, modifiers } => {
                // Caps lock and num lock are modifiers too, but nobody means them. Shift may be
                // what it takes to reach a character that is no letter.
                let shift = if self.key.is_ascii_lowercase() { SHIFT } else { 0 };
                let asked = if self.ctrl == Ctrl::Held { CTRL } else { 0 };
                let matters = shift | ALT | CTRL | SUPER_HYPER_META;
                code == u32::from(self.key) && modifiers & matters == asked
            }
            Meaning::Between | Meaning::Other => false,
        }
    }

    /// Whether `typed` cannot contain it, seen without reading it key by key.
    pub(super) fn is_surely_not_in(self, typed: &[u8]) -> bool {
        !typed.contains(&self.byte()) && !typed.contains(&b'\x1b')
    }
}

impl Token {
    /// Whether it comes between the keys of chords that are pressed one after the other.
    pub(super) fn is_between(self) -> bool {
        self.meaning == Meaning::Between
    }

    /// The first one of `typed`, which is not empty.
    ///
    /// A terminal writes a sequence at once: one that is not complete is an Escape and what follows,
    /// which must not wait for more.
    pub(super) fn first_of(typed: &[u8]) -> Self {
        let byte = Self { length: 1, meaning: Meaning::Byte(typed[0]) };
        let Some(body) = typed.strip_prefix(b"\x1b[") else { return byte };
        let Some(end) = body.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
            return byte;
        };
        let fields = fields(&body[..end]);
        let meaning = match (body[end], fields.as_slice()) {
            (b'u', [code, ..]) => key(code.first(), fields.get(1)),
            (b'~', [escape, modifiers, code]) if escape.first() == 27 => {
                key(code.first(), Some(modifiers))
            }
            _ => Meaning::Other,
        };
        Self { length: 2 + end + 1, meaning }
    }
}

/// All of `typed`, one after the other.
pub(super) fn tokens(typed: &[u8]) -> impl Iterator<Item = (Token, &[u8])> {
    let mut rest = typed;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let token = Token::first_of(rest);
        let (bytes, after) = rest.split_at(token.length);
        rest = after;
        Some((token, bytes))
    })
}

/// A field of a sequence: numbers with `:` between them.
#[derive(Clone, Copy, Debug, Default)]
struct Field([u32; 2]);

impl Field {
    const fn first(&self) -> u32 {
        self.0[0]
    }

    const fn second(&self) -> u32 {
        self.0[1]
    }
}

fn fields(parameters: &[u8]) -> Vec<Field> {
    parameters
        .split(|byte| *byte == b';')
        .map(|field| {
            let mut numbers = field.split(|byte| *byte == b':').map(number);
            Field([numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()])
        })
        .collect()
}

fn number(digits: &[u8]) -> u32 {
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

fn key(code: u32, modifiers: Option<&Field>) -> Meaning {
    let modifiers = modifiers.copied().unwrap_or_default();
    if modifiers.second() == RELEASE || MODIFIER_KEYS.contains(&code) {
        return Meaning::Between;
    }
    Meaning::Key { code, modifiers: modifiers.first().saturating_sub(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(chord: &str, typed: &[u8]) -> bool {
        let token = Token::first_of(typed);
        Chord::parse(chord).unwrap().is(token) && token.length == typed.len()
    }

    #[test]
    fn a_chord_is_known_in_every_encoding() {
        for typed in [
            b"\x04".as_slice(),
            b"\x1b[100;5u",
            b"\x1b[100;5:1u",
            b"\x1b[100:68;5u",
            b"\x1b[100;133u",
            b"\x1b[27;5;100~",
        ] {
            assert!(is("ctrl-d", typed), "{typed:?}");
        }
        assert!(is("ctrl-\\", b"\x1b[92;5u"));
        assert!(is("ctrl-_", b"\x1b[95;6u"));
        assert!(is("d", b"d"));
        assert!(is("d", b"\x1b[100u"));
    }

    #[test]
    fn other_keys_are_not_taken_for_it() {
        for typed in [
            b"d".as_slice(),
            b"\x1b[100;6u",
            b"\x1b[100;7u",
            b"\x1b[100;5:3u",
            b"\x1b[101;5u",
            b"\x1b[100u",
            b"\x1b[4;5~",
            b"\x1b[A",
            b"\x1b",
        ] {
            assert!(!is("ctrl-d", typed), "{typed:?}");
        }
    }

    #[test]
    fn letting_go_of_a_key_is_between_two_keys() {
        assert!(Token::first_of(b"\x1b[92;5:3u").is_between());
        assert!(Token::first_of(b"\x1b[57442;5u").is_between());
        assert!(!Token::first_of(b"\x1b[92;5u").is_between());
    }

    #[test]
    fn what_is_typed_is_read_key_by_key() {
        let lengths: Vec<usize> =
            tokens(b"a\x1b[A\x1b[92;5u\x1b[9").map(|(token, _)| token.length).collect();

        assert_eq!(lengths, [1, 3, 7, 1, 1, 1]);
    }
}
