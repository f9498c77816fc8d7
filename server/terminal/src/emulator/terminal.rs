//! The emulator with what it lacks.
//!
//! `alacritty_terminal` keeps some of its state to itself, and some of what it does is not what
//! xterm does, or depends on how a screen came about and not only on what it shows. A dump can only
//! restore what shows; so this layer keeps a copy of the first and mends the second. After every
//! sequence
//!
//! 1. both halves of a wide character are there, or none;
//! 2. only the last cell of a row says that the row goes on, or that a wide character did not fit,
//!    and in the lowest row and under a waiting cursor not even that;
//! 3. a cursor waits to wrap in the last column only;
//! 4. in origin mode the cursor is between the margins;
//! 5. while the alternate screen is shown, the primary's saved cursor is its cursor;
//! 6. a row knows how many of its cells may have been written (alacritty's `occ`), so that clearing
//!    it clears all of them.

use std::mem;

use alacritty_terminal::Term;
use alacritty_terminal::event::VoidListener;
use alacritty_terminal::grid::{Cursor, Dimensions, Grid, Row};
use alacritty_terminal::index::{Column, Line, Point};
use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::term::test::TermSize;
use alacritty_terminal::term::{Config, TermMode};
use alacritty_terminal::vte::ansi::{Handler, NamedPrivateMode, PrivateMode};
use codeplane_core::TerminalSize;

use super::pens::charset_index;
use crate::modes::{Region, ScreenKind, Shift, Switch};
use crate::pen::Hyperlink;

/// What a row's last cell may say of it.
pub(super) const ROW_END: Flags = Flags::WRAPLINE.union(Flags::LEADING_WIDE_CHAR_SPACER);

/// A terminal emulator of which everything can be read, compared and written out.
pub(super) struct Terminal {
    pub(super) term: Term<VoidListener>,
    pub(super) size: TerminalSize,
    pub(super) tabs: Vec<Tab>,
    pub(super) region: Region,
    pub(super) shift: Shift,
    /// What DECSC kept for each screen besides the emulator's cursor.
    pub(super) saved: [Saved; 2],
    /// What a repeat repeats.
    pub(super) preceding: Option<char>,
    pub(super) doubts: Doubts,
}

/// Whether a column is a tab stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Stop,
    None,
}

impl Tab {
    const fn initial(column: usize) -> Self {
        if column.is_multiple_of(8) { Self::Stop } else { Self::None }
    }
}

/// What DECSC kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) origin: Switch,
    pub(super) shift: Shift,
}

/// What is not known of a terminal that reads an output from its middle.
///
/// Everything is known of one that reads it from its beginning; see `converge`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Doubts(u8);

impl Doubts {
    pub(super) const NONE: Self = Self(0);
    /// The row of the cursor.
    pub(super) const ROW: Self = Self(1);
    /// The saved cursor of the primary screen.
    pub(super) const SAVED_PRIMARY: Self = Self(1 << 1);
    /// The saved cursor of the alternate screen.
    pub(super) const SAVED_ALTERNATE: Self = Self(1 << 2);
    /// The primary screen, while the alternate is shown.
    pub(super) const PRIMARY: Self = Self(1 << 3);
    /// The character that a repeat repeats.
    pub(super) const PRECEDING: Self = Self(1 << 4);
    /// Something that was not known was used: nothing is known from there on.
    pub(super) const SPREAD: Self = Self(1 << 5);

    pub(super) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) const fn remove(&mut self, other: Self) {
        self.0 &= !other.0;
    }

    pub(super) const fn saved(screen: ScreenKind) -> Self {
        match screen {
            ScreenKind::Primary => Self::SAVED_PRIMARY,
            ScreenKind::Alternate => Self::SAVED_ALTERNATE,
        }
    }

    /// Everything but what a repeat repeats is as in a new terminal.
    pub(super) const fn reset(&mut self) {
        self.0 &= Self::PRECEDING.0;
    }

    /// `target` now holds what `source` held.
    pub(super) const fn copy(&mut self, source: Self, target: Self) {
        if self.contains(source) { self.add(target) } else { self.remove(target) }
    }
}

impl Terminal {
    pub(super) fn new(size: TerminalSize, scrollback_lines: usize) -> Self {
        let config = Config { scrolling_history: scrollback_lines, ..Config::default() };
        let cols = usize::from(size.cols());
        Self {
            term: Term::new(config, &dimensions(size), VoidListener),
            size,
            tabs: (0..cols).map(Tab::initial).collect(),
            region: Region::full(size),
            shift: Shift::In,
            saved: [Saved::default(); 2],
            preceding: None,
            doubts: Doubts::NONE,
        }
    }

    pub(super) fn screen(&self) -> ScreenKind {
        let is_alternate = self.term.mode().contains(TermMode::ALT_SCREEN);
        if is_alternate { ScreenKind::Alternate } else { ScreenKind::Primary }
    }

    pub(super) fn origin(&self) -> Switch {
        self.term.mode().contains(TermMode::ORIGIN).into()
    }

    pub(super) fn grid(&self) -> &Grid<Cell> {
        self.term.grid()
    }

    pub(super) fn cursor(&self) -> &Cursor<Cell> {
        &self.term.grid().cursor
    }

    pub(super) fn cols(&self) -> usize {
        usize::from(self.size.cols())
    }

    pub(super) fn last_column(&self) -> Column {
        Column(self.cols() - 1)
    }

    pub(super) fn bottom(&self) -> Line {
        Line(i32::from(self.size.rows()) - 1)
    }

    /// The current line as an argument of the emulator's movements, which count from the margin in
    /// origin mode.
    pub(super) fn relative_line(&self) -> i32 {
        let top = match self.origin() {
            Switch::On => i32::from(self.region.top),
            Switch::Off => 0,
        };
        self.cursor().point.line.0 - top
    }

    /// Lets `read` see, or change, the grid of the screen that is not shown.
    ///
    /// Of the alternate screen only the saved cursor has a meaning then: it is cleared when it is
    /// shown.
    pub(super) fn with_hidden_grid<R>(&mut self, read: impl FnOnce(&mut Grid<Cell>) -> R) -> R {
        // The emulator gives out only the grid that is shown, and exchanging them clears the
        // alternate one and overwrites the primary's saved cursor: so the shown one is put aside.
        let (rows, cols) = (usize::from(self.size.rows()), self.cols());
        let aside = mem::replace(self.term.grid_mut(), Grid::new(rows, cols, 0));
        self.term.swap_alt();
        let result = read(self.term.grid_mut());
        self.term.swap_alt();
        *self.term.grid_mut() = aside;
        result
    }

    pub(super) fn resize(&mut self, size: TerminalSize) {
        if size == self.size {
            return;
        }
        let shown = self.grid().saved_cursor.point;
        let hidden = self.with_hidden_grid(|grid| grid.saved_cursor.point);
        self.term.resize(dimensions(size));
        let cols = usize::from(size.cols());
        for column in self.tabs.len()..cols {
            self.tabs.push(Tab::initial(column));
        }
        self.tabs.truncate(cols);
        self.size = size;
        self.region = Region::full(size);
        settle(self.term.grid_mut(), shown);
        self.with_hidden_grid(|grid| settle(grid, hidden));
    }

    /// DECSTR.
    pub(super) fn reset_softly(&mut self) {
        let point = self.cursor().point;
        let waits = self.cursor().input_needs_wrap;
        self.term.unset_mode(alacritty_terminal::vte::ansi::NamedMode::Insert.into());
        self.term.unset_private_mode(NamedPrivateMode::Origin.into());
        self.term.set_private_mode(NamedPrivateMode::LineWrap.into());
        self.term.set_scrolling_region(1, None);
        self.region = Region::full(self.size);
        self.set_shift(Shift::In);
        let grid = self.term.grid_mut();
        grid.saved_cursor = Cursor::default();
        grid.cursor = Cursor { point, input_needs_wrap: waits, ..Cursor::default() };
        let screen = self.screen();
        self.saved[screen.index()] = Saved::default();
        self.doubts.remove(Doubts::saved(screen));
    }

    pub(super) fn set_shift(&mut self, shift: Shift) {
        self.shift = shift;
        self.term.set_active_charset(charset_index(shift));
    }

    pub(super) fn set_link(&mut self, link: Option<&Hyperlink>) {
        // An empty id keeps the emulator from inventing one, which would differ each time.
        self.term.set_hyperlink(link.map(|link| alacritty_terminal::vte::ansi::Hyperlink {
            id: Some(link.id.clone()),
            uri: link.uri.clone(),
        }));
    }

    pub(super) fn save_cursor(&mut self) {
        self.term.save_cursor_position();
        let screen = self.screen();
        self.saved[screen.index()] = Saved { origin: self.origin(), shift: self.shift };
        self.doubts.copy(Doubts::ROW, Doubts::saved(screen));
    }

    pub(super) fn restore_cursor(&mut self) {
        let screen = self.screen();
        if self.doubts.contains(Doubts::saved(screen)) {
            self.doubts.add(Doubts::SPREAD);
        }
        self.restore_saved(self.saved[screen.index()]);
        self.term.restore_cursor_position();
        self.settle_cursor();
    }

    pub(super) fn enter_alternate(&mut self) {
        if self.screen() == ScreenKind::Primary {
            let primary = ScreenKind::Primary.index();
            self.saved[primary] = Saved { origin: self.origin(), shift: self.shift };
            self.doubts.copy(Doubts::ROW, Doubts::PRIMARY);
            self.doubts.copy(Doubts::ROW, Doubts::SAVED_PRIMARY);
            self.term.swap_alt();
        }
    }

    pub(super) fn leave_alternate(&mut self) {
        if self.screen() == ScreenKind::Alternate {
            if self.doubts.contains(Doubts::PRIMARY) {
                self.doubts.add(Doubts::SPREAD);
            }
            self.term.swap_alt();
            // Setting the mode moves the cursor, which is to be where it was.
            let cursor = self.cursor().clone();
            self.restore_saved(self.saved[ScreenKind::Primary.index()]);
            self.term.grid_mut().cursor = cursor;
            self.settle_cursor();
        }
    }

    fn restore_saved(&mut self, saved: Saved) {
        let mode = PrivateMode::Named(NamedPrivateMode::Origin);
        match saved.origin {
            origin if origin == self.origin() => {}
            Switch::On => self.term.set_private_mode(mode),
            Switch::Off => self.term.unset_private_mode(mode),
        }
        self.set_shift(saved.shift);
    }

    /// Makes invariants 2 and 4 hold for a cursor that came from elsewhere.
    fn settle_cursor(&mut self) {
        if self.origin() == Switch::On {
            let (top, end) = (i32::from(self.region.top), i32::from(self.region.end));
            let cursor = &mut self.term.grid_mut().cursor;
            let line = Line(cursor.point.line.0.clamp(top, end - 1));
            if line != cursor.point.line {
                cursor.point.line = line;
                cursor.input_needs_wrap = false;
            }
        }
        self.settle_waiting_cursor();
    }

    pub(super) fn settle_waiting_cursor(&mut self) {
        if self.cursor().input_needs_wrap {
            self.term.grid_mut().cursor_cell().flags.remove(ROW_END);
        }
    }

    /// Nothing follows the lowest row.
    pub(super) fn settle_bottom(&mut self) {
        let (bottom, last) = (self.bottom(), self.last_column());
        self.term.grid_mut()[bottom][last].flags.remove(ROW_END);
    }

    pub(super) fn settle_line(&mut self, line: Line) {
        settle_row(&mut self.term.grid_mut()[line]);
    }

    /// Takes the wide character away of which one half is left of `column` and the other at it.
    pub(super) fn split_wide(&mut self, line: Line, column: usize) {
        if (1..self.cols()).contains(&column) {
            let row = &mut self.term.grid_mut()[line];
            if row[Column(column)].flags.contains(Flags::WIDE_CHAR_SPACER) {
                row[Column(column)].flags.remove(Flags::WIDE_CHAR_SPACER);
                row[Column(column - 1)].clear_wide();
            }
        }
    }
}

pub(super) fn dimensions(size: TerminalSize) -> TermSize {
    TermSize::new(size.cols().into(), size.rows().into())
}

/// Makes the invariants hold after the emulator moved everything about for another size.
///
/// The saved cursor stays where it was, at `saved`, as in xterm: the emulator would move even one that
/// was never saved.
fn settle(grid: &mut Grid<Cell>, saved: Point) {
    let (top, bottom) = (grid.topmost_line().0, grid.bottommost_line());
    let last = grid.last_column();
    for line in top..=bottom.0 {
        settle_row(&mut grid[Line(line)]);
    }
    grid[bottom][last].flags.remove(ROW_END);
    grid.saved_cursor.point = Point::new(saved.line.min(bottom), saved.column.min(last));
    for is_saved in [false, true] {
        let cursor = if is_saved { &mut grid.saved_cursor } else { &mut grid.cursor };
        if cursor.input_needs_wrap && cursor.point.column < last {
            cursor.input_needs_wrap = false;
            cursor.point.column += 1;
        }
    }
    if grid.cursor.input_needs_wrap {
        grid.cursor_cell().flags.remove(ROW_END);
    }
}

/// Makes invariants 1, 2 and 6 hold in a row whose cells were moved.
pub(super) fn settle_row(row: &mut Row<Cell>) {
    let last = row.len() - 1;
    // Touching the last cell tells the row that all may have been written.
    let end = &mut row[Column(last)];
    if end.flags.contains(Flags::WIDE_CHAR) {
        end.clear_wide();
    }
    if !end.flags.contains(Flags::WRAPLINE) {
        end.flags.remove(Flags::LEADING_WIDE_CHAR_SPACER);
    }
    for column in 0..last {
        let follows = row[Column(column + 1)].flags.contains(Flags::WIDE_CHAR_SPACER);
        let cell = &mut row[Column(column)];
        cell.flags.remove(ROW_END);
        let is_wide = cell.flags.contains(Flags::WIDE_CHAR);
        if is_wide && !follows {
            cell.clear_wide();
        } else if follows && !is_wide {
            row[Column(column + 1)].flags.remove(Flags::WIDE_CHAR_SPACER);
        }
    }
    row[Column(0)].flags.remove(Flags::WIDE_CHAR_SPACER);
}
