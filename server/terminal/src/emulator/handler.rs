//! Obeys what the parser finds. Whatever is not here concerns the user's side of the terminal, which
//! the modes follow.

use alacritty_terminal::event::VoidListener;
use alacritty_terminal::index::{Column, Line, Point};
use alacritty_terminal::term::cell::Flags;
use alacritty_terminal::term::{Config, Term, TermMode};
use alacritty_terminal::vte::ansi::{
    Attr, CharsetIndex, ClearMode, Handler, LineClearMode, Mode, NamedPrivateMode, PrivateMode,
    StandardCharset, TabulationClearMode,
};

use codeplane_core::TerminalSize;

use super::pens::marks;
use super::terminal::{Doubts, Saved, Tab, Terminal, dimensions};
use crate::modes::{Region, Shift};

/// Characters of no width that a cell keeps: more than any script stacks, and not without end.
const MAX_MARKS: usize = 16;

impl Terminal {
    /// What a character does besides being written.
    fn settle_input(&mut self) {
        if self.term.mode().contains(TermMode::INSERT) {
            self.settle_line(self.cursor().point.line);
        }
        if self.region.end < self.size.rows() && self.cursor().point.line == self.bottom() {
            self.settle_bottom();
        }
        self.settle_waiting_cursor();
    }

    /// Rows moved, perhaps to the bottom or under a waiting cursor.
    fn settle_rows(&mut self) {
        self.settle_bottom();
        self.settle_waiting_cursor();
    }

    /// Whether another character of no width would be too many.
    fn has_all_marks(&self) -> bool {
        let cursor = self.cursor();
        let waits = usize::from(cursor.input_needs_wrap);
        let row = &self.grid()[cursor.point.line];
        let mut column = (cursor.point.column.0 + waits).saturating_sub(1);
        if row[Column(column)].flags.contains(Flags::WIDE_CHAR_SPACER) {
            column = column.saturating_sub(1);
        }
        marks(&row[Column(column)]).len() >= MAX_MARKS
    }

    /// Before a character is inserted: the wide characters that will be pushed out of the row go,
    /// because the emulator would find their halves where it inserts.
    fn make_room(&mut self, width: usize) {
        let Some(Point { line, column }) = self.place_of_next_character() else { return };
        let cols = self.cols();
        if column.0 + width < cols && width > 0 {
            self.split_wide(line, column.0);
            for pushed_out in cols - width..cols {
                self.split_wide(line, pushed_out);
            }
        }
    }

    /// Where the next character goes; none if its row is a new one.
    fn place_of_next_character(&self) -> Option<Point> {
        let point = self.cursor().point;
        if !self.cursor().input_needs_wrap || !self.term.mode().contains(TermMode::LINE_WRAP) {
            return Some(point);
        }
        let next: Line = point.line + 1_usize;
        let is_new = next.0 == i32::from(self.region.end);
        (!is_new).then(|| Point::new(next.min(self.bottom()), Column(0)))
    }

    /// Writes `count` times what was written last.
    pub(super) fn repeat(&mut self, count: u16) {
        if self.doubts.contains(Doubts::PRECEDING) {
            self.doubts.add(Doubts::SPREAD);
        }
        // As in xterm: no more than fits on the screen, however many a program asks for.
        let most = u32::from(self.size.cols()) * u32::from(self.size.rows());
        if let Some(preceding) = self.preceding {
            for _ in 0..u32::from(count).min(most) {
                self.input(preceding);
            }
        }
    }
}

/// How many columns a character takes, according to the emulator.
fn width_of(char: char) -> usize {
    if char.is_ascii() {
        return 1;
    }
    let size = dimensions(TerminalSize::DEFAULT);
    let mut probe = Term::new(Config::default(), &size, VoidListener);
    probe.input(char);
    probe.grid().cursor.point.column.0
}

impl Handler for Terminal {
    #[inline]
    fn input(&mut self, char: char) {
        self.preceding = Some(char);
        self.doubts.remove(Doubts::PRECEDING);
        if self.term.mode().contains(TermMode::INSERT) {
            self.make_room(width_of(char));
        }
        if !char.is_ascii() && self.has_all_marks() && width_of(char) == 0 {
            return;
        }
        self.term.input(char);
        let is_partial = self.region.end < self.size.rows();
        if is_partial
            || self.cursor().input_needs_wrap
            || self.term.mode().contains(TermMode::INSERT)
        {
            self.settle_input();
        }
    }

    fn goto(&mut self, line: i32, column: usize) {
        self.term.goto(line, column);
    }

    fn goto_line(&mut self, line: i32) {
        self.term.goto_line(line);
    }

    fn goto_col(&mut self, column: usize) {
        self.term.goto(self.relative_line(), column);
    }

    fn move_up(&mut self, rows: usize) {
        let column = self.cursor().point.column.0;
        self.term.goto(above(self.relative_line(), rows), column);
    }

    fn move_down(&mut self, rows: usize) {
        let column = self.cursor().point.column.0;
        self.term.goto(below(self.relative_line(), rows), column);
    }

    fn move_up_and_cr(&mut self, rows: usize) {
        self.term.goto(above(self.relative_line(), rows), 0);
    }

    fn move_down_and_cr(&mut self, rows: usize) {
        self.term.goto(below(self.relative_line(), rows), 0);
    }

    fn move_forward(&mut self, columns: usize) {
        self.term.move_forward(columns);
    }

    fn move_backward(&mut self, columns: usize) {
        self.term.move_backward(columns);
    }

    /// A tab only moves: the emulator would write it into the cell, and wrap.
    fn put_tab(&mut self, count: u16) {
        self.term.move_forward_tabs(count);
    }

    fn move_forward_tabs(&mut self, count: u16) {
        self.term.move_forward_tabs(count);
    }

    fn move_backward_tabs(&mut self, count: u16) {
        let before = self.cursor().point;
        // Where there are no stops, the emulator would look for each of them.
        self.term.move_backward_tabs(count.min(self.size.cols()));
        if self.cursor().point != before {
            self.term.grid_mut().cursor.input_needs_wrap = false;
        }
    }

    fn backspace(&mut self) {
        self.term.backspace();
    }

    fn carriage_return(&mut self) {
        self.term.carriage_return();
    }

    #[inline]
    fn linefeed(&mut self) {
        self.term.linefeed();
        self.settle_waiting_cursor();
    }

    fn reverse_index(&mut self) {
        self.term.reverse_index();
        self.settle_rows();
    }

    fn scroll_up(&mut self, rows: usize) {
        self.term.scroll_up(rows);
        self.settle_waiting_cursor();
    }

    fn scroll_down(&mut self, rows: usize) {
        self.term.scroll_down(rows);
        self.settle_rows();
    }

    fn insert_blank_lines(&mut self, rows: usize) {
        self.term.insert_blank_lines(rows);
        self.settle_rows();
    }

    fn delete_lines(&mut self, rows: usize) {
        self.term.delete_lines(rows);
        self.settle_waiting_cursor();
    }

    fn insert_blank(&mut self, columns: usize) {
        let Point { line, column } = self.cursor().point;
        self.split_wide(line, column.0);
        self.split_wide(line, self.cols().saturating_sub(columns));
        self.term.insert_blank(columns);
        self.settle_line(self.cursor().point.line);
    }

    fn delete_chars(&mut self, columns: usize) {
        // More than there are would erase what is before the cursor.
        let columns = columns.min(self.cols() - self.cursor().point.column.0);
        let Point { line, column } = self.cursor().point;
        self.split_wide(line, column.0);
        self.split_wide(line, column.0 + columns);
        self.term.delete_chars(columns);
        self.settle_line(self.cursor().point.line);
    }

    fn erase_chars(&mut self, columns: usize) {
        let point = self.cursor().point;
        self.split_wide(point.line, point.column.0);
        self.split_wide(point.line, point.column.0 + columns);
        self.term.erase_chars(columns);
    }

    fn clear_line(&mut self, mode: LineClearMode) {
        self.split_at_cursor(&mode);
        self.term.clear_line(mode);
    }

    fn clear_screen(&mut self, mode: ClearMode) {
        match mode {
            ClearMode::Below => {
                let point = self.cursor().point;
                self.split_wide(point.line, point.column.0);
            }
            ClearMode::Above => {
                self.split_at_cursor(&LineClearMode::Left);
                // The emulator forgets this one.
                if self.cursor().point.line == Line(1) {
                    self.term.grid_mut().reset_region(..Line(1));
                }
            }
            ClearMode::All | ClearMode::Saved => {}
        }
        self.term.clear_screen(mode);
    }

    fn decaln(&mut self) {
        self.term.decaln();
    }

    fn set_horizontal_tabstop(&mut self) {
        self.tabs[self.term.grid().cursor.point.column.0] = Tab::Stop;
        self.term.set_horizontal_tabstop();
    }

    fn clear_tabs(&mut self, mode: TabulationClearMode) {
        match mode {
            TabulationClearMode::Current => {
                self.tabs[self.term.grid().cursor.point.column.0] = Tab::None;
            }
            TabulationClearMode::All => self.tabs.fill(Tab::None),
        }
        self.term.clear_tabs(mode);
    }

    /// Which the emulator does not know.
    fn set_tabs(&mut self, interval: u16) {
        let column = self.cursor().point.column;
        self.clear_tabs(TabulationClearMode::All);
        for stop in (0..self.cols()).step_by(usize::from(interval.max(1))) {
            self.term.grid_mut().cursor.point.column = Column(stop);
            self.set_horizontal_tabstop();
        }
        self.term.grid_mut().cursor.point.column = column;
    }

    fn save_cursor_position(&mut self) {
        self.save_cursor();
    }

    fn restore_cursor_position(&mut self) {
        self.restore_cursor();
    }

    fn reset_state(&mut self) {
        self.term.reset_state();
        self.tabs = Self::new(self.size, 0).tabs;
        self.region = Region::full(self.size);
        self.shift = Shift::In;
        self.saved = [Saved::default(); 2];
        self.doubts.reset();
    }

    fn terminal_attribute(&mut self, attribute: Attr) {
        self.term.terminal_attribute(attribute);
    }

    fn set_mode(&mut self, mode: Mode) {
        self.term.set_mode(mode);
    }

    fn unset_mode(&mut self, mode: Mode) {
        self.term.unset_mode(mode);
    }

    fn set_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Named(NamedPrivateMode::SwapScreenAndSetRestoreCursor)
            | PrivateMode::Unknown(47 | 1047) => self.enter_alternate(),
            PrivateMode::Unknown(1048) => self.save_cursor(),
            PrivateMode::Named(NamedPrivateMode::ColumnMode) => self.set_columns(mode),
            _ => self.term.set_private_mode(mode),
        }
    }

    fn unset_private_mode(&mut self, mode: PrivateMode) {
        match mode {
            PrivateMode::Named(NamedPrivateMode::SwapScreenAndSetRestoreCursor)
            | PrivateMode::Unknown(47 | 1047) => self.leave_alternate(),
            PrivateMode::Unknown(1048) => self.restore_cursor(),
            PrivateMode::Named(NamedPrivateMode::ColumnMode) => self.set_columns(mode),
            _ => self.term.unset_private_mode(mode),
        }
    }

    fn set_scrolling_region(&mut self, top: usize, bottom: Option<usize>) {
        if let Some(region) = Region::requested(top, bottom.unwrap_or(0), self.size) {
            self.region = region;
            let (top, end) = (usize::from(region.top), usize::from(region.end));
            self.term.set_scrolling_region(top + 1, Some(end));
        }
    }

    fn set_active_charset(&mut self, index: CharsetIndex) {
        match index {
            CharsetIndex::G0 => self.set_shift(Shift::In),
            CharsetIndex::G1 => self.set_shift(Shift::Out),
            // The parser has no way to ask for these.
            CharsetIndex::G2 | CharsetIndex::G3 => {}
        }
    }

    fn configure_charset(&mut self, index: CharsetIndex, charset: StandardCharset) {
        self.term.configure_charset(index, charset);
    }
}

impl Terminal {
    /// DECCOLM: the width stays, the rest is done.
    fn set_columns(&mut self, mode: PrivateMode) {
        self.term.set_private_mode(mode);
        self.region = Region::full(self.size);
    }

    /// Takes the wide character away that an erasure from or to the cursor would halve.
    fn split_at_cursor(&mut self, mode: &LineClearMode) {
        let point = self.cursor().point;
        match mode {
            LineClearMode::Right if self.cursor().input_needs_wrap => {}
            LineClearMode::Right => self.split_wide(point.line, point.column.0),
            LineClearMode::Left => self.split_wide(point.line, point.column.0 + 1),
            LineClearMode::All => {}
        }
    }
}

fn above(line: i32, rows: usize) -> i32 {
    line.saturating_sub(i32::try_from(rows).unwrap_or(i32::MAX)).max(0)
}

fn below(line: i32, rows: usize) -> i32 {
    line.saturating_add(i32::try_from(rows).unwrap_or(i32::MAX)).min(i32::from(u16::MAX))
}
