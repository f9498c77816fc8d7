//! Text in output.

use codeplane_core::Offset;
use codeplane_shim::{LogReader, Read};
use codeplane_terminal::PlainText;
use regex::Regex;

use super::live::Live;

/// How much output is read at a time.
const CHUNK: usize = 64 << 10;

/// How much text before new output is searched again with it, in bytes: a match may have begun
/// there. Longer matches are not found; nobody waits for a match of more than 64 KiB.
const OVERLAP: usize = 64 << 10;

/// A search through a growing log.
#[derive(Debug)]
pub(crate) struct Search {
    reader: LogReader,
    at: Offset,
    plain: PlainText,
    text: String,
    /// Where each piece of `text` begins, in `text` and in the output.
    pieces: Vec<(usize, Offset)>,
    buffer: Vec<u8>,
}

impl Search {
    /// Begins at a position.
    pub(crate) fn new(live: &Live, from: Offset) -> Self {
        Self {
            reader: live.reader(),
            at: from,
            plain: PlainText::new(),
            text: String::new(),
            pieces: Vec::new(),
            buffer: vec![0; CHUNK],
        }
    }

    /// How far it has come.
    pub(crate) const fn at(&self) -> Offset {
        self.at
    }

    /// Reads one chunk, and looks for a match in it and a little before it: its text, and the
    /// position behind it. Blocks.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn step(
        &mut self,
        end: Offset,
        regex: &Regex,
    ) -> std::io::Result<Option<(String, Offset)>> {
        let wanted = usize::try_from(end.since(self.at)).unwrap_or(CHUNK).min(CHUNK);
        match self.reader.read(self.at, end, &mut self.buffer[..wanted])? {
            Read::Bytes(count) => {
                self.forget();
                let (text, pieces) = (&mut self.text, &mut self.pieces);
                self.plain.push(self.at, &self.buffer[..count], &mut |at, piece| {
                    pieces.push((text.len(), at));
                    text.push_str(piece);
                });
                self.at = self.at.plus(count);
            }
            Read::Gap { to, .. } => self.at = to,
            Read::Empty => self.at = end,
        }
        let found = regex.find(&self.text);
        Ok(found.map(|found| (found.as_str().to_owned(), self.behind(found.end()))))
    }

    /// The position in the output behind this place of the text.
    fn behind(&self, end: usize) -> Offset {
        let piece = self.pieces.iter().rev().find(|(start, _)| *start < end);
        piece.map_or(self.at, |(start, offset)| offset.plus(end - start))
    }

    fn forget(&mut self) {
        if self.text.len() <= 2 * OVERLAP {
            return;
        }
        let mut cut = self.text.len() - OVERLAP;
        while !self.text.is_char_boundary(cut) {
            cut -= 1;
        }
        self.text.drain(..cut);
        let before = self.pieces.partition_point(|(start, _)| *start <= cut);
        // The piece that is cut keeps its end.
        let kept = before.saturating_sub(1);
        self.pieces.drain(..kept);
        for (start, offset) in &mut self.pieces {
            match start.checked_sub(cut) {
                Some(moved) => *start = moved,
                None => {
                    *offset = offset.plus(cut - *start);
                    *start = 0;
                }
            }
        }
    }
}
