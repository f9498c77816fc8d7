//! Output without its escape sequences.

use codeplane_core::Offset;

use crate::stream::{Machine, Sink, Span, Token};

/// Takes the escape sequences out of an output that arrives in pieces, and tells where in the
/// output each piece of text was.
///
/// What is left is what `grep` should see: text, tabs and line feeds. A carriage return before a
/// line feed is dropped; any other one begins its line anew and becomes a line feed, so that each
/// state of a progress bar is a line. Sequences that move the cursor leave nothing behind. Bytes
/// that are no UTF-8 become U+FFFD.
#[derive(Clone, Debug, Default)]
pub struct PlainText {
    machine: Machine,
    clean: Cleaner,
}

/// What must be remembered between two runs of text.
#[derive(Clone, Debug, Default)]
struct Cleaner {
    /// Where the carriage return is that waits for a line feed.
    pending_return: Option<Offset>,
    /// A begun character and where it begins.
    partial: Vec<u8>,
    partial_at: Offset,
}

impl PlainText {
    /// At the beginning of an output or at any position that is not inside a sequence.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `sink` the text of `bytes`, which begin at `offset`. Within one piece of text each byte
    /// is one of the output, the first at the offset given with it, unless it is U+FFFD.
    pub fn push(&mut self, offset: Offset, bytes: &[u8], sink: &mut impl FnMut(Offset, &str)) {
        self.machine.scan(offset, bytes, &mut Collect { clean: &mut self.clean, sink });
    }

    /// Gives `sink` what waited for more, when the output has ended.
    pub fn finish(&mut self, sink: &mut impl FnMut(Offset, &str)) {
        self.clean.end_character(sink);
        self.clean.end_line(sink);
        self.machine = Machine::default();
    }
}

/// The text of a complete output.
#[must_use]
pub fn strip_escapes(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut plain = PlainText::new();
    plain.push(Offset::ZERO, bytes, &mut |_, piece| text.push_str(piece));
    plain.finish(&mut |_, piece| text.push_str(piece));
    text
}

struct Collect<'a, F> {
    clean: &'a mut Cleaner,
    sink: &'a mut F,
}

impl<F: FnMut(Offset, &str)> Sink for Collect<'_, F> {
    fn text(&mut self, at: Offset, bytes: &[u8]) {
        self.clean.text(at, bytes, self.sink);
    }

    fn token(&mut self, span: Span, token: Token<'_>) {
        // A sequence may stand between a carriage return and its line feed, as when colours are
        // reset at the end of a line, but not in a character.
        self.clean.end_character(self.sink);
        if let Token::Embedded(control) = token {
            self.clean.text(span.start, &[control], self.sink);
        }
    }
}

impl Cleaner {
    fn text(&mut self, at: Offset, bytes: &[u8], sink: &mut impl FnMut(Offset, &str)) {
        let taken = self.complete_character(at, bytes, sink);
        let mut rest = &bytes[taken..];
        let mut at = at.plus(taken);
        while !rest.is_empty() {
            let (valid, error) = match std::str::from_utf8(rest) {
                Ok(valid) => (valid, None),
                Err(error) => {
                    let valid = &rest[..error.valid_up_to()];
                    (std::str::from_utf8(valid).unwrap_or_default(), Some(error.error_len()))
                }
            };
            self.valid(at, valid, sink);
            at = at.plus(valid.len());
            rest = &rest[valid.len()..];
            match error {
                None => {}
                Some(None) => {
                    self.partial.extend_from_slice(rest);
                    self.partial_at = at;
                    return;
                }
                Some(Some(length)) => {
                    self.emit(at, "\u{fffd}", sink);
                    at = at.plus(length);
                    rest = &rest[length..];
                }
            }
        }
    }

    /// Adds to the begun character what it lacks. Returns how many bytes were its own.
    fn complete_character(
        &mut self,
        at: Offset,
        bytes: &[u8],
        sink: &mut impl FnMut(Offset, &str),
    ) -> usize {
        if self.partial.is_empty() {
            return 0;
        }
        if at != self.partial_at.plus(self.partial.len()) {
            self.end_character(sink);
            return 0;
        }
        for (taken, byte) in bytes.iter().enumerate() {
            self.partial.push(*byte);
            let decoded = std::str::from_utf8(&self.partial);
            match decoded.map(str::to_owned).map_err(|error| error.error_len()) {
                Ok(character) => {
                    self.partial.clear();
                    self.valid(self.partial_at, &character, sink);
                    return taken + 1;
                }
                Err(None) => {}
                Err(Some(_)) => {
                    self.end_character(sink);
                    return taken;
                }
            }
        }
        bytes.len()
    }

    /// A begun character to which nothing more comes.
    fn end_character(&mut self, sink: &mut impl FnMut(Offset, &str)) {
        if !self.partial.is_empty() {
            self.partial.clear();
            self.emit(self.partial_at, "\u{fffd}", sink);
        }
    }

    /// Text with controls.
    fn valid(&mut self, at: Offset, text: &str, sink: &mut impl FnMut(Offset, &str)) {
        let mut rest = text;
        let mut at = at;
        while let Some(first) = rest.chars().next() {
            if is_kept(first) {
                let end = rest.find(|char| !is_kept(char)).unwrap_or(rest.len());
                // Another carriage return than the one before a line feed ends its line here.
                self.emit(at, &rest[..end], sink);
                at = at.plus(end);
                rest = &rest[end..];
            } else {
                if first == '\r' {
                    self.pending_return.get_or_insert(at);
                }
                at = at.plus(first.len_utf8());
                rest = &rest[first.len_utf8()..];
            }
        }
    }

    fn emit(&mut self, at: Offset, text: &str, sink: &mut impl FnMut(Offset, &str)) {
        if text.starts_with('\n') {
            self.pending_return = None;
        } else {
            self.end_line(sink);
        }
        sink(at, text);
    }

    fn end_line(&mut self, sink: &mut impl FnMut(Offset, &str)) {
        if let Some(at) = self.pending_return.take() {
            sink(at, "\n");
        }
    }
}

/// Text, tab and line feed; not the other controls.
fn is_kept(char: char) -> bool {
    matches!(char, '\n' | '\t') || !char.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(chunks: &[&[u8]]) -> Vec<(u64, String)> {
        let mut pieces = Vec::new();
        let mut plain = PlainText::new();
        let mut offset = Offset::ZERO;
        for chunk in chunks {
            plain.push(offset, chunk, &mut |at, text| pieces.push((at.0, text.to_owned())));
            offset = offset.plus(chunk.len());
        }
        plain.finish(&mut |at, text| pieces.push((at.0, text.to_owned())));
        pieces
    }

    fn joined(pieces: &[(u64, String)]) -> String {
        pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn sequences_and_controls_go_and_text_stays() {
        for (output, text) in [
            ("\x1b[1;31mred\x1b[0m text", "red text"),
            ("\x1b]0;title\x07prompt$ ", "prompt$ "),
            ("a\x08b\x07c\td", "abc\td"),
            ("one\r\ntwo\r\r\nthree", "one\ntwo\nthree"),
            (" 10%\r 99%\r\ndone", " 10%\n 99%\ndone"),
            ("line\r\x1b[0m\nnext", "line\nnext"),
            ("\x1bPq#0;2\x1b\\after\x1b(B", "after"),
            ("end\r", "end\n"),
        ] {
            assert_eq!(strip_escapes(output.as_bytes()), text, "{output:?}");
        }
        assert_eq!(strip_escapes(b"a\xffb\xe2\x82"), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn each_piece_is_where_it_was() {
        let pieces = pieces(&[b"ab\x1b[1mcd\r\nef"]);

        assert_eq!(pieces, [(0, "ab".to_owned()), (6, "cd".to_owned()), (9, "\nef".to_owned())]);
    }

    proptest! {
        #[test]
        fn the_text_does_not_depend_on_where_the_output_is_cut(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just(&b"text"[..]), Just("日é👍".as_bytes()), Just(&b"\r"[..]), Just(&b"\n"[..]),
                    Just(&b"\x1b[1;2m"[..]), Just(&b"\x1b]0;t\x1b\\"[..]), Just(&b"\xe2\x82"[..]),
                    Just(&b"\xff"[..]), Just(&b"\x07"[..]),
                ],
                0..12,
            ),
        ) {
            let output = parts.concat();
            let whole = strip_escapes(&output);

            for cut in 0..=output.len() {
                let (left, right) = output.split_at(cut);
                prop_assert_eq!(&joined(&pieces(&[left, right])), &whole, "cut at {}", cut);
            }
        }
    }
}
