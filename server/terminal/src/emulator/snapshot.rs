//! A screen as rows of text.

use std::sync::Arc;

use alacritty_terminal::grid::{Dimensions, Row};
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::cell::{Cell, Flags};
use codeplane_core::{Offset, TerminalSize};

use super::Screen;
use super::pens::{is_blank, marks, pen_of};
use crate::modes::{CursorStyle, Modes, ScreenKind};
use crate::pen::Pen;
use crate::query::CursorPosition;

/// What a screen shows at one position of an output.
///
/// Texts hold no C0 or C1 controls, but may hold any other character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenSnapshot {
    /// The position.
    pub offset: Offset,
    /// Columns and rows.
    pub size: TerminalSize,
    /// Which screen it is.
    pub kind: ScreenKind,
    /// The rows that scrolled out at the top, the oldest first.
    pub history: Vec<SnapshotRow>,
    /// The rows of the screen from top to bottom.
    pub rows: Vec<SnapshotRow>,
    /// The cursor.
    pub cursor: SnapshotCursor,
    /// The modes, with the title.
    pub modes: Modes,
}

/// A row of text. Blank cells at its end are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotRow {
    /// Its text in pieces of the same looks, from the left without gaps.
    pub runs: Vec<TextRun>,
    /// Whether the next row goes on with the same line.
    pub end: RowEnd,
}

/// Whether a line ends with a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RowEnd {
    /// The line ends.
    #[default]
    Line,
    /// The next row goes on with it.
    Wrapped,
}

/// Text of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextRun {
    /// The characters, each with those of no width that follow it.
    pub text: String,
    /// How many columns the run takes.
    pub columns: u16,
    /// How many columns each of its characters takes.
    pub width: CharWidth,
    /// How it looks.
    pub pen: Arc<Pen>,
}

/// How many columns a character takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CharWidth {
    /// One.
    Narrow,
    /// Two.
    Wide,
}

/// The cursor of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotCursor {
    /// Where it is.
    pub position: CursorPosition,
    /// Whether it is shown.
    pub visibility: Visibility,
    /// How it looks; none if as the user likes.
    pub style: Option<CursorStyle>,
}

/// Whether something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// It is.
    Visible,
    /// It is not.
    Hidden,
}

impl Screen {
    /// What it shows, with its history.
    #[must_use]
    pub fn snapshot(&self) -> ScreenSnapshot {
        let grid = self.terminal.grid();
        let row = |line: i32| SnapshotRow::of(&grid[Line(line)]);
        let is_visible = self.modes.is_cursor_visible();
        ScreenSnapshot {
            offset: self.offset(),
            size: self.size(),
            kind: self.kind(),
            history: (grid.topmost_line().0..0).map(row).collect(),
            rows: (0..=grid.bottommost_line().0).map(row).collect(),
            cursor: SnapshotCursor {
                position: self.cursor(),
                visibility: if is_visible { Visibility::Visible } else { Visibility::Hidden },
                style: self.modes.cursor_style(),
            },
            modes: self.modes.clone(),
        }
    }
}

impl ScreenSnapshot {
    /// The text of the screen, a line for each row but blank ones at the end; without spaces at the
    /// ends of lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        let lines: Vec<_> = self.rows.iter().map(SnapshotRow::to_text).collect();
        let kept = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        lines[..kept].iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// The rows of the screen with sequences for colours and attributes, each complete in itself: it
    /// begins and ends with the pen of a new terminal, and moves the cursor only to the right.
    #[must_use]
    pub fn to_ansi_rows(&self) -> Vec<Vec<u8>> {
        self.rows.iter().map(SnapshotRow::to_ansi).collect()
    }
}

impl SnapshotRow {
    /// Its text without spaces at the end.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text: String = self.runs.iter().map(|run| run.text.as_str()).collect();
        text.truncate(text.trim_end_matches(' ').len());
        text
    }

    /// Its text with sequences for colours and attributes.
    #[must_use]
    pub fn to_ansi(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut pen = &Pen::default();
        let plain = Pen::default();
        for next in self.runs.iter().map(Some).chain([None]) {
            let next_pen = next.map_or(&plain, |run| &*run.pen);
            if next_pen.hyperlink != pen.hyperlink {
                next_pen.write_hyperlink(&mut out);
            }
            if next_pen != pen {
                next_pen.write_rendition(&mut out);
            }
            pen = next_pen;
            out.extend_from_slice(next.map_or("", |run| &run.text).as_bytes());
        }
        out
    }

    fn of(row: &Row<Cell>) -> Self {
        let cells = &row[..];
        let is_wrapped = row[Column(cells.len() - 1)].flags.contains(Flags::WRAPLINE);
        let end = cells.iter().rposition(|cell| !is_blank(cell)).map_or(0, |last| last + 1);
        let mut runs: Vec<TextRun> = Vec::new();
        for cell in &cells[..end] {
            // Of a wide character the second half, and the place before one that did not fit.
            if cell.flags.intersects(Flags::WIDE_CHAR_SPACER | Flags::LEADING_WIDE_CHAR_SPACER) {
                continue;
            }
            let is_wide = cell.flags.contains(Flags::WIDE_CHAR);
            let width = if is_wide { CharWidth::Wide } else { CharWidth::Narrow };
            let pen = pen_of(cell);
            let continues = runs.last().is_some_and(|run| run.width == width && *run.pen == pen);
            if !continues {
                runs.push(TextRun { text: String::new(), columns: 0, width, pen: Arc::new(pen) });
            }
            if let Some(run) = runs.last_mut() {
                run.text.push(cell.c);
                run.text.extend(marks(cell));
                run.columns += if is_wide { 2 } else { 1 };
            }
        }
        Self { runs, end: if is_wrapped { RowEnd::Wrapped } else { RowEnd::Line } }
    }
}
