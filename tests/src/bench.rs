//! The benchmark: Codeplane and its peers on the same work.
//!
//! A *driver* starts one *peer* at a time in a private directory and lets a *probe* (a process of
//! its own, so that measuring costs the same for all) attach to a session as that peer's users do.
//! The session runs the same *program* everywhere, and single bytes typed through the attached
//! client tell it what to do, so that the way in is exercised too. Two yardsticks are peers as
//! well: `raw`, where the probe itself holds the program's terminal, and `rawtty`, the smallest
//! session daemon with the smallest attach client. They are measured beside every peer in the same
//! round, because the machine's load moves all figures together and ratios much less.

pub mod asking;
pub mod connection;
pub mod copier;
pub mod driver;
pub mod figures;
pub mod home;
pub mod judge;
pub mod notes;
pub mod peers;
pub mod probe;
pub mod program;
pub mod report;
pub mod unit;
pub mod workloads;

use crate::TerminalSize;

/// The size of every terminal of the benchmark.
pub const SIZE: TerminalSize = TerminalSize { cols: 120, rows: 30 };

/// Rows of the final screen of W6 that are checked: a status line may take the rest.
pub const CHECKED_ROWS: u16 = 24;

/// Anything that keeps a measurement from being made.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The outcome of a step of a measurement.
pub type Result<T> = std::result::Result<T, Failure>;

/// Row `row` of the final screen of W6, without its colours.
#[must_use]
pub fn final_row(id: &str, row: u16) -> String {
    let noise = (u32::from(row) + 1).wrapping_mul(0x9E37_79B9);
    format!("ROW {row:02} {id} é中█ {noise:08x}")
}
