//! Follows what programs print, for what must be known of it besides its bytes.
//!
//! One thread of its own does all of it, behind delivery: it is told that a log has grown, waits a
//! few milliseconds for more, and reads the new bytes from the file like any other reader. A
//! scanner without a grid sees every byte; it finds queries to answer, titles, bells and modes.
//! The emulator exists only while a screen is made.

mod answer;
mod jobs;
mod keeper;
mod queue;
mod thread;
mod tracked;

pub(crate) use jobs::Watcher;
