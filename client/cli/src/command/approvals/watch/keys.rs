//! Keys, from the bytes that a terminal sends for them.

/// Most bytes of something pasted; the rest of it is forgotten.
const PASTE_BYTES: usize = 64 * 1024;
/// Most bytes of any other sequence; a longer one has lost its end.
const SEQUENCE_BYTES: usize = 256;
const PASTE_BEGINS: &[u8] = b"\x1b[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// A key, or what was pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Character(char),
    Enter,
    Escape,
    Backspace,
    Tab,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    /// Ctrl-C or Ctrl-D.
    Leave,
    /// Ctrl-U.
    Clear,
    /// Never taken for keys: a pasted text must not decide anything.
    Pasted(String),
}

/// Remembers the beginning of what has not come whole.
#[derive(Debug, Default)]
pub(super) struct Keys {
    bytes: Vec<u8>,
}

/// What the front of the bytes is.
enum Front {
    Key(Key, usize),
    /// Nothing that matters here.
    Nothing(usize),
    Incomplete,
}

impl Keys {
    /// The keys that are complete now.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.bytes.extend_from_slice(bytes);
        let mut keys = Vec::new();
        while !self.bytes.is_empty() {
            let used = match front(&self.bytes) {
                Front::Key(key, used) => {
                    keys.push(key);
                    used
                }
                Front::Nothing(used) => used,
                Front::Incomplete if self.bytes.starts_with(PASTE_BEGINS) => {
                    self.forget_most();
                    break;
                }
                Front::Incomplete if self.bytes.len() > SEQUENCE_BYTES => self.bytes.len(),
                Front::Incomplete => break,
            };
            self.bytes.drain(..used);
        }
        keys
    }

    /// Of a long paste, all but its beginning and what may be that of its end: no byte before its end is a key.
    fn forget_most(&mut self) {
        let end = self.bytes.len().saturating_sub(PASTE_ENDS.len() - 1);
        if end > PASTE_BYTES {
            self.bytes.drain(PASTE_BYTES..end);
        }
    }
}

fn front(bytes: &[u8]) -> Front {
    match bytes {
        [b'\r' | b'\n', ..] => Front::Key(Key::Enter, 1),
        [b'\t', ..] => Front::Key(Key::Tab, 1),
        [0x7f | 0x08, ..] => Front::Key(Key::Backspace, 1),
        [0x03 | 0x04, ..] => Front::Key(Key::Leave, 1),
        [0x15, ..] => Front::Key(Key::Clear, 1),
        [0x1b, rest @ ..] => escaped(bytes, rest),
        [0..0x20, ..] => Front::Nothing(1),
        _ => character(bytes),
    }
}

/// A terminal sends what begins with ESC at once, so an ESC that is alone is the key.
fn escaped(bytes: &[u8], rest: &[u8]) -> Front {
    match rest {
        [] => Front::Key(Key::Escape, 1),
        [b'[', ..] if bytes.starts_with(PASTE_BEGINS) => pasted(&bytes[PASTE_BEGINS.len()..]),
        [b'[', sequence @ ..] => {
            let Some(end) = sequence.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
                return Front::Incomplete;
            };
            named(&sequence[..=end], end + 3)
        }
        [b'O'] => Front::Incomplete,
        [b'O', letter, ..] => named(&[*letter], 3),
        // With Alt it is another key than without.
        [_, ..] => Front::Nothing(2),
    }
}

fn named(sequence: &[u8], used: usize) -> Front {
    let key = match sequence {
        b"A" => Key::Up,
        b"B" => Key::Down,
        b"H" | b"1~" | b"7~" => Key::Home,
        b"F" | b"4~" | b"8~" => Key::End,
        b"5~" => Key::PageUp,
        b"6~" => Key::PageDown,
        _ => return Front::Nothing(used),
    };
    Front::Key(key, used)
}

fn pasted(rest: &[u8]) -> Front {
    let end = rest.windows(PASTE_ENDS.len()).position(|window| window == PASTE_ENDS);
    match end {
        None => Front::Incomplete,
        Some(end) => {
            let text = String::from_utf8_lossy(&rest[..end]).into_owned();
            Front::Key(Key::Pasted(text), PASTE_BEGINS.len() + end + PASTE_ENDS.len())
        }
    }
}

fn character(bytes: &[u8]) -> Front {
    let length = match bytes[0] {
        0x00..0x80 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
        0x80..0xc0 => return Front::Nothing(1),
    };
    let Some(bytes) = bytes.get(..length) else { return Front::Incomplete };
    match std::str::from_utf8(bytes).ok().and_then(|text| text.chars().next()) {
        Some(character) => Front::Key(Key::Character(character), length),
        None => Front::Nothing(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_their_bytes() {
        for (bytes, key) in [
            (&b"a"[..], Key::Character('a')),
            ("é".as_bytes(), Key::Character('é')),
            (b"\r", Key::Enter),
            (b"\x1b", Key::Escape),
            (b"\x1b[A", Key::Up),
            (b"\x1bOB", Key::Down),
            (b"\x1b[6~", Key::PageDown),
            (b"\x7f", Key::Backspace),
            (b"\x03", Key::Leave),
        ] {
            assert_eq!(Keys::default().read(bytes), [key]);
        }
    }

    #[test]
    fn what_comes_in_parts_is_one_key() {
        let mut keys = Keys::default();

        assert_eq!(keys.read(b"\xc3"), []);
        assert_eq!(keys.read(b"\xa9\x1b["), [Key::Character('é')]);
        assert_eq!(keys.read(b"5"), []);
        assert_eq!(keys.read(b"~"), [Key::PageUp]);
    }

    #[test]
    fn a_pasted_text_is_no_key_and_neither_is_one_with_alt() {
        let mut keys = Keys::default();

        assert_eq!(keys.read(b"\x1b[200~aaa\r"), []);
        assert_eq!(keys.read(b"a\x1b[201~d"), [Key::Pasted("aaa\ra".into()), Key::Character('d')]);
        assert_eq!(keys.read(b"\x1ba"), []);
        assert_eq!(keys.read(b"\x1b[1;5A\x1b[I\xff\x80\x00"), []);
    }

    #[test]
    fn a_sequence_without_an_end_is_forgotten() {
        let mut keys = Keys::default();
        let endless = [&b"\x1b["[..], &[b'1'; SEQUENCE_BYTES]].concat();

        assert_eq!(keys.read(&endless), []);
        assert_eq!(keys.read(b"q"), [Key::Character('q')]);
    }

    #[test]
    fn however_long_a_pasted_text_is_nothing_of_it_is_a_key() {
        let mut keys = Keys::default();
        assert_eq!(keys.read(b"\x1b[200~"), []);
        for _ in 0..100 {
            assert_eq!(keys.read(&[b'a'; 4096]), []);
        }
        assert_eq!(keys.read(b"\x1b[201"), []);

        let read = keys.read(b"~q");

        let [Key::Pasted(text), Key::Character('q')] = &read[..] else { panic!("{}", read.len()) };
        assert!(text.len() <= PASTE_BYTES && text.chars().all(|char| char == 'a'));
    }
}
