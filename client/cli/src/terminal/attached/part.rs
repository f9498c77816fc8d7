//! What fits of a screen that is larger than the user's terminal: whoever only looks has no say in
//! the size.

use std::time::Duration;

use codeplane_client::{Client, v1};
use tokio::time::{Instant, timeout};
use unicode_width::UnicodeWidthChar;

/// Between two paintings: a flood is not read anyway, and each asks the daemon for the screen.
const PAUSE: Duration = Duration::from_millis(50);

/// A daemon that takes longer is asked again.
const PATIENCE: Duration = Duration::from_secs(1);

/// The part of the session's screen that is shown.
#[derive(Debug)]
pub(super) struct Part {
    /// What each row of the terminal shows.
    rows: Vec<String>,
    /// When to paint, if there is something new.
    due: Option<Instant>,
}

impl Part {
    /// Nothing yet, to be painted at once.
    pub(super) fn new() -> Self {
        Self { rows: Vec::new(), due: Some(Instant::now()) }
    }

    /// The session has printed something.
    pub(super) fn note(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + PAUSE);
    }

    /// The terminal shows something else now.
    pub(super) fn forget(&mut self) {
        *self = Self::new();
    }

    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What to write to a terminal of this size so that it shows the screen as it is now; empty
    /// where the daemon does not answer, which is told elsewhere.
    pub(super) async fn paint(
        &mut self,
        client: &Client,
        session: &str,
        size: v1::TerminalSize,
    ) -> String {
        self.due = None;
        match screen(client, session).await {
            Some(screen) => self.differences(&screen, size),
            None => String::new(),
        }
    }

    /// The sequences that make the terminal show `screen` where it shows `self.rows`.
    fn differences(&mut self, screen: &v1::GetScreenResponse, size: v1::TerminalSize) -> String {
        let cursor = screen.cursor.unwrap_or_default();
        let first = (beyond(cursor.row, size.rows), beyond(cursor.column, size.cols));
        let rows = rows(screen, size, first);
        // Together, where the terminal can: without flicker.
        let mut out = "\x1b[?2026h\x1b[?25l".to_owned();
        for (at, row) in rows.iter().enumerate().filter(|(at, row)| self.rows.get(*at) != Some(row))
        {
            out.push_str(&at_row(at, row));
        }
        let (row, column) = (cursor.row - first.0 + 1, cursor.column - first.1 + 1);
        out.push_str(&format!("\x1b[{row};{column}H"));
        out.push_str(if cursor.visible { "\x1b[?25h\x1b[?2026l" } else { "\x1b[?2026l" });
        self.rows = rows;
        out
    }
}

/// The sequences that paint `screen` over a terminal of this size, and leave cursor and pen.
pub(super) fn over(screen: &v1::GetScreenResponse, size: v1::TerminalSize) -> String {
    let painted = rows(screen, size, (0, 0)).into_iter().enumerate();
    let painted: String = painted.map(|(at, row)| at_row(at, &row)).collect();
    format!("\x1b7{painted}\x1b8")
}

/// The screen as it is now; none where the daemon does not answer.
pub(super) async fn screen(client: &Client, session: &str) -> Option<v1::GetScreenResponse> {
    let request = v1::GetScreenRequest {
        session: session.to_owned(),
        format: v1::ScreenFormat::Cells.into(),
        history_lines: 0,
    };
    timeout(PATIENCE, client.get_screen(request)).await.ok()?.ok()
}

fn at_row(at: usize, row: &str) -> String {
    // Erased before it is written: behind a full row some terminals would erase its last cell.
    format!("\x1b[{};1H\x1b[0m\x1b[K{row}\x1b[0m", at + 1)
}

/// How far to go so that `cursor` is among the first `room`.
const fn beyond(cursor: u32, room: u32) -> u32 {
    (cursor + 1).saturating_sub(room)
}

/// The rows of a terminal of this size that shows the screen from row and column `first` on.
fn rows(screen: &v1::GetScreenResponse, size: v1::TerminalSize, first: (u32, u32)) -> Vec<String> {
    let shown = screen.cells.iter().skip(index(screen.history_lines) + index(first.0));
    let mut rows: Vec<_> = shown.map(|line| row(line, first.1, size.cols)).collect();
    rows.resize(index(size.rows), String::new());
    rows
}

/// `count` columns of a line from `first` on. Of a character that an edge would cut a space is left.
fn row(line: &v1::ScreenLine, first: u32, count: u32) -> String {
    let end = first + count;
    let mut out = String::new();
    let mut column = 0;
    for run in &line.runs {
        let mut text = String::new();
        let mut within = false;
        for char in run.text.chars() {
            let width = char.width().and_then(|width| u32::try_from(width).ok()).unwrap_or(0);
            if width == 0 {
                // A mark on the character before it.
                text.extend(within.then_some(char));
                continue;
            }
            within = column >= first && column + width <= end;
            if within {
                text.push(char);
            } else {
                let visible = (column + width).min(end).saturating_sub(column.max(first));
                text.extend((0..visible).map(|_| ' '));
            }
            column += width;
        }
        if !text.is_empty() {
            rendition(run, &mut out);
            out.push_str(&text);
        }
    }
    out
}

/// The sequence that sets the looks of a run, whatever was set before.
fn rendition(run: &v1::CellRun, out: &mut String) {
    use v1::CellAttribute as A;
    out.push_str("\x1b[0");
    for attribute in run.attributes() {
        out.push_str(match attribute {
            A::Unspecified => "",
            A::Bold => ";1",
            A::Dim => ";2",
            A::Italic => ";3",
            A::Underline => ";4",
            A::Inverse => ";7",
            A::Hidden => ";8",
            A::Strikethrough => ";9",
        });
    }
    colour(38, run.foreground, out);
    colour(48, run.background, out);
    out.push('m');
}

fn colour(which: u8, colour: Option<v1::Color>, out: &mut String) {
    match colour.and_then(|colour| colour.color) {
        None => {}
        Some(v1::color::Color::Indexed(index)) => out.push_str(&format!(";{which};5;{index}")),
        Some(v1::color::Color::Rgb(rgb)) => {
            let [_, red, green, blue] = rgb.to_be_bytes();
            out.push_str(&format!(";{which};2;{red};{green};{blue}"));
        }
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(texts: &[&str]) -> v1::ScreenLine {
        let run = |text: &&str| v1::CellRun { text: (*text).to_owned(), ..Default::default() };
        v1::ScreenLine { runs: texts.iter().map(run).collect(), wrapped: false }
    }

    /// The text of a row without its looks.
    fn plain(row: &str) -> String {
        row.replace("\x1b[0m", "")
    }

    #[test]
    fn a_row_is_cut_at_both_edges() {
        let line = line(&["abc", "defgh"]);

        assert_eq!(plain(&row(&line, 0, 4)), "abcd");
        assert_eq!(plain(&row(&line, 2, 3)), "cde");
        assert_eq!(plain(&row(&line, 6, 10)), "gh");
        assert_eq!(plain(&row(&line, 20, 10)), "");
    }

    #[test]
    fn half_a_wide_character_is_a_space() {
        let line = line(&["a日本b"]);

        assert_eq!(plain(&row(&line, 0, 4)), "a日 ");
        assert_eq!(plain(&row(&line, 2, 4)), " 本b");
        assert_eq!(plain(&row(&line, 2, 1)), " ");
    }

    #[test]
    fn marks_stay_with_their_character() {
        let line = line(&["e\u{301}f\u{301}g"]);

        assert_eq!(plain(&row(&line, 0, 1)), "e\u{301}");
        assert_eq!(plain(&row(&line, 1, 1)), "f\u{301}");
    }

    #[test]
    fn the_cursor_is_always_in_the_part_that_is_shown() {
        let mut part = Part::new();
        let screen = v1::GetScreenResponse {
            cells: ["one", "two", "three", "four"].map(|text| line(&[text])).into(),
            cursor: Some(v1::Cursor { column: 5, row: 3, visible: true }),
            ..Default::default()
        };

        let painted = part.differences(&screen, v1::TerminalSize { cols: 4, rows: 2 });

        assert_eq!(part.rows.iter().map(|row| plain(row)).collect::<Vec<_>>(), ["ree", "ur"]);
        assert!(painted.contains("\x1b[2;4H"), "{painted:?}");
    }

    #[test]
    fn only_rows_that_have_changed_are_painted() {
        let mut part = Part::new();
        let size = v1::TerminalSize { cols: 9, rows: 2 };
        let mut screen = v1::GetScreenResponse {
            cells: ["one", "two"].map(|text| line(&[text])).into(),
            ..Default::default()
        };
        part.differences(&screen, size);
        screen.cells[1] = line(&["2"]);

        let painted = part.differences(&screen, size);

        assert!(!painted.contains("one") && painted.contains('2'), "{painted:?}");
    }
}
