//! Text from a session, made fit to be printed on somebody's terminal.

use std::borrow::Cow;
use std::fmt::Write;

use codeplane_core::is_printable;

/// `text` with everything written out that could act on a terminal or mislead a reader.
///
/// Controls become `\x1b` or `\n`, invisible and direction-changing characters `<U+202E>`. A
/// backslash is doubled, so that nothing else can look like this.
///
/// The result holds no C0 or C1 control, no line break and no bidirectional control.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|char| !is_printable(char) || char == '\\') {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        let written = match char {
            '\n' => shown.write_str("\\n"),
            '\r' => shown.write_str("\\r"),
            '\t' => shown.write_str("\\t"),
            '\\' => shown.write_str("\\\\"),
            _ if char.is_ascii_control() => {
                write!(shown, "\\x{:02x}", u32::from(char))
            }
            _ if is_printable(char) => shown.write_char(char),
            _ => write!(shown, "<U+{:04X}>", u32::from(char)),
        };
        debug_assert!(written.is_ok(), "a string takes every text");
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn controls_and_direction_marks_are_written_out() {
        for (text, shown) in [
            ("plain héllo 日本 👍", "plain héllo 日本 👍"),
            ("a\x1b[31mb", "a\\x1b[31mb"),
            ("two\r\nlines\t", "two\\r\\nlines\\t"),
            ("bell\x07 del\x7f", "bell\\x07 del\\x7f"),
            ("c1 \u{9b}31m", "c1 <U+009B>31m"),
            ("x\u{202e}gpj.exe", "x<U+202E>gpj.exe"),
            ("zero\u{200b}width", "zero<U+200B>width"),
            ("C:\\x1b", "C:\\\\x1b"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_acts_on_a_terminal_is_left(text in any::<String>()) {
            let shown = visible(&text);

            prop_assert!(shown.chars().all(is_printable));
        }

        #[test]
        fn different_texts_look_different(a in "[\\\\x1b\n<U+>09Bn]{0,6}", b in "[\\\\x1b\n<U+>09Bn]{0,6}") {
            prop_assert_eq!(a == b, visible(&a) == visible(&b));
        }
    }
}
