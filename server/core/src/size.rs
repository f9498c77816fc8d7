//! The size of a terminal.

use std::fmt;

/// Columns and rows of a terminal, within the limits every part of the system can handle.
///
/// The emulator cannot hold a wide character in one column, hence at least two columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TerminalSize {
    cols: u16,
    rows: u16,
}

/// The size is out of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("size {cols}x{rows} is out of limits: columns 2 to 1000, rows 1 to 500")]
pub struct SizeError {
    /// Columns asked for.
    pub cols: u32,
    /// Rows asked for.
    pub rows: u32,
}

impl TerminalSize {
    /// What a terminal of unknown size is taken for.
    pub const DEFAULT: Self = Self { cols: 80, rows: 24 };

    /// Checks the limits. `0x0`, which a client reports when it has no terminal, is 80x24.
    ///
    /// # Errors
    /// [`SizeError`] outside 2..=1000 columns or 1..=500 rows.
    pub fn new(cols: u32, rows: u32) -> Result<Self, SizeError> {
        if (cols, rows) == (0, 0) {
            return Ok(Self::DEFAULT);
        }
        match (u16::try_from(cols), u16::try_from(rows)) {
            (Ok(c @ 2..=1000), Ok(r @ 1..=500)) => Ok(Self { cols: c, rows: r }),
            (Ok(_) | Err(_), Ok(_) | Err(_)) => Err(SizeError { cols, rows }),
        }
    }

    /// Columns.
    #[must_use]
    pub const fn cols(self) -> u16 {
        self.cols
    }

    /// Rows.
    #[must_use]
    pub const fn rows(self) -> u16 {
        self.rows
    }
}

impl Default for TerminalSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for TerminalSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.cols, self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_inclusive() {
        for (cols, rows) in [(2, 1), (1000, 500), (80, 24)] {
            assert!(TerminalSize::new(cols, rows).is_ok(), "{cols}x{rows}");
        }
        for (cols, rows) in [(1, 24), (0, 24), (80, 0), (1001, 24), (80, 501), (65_616, 24)] {
            assert_eq!(TerminalSize::new(cols, rows), Err(SizeError { cols, rows }));
        }
    }

    #[test]
    fn a_client_without_a_size_counts_as_80x24() {
        assert_eq!(TerminalSize::new(0, 0), Ok(TerminalSize::DEFAULT));
    }
}
