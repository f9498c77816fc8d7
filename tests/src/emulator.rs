//! A terminal that nobody looks at, to judge what a person would see.

use std::time::Instant;

use alacritty_terminal::{
    Term,
    event::VoidListener,
    grid::Dimensions,
    index::{Column, Line},
    term::{Config, cell::Flags},
    vte::ansi::{Processor, StdSyncHandler},
};

use crate::TerminalSize;

/// An emulator that reads every byte.
pub struct Emulator {
    term: Term<VoidListener>,
    parser: Processor<StdSyncHandler>,
}

struct Grid(TerminalSize);

impl Dimensions for Grid {
    fn total_lines(&self) -> usize {
        self.screen_lines()
    }

    fn screen_lines(&self) -> usize {
        usize::from(self.0.rows)
    }

    fn columns(&self) -> usize {
        usize::from(self.0.cols)
    }
}

impl Emulator {
    /// A blank terminal without scrollback.
    #[must_use]
    pub fn new(size: TerminalSize) -> Self {
        let config = Config { scrolling_history: 0, kitty_keyboard: true, ..Config::default() };
        Self { term: Term::new(config, &Grid(size), VoidListener), parser: Processor::new() }
    }

    /// Shows `bytes`.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.parser.advance(&mut self.term, bytes);
    }

    /// Shows what a synchronized update (mode 2026) holds back for longer than it may.
    pub fn settle(&mut self) {
        let until = self.parser.sync_timeout().sync_timeout();
        if until.is_some_and(|until| Instant::now() > until) {
            self.parser.stop_sync(&mut self.term);
        }
    }

    /// Changes the size.
    pub fn resize(&mut self, size: TerminalSize) {
        self.term.resize(Grid(size));
    }

    /// The text of row `row`, from 0, without blanks at its end.
    #[must_use]
    pub fn row(&self, row: u16) -> String {
        let cells = &self.term.grid()[Line(i32::from(row))];
        let mut text = String::new();
        for column in 0..self.term.columns() {
            let cell = &cells[Column(column)];
            if !cell.flags.contains(Flags::WIDE_CHAR_SPACER) {
                text.push(cell.c);
                text.extend(cell.zerowidth().unwrap_or_default());
            }
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// All rows joined by line ends, without blank rows at the end.
    #[must_use]
    pub fn text(&self) -> String {
        let rows = u16::try_from(self.term.screen_lines()).unwrap_or(u16::MAX);
        let text: Vec<String> = (0..rows).map(|row| self.row(row)).collect();
        text.join("\n").trim_end().to_owned()
    }

    /// Column and row of the cursor, from 0.
    #[must_use]
    pub fn cursor(&self) -> (usize, i32) {
        let point = self.term.grid().cursor.point;
        (point.column.0, point.line.0)
    }

    /// Whether the program is on the alternate screen.
    #[must_use]
    pub fn is_alternate(&self) -> bool {
        self.term.mode().contains(alacritty_terminal::term::TermMode::ALT_SCREEN)
    }

    /// The terminal itself, for comparisons of cells and modes.
    #[must_use]
    pub const fn term(&self) -> &Term<VoidListener> {
        &self.term
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("text", &self.text()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_what_a_person_would_read() {
        let mut emulator = Emulator::new(TerminalSize { cols: 20, rows: 3 });

        emulator.feed("\x1b[2;3H\x1b[31mé中!\x1b[0m".as_bytes());

        assert_eq!(emulator.text(), "\n  é中!");
        assert_eq!(emulator.cursor(), (6, 1));
    }
}
