//! What a terminal sends for a key, given what the program asked of it.

use super::{Key, KeyCode, KeypadKey, Modifiers};
use crate::modes::{KeyboardFlags, Modes};

/// The bytes for one press of `key` on a terminal in `modes`, as xterm sends them, or as kitty does
/// where the program asked for its protocol.
///
/// Where a terminal has no bytes for a combination, those of the key with fewer modifiers are sent,
/// as terminals do.
#[must_use]
pub fn encode(key: Key, modes: &Modes) -> Vec<u8> {
    let flags = modes.keyboard();
    let kitty = KittyMode::of(flags);
    if kitty == KittyMode::On
        && let Some(encoded) = kitty_key(key, flags)
    {
        return encoded;
    }
    match key.code {
        KeyCode::Char(char) => legacy_char(char, key.modifiers, modes),
        KeyCode::Enter | KeyCode::Tab | KeyCode::Backspace | KeyCode::Escape => {
            legacy_control(key, modes)
        }
        KeyCode::Up => cursor_key(b'A', key.modifiers, modes, kitty),
        KeyCode::Down => cursor_key(b'B', key.modifiers, modes, kitty),
        KeyCode::Right => cursor_key(b'C', key.modifiers, modes, kitty),
        KeyCode::Left => cursor_key(b'D', key.modifiers, modes, kitty),
        KeyCode::End => cursor_key(b'F', key.modifiers, modes, kitty),
        KeyCode::Home => cursor_key(b'H', key.modifiers, modes, kitty),
        KeyCode::Insert => editing_key(2, key.modifiers),
        KeyCode::Delete => editing_key(3, key.modifiers),
        KeyCode::PageUp => editing_key(5, key.modifiers),
        KeyCode::PageDown => editing_key(6, key.modifiers),
        KeyCode::Function(number) => function_key(number, key.modifiers, kitty),
        KeyCode::Keypad(pad) => legacy_keypad(pad, key.modifiers, modes),
    }
}

/// Whether the program asked for kitty's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KittyMode {
    Off,
    On,
}

impl KittyMode {
    fn of(flags: KeyboardFlags) -> Self {
        let asked = KeyboardFlags::DISAMBIGUATE.bits() | KeyboardFlags::ALL_KEYS.bits();
        if flags.intersects(KeyboardFlags::from_bits(asked)) { Self::On } else { Self::Off }
    }
}

/// A key for which kitty's protocol has a form of its own.
fn kitty_key(key: Key, flags: KeyboardFlags) -> Option<Vec<u8>> {
    match key.code {
        KeyCode::Char(char) => kitty_char(char, key.modifiers, flags),
        KeyCode::Enter => kitty_control(13, key.modifiers, flags),
        KeyCode::Tab => kitty_control(9, key.modifiers, flags),
        KeyCode::Backspace => kitty_control(127, key.modifiers, flags),
        KeyCode::Escape => Some(numbered(27, key.modifiers, 'u')),
        KeyCode::Keypad(pad) => Some(kitty_keypad(pad, key.modifiers)),
        KeyCode::Up
        | KeyCode::Down
        | KeyCode::Right
        | KeyCode::Left
        | KeyCode::Home
        | KeyCode::End
        | KeyCode::Insert
        | KeyCode::Delete
        | KeyCode::PageUp
        | KeyCode::PageDown
        | KeyCode::Function(_) => None,
    }
}

/// A key that types a character, as kitty sends it; none if as ever.
fn kitty_char(char: char, modifiers: Modifiers, flags: KeyboardFlags) -> Option<Vec<u8>> {
    let commands = modifiers.without(Modifiers::SHIFT);
    let is_everything = flags.intersects(KeyboardFlags::ALL_KEYS);
    if commands.is_empty() && !is_everything {
        return None;
    }
    let shifted = shifted(char, modifiers);
    let mut code = u32::from(char).to_string();
    if flags.intersects(KeyboardFlags::ALTERNATE_KEYS) && shifted != char {
        code = format!("{code}:{}", u32::from(shifted));
    }
    let with_text = is_everything && flags.intersects(KeyboardFlags::TEXT) && commands.is_empty();
    let text = if with_text { format!(";{}", u32::from(shifted)) } else { String::new() };
    let modifiers = match (modifiers.is_empty(), with_text) {
        (true, false) => String::new(),
        (true, true) => ";".to_owned(),
        (false, _) => format!(";{}", modifiers.parameter()),
    };
    Some(format!("\x1b[{code}{modifiers}{text}u").into_bytes())
}

/// Enter, tab or backspace. Alone they stay as they are, so that a shell left in this mode can
/// still be used.
fn kitty_control(number: u32, modifiers: Modifiers, flags: KeyboardFlags) -> Option<Vec<u8>> {
    let is_spared = modifiers.is_empty() && !flags.intersects(KeyboardFlags::ALL_KEYS);
    (!is_spared).then(|| numbered(number, modifiers, 'u'))
}

fn kitty_keypad(pad: KeypadKey, modifiers: Modifiers) -> Vec<u8> {
    let number = match pad {
        KeypadKey::Digit(digit) => 57_399 + u32::from(digit),
        KeypadKey::Decimal => 57_409,
        KeypadKey::Divide => 57_410,
        KeypadKey::Multiply => 57_411,
        KeypadKey::Subtract => 57_412,
        KeypadKey::Add => 57_413,
        KeypadKey::Enter => 57_414,
        KeypadKey::Equal => 57_415,
    };
    numbered(number, modifiers, 'u')
}

fn legacy_char(char: char, modifiers: Modifiers, modes: &Modes) -> Vec<u8> {
    let char = shifted(char, modifiers);
    let control = modifiers.contains(Modifiers::CTRL).then(|| control_byte(char));
    let commands = modifiers.without(Modifiers::SHIFT.with(Modifiers::SUPER));
    let is_other = match modes.modify_other_keys() {
        0 => false,
        // Only what has no bytes of its own.
        1 => control == Some(None),
        _ => !commands.is_empty(),
    };
    if is_other {
        return other_key(u32::from(char), modifiers);
    }
    let mut bytes = Vec::new();
    if modifiers.contains(Modifiers::ALT) {
        bytes.push(0x1b);
    }
    match control.flatten() {
        Some(byte) => bytes.push(byte),
        None => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    bytes
}

/// What the control key makes of a character: a byte, or nothing.
fn control_byte(char: char) -> Option<u8> {
    match char {
        'a'..='z' | 'A'..='Z' | '[' | '\\' | ']' | '^' | '_' | '@' => {
            u8::try_from(char).ok().map(|byte| byte & 0x1f)
        }
        ' ' | '2' | '`' => Some(0),
        '3' => Some(0x1b),
        '4' => Some(0x1c),
        '5' => Some(0x1d),
        '6' | '~' => Some(0x1e),
        '7' | '/' => Some(0x1f),
        '8' | '?' => Some(0x7f),
        _ => None,
    }
}

/// The character of a key held with shift, as far as it is the same on every keyboard.
fn shifted(char: char, modifiers: Modifiers) -> char {
    if !modifiers.contains(Modifiers::SHIFT) {
        return char;
    }
    let mut upper = char.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        (_, _) => char,
    }
}

fn legacy_control(key: Key, modes: &Modes) -> Vec<u8> {
    let held = key.modifiers;
    let (number, plain): (u32, &[u8]) = match key.code {
        KeyCode::Enter if modes.ansi(20) == Some(true) => (13, b"\r\n"),
        KeyCode::Enter => (13, b"\r"),
        KeyCode::Tab if held == Modifiers::SHIFT => return b"\x1b[Z".to_vec(),
        KeyCode::Tab => (9, b"\t"),
        KeyCode::Backspace => {
            let is_swapped = modes.private(67) == Some(true);
            let is_control = held.contains(Modifiers::CTRL);
            (127, if is_swapped == is_control { b"\x7f" } else { b"\x08" })
        }
        _ => (27, b"\x1b"),
    };
    let level = modes.modify_other_keys();
    let is_shifted = held.contains(Modifiers::SHIFT) || held.contains(Modifiers::CTRL);
    if (level >= 2 && !held.is_empty()) || (level == 1 && number == 13 && is_shifted) {
        return other_key(number, held);
    }
    let mut bytes = Vec::new();
    if held.contains(Modifiers::ALT) {
        bytes.push(0x1b);
    }
    bytes.extend_from_slice(plain);
    bytes
}

fn legacy_keypad(pad: KeypadKey, modifiers: Modifiers, modes: &Modes) -> Vec<u8> {
    let (char, application) = match pad {
        KeypadKey::Digit(digit) => (char::from(b'0' + digit.min(9)), b'p' + digit.min(9)),
        KeypadKey::Decimal => ('.', b'n'),
        KeypadKey::Divide => ('/', b'o'),
        KeypadKey::Multiply => ('*', b'j'),
        KeypadKey::Subtract => ('-', b'm'),
        KeypadKey::Add => ('+', b'k'),
        KeypadKey::Enter => ('\r', b'M'),
        KeypadKey::Equal => ('=', b'X'),
    };
    if modifiers.is_empty() && modes.private(66) == Some(true) {
        return vec![0x1b, b'O', application];
    }
    if pad == KeypadKey::Enter {
        return legacy_control(Key { code: KeyCode::Enter, modifiers }, modes);
    }
    legacy_char(char, modifiers, modes)
}

fn cursor_key(last: u8, modifiers: Modifiers, modes: &Modes, kitty: KittyMode) -> Vec<u8> {
    if !modifiers.is_empty() {
        return numbered(1, modifiers, char::from(last));
    }
    let is_application = modes.private(1) == Some(true) && kitty == KittyMode::Off;
    vec![0x1b, if is_application { b'O' } else { b'[' }, last]
}

fn editing_key(number: u32, modifiers: Modifiers) -> Vec<u8> {
    numbered(number, modifiers, '~')
}

fn function_key(number: u8, modifiers: Modifiers, kitty: KittyMode) -> Vec<u8> {
    /// From F5 on; there are gaps, as on the keyboard of a VT220.
    const NUMBERS: [u32; 16] = [15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34];
    let number = number.clamp(1, 20);
    match (number, kitty) {
        // `CSI R` would be a report of the cursor.
        (3, KittyMode::On) => numbered(13, modifiers, '~'),
        (1..=4, _) => {
            let last = b'P' + number - 1;
            match (modifiers.is_empty(), kitty) {
                (true, KittyMode::Off) => vec![0x1b, b'O', last],
                (true, KittyMode::On) => vec![0x1b, b'[', last],
                (false, _) => numbered(1, modifiers, char::from(last)),
            }
        }
        (13.., KittyMode::On) => numbered(57_376 + u32::from(number) - 13, modifiers, 'u'),
        (_, _) => numbered(NUMBERS[usize::from(number) - 5], modifiers, '~'),
    }
}

/// `CSI number ; modifiers last`, without the modifiers if there are none.
fn numbered(number: u32, modifiers: Modifiers, last: char) -> Vec<u8> {
    if modifiers.is_empty() {
        format!("\x1b[{number}{last}").into_bytes()
    } else {
        format!("\x1b[{number};{}{last}", modifiers.parameter()).into_bytes()
    }
}

/// xterm's form of modifyOtherKeys.
fn other_key(number: u32, modifiers: Modifiers) -> Vec<u8> {
    format!("\x1b[27;{};{number}~", modifiers.parameter()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scanner::Scanner;
    use codeplane_core::{Offset, TerminalSize};

    /// What is sent for `key` after the program printed `setup`.
    fn sent(setup: &str, key: &str) -> String {
        let mut scanner = Scanner::new(TerminalSize::DEFAULT);
        scanner.scan(Offset::ZERO, setup.as_bytes(), &mut |_, _| {});
        String::from_utf8(encode(Key::parse(key).unwrap(), scanner.modes())).unwrap()
    }

    fn check(setup: &str, table: &[(&str, &str)]) {
        for (key, bytes) in table {
            assert_eq!(sent(setup, key), *bytes, "{key} after {setup:?}");
        }
    }

    #[test]
    fn a_new_terminal_sends_what_xterm_sends() {
        check(
            "",
            &[
                ("a", "a"),
                ("A", "A"),
                ("shift+a", "A"),
                ("é", "é"),
                ("space", " "),
                ("enter", "\r"),
                ("tab", "\t"),
                ("shift+tab", "\x1b[Z"),
                ("backspace", "\x7f"),
                ("ctrl+backspace", "\x08"),
                ("escape", "\x1b"),
                ("ctrl+c", "\x03"),
                ("ctrl+shift+c", "\x03"),
                ("ctrl+space", "\0"),
                ("ctrl+\\", "\x1c"),
                ("ctrl+/", "\x1f"),
                ("alt+x", "\x1bx"),
                ("ctrl+alt+x", "\x1b\x18"),
                ("alt+enter", "\x1b\r"),
                ("up", "\x1b[A"),
                ("ctrl+left", "\x1b[1;5D"),
                ("ctrl+shift+left", "\x1b[1;6D"),
                ("home", "\x1b[H"),
                ("delete", "\x1b[3~"),
                ("shift+pageup", "\x1b[5;2~"),
                ("f1", "\x1bOP"),
                ("shift+f1", "\x1b[1;2P"),
                ("f5", "\x1b[15~"),
                ("f12", "\x1b[24~"),
                ("kp5", "5"),
                ("kpenter", "\r"),
            ],
        );
    }

    #[test]
    fn modes_of_the_program_change_what_is_sent() {
        check("\x1b[?1h", &[("up", "\x1bOA"), ("home", "\x1bOH"), ("ctrl+up", "\x1b[1;5A")]);
        check("\x1b=", &[("kp5", "\x1bOu"), ("kpenter", "\x1bOM"), ("kpplus", "\x1bOk")]);
        check("\x1b[?67h", &[("backspace", "\x08"), ("ctrl+backspace", "\x7f")]);
        check("\x1b[20h", &[("enter", "\r\n")]);
    }

    #[test]
    fn modify_other_keys_tells_what_has_no_bytes_of_its_own() {
        check("\x1b[>4;1m", &[("ctrl+c", "\x03"), ("ctrl+1", "\x1b[27;5;49~"), ("a", "a")]);
        check("\x1b[>4;1m", &[("shift+enter", "\x1b[27;2;13~"), ("ctrl+tab", "\t")]);
        check("\x1b[>4;2m", &[("ctrl+c", "\x1b[27;5;99~"), ("alt+x", "\x1b[27;3;120~")]);
        check("\x1b[>4;2m", &[("shift+a", "A"), ("enter", "\r"), ("up", "\x1b[A")]);
    }

    #[test]
    fn the_kitty_protocol_tells_every_combination() {
        check(
            "\x1b[>1u\x1b[?1h",
            &[
                ("a", "a"),
                ("A", "A"),
                ("enter", "\r"),
                ("shift+enter", "\x1b[13;2u"),
                ("tab", "\t"),
                ("shift+tab", "\x1b[9;2u"),
                ("escape", "\x1b[27u"),
                ("ctrl+c", "\x1b[99;5u"),
                ("ctrl+shift+c", "\x1b[99;6u"),
                ("super+c", "\x1b[99;9u"),
                ("alt+x", "\x1b[120;3u"),
                ("up", "\x1b[A"),
                ("f1", "\x1b[P"),
                ("f3", "\x1b[13~"),
                ("kp0", "\x1b[57399u"),
            ],
        );
        check("\x1b[>5u", &[("ctrl+shift+c", "\x1b[99:67;6u"), ("a", "a")]);
        check("\x1b[>9u", &[("a", "\x1b[97u"), ("A", "\x1b[97;2u"), ("enter", "\x1b[13u")]);
        check("\x1b[>25u", &[("a", "\x1b[97;;97u"), ("A", "\x1b[97;2;65u")]);
        check("\x1b[>25u\x1b[<u", &[("ctrl+c", "\x03")]);
    }
}
