//! Whether two terminals are the same to every later output.

use std::fmt::Debug;

use alacritty_terminal::grid::{Dimensions, Grid};
use alacritty_terminal::index::Line;
use alacritty_terminal::term::TermMode;
use alacritty_terminal::term::cell::Cell;

use super::Screen;
use super::pens::{is_same_cell, is_same_cursor};
use super::terminal::Terminal;
use crate::modes::ScreenKind;

/// The modes that the emulator, and not the scanner, obeys.
const OBEYED: TermMode =
    TermMode::LINE_WRAP.union(TermMode::ORIGIN).union(TermMode::INSERT).union(TermMode::ALT_SCREEN);

impl Screen {
    /// What a program could find out to be different in `other`; none if the two are the same to
    /// every later output.
    pub(super) fn difference(&mut self, other: &mut Self) -> Option<String> {
        let (a, b) = (&mut self.terminal, &mut other.terminal);
        difference_of_state(a, b)
            .or_else(|| difference_of_grids(a.grid(), b.grid()))
            .or_else(|| difference_of_hidden(a, b))
            .or_else(|| {
                let is_same = self.modes.is_equivalent(&other.modes);
                (!is_same).then(|| format!("modes: {:#?} or {:#?}", self.modes, other.modes))
            })
    }
}

fn difference_of_state(a: &Terminal, b: &Terminal) -> Option<String> {
    differs("size", &a.size, &b.size)
        .or_else(|| differs("modes", &(*a.term.mode() & OBEYED), &(*b.term.mode() & OBEYED)))
        .or_else(|| differs("tabs", &a.tabs, &b.tabs))
        .or_else(|| differs("margins", &a.region, &b.region))
        .or_else(|| differs("shift", &a.shift, &b.shift))
        .or_else(|| differs("saved", &a.saved, &b.saved))
        .or_else(|| differs("preceding", &a.preceding, &b.preceding))
}

fn differs<T: PartialEq + Debug + ?Sized>(what: &str, a: &T, b: &T) -> Option<String> {
    (a != b).then(|| format!("{what}: {a:?} or {b:?}"))
}

fn difference_of_grids(a: &Grid<Cell>, b: &Grid<Cell>) -> Option<String> {
    if !is_same_cursor(&a.cursor, &b.cursor) {
        return Some(format!("cursor: {:?} or {:?}", a.cursor, b.cursor));
    }
    if !is_same_cursor(&a.saved_cursor, &b.saved_cursor) {
        return Some(format!("saved cursor: {:?} or {:?}", a.saved_cursor, b.saved_cursor));
    }
    if a.total_lines() != b.total_lines() {
        return differs("lines", &a.total_lines(), &b.total_lines());
    }
    // What was written last differs first.
    (a.topmost_line().0..=a.bottommost_line().0).rev().find_map(|line| {
        let cells = a[Line(line)][..].iter().zip(&b[Line(line)][..]);
        let mut cells = cells.enumerate().filter(|(_, (a, b))| !is_same_cell(a, b));
        cells.next().map(|(column, (a, b))| format!("cell {line}:{column}: {a:?} or {b:?}"))
    })
}

/// Of the alternate screen only the saved cursor counts while it is hidden.
fn difference_of_hidden(a: &mut Terminal, b: &mut Terminal) -> Option<String> {
    match a.screen() {
        ScreenKind::Alternate => a.with_hidden_grid(|a| {
            b.with_hidden_grid(|b| difference_of_grids(a, b).map(|text| format!("hidden {text}")))
        }),
        ScreenKind::Primary => {
            let a = a.with_hidden_grid(|grid| grid.saved_cursor.clone());
            let b = b.with_hidden_grid(|grid| grid.saved_cursor.clone());
            (!is_same_cursor(&a, &b)).then(|| format!("hidden saved cursor: {a:?} or {b:?}"))
        }
    }
}
