//! Putting what a session printed onto somebody's own terminal.

use std::borrow::Cow;

use codeplane_terminal::{Offset, OutputFilter, PlainText};

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

impl DisplayFilter {
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
            self.filter = OutputFilter::new();
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
        self.plain.push(self.next, data, &mut |_, piece| text.push_str(piece));
        self.next = self.next.plus(data.len());
        text
    }

    /// The text that waited for more.
    pub fn finish(&mut self) -> String {
        let mut text = String::new();
        self.plain.finish(&mut |_, piece| text.push_str(piece));
        text
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
}
