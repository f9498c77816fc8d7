//! Names of keys.

use std::str::FromStr;

use super::{Key, KeyCode, KeyError, KeypadKey, Modifiers};

/// Every name, the usual one of each key first.
const NAMES: [(&str, KeyCode); 71] = [
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("cr", KeyCode::Enter),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("bspace", KeyCode::Backspace),
    ("bs", KeyCode::Backspace),
    ("escape", KeyCode::Escape),
    ("esc", KeyCode::Escape),
    ("space", KeyCode::Char(' ')),
    ("plus", KeyCode::Char('+')),
    ("minus", KeyCode::Char('-')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("insert", KeyCode::Insert),
    ("ins", KeyCode::Insert),
    ("ic", KeyCode::Insert),
    ("delete", KeyCode::Delete),
    ("del", KeyCode::Delete),
    ("dc", KeyCode::Delete),
    ("pageup", KeyCode::PageUp),
    ("page_up", KeyCode::PageUp),
    ("pgup", KeyCode::PageUp),
    ("ppage", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("page_down", KeyCode::PageDown),
    ("pgdn", KeyCode::PageDown),
    ("pgdown", KeyCode::PageDown),
    ("npage", KeyCode::PageDown),
    ("f1", KeyCode::Function(1)),
    ("f2", KeyCode::Function(2)),
    ("f3", KeyCode::Function(3)),
    ("f4", KeyCode::Function(4)),
    ("f5", KeyCode::Function(5)),
    ("f6", KeyCode::Function(6)),
    ("f7", KeyCode::Function(7)),
    ("f8", KeyCode::Function(8)),
    ("f9", KeyCode::Function(9)),
    ("f10", KeyCode::Function(10)),
    ("f11", KeyCode::Function(11)),
    ("f12", KeyCode::Function(12)),
    ("f13", KeyCode::Function(13)),
    ("f14", KeyCode::Function(14)),
    ("f15", KeyCode::Function(15)),
    ("f16", KeyCode::Function(16)),
    ("f17", KeyCode::Function(17)),
    ("f18", KeyCode::Function(18)),
    ("f19", KeyCode::Function(19)),
    ("f20", KeyCode::Function(20)),
    ("kp0", KeyCode::Keypad(KeypadKey::Digit(0))),
    ("kp1", KeyCode::Keypad(KeypadKey::Digit(1))),
    ("kp2", KeyCode::Keypad(KeypadKey::Digit(2))),
    ("kp3", KeyCode::Keypad(KeypadKey::Digit(3))),
    ("kp4", KeyCode::Keypad(KeypadKey::Digit(4))),
    ("kp5", KeyCode::Keypad(KeypadKey::Digit(5))),
    ("kp6", KeyCode::Keypad(KeypadKey::Digit(6))),
    ("kp7", KeyCode::Keypad(KeypadKey::Digit(7))),
    ("kp8", KeyCode::Keypad(KeypadKey::Digit(8))),
    ("kp9", KeyCode::Keypad(KeypadKey::Digit(9))),
    ("kpdot", KeyCode::Keypad(KeypadKey::Decimal)),
    ("kpdivide", KeyCode::Keypad(KeypadKey::Divide)),
    ("kpmultiply", KeyCode::Keypad(KeypadKey::Multiply)),
    ("kpminus", KeyCode::Keypad(KeypadKey::Subtract)),
    ("kpplus", KeyCode::Keypad(KeypadKey::Add)),
    ("kpenter", KeyCode::Keypad(KeypadKey::Enter)),
    ("kpequal", KeyCode::Keypad(KeypadKey::Equal)),
    ("btab", KeyCode::Tab),
];

/// How many similar names an error lists.
const SUGGESTIONS: usize = 3;

impl Key {
    /// Reads a key's name; case matters only where a single character is the key.
    ///
    /// # Errors
    /// [`KeyError`] if no key is called so.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        if let Some(char) = single(text) {
            return Ok(Self { code: KeyCode::Char(char), modifiers: Modifiers::NONE }.settled());
        }
        let (prefixes, name, is_tmux) = split(text);
        let mut modifiers = Modifiers::NONE;
        for prefix in prefixes {
            let modifier = if is_tmux { tmux_modifier(prefix) } else { modifier(prefix) };
            let Some(modifier) = modifier else {
                return Err(unknown(text, prefix));
            };
            modifiers = modifiers.with(modifier);
        }
        if name.eq_ignore_ascii_case("btab") {
            modifiers = modifiers.with(Modifiers::SHIFT);
        }
        let code = code(name).ok_or_else(|| unknown_key(name))?;
        Ok(Self { code, modifiers }.settled())
    }

    /// The form in which equal keys are equal: a capital letter is a letter with shift.
    fn settled(self) -> Self {
        match self.code {
            KeyCode::Char(char) if char.is_ascii_uppercase() => Self {
                code: KeyCode::Char(char.to_ascii_lowercase()),
                modifiers: self.modifiers.with(Modifiers::SHIFT),
            },
            KeyCode::Char('\r') => Self { code: KeyCode::Enter, ..self },
            KeyCode::Char('\t') => Self { code: KeyCode::Tab, ..self },
            KeyCode::Char('\x1b') => Self { code: KeyCode::Escape, ..self },
            KeyCode::Char('\x7f') => Self { code: KeyCode::Backspace, ..self },
            _ => self,
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

/// The only character of `text`.
fn single(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// Modifiers, the key's name, and whether they are written in tmux's way.
fn split(text: &str) -> (Vec<&str>, &str, bool) {
    // `ctrl++` is the plus key, `C--` the minus key.
    for (separator, is_tmux) in [('+', false), ('-', true)] {
        let name_at = match text.char_indices().rev().nth(1) {
            Some((index, char)) if char == separator && text.ends_with(separator) => index + 1,
            Some(_) | None => text.rfind(separator).map_or(0, |index| index + 1),
        };
        if name_at > 0 && name_at < text.len() {
            let prefixes = text[..name_at - 1].split(separator).collect();
            return (prefixes, &text[name_at..], is_tmux);
        }
    }
    (Vec::new(), text, false)
}

fn modifier(name: &str) -> Option<Modifiers> {
    match name.to_ascii_lowercase().as_str() {
        "ctrl" | "control" => Some(Modifiers::CTRL),
        "alt" | "meta" | "opt" | "option" => Some(Modifiers::ALT),
        "shift" => Some(Modifiers::SHIFT),
        "super" | "cmd" | "command" | "win" => Some(Modifiers::SUPER),
        _ => None,
    }
}

fn tmux_modifier(name: &str) -> Option<Modifiers> {
    match name {
        "C" | "c" => Some(Modifiers::CTRL),
        "M" | "m" => Some(Modifiers::ALT),
        "S" | "s" => Some(Modifiers::SHIFT),
        _ => modifier(name),
    }
}

fn code(name: &str) -> Option<KeyCode> {
    if let Some(char) = single(name) {
        return Some(KeyCode::Char(char));
    }
    let name = name.to_ascii_lowercase();
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
}

fn unknown(text: &str, prefix: &str) -> KeyError {
    KeyError::UnknownModifier { name: prefix.to_owned(), key: text.to_owned() }
}

fn unknown_key(name: &str) -> KeyError {
    let wanted = name.to_ascii_lowercase();
    // A third of the letters may be wrong.
    let limit = wanted.chars().count().div_ceil(3).max(1);
    let mut names: Vec<_> = NAMES
        .iter()
        .map(|(known, code)| (distance(&wanted, known), known, code))
        .filter(|(distance, ..)| *distance <= limit)
        .collect();
    names.sort_by_key(|(distance, ..)| *distance);
    let mut keys = Vec::new();
    // Of several names of one key the nearest is enough.
    names.retain(|(.., code)| {
        !keys.contains(code) && {
            keys.push(code);
            true
        }
    });
    let near = names.iter().take(SUGGESTIONS).map(|(_, known, _)| **known).collect();
    KeyError::UnknownKey { name: name.to_owned(), near }
}

/// How many letters must be changed, added or taken away to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.bytes().enumerate() {
            let change = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: Modifiers) -> Key {
        Key { code, modifiers }
    }

    #[test]
    fn keys_are_known_by_their_names_in_both_ways_of_writing() {
        let ctrl = Modifiers::CTRL;
        let alt = Modifiers::ALT;
        let shift = Modifiers::SHIFT;
        for (text, expected) in [
            ("enter", key(KeyCode::Enter, Modifiers::NONE)),
            ("Escape", key(KeyCode::Escape, Modifiers::NONE)),
            ("ctrl+c", key(KeyCode::Char('c'), ctrl)),
            ("C-c", key(KeyCode::Char('c'), ctrl)),
            ("alt+x", key(KeyCode::Char('x'), alt)),
            ("M-x", key(KeyCode::Char('x'), alt)),
            ("shift+tab", key(KeyCode::Tab, shift)),
            ("S-Tab", key(KeyCode::Tab, shift)),
            ("BTab", key(KeyCode::Tab, shift)),
            ("C-M-Left", key(KeyCode::Left, ctrl.with(alt))),
            ("ctrl+shift+left", key(KeyCode::Left, ctrl.with(shift))),
            ("f12", key(KeyCode::Function(12), Modifiers::NONE)),
            ("pageup", key(KeyCode::PageUp, Modifiers::NONE)),
            ("space", key(KeyCode::Char(' '), Modifiers::NONE)),
            ("A", key(KeyCode::Char('a'), shift)),
            ("é", key(KeyCode::Char('é'), Modifiers::NONE)),
            ("+", key(KeyCode::Char('+'), Modifiers::NONE)),
            ("-", key(KeyCode::Char('-'), Modifiers::NONE)),
            ("ctrl++", key(KeyCode::Char('+'), ctrl)),
            ("C--", key(KeyCode::Char('-'), ctrl)),
            ("ctrl+-", key(KeyCode::Char('-'), ctrl)),
            ("ctrl-c", key(KeyCode::Char('c'), ctrl)),
            ("kpenter", key(KeyCode::Keypad(KeypadKey::Enter), Modifiers::NONE)),
        ] {
            assert_eq!(Key::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_that_look_like_it() {
        assert_eq!(Key::parse(""), Err(KeyError::Empty));
        for (text, message) in [
            ("entre", "unknown key \"entre\"; did you mean enter?"),
            ("pgeup", "unknown key \"pgeup\"; did you mean pageup?"),
            ("ctrl+hyper", "unknown key \"hyper\""),
            (
                "ctlr+c",
                "unknown modifier \"ctlr\" in \"ctlr+c\"; there are ctrl, alt, shift and super",
            ),
        ] {
            assert_eq!(Key::parse(text).unwrap_err().to_string(), message);
        }
    }
}
