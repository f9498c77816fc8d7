//! Writes a screen out as the sequences that draw it.

use alacritty_terminal::grid::{Cursor, Dimensions, Grid, Row};
use alacritty_terminal::index::{Column, Line};
use alacritty_terminal::term::cell::{Cell, Flags};

use super::Screen;
use super::pens::{is_blank, is_erased, is_same_cursor, marks, pen_of, sets_of};
use super::terminal::{Saved, Tab};
use crate::checkpoint::Checkpoint;
use crate::modes::{Charsets, Modes, Region, ScreenKind, Switch};
use crate::pen::Pen;

/// From this many blank cells on, moving over them is shorter than writing them.
const JUMP_CELLS: usize = 5;

impl Screen {
    /// The sequences that make a new terminal of the same size the same as this one: cells and
    /// their attributes, history, both screens, cursors, pen, margins, character sets, tab stops
    /// and input modes.
    ///
    /// Rows that were broken by the right edge are written without a break, so that terminals go on
    /// treating them as one line. A terminal that is not new must be cleared before.
    #[must_use]
    pub fn dump(&mut self) -> Vec<u8> {
        let mut dump = Dump { out: Vec::new(), pen: Pen::default(), modes: &self.modes };
        dump.tabs(&self.terminal.tabs);
        let saved = self.terminal.saved;
        let alternate = saved[ScreenKind::Alternate.index()];
        let primary = saved[ScreenKind::Primary.index()];
        match self.terminal.screen() {
            ScreenKind::Primary => {
                self.terminal.with_hidden_grid(|grid| dump.hidden_alternate(grid, alternate));
                dump.saved_cursor(&self.terminal.grid().saved_cursor, primary);
                dump.modes.write_keyboard(ScreenKind::Primary, &mut dump.out);
                dump.rows(self.terminal.grid());
            }
            ScreenKind::Alternate => {
                self.terminal.with_hidden_grid(|grid| dump.hidden_primary(grid, primary));
                dump.modes.write_keyboard(ScreenKind::Alternate, &mut dump.out);
                dump.saved_cursor(&self.terminal.grid().saved_cursor, alternate);
                dump.rows(self.terminal.grid());
            }
        }
        let region = self.terminal.region;
        let origin = self.terminal.origin();
        if region != Region::full(self.terminal.size) {
            dump.push(&format!("\x1b[{};{}r", region.top + 1, region.end));
        }
        let now = Saved { origin, shift: self.terminal.shift };
        let top = if origin == Switch::On { region.top } else { 0 };
        dump.cursor(self.terminal.grid(), now, top, self.terminal.preceding);
        dump.modes.write_terminal(&mut dump.out);
        if dump.modes.is_updating() {
            dump.push("\x1b[?2026h");
        }
        dump.out
    }

    /// Everything that is needed to go on from here in another process.
    #[must_use]
    pub fn checkpoint(&mut self) -> Checkpoint {
        Checkpoint {
            offset: self.offset(),
            size: self.size(),
            dump: self.dump(),
            modes: self.modes.clone(),
            preceding: self.terminal.preceding,
        }
    }

    /// The screen of a checkpoint; it keeps up to `scrollback_lines` lines of history, and has
    /// those of the screen the checkpoint was taken of.
    #[must_use]
    pub fn from_checkpoint(checkpoint: &Checkpoint, scrollback_lines: usize) -> Self {
        let mut screen = Self::new(checkpoint.size, scrollback_lines);
        screen.feed(&checkpoint.dump);
        screen.set_end(checkpoint.offset);
        screen.modes = checkpoint.modes.clone();
        screen.terminal.preceding = checkpoint.preceding;
        screen
    }
}

/// What is written so far, and what the terminal that reads it writes with.
struct Dump<'a> {
    out: Vec<u8>,
    pen: Pen,
    modes: &'a Modes,
}

impl Dump<'_> {
    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn tabs(&mut self, tabs: &[Tab]) {
        let is_initial =
            |(column, tab): (usize, &Tab)| (*tab == Tab::Stop) == column.is_multiple_of(8);
        if tabs.iter().enumerate().all(is_initial) {
            return;
        }
        self.push("\x1b[3g");
        for (column, _) in tabs.iter().enumerate().filter(|(_, tab)| **tab == Tab::Stop) {
            self.push(&format!("\x1b[{}G\x1bH", column + 1));
        }
        self.push("\r");
    }

    /// What the alternate screen keeps while it is not shown.
    fn hidden_alternate(&mut self, grid: &Grid<Cell>, saved: Saved) {
        let mut keyboard = Vec::new();
        self.modes.write_keyboard(ScreenKind::Alternate, &mut keyboard);
        if !keyboard.is_empty() || !is_new(&grid.saved_cursor, saved) {
            self.push("\x1b[?1049h");
            self.out.extend(keyboard);
            self.saved_cursor(&grid.saved_cursor, saved);
            self.push("\x1b[?1049l");
        }
    }

    /// The primary screen, and from it to the alternate one.
    fn hidden_primary(&mut self, grid: &Grid<Cell>, saved: Saved) {
        self.modes.write_keyboard(ScreenKind::Primary, &mut self.out);
        self.rows(grid);
        self.cursor(grid, saved, 0, None);
        self.push("\x1b[?1049h");
        self.undo_cursor(&grid.cursor, saved);
        self.push("\x1b[H\x1b[2J");
    }

    /// A saved cursor, on a screen that is still blank.
    fn saved_cursor(&mut self, cursor: &Cursor<Cell>, saved: Saved) {
        if is_new(cursor, saved) {
            return;
        }
        self.origin(saved.origin);
        self.go_to(cursor.point.line, cursor.point.column.0);
        if cursor.input_needs_wrap {
            self.push(" ");
        }
        self.drawing(cursor, saved);
        self.push("\x1b7");
        self.undo_cursor(cursor, saved);
        self.push("\x1b[H");
    }

    /// A cursor on a screen that is drawn, `top` rows below the line that programs count from.
    fn cursor(&mut self, grid: &Grid<Cell>, saved: Saved, top: u16, preceding: Option<char>) {
        let cursor = &grid.cursor;
        let row = &grid[cursor.point.line];
        self.origin(saved.origin);
        let line = cursor.point.line - usize::from(top);
        // A cursor waits to wrap only behind a character that was written; and one that was written
        // last can be repeated.
        let end = cursor.point.column.0 + usize::from(cursor.input_needs_wrap);
        let written = written_before(row, end)
            .filter(|column| cursor.input_needs_wrap || Some(row[Column(*column)].c) == preceding);
        match written {
            Some(column) => {
                self.go_to(line, column);
                let cell = &row[Column(column)];
                if cell.flags.contains(Flags::WIDE_CHAR) {
                    // Written over itself, it would take back what an earlier row says of it.
                    self.pen(Pen::default());
                    self.push("\x1b[2X");
                }
                self.cell(cell);
            }
            None => self.go_to(line, cursor.point.column.0),
        }
        self.drawing(cursor, saved);
    }

    fn origin(&mut self, origin: Switch) {
        if origin == Switch::On {
            self.push("\x1b[?6h");
        }
    }

    fn go_to(&mut self, line: Line, column: usize) {
        self.push(&format!("\x1b[{};{}H", line.0 + 1, column + 1));
    }

    /// Pen and character sets of a cursor.
    fn drawing(&mut self, cursor: &Cursor<Cell>, saved: Saved) {
        self.pen(pen_of(&cursor.template));
        Charsets { sets: sets_of(cursor), shift: saved.shift }.write(&mut self.out);
    }

    fn undo_cursor(&mut self, cursor: &Cursor<Cell>, saved: Saved) {
        self.pen(Pen::default());
        Charsets { sets: sets_of(cursor), shift: saved.shift }.write_undo(&mut self.out);
        if saved.origin == Switch::On {
            self.push("\x1b[?6l");
        }
    }

    fn pen(&mut self, pen: Pen) {
        if pen.hyperlink != self.pen.hyperlink {
            pen.write_hyperlink(&mut self.out);
            self.pen.hyperlink.clone_from(&pen.hyperlink);
        }
        if pen != self.pen {
            pen.write_rendition(&mut self.out);
            self.pen = pen;
        }
    }

    /// All rows, from the oldest of the history, with the cursor at home.
    fn rows(&mut self, grid: &Grid<Cell>) {
        let bottom = grid.bottommost_line();
        for line in grid.topmost_line().0..=bottom.0 {
            let row = &grid[Line(line)];
            let end = row[grid.last_column()].flags;
            if line == bottom.0 {
                self.row(row);
            } else if end.contains(Flags::LEADING_WIDE_CHAR_SPACER) {
                self.row(row);
                // A wide character leaves this cell, goes to the next row, and makes room there.
                self.pen(pen_of(&row[grid.last_column()]));
                self.push("\u{3000}");
                self.pen(Pen::default());
                self.push("\r\x1b[K");
            } else if end.contains(Flags::WRAPLINE) {
                self.row(row);
                // What comes in at the bottom has the background of what is written.
                self.pen(Pen::default());
                self.push(" \r");
            } else {
                self.row(row);
                self.pen(Pen::default());
                self.push("\r\n");
            }
        }
        self.pen(Pen::default());
    }

    /// The cells of a row that is blank, from its beginning; but for the place of a wide character
    /// that did not fit.
    fn row(&mut self, row: &Row<Cell>) {
        let cells = &row[..];
        let last = cells.len() - 1;
        let end = if cells[last].flags.contains(Flags::LEADING_WIDE_CHAR_SPACER) {
            last
        } else if cells[last].flags.contains(Flags::WRAPLINE) {
            last + 1
        } else {
            cells.iter().rposition(|cell| !is_blank(cell)).map_or(0, |column| column + 1)
        };
        let mut column = 0;
        while column < end {
            let cell = &cells[column];
            let blank = cells[column..end].iter().take_while(|cell| is_blank(cell)).count();
            let rest = &cells[column..];
            if blank >= JUMP_CELLS && column + blank < cells.len() {
                self.push(&format!("\x1b[{blank}C"));
                column += blank;
            } else if rest.len() > JUMP_CELLS && is_erased_alike(rest) {
                self.pen(pen_of(cell));
                self.push("\x1b[K");
                return;
            } else {
                if !cell.flags.contains(Flags::WIDE_CHAR_SPACER) {
                    self.cell(cell);
                }
                column += 1;
            }
        }
    }

    fn cell(&mut self, cell: &Cell) {
        self.pen(pen_of(cell));
        let mut bytes = [0; 4];
        self.push(cell.c.encode_utf8(&mut bytes));
        for mark in marks(cell) {
            self.push(mark.encode_utf8(&mut bytes));
        }
    }
}

/// Where the character is whose writing takes the cursor to `end`, if it is not in the middle of one.
fn written_before(row: &Row<Cell>, end: usize) -> Option<usize> {
    let column = end.checked_sub(1)?;
    let flags = row[Column(column)].flags;
    if flags.contains(Flags::WIDE_CHAR) {
        return None;
    }
    Some(column - usize::from(flags.contains(Flags::WIDE_CHAR_SPACER)))
}

/// Whether a saved cursor is that of a new terminal.
fn is_new(cursor: &Cursor<Cell>, saved: Saved) -> bool {
    saved == Saved::default() && is_same_cursor(cursor, &Cursor::default())
}

/// Whether one erasure makes all of `cells`.
fn is_erased_alike(cells: &[Cell]) -> bool {
    cells.iter().all(|cell| is_erased(cell) && cell.bg == cells[0].bg)
}
