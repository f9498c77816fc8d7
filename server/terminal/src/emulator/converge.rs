//! The exact screen of an output of which only the end is read.
//!
//! What the end of an output does not determine is anything the output was before: the cells, the
//! cursor's place, and what only an emulator knows of saved cursors and tab stops. The modes are
//! known, because the scanner reads every byte. Two terminals read the end, one that was blank and
//! one that was full of marks, and if they are the same afterwards, so is every other: the proof
//! takes three steps.
//!
//! 1. *The column.* Reading begins at the first carriage return or cursor position. From there on the
//!    column is the same in every terminal, because no movement makes it depend on the row or on
//!    cells.
//! 2. *The row.* Every movement keeps the order of rows: what was higher is not lower afterwards. So
//!    when the terminal that began in the highest row and the one that began in the lowest are in the
//!    same row, every other is there too. Until then they may have written anywhere: the cells are
//!    made unknown once more.
//! 3. *The cells.* From there on every sequence does the same to the same cells in every terminal: a
//!    cell either comes from what was read, or was moved from an unknown one, and then it is blank in
//!    the one and a mark in the other.
//!
//! What does depend on the unknown is noticed ([`Doubts`]) and ends the attempt: returning to a cursor
//! that was saved before, or to a primary screen that was left before, repeating a character that was
//! written before, another size.

use alacritty_terminal::grid::{Cursor, Dimensions, Grid};
use alacritty_terminal::index::{Column, Line, Point};
use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::vte::ansi::{Color, Handler};
use codeplane_core::{Offset, TerminalSize};

use super::Screen;
use super::edits::Action;
use super::terminal::{Doubts, Saved, Terminal};
use crate::checkpoint::Checkpoint;
use crate::modes::{Modes, SavedCursor, ScreenKind, Switch, TabStops};
use crate::stream::{Machine, Sink, Span, Token};

/// Bytes read between two looks at whether the row is known: few, because what was read by then counts
/// for nothing.
const ROW_PIECE_BYTES: usize = 64;
/// Bytes read between two looks at whether the attempt has failed.
const PIECE_BYTES: usize = 64 * 1024;

/// Another size of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize {
    /// The output before it was made for the old size, the output from it on for the new.
    pub at: Offset,
    /// The new size.
    pub size: TerminalSize,
}

/// The end of an output.
#[derive(Clone, Copy, Debug)]
pub struct Tail<'a> {
    /// Where it begins: neither in a sequence nor in a character.
    pub start: Offset,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The modes where it begins.
    pub modes: &'a Modes,
    /// The sizes that came after these modes, in order.
    pub resizes: &'a [Resize],
    /// An earlier screen of the same output. It can tell what a program left untouched since: the
    /// primary screen under a full-screen program, a saved cursor, tab stops.
    pub base: Option<&'a Checkpoint>,
}

/// The screen at the end of `tail`, if the tail alone tells it; none if more must be read.
///
/// It has up to `scrollback_lines` lines of history, and is the same as that of a terminal that read
/// every byte from the beginning, or it is none.
#[must_use]
pub fn converge(tail: &Tail<'_>, scrollback_lines: usize) -> Option<Screen> {
    let mut modes = tail.modes.clone();
    let (early, resizes) = {
        let early = tail.resizes.iter().take_while(|resize| resize.at <= tail.start).count();
        tail.resizes.split_at(early)
    };
    for Resize { at, size } in early {
        modes.resize(*at, *size);
    }
    let determined = resizes.first().map_or(tail.bytes.len(), |resize| index(tail, resize.at));
    let (before, after) = tail.bytes.split_at(determined);
    let mut screen = determine(tail.start, before, &modes, tail.base, scrollback_lines)?;
    screen.feed_resized(after, resizes);
    Some(screen)
}

/// The screen at the end of `bytes`, during which the size stays.
fn determine(
    start: Offset,
    bytes: &[u8],
    modes: &Modes,
    base: Option<&Checkpoint>,
    scrollback_lines: usize,
) -> Option<Screen> {
    let (from, modes) = anchor(start, bytes, modes)?;
    let bytes = &bytes[from..];
    let mut low = world(&modes, start.plus(from), base, scrollback_lines)?;
    let mut high = world(&modes, start.plus(from), base, scrollback_lines)?;
    low.terminal.forget(Edge::First);
    high.terminal.forget(Edge::Last);

    let read = find_row(&mut low, &mut high, bytes)?;
    for (world, cells) in [(&mut low, Cells::Blank), (&mut high, Cells::Marked)] {
        world.terminal.doubts.remove(Doubts::ROW);
        cells.fill(world.terminal.term.grid_mut());
    }
    for piece in bytes[read..].chunks(PIECE_BYTES) {
        low.feed(piece);
        high.feed(piece);
        if is_spread(&low, &high) {
            return None;
        }
    }
    let is_known = low.terminal.doubts == Doubts::NONE && high.terminal.doubts == Doubts::NONE;
    (is_known && low.difference(&mut high).is_none()).then_some(low)
}

/// Reads until the row is known. Returns how much was read.
fn find_row(low: &mut Screen, high: &mut Screen, bytes: &[u8]) -> Option<usize> {
    let mut read = 0;
    for piece in bytes.chunks(ROW_PIECE_BYTES) {
        low.feed(piece);
        high.feed(piece);
        read += piece.len();
        if is_spread(low, high) {
            return None;
        }
        if low.cursor() == high.cursor() {
            return Some(read);
        }
    }
    None
}

impl Screen {
    /// Obeys `bytes`, giving the terminal each size of `resizes` at its place. Sizes that belong
    /// before the bytes come first.
    pub fn feed_resized(&mut self, bytes: &[u8], resizes: &[Resize]) {
        let mut rest = bytes;
        for Resize { at, size } in resizes {
            let length = usize::try_from(at.since(self.end())).unwrap_or(usize::MAX);
            let (before, after) = rest.split_at(length.min(rest.len()));
            self.feed(before);
            self.resize(*size);
            rest = after;
        }
        self.feed(rest);
    }
}

fn index(tail: &Tail<'_>, at: Offset) -> usize {
    usize::try_from(at.since(tail.start)).unwrap_or(usize::MAX).min(tail.bytes.len())
}

fn is_spread(low: &Screen, high: &Screen) -> bool {
    low.terminal.doubts.contains(Doubts::SPREAD) || high.terminal.doubts.contains(Doubts::SPREAD)
}

/// Where the column is first known, and the modes there.
fn anchor(start: Offset, bytes: &[u8], modes: &Modes) -> Option<(usize, Modes)> {
    let mut machine = Machine::default();
    let mut search = Search { start, modes: modes.clone(), found: None };
    for (number, piece) in bytes.chunks(ROW_PIECE_BYTES).enumerate() {
        machine.scan(start.plus(number * ROW_PIECE_BYTES), piece, &mut search);
        if let Some(found) = search.found {
            return Some((found, search.modes));
        }
    }
    None
}

struct Search {
    start: Offset,
    modes: Modes,
    found: Option<usize>,
}

impl Search {
    fn find(&mut self, at: Offset) {
        self.found = usize::try_from(at.since(self.start)).ok();
    }
}

impl Sink for Search {
    fn text(&mut self, at: Offset, bytes: &[u8]) {
        if self.found.is_none()
            && let Some(index) = memchr::memchr(b'\r', bytes)
        {
            self.find(at.plus(index));
        }
    }

    fn token(&mut self, span: Span, token: Token<'_>) {
        if self.found.is_some() {
            return;
        }
        match token {
            Token::Csi(csi) if matches!(csi.function(), (0, b"", b'H' | b'f')) => {
                self.find(span.start);
            }
            _ => {
                self.modes.apply(span.end, &token);
            }
        }
    }
}

/// A terminal in `modes` of which nothing else is known but what `base` can tell; none if that is too
/// little.
fn world(
    modes: &Modes,
    offset: Offset,
    base: Option<&Checkpoint>,
    scrollback_lines: usize,
) -> Option<Screen> {
    let base = base.filter(|base| is_of_use(base, modes, offset));
    let since = base.map(|base| base.offset);
    let mut screen = base.map_or_else(
        || Screen::new(modes.size, scrollback_lines),
        |base| Screen::from_checkpoint(base, scrollback_lines),
    );
    let is_kept = |at: Offset| since.is_some_and(|since| at <= since);
    match modes.tabs {
        TabStops::Initial => screen.terminal.set_tabs(8),
        TabStops::Changed(at) if is_kept(at) => {}
        TabStops::Changed(_) => return None,
    }
    let was_shown = screen.terminal.screen();
    match modes.screen {
        ScreenKind::Primary => screen.terminal.leave_alternate(),
        ScreenKind::Alternate => {
            let is_primary_kept = modes.switched_at.is_some_and(is_kept);
            screen.terminal.enter_alternate();
            if !is_primary_kept || was_shown == ScreenKind::Primary {
                screen.terminal.doubts.add(Doubts::PRIMARY);
            }
        }
    }
    for kind in [ScreenKind::Primary, ScreenKind::Alternate] {
        let saved = &modes.saved[kind.index()];
        if !saved.at.is_none_or(is_kept) {
            screen.terminal.doubts.add(Doubts::saved(kind));
        }
        screen.terminal.set_saved(kind, saved);
    }
    impose(&mut screen, modes);
    screen.modes = modes.clone();
    screen.set_end(offset);
    Some(screen)
}

/// Whether a checkpoint can tell anything: it is earlier, and the terminal had this size ever since.
fn is_of_use(base: &Checkpoint, modes: &Modes, offset: Offset) -> bool {
    base.offset <= offset
        && base.size == modes.size
        && modes.resized_at.is_none_or(|at| at <= base.offset)
}

/// Brings the emulator into the modes that it obeys.
fn impose(screen: &mut Screen, modes: &Modes) {
    let mut sequences = Vec::new();
    let region = modes.region();
    let switch = |on: bool| if on { 'h' } else { 'l' };
    let origin = switch(modes.switches.is_on(6));
    let wrap = switch(modes.switches.is_on(7));
    let insert = switch(modes.insert == Switch::On);
    let text = format!(
        "\x1b[{};{}r\x1b[?6{origin}\x1b[?7{wrap}\x1b[4{insert}\x0f\x1b(B\x1b)B\x1b*B\x1b+B",
        region.top + 1,
        region.end,
    );
    sequences.extend_from_slice(text.as_bytes());
    modes.charsets.write(&mut sequences);
    modes.pen.write_rendition(&mut sequences);
    screen.perform(&Action::Feed(sequences), &[]);
    screen.terminal.set_link(modes.pen.hyperlink.as_deref());
}

/// The rows between which the cursor may be.
#[derive(Clone, Copy, Debug)]
enum Edge {
    First,
    Last,
}

impl Terminal {
    /// Makes everything unknown that follows only from cells and places; what is put in its stead
    /// differs between the two edges.
    fn forget(&mut self, edge: Edge) {
        let (top, end) = match self.origin() {
            Switch::On => (i32::from(self.region.top), i32::from(self.region.end)),
            Switch::Off => (0, i32::from(self.size.rows())),
        };
        let (line, cells, preceding) = match edge {
            Edge::First => (top, Cells::Blank, None),
            Edge::Last => (end - 1, Cells::Marked, Some(MARK)),
        };
        cells.fill(self.term.grid_mut());
        let cursor = &mut self.term.grid_mut().cursor;
        cursor.point = Point::new(Line(line), Column(0));
        cursor.input_needs_wrap = false;
        self.preceding = preceding;
        self.doubts.add(Doubts::ROW);
        self.doubts.add(Doubts::PRECEDING);
    }

    /// Takes over what the modes know of a saved cursor.
    fn set_saved(&mut self, kind: ScreenKind, saved: &SavedCursor) {
        let drawing = &saved.drawing;
        self.saved[kind.index()] = Saved { origin: drawing.origin, shift: drawing.charsets.shift };
        if saved.at.is_some() {
            return;
        }
        if self.screen() == kind {
            self.term.grid_mut().saved_cursor = Cursor::default();
        } else {
            self.with_hidden_grid(|grid| grid.saved_cursor = Cursor::default());
        }
    }
}

const MARK: char = '\u{e000}';

/// What unknown cells are taken for.
#[derive(Clone, Copy, Debug)]
enum Cells {
    Blank,
    /// Wide characters in colours, on rows that go on: everything that could make a difference to
    /// what is written over or beside it.
    Marked,
}

impl Cells {
    fn fill(self, grid: &mut Grid<Cell>) {
        let template = std::mem::take(&mut grid.cursor.template);
        grid.clear_history();
        grid.reset_region(..);
        if let Self::Marked = self {
            let rows = grid.screen_lines();
            let all = Line(0)..Line::from(rows);
            loop {
                let before = grid.history_size();
                grid.scroll_up(&all, rows);
                if grid.history_size() == before {
                    break;
                }
            }
            for line in grid.topmost_line().0..=grid.bottommost_line().0 {
                Self::mark(grid, Line(line));
            }
        }
        grid.cursor.template = template;
    }

    fn mark(grid: &mut Grid<Cell>, line: Line) {
        let last = grid.last_column();
        let goes_on = line < grid.bottommost_line();
        for column in 0..=last.0 {
            let half = match column % 2 {
                0 if column == last.0 => Flags::empty(),
                0 => Flags::WIDE_CHAR,
                _ => Flags::WIDE_CHAR_SPACER,
            };
            let end = if goes_on && column == last.0 { Flags::WRAPLINE } else { Flags::empty() };
            grid[line][Column(column)] = Cell {
                c: if half == Flags::WIDE_CHAR_SPACER { ' ' } else { MARK },
                fg: Color::Indexed(201),
                bg: Color::Indexed(57),
                flags: half | end | Flags::STRIKEOUT,
                extra: None,
            };
        }
    }
}
