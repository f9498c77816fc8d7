//! Facts about typing.

/// Longest line a terminal in canonical mode hands to its program, in bytes without the newline.
///
/// The kernel's line buffer has 4,096 bytes (`N_TTY_BUF_SIZE`); it accepts a longer line and drops
/// the rest without a word, so a longer one must be refused before its first byte.
pub const CANONICAL_LINE_BYTES: usize = 4095;

/// Length of the longest line in `input`, in bytes without its end.
///
/// A line ends at a line feed, a carriage return (which the terminal turns into one) or EOT.
#[must_use]
pub fn longest_line(input: &[u8]) -> usize {
    input.split(|byte| matches!(byte, b'\n' | b'\r' | 0x04)).map(<[u8]>::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::longest_line;

    #[test]
    fn a_line_ends_where_the_terminal_ends_it() {
        assert_eq!(longest_line(b""), 0);
        assert_eq!(longest_line(b"abc"), 3);
        assert_eq!(longest_line(b"ab\ncdef\rgh"), 4);
        assert_eq!(longest_line(b"ab\x04cde\n"), 3);
    }
}
