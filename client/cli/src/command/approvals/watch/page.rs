//! An approval's details in rows of a width.

use codeplane_client::v1;
use jiff::Timestamp;
use unicode_width::UnicodeWidthChar;

use crate::approval::{Line, details};

/// Rows; the first `asked` of them say what is asked.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) rows: Vec<Line>,
    pub(super) asked: usize,
}

/// Nothing is cut off: what does not fit goes on in the next row.
pub(super) fn page(approval: &v1::Approval, width: usize, now: Timestamp) -> Page {
    let details = details(approval, now);
    let mut page = Page::default();
    for (i, line) in details.lines.into_iter().enumerate() {
        page.rows.extend(folded(&line, width));
        if i + 1 == details.asked {
            page.asked = page.rows.len();
        }
    }
    page
}

/// A line in rows of at most `width` columns.
pub(super) fn folded(line: &Line, width: usize) -> Vec<Line> {
    let mut rows = vec![String::new()];
    let mut used = 0;
    for character in line.text.chars() {
        let columns = character.width().unwrap_or_default();
        if used + columns > width.max(2) {
            rows.push(String::new());
            used = 0;
        }
        if let Some(row) = rows.last_mut() {
            row.push(character);
        }
        used += columns;
    }
    rows.into_iter().map(|text| Line { tone: line.tone, text }).collect()
}

#[cfg(test)]
mod tests {
    use crate::approval::Tone;

    use super::*;

    #[test]
    fn a_long_line_goes_on_in_the_next_row() {
        let fold = |text: &str, width| {
            let line = Line { tone: Tone::Plain, text: text.into() };
            folded(&line, width).into_iter().map(|row| row.text).collect::<Vec<_>>()
        };

        assert_eq!(fold("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(fold("日本語", 5), ["日本", "語"]);
        assert_eq!(fold("", 5), [""]);
        assert_eq!(fold("日", 0), ["日"]);
    }
}
