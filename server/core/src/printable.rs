//! Characters that are seen as what they are.

/// Whether `char` acts on no terminal, and on others only by being seen.
///
/// No control (C0, DEL, C1) is printable, and none of direction, joining, tags, line and paragraph separators,
/// fillers, the byte order mark and interlinear annotations.
///
/// ```
/// assert!(codeplane_core::is_printable('é'));
/// assert!(!codeplane_core::is_printable('\u{202e}'));
/// ```
#[must_use]
pub const fn is_printable(char: char) -> bool {
    !matches!(
        char,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{00ad}'
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
