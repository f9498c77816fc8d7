//! Characters that show one thing and mean another.

/// Whether a text holds such characters.
pub(crate) fn has_odd_characters(text: &str) -> bool {
    text.chars().any(is_odd)
}

/// A text without them.
pub(crate) fn without_odd_characters(text: &str) -> String {
    text.chars().filter(|c| !is_odd(*c)).collect()
}

/// Whether a character has no place in a command that is to be understood: control and format
/// characters, and white space that is none to the shell.
pub(super) fn is_odd(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{fe00}'..='\u{fe0f}' => false,
        c if c.is_ascii() => c.is_ascii_control(),
        c => c.is_whitespace() || !crate::is_printable(c),
    }
}
