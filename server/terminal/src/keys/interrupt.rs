//! Keys that break off and agree to nothing.

/// Whether `bytes` are Escape and Ctrl-C, as often as one likes, and nothing else.
///
/// As a terminal sends them of old, in xterm's form of modifyOtherKeys (`CSI 27 ; 5 ; 99 ~`), or by the kitty
/// keyboard protocol (`CSI 27 u`, `CSI 99 ; 5 u`, with alternate keys, locks and kinds of events).
///
/// An Escape with anything else behind it is another key, as Alt is sent so.
#[must_use]
pub fn only_interrupts(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = match (*first, after.first()) {
            (CTRL_C, _) | (ESCAPE, None | Some(&(ESCAPE | CTRL_C))) => after,
            (ESCAPE, Some(b'[')) => match encoded(&after[1..]) {
                Some(behind) => behind,
                None => return false,
            },
            (_, _) => return false,
        };
    }
    true
}

const ESCAPE: u8 = 0x1b;
const CTRL_C: u8 = 0x03;

/// What stands behind one of the keys, encoded; none if something else begins here.
fn encoded(sequence: &[u8]) -> Option<&[u8]> {
    let end = sequence.iter().position(|byte| !matches!(byte, b'0'..=b':' | b';'))?;
    let text = std::str::from_utf8(&sequence[..end]).ok()?;
    let fields: Vec<&str> = text.split(';').collect();
    let is_one = match (sequence[end], fields.as_slice()) {
        (b'~', ["27", "5", "99"]) => true,
        (b'u', [key]) => is_key(key, "1"),
        (b'u', [key, modifiers]) => is_key(key, modifiers),
        (_, _) => false,
    };
    is_one.then_some(&sequence[end + 1..])
}

/// Whether a key of the kitty protocol with its modifiers is Escape alone or C with Ctrl alone.
fn is_key(key: &str, modifiers: &str) -> bool {
    // What lock keys add changes no key.
    const LOCKS: u16 = 64 | 128;
    const CTRL: u16 = 4;
    let code = key.split(':').next().unwrap_or_default();
    let held = modifiers.split(':').next().and_then(|held| held.parse::<u16>().ok());
    let held = held.and_then(|held| held.checked_sub(1)).map(|held| held & !LOCKS);
    matches!((code, held), ("27", Some(0)) | ("99", Some(CTRL)))
}

#[cfg(test)]
mod tests {
    use codeplane_core::{Offset, TerminalSize};

    use super::*;
    use crate::keys::{Key, encode};
    use crate::scanner::Scanner;

    #[test]
    fn escape_and_ctrl_c_are_known_in_whichever_form_a_terminal_sends_them() {
        for setup in
            ["", "\x1b[>1u", "\x1b[>5u", "\x1b[>15u", "\x1b[>31u", "\x1b[>4;1m", "\x1b[>4;2m"]
        {
            let mut scanner = Scanner::new(TerminalSize::DEFAULT);
            scanner.scan(Offset::ZERO, setup.as_bytes(), &mut |_, _| {});
            let sent = |key: &str| encode(Key::parse(key).unwrap(), scanner.modes());
            for key in ["escape", "ctrl+c"] {
                let bytes = sent(key);
                assert!(only_interrupts(&bytes), "{key} after {setup:?}: {bytes:?}");
                assert!(only_interrupts(&bytes.repeat(3)), "{key} after {setup:?}");
            }
            for key in
                ["enter", "y", "1", "tab", "up", "space", "alt+enter", "alt+y", "ctrl+d", "f1"]
            {
                let bytes = sent(key);
                assert!(!only_interrupts(&bytes), "{key} after {setup:?}: {bytes:?}");
            }
        }
    }

    #[test]
    fn nothing_else_passes_with_them() {
        for passes in [
            &b""[..],
            b"\x1b",
            b"\x03\x1b",
            b"\x1b\x1b",
            b"\x1b\x03",
            b"\x1b[27u\x03",
            b"\x1b[27;1:1u\x1b[27;1:3u",
            b"\x1b[99::99;5u",
            b"\x1b[99;69u",
            b"\x1b[27;129u",
        ] {
            assert!(only_interrupts(passes), "{passes:?}");
        }
        for stays in [
            &b"\r"[..],
            b"\x03\r",
            b"\r\x03",
            b"\x1b\r",
            b"\x1b[",
            b"\x1b[27",
            b"\x1b[A",
            b"\x1b[27;2u",
            b"\x1b[27;0u",
            b"\x1b[27;1;13u",
            b"\x1b[99;6u",
            b"\x1b[99u",
            b"\x1b[13u",
            b"\x1b[13;5u",
            b"\x1b[27;5;13~",
            b"\x1b[27~",
            b"\x1b[27u\r",
            b"\x1b[27:13u1",
            b"\x1bOM",
            b"\x9b27u",
            b"\x1b[200~\x03\x1b[201~",
        ] {
            assert!(!only_interrupts(stays), "{stays:?}");
        }
    }
}
