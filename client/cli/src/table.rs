//! Tables that fit the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::exit::Failure;
use crate::{os, output};

/// Columns between two columns.
const SPACE: usize = 2;
/// A column is never made narrower than this to fit.
const LEAST_WIDTH: usize = 8;

/// Rows under a heading. Cells must not contain anything that acts on a terminal.
#[derive(Debug)]
pub(crate) struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// The columns that are cut when the terminal is too narrow, one after the other, and to how much.
    flexible: Vec<(usize, usize)>,
}

impl Table {
    /// A table whose column `flexible` gives way.
    pub(crate) fn new(heading: Vec<&'static str>, flexible: usize) -> Self {
        Self::narrowing(heading, vec![(flexible, LEAST_WIDTH)])
    }

    /// A table of which each of these columns gives way down to its width before the next one does.
    pub(crate) const fn narrowing(
        heading: Vec<&'static str>,
        flexible: Vec<(usize, usize)>,
    ) -> Self {
        Self { heading, rows: Vec::new(), flexible }
    }

    /// One more row, as many cells as the heading.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Prints it; cut to the terminal's width if standard output is one.
    pub(crate) fn print(&self) -> Result<(), Failure> {
        let width = match os::terminal_size() {
            Some(size) if output::is_terminal() => usize::try_from(size.cols).ok(),
            _ => None,
        };
        let lines = self.lines(width);
        for (i, line) in lines.iter().enumerate() {
            if i == 0 && output::colours() {
                output::line(&format!("\x1b[1m{line}\x1b[0m"))?;
            } else {
                output::line(line)?;
            }
        }
        Ok(())
    }

    /// What is printed in a terminal of this width; none: as wide as it is.
    pub(crate) fn lines(&self, width: Option<usize>) -> Vec<String> {
        let heading: Vec<String> = self.heading.iter().map(|&name| name.to_owned()).collect();
        let all: Vec<&Vec<String>> = std::iter::once(&heading).chain(&self.rows).collect();
        let mut widths: Vec<usize> = (0..heading.len())
            .map(|column| all.iter().map(|row| row[column].width()).max().unwrap_or_default())
            .collect();
        if let Some(width) = width {
            for &(column, least) in &self.flexible {
                let total = widths.iter().sum::<usize>() + SPACE * (widths.len() - 1);
                let flexible = &mut widths[column];
                let least = least.min(*flexible);
                *flexible = flexible.saturating_sub(total.saturating_sub(width)).max(least);
            }
        }
        all.iter().map(|row| line(row, &widths)).collect()
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, &width) in row.iter().zip(widths) {
        let cell = cut(cell, width);
        line.push_str(&cell);
        line.extend(std::iter::repeat_n(' ', width - cell.width() + SPACE));
    }
    line.truncate(line.trim_end().len());
    line
}

/// As much of `text` as fits into `width` columns, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or_default();
        if used > width {
            break;
        }
        kept.push(character);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec!["ID", "COMMAND", "CREATED"], 1);
        table.row(vec!["1".into(), "a long command line".into(), "now".into()]);
        table.row(vec!["23".into(), "日本語".into(), "1 day ago".into()]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        assert_eq!(
            table().lines(None),
            [
                "ID  COMMAND              CREATED",
                "1   a long command line  now",
                "23  日本語               1 day ago",
            ]
        );
    }

    #[test]
    fn the_flexible_column_gives_way_to_a_narrow_terminal() {
        let lines = table().lines(Some(26));

        assert_eq!(lines[1], "1   a long com…  now");
        assert_eq!(lines[2], "23  日本語       1 day ago");
        assert_eq!(lines[2].width(), 26);
    }

    #[test]
    fn columns_give_way_one_after_the_other() {
        let mut table = Table::narrowing(vec!["A", "B"], vec![(0, 4), (1, 3), (0, 2)]);
        table.row(vec!["aaaaaa".into(), "bbbbbb".into()]);

        let row = |width| table.lines(Some(width)).remove(1);

        assert_eq!(row(13), "aaaa…  bbbbbb");
        assert_eq!(row(10), "aaa…  bbb…");
        assert_eq!(row(7), "a…  bb…");
    }

    #[test]
    fn a_wide_character_is_not_cut_in_half() {
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("日本語", 5), "日本…");
    }
}
