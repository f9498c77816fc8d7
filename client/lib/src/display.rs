//! Putting what a session printed onto somebody's own terminal.

use std::borrow::Cow;

use codeplane_terminal::{Offset, OutputFilter, PlainText, ScreenKind, visible};

use crate::v1;

/// Passes output on to the client's terminal, but for what would make that terminal answer in
/// somebody's name: queries that are not its to answer, reports of its title, its clipboard.
///
/// ```
/// use codeplane_client::{DisplayFilter, v1};
///
/// let mut filter = DisplayFilter::default();
/// let position = v1::OutputPosition { incarnation: 1, offset: 0 };
/// assert_eq!(filter.pass(position, b"hello \x1b[cworld").as_ref(), b"hello world");
/// ```
#[derive(Debug, Default)]
pub struct DisplayFilter {
    filter: OutputFilter,
    answers_from: Option<v1::OutputPosition>,
    incarnation: u32,
}

/// Which of its two screens a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// The one with scrollback.
    Primary,
    /// The one of full-screen programs.
    Alternate,
}

impl DisplayFilter {
    /// Which screen the terminal shows after all that was passed.
    #[must_use]
    pub fn screen(&self) -> Screen {
        match self.filter.screen() {
            ScreenKind::Primary => Screen::Primary,
            ScreenKind::Alternate => Screen::Alternate,
        }
    }

    /// The terminal was cleared, and shows this snapshot: what follows begins anew.
    pub fn begin_with(&mut self, snapshot: &v1::Snapshot) {
        let position = snapshot.position.unwrap_or_default();
        self.incarnation = position.incarnation;
        self.filter = OutputFilter::new();
        // Its sequences are the daemon's own: none of them asks anything. They are looked at, as if
        // they came right before the output that follows.
        let start = position.offset.saturating_sub(snapshot.data.len() as u64);
        drop(self.filter.filter(Offset(start), &snapshot.data));
        self.tell();
    }

    /// The client's terminal answers queries from `position` on; never with `None`.
    pub fn set_answers_from(&mut self, position: Option<v1::OutputPosition>) {
        self.answers_from = position;
        self.tell();
    }

    /// What to write to the terminal of `data`, which begins at `position`.
    pub fn pass<'a>(&mut self, position: v1::OutputPosition, data: &'a [u8]) -> Cow<'a, [u8]> {
        if position.incarnation != self.incarnation {
            // Another program: what the last one left unfinished never gets its end.
            self.incarnation = position.incarnation;
            drop(self.filter.finish());
            self.tell();
        }
        self.filter.filter(Offset(position.offset), data)
    }

    /// What was held back as a beginning that has got no end.
    pub fn finish(&mut self) -> Vec<u8> {
        self.filter.finish()
    }

    /// Offsets count within a run: an earlier run's hand-over holds from this run's first byte.
    fn tell(&mut self) {
        let offset = self.answers_from.and_then(|from| {
            if from.incarnation < self.incarnation {
                Some(Offset(0))
            } else if from.incarnation == self.incarnation {
                Some(Offset(from.offset))
            } else {
                None
            }
        });
        self.filter.set_answers_from(offset);
    }
}

/// Takes the escape sequences out of output that arrives in pieces; what is left is text, tabs and
/// line feeds.
///
/// Characters that could act on a terminal or hide or turn what stands beside them are
/// written out as [`visible`] writes them, all but backslashes, which stay single.
///
/// ```
/// use codeplane_client::TextFilter;
///
/// let mut filter = TextFilter::default();
/// assert_eq!(filter.pass(b"\x1b[31mred\x1b[0m\r\n"), "red\n");
/// ```
#[derive(Debug, Default)]
pub struct TextFilter {
    plain: PlainText,
    next: Offset,
}

impl TextFilter {
    /// The text of the next piece.
    pub fn pass(&mut self, data: &[u8]) -> String {
        let mut text = String::new();
        self.plain.push(self.next, data, &mut |_, piece| push_readable(&mut text, piece));
        self.next = self.next.plus(data.len());
        text
    }

    /// The text that waited for more.
    pub fn finish(&mut self) -> String {
        let mut text = String::new();
        self.plain.finish(&mut |_, piece| push_readable(&mut text, piece));
        text
    }
}

/// Whether a character can be printed as it is: it neither acts on a terminal nor is invisible nor
/// changes the direction of others. Backslashes can.
///
/// ```
/// use codeplane_client::is_printable;
///
/// assert!("a\\é日".chars().all(is_printable));
/// assert!(!"\n\u{7f}\u{9b}\u{202e}\u{2028}".chars().any(is_printable));
/// ```
#[must_use]
pub fn is_printable(char: char) -> bool {
    // What there is to write out is decided in one place.
    char == '\\' || matches!(visible(char.encode_utf8(&mut [0; 4])), Cow::Borrowed(_))
}

fn push_readable(text: &mut String, piece: &str) {
    for char in piece.chars() {
        if matches!(char, '\n' | '\t') || is_printable(char) {
            text.push(char);
        } else {
            text.push_str(&visible(char.encode_utf8(&mut [0; 4])));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(incarnation: u32, offset: u64) -> v1::OutputPosition {
        v1::OutputPosition { incarnation, offset }
    }

    #[test]
    fn queries_pass_from_the_hand_over_on() {
        let mut filter = DisplayFilter::default();
        filter.set_answers_from(Some(at(1, 4)));

        assert_eq!(filter.pass(at(1, 0), b"\x1b[c.").as_ref(), b".");
        assert_eq!(filter.pass(at(1, 4), b"\x1b[c.").as_ref(), b"\x1b[c.");

        filter.set_answers_from(None);
        assert_eq!(filter.pass(at(1, 8), b"\x1b[c.").as_ref(), b".");
    }

    #[test]
    fn the_next_run_is_answered_by_whoever_answered_the_last() {
        let mut filter = DisplayFilter::default();
        filter.set_answers_from(Some(at(1, 1000)));

        assert_eq!(filter.pass(at(1, 0), b"\x1b[c").as_ref(), b"");
        assert_eq!(filter.pass(at(2, 0), b"\x1b[c").as_ref(), b"\x1b[c");
    }

    #[test]
    fn reports_of_the_title_never_pass() {
        let mut filter = DisplayFilter::default();
        filter.set_answers_from(Some(at(1, 0)));

        assert_eq!(filter.pass(at(1, 0), b"a\x1b[21tb").as_ref(), b"ab");
    }

    #[test]
    fn text_has_nothing_that_hides_or_turns_what_stands_beside_it() {
        let mut filter = TextFilter::default();

        let text = filter.pass("a\u{202e}b\u{2066}\u{200f}\u{2028}c\td\\n é日\n".as_bytes());

        assert_eq!(text, "a<U+202E>b<U+2066><U+200F><U+2028>c\td\\n é日\n");
    }

    #[test]
    fn a_direction_mark_in_two_pieces_does_not_pass() {
        let mut filter = TextFilter::default();

        let text = filter.pass(b"a\xe2\x80") + &filter.pass(b"\xaeb") + &filter.finish();

        assert_eq!(text, "a<U+202E>b");
    }
}
