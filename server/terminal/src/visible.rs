//! Text from a session, made fit to be printed on somebody's terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with everything written out that could act on a terminal or mislead a reader.
///
/// Controls become `\x1b` or `\n`, invisible and direction-changing characters `<U+202E>`. A
/// backslash is doubled, so that nothing else can look like this.
///
/// The result holds no C0 or C1 control, no line break and no bidirectional control.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|char| is_control(char) || is_deceptive(char) || char == '\\') {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        let written = match char {
            '\n' => shown.write_str("\\n"),
            '\r' => shown.write_str("\\r"),
            '\t' => shown.write_str("\\t"),
            '\\' => shown.write_str("\\\\"),
            _ if u32::from(char) < 0x80 && is_control(char) => {
                write!(shown, "\\x{:02x}", u32::from(char))
            }
            _ if is_control(char) || is_deceptive(char) => {
                write!(shown, "<U+{:04X}>", u32::from(char))
            }
            _ => shown.write_char(char),
        };
        debug_assert!(written.is_ok(), "a string takes every text");
    }
    Cow::Owned(shown)
}

/// C0, DEL and C1.
fn is_control(char: char) -> bool {
    char.is_control()
}

/// Characters that change what others look like without being seen: direction, joining, tags, line
/// and paragraph separators, the byte order mark, interlinear annotations.
fn is_deceptive(char: char) -> bool {
    matches!(
        char,
        '\u{00ad}'
            | '\u{034f}'
            | '\u{061c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
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

            prop_assert!(!shown.chars().any(|char| is_control(char) || is_deceptive(char)));
        }

        #[test]
        fn different_texts_look_different(a in "[\\\\x1b\n<U+>09Bn]{0,6}", b in "[\\\\x1b\n<U+>09Bn]{0,6}") {
            prop_assert_eq!(a == b, visible(&a) == visible(&b));
        }
    }
}
