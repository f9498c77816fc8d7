//! One terminal screen and the output it was made of.

use std::time::Duration;

use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::vte::ansi::{Processor, Timeout};
use codeplane_core::{Offset, TerminalSize};

use super::edits::{Action, Edit, Plan};
use super::terminal::Terminal;
use crate::modes::{Modes, ScreenKind};
use crate::query::CursorPosition;
use crate::stream::{Machine, SEQUENCE_LIMIT, ends_in_begun_character};

/// A terminal emulator that reads an output.
///
/// It always shows the last position that is neither in a sequence nor in a character
/// ([`offset`](Self::offset)); what was begun after it is kept until it is complete. Synchronized
/// updates are drawn as they come, so that a screen never depends on a clock.
///
/// It may panic on input that its emulator was not made for, though no such input is known: run it
/// where a panic harms nobody, and begin anew from the output.
pub struct Screen {
    pub(super) terminal: Terminal,
    pub(super) modes: Modes,
    machine: Machine,
    processor: Processor<Immediately>,
    edits: Vec<Edit>,
    /// Where the next bytes begin.
    end: Offset,
    /// What was fed but not yet obeyed.
    pending: Vec<u8>,
    scrollback_lines: usize,
}

impl Screen {
    /// A new terminal that keeps up to `scrollback_lines` lines of history.
    #[must_use]
    pub fn new(size: TerminalSize, scrollback_lines: usize) -> Self {
        Self {
            terminal: Terminal::new(size, scrollback_lines),
            modes: Modes::new(size),
            machine: Machine::default(),
            processor: Processor::new(),
            edits: Vec::new(),
            end: Offset::ZERO,
            pending: Vec::new(),
            scrollback_lines,
        }
    }

    /// Obeys the next bytes of the output.
    pub fn feed(&mut self, bytes: &[u8]) {
        let plan = &mut Plan { modes: &mut self.modes, edits: &mut self.edits };
        self.machine.scan(self.end, bytes, plan);
        let start = Offset(self.end.0 - self.pending.len() as u64);
        self.end = self.end.plus(bytes.len());
        if self.pending.is_empty() {
            self.obey(start, bytes);
        } else {
            let mut whole = std::mem::take(&mut self.pending);
            whole.extend_from_slice(bytes);
            self.obey(start, &whole);
        }
    }

    /// Obeys what is complete of `bytes`, which begin at `start`, and keeps the rest.
    fn obey(&mut self, start: Offset, bytes: &[u8]) {
        let index = |offset: Offset| {
            usize::try_from(offset.since(start)).unwrap_or(usize::MAX).min(bytes.len())
        };
        let mut from = 0;
        let mut edits = std::mem::take(&mut self.edits);
        for Edit { span, action } in edits.drain(..) {
            let (begin, end) = (index(span.start), index(span.end));
            self.advance(&bytes[from..begin]);
            self.perform(&action, &bytes[begin..end]);
            from = end;
        }
        self.edits = edits;
        let complete = self.machine.unfinished_since(self.end).map_or(bytes.len(), index);
        self.advance(&bytes[from..complete]);
        let rest = &bytes[complete..];
        // What is longer will have no effect, so that it need not be kept.
        if rest.len() <= SEQUENCE_LIMIT {
            self.pending.extend_from_slice(rest);
        }
    }

    /// Feeds the emulator with bytes after which nothing is cut.
    fn advance(&mut self, bytes: &[u8]) {
        self.processor.advance(&mut self.terminal, bytes);
        if ends_in_begun_character(bytes) {
            // Its end will not come; the parser finds out with the next byte, whatever it is.
            self.processor.advance(&mut self.terminal, &[0]);
        }
    }

    pub(super) fn perform(&mut self, action: &Action, sequence: &[u8]) {
        if let Action::Repeat(_) | Action::ResetSoftly | Action::Feed(_) = action {
            // Controls inside a sequence are obeyed, whatever becomes of the sequence.
            let controls = sequence.iter().filter(|byte| **byte < 0x20 && **byte != 0x1b);
            let controls: Vec<u8> = controls.copied().collect();
            self.processor.advance(&mut self.terminal, &controls);
        }
        match action {
            Action::Skip => {}
            Action::Repeat(count) => self.terminal.repeat(*count),
            Action::ResetSoftly => self.terminal.reset_softly(),
            Action::Link(link) => self.terminal.set_link(link.as_deref()),
            Action::Feed(bytes) => self.processor.advance(&mut self.terminal, bytes),
        }
    }

    /// Gives the terminal another size, after what was fed; lines are broken anew as alacritty does.
    pub fn resize(&mut self, size: TerminalSize) {
        self.terminal.resize(size);
        self.modes.resize(self.end, size);
    }

    /// The position whose screen it is.
    #[must_use]
    pub fn offset(&self) -> Offset {
        self.machine.unfinished_since(self.end).unwrap_or(self.end)
    }

    /// Where the next bytes begin.
    #[must_use]
    pub const fn end(&self) -> Offset {
        self.end
    }

    /// Says that the next bytes begin at `offset`; for a screen that was not fed from the beginning.
    pub(super) const fn set_end(&mut self, offset: Offset) {
        self.end = offset;
    }

    /// Its size.
    #[must_use]
    pub const fn size(&self) -> TerminalSize {
        self.terminal.size
    }

    /// How many lines of history it keeps.
    #[must_use]
    pub const fn scrollback_lines(&self) -> usize {
        self.scrollback_lines
    }

    /// How many lines of history it has.
    #[must_use]
    pub fn history_lines(&self) -> usize {
        self.terminal.grid().history_size()
    }

    /// The modes at its position.
    #[must_use]
    pub const fn modes(&self) -> &Modes {
        &self.modes
    }

    /// Which screen it shows.
    #[must_use]
    pub fn kind(&self) -> ScreenKind {
        self.terminal.screen()
    }

    /// Where the cursor is.
    #[must_use]
    pub fn cursor(&self) -> CursorPosition {
        let point = self.terminal.cursor().point;
        let number = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
        CursorPosition {
            row: u16::try_from(point.line.0).unwrap_or_default(),
            column: number(point.column.0),
        }
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Screen");
        debug.field("offset", &self.offset()).field("size", &self.size());
        debug.finish_non_exhaustive()
    }
}

/// No synchronized update is ever pending: nothing is held back.
#[derive(Debug, Default)]
struct Immediately;

impl Timeout for Immediately {
    fn set_timeout(&mut self, _duration: Duration) {}

    fn clear_timeout(&mut self) {}

    fn pending_timeout(&self) -> bool {
        false
    }
}
