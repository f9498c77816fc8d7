//! The screen of a session, rebuilt from its output when somebody asks for it.

mod compare;
mod converge;
mod dump;
mod edits;
mod handler;
mod modes;
mod pens;
mod screen;
mod snapshot;
mod terminal;

pub use converge::{Resize, Tail, converge};
pub use screen::Screen;
pub use snapshot::{
    CharWidth, RowEnd, ScreenSnapshot, SnapshotCursor, SnapshotRow, TextRun, Visibility,
};

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
