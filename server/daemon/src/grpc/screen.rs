//! Screens as messages.

use codeplane_proto::v1;
use codeplane_terminal::{
    Attributes, Colour, Pen, RowEnd, ScreenKind, SnapshotRow, TextRun, Underline, Visibility,
};

use super::convert;
use crate::app::Screen;

pub(super) fn message(screen: &Screen, format: v1::ScreenFormat) -> v1::GetScreenResponse {
    let shown = &screen.snapshot;
    let rows = || shown.history.iter().chain(&shown.rows);
    let lossy = |row: &SnapshotRow| String::from_utf8_lossy(&row.to_ansi()).into_owned();
    let (lines, cells) = match format {
        v1::ScreenFormat::Unspecified | v1::ScreenFormat::Text => {
            (rows().map(SnapshotRow::to_text).collect(), Vec::new())
        }
        v1::ScreenFormat::Ansi => (rows().map(lossy).collect(), Vec::new()),
        v1::ScreenFormat::Cells => (Vec::new(), rows().map(line).collect()),
    };
    v1::GetScreenResponse {
        position: Some(convert::position(screen.position)),
        size: Some(convert::size(shown.size)),
        lines,
        cells,
        history_lines: u32::try_from(shown.history.len()).unwrap_or(u32::MAX),
        cursor: Some(v1::Cursor {
            column: shown.cursor.position.column.into(),
            row: shown.cursor.position.row.into(),
            visible: shown.cursor.visibility == Visibility::Visible,
        }),
        alternate_screen: shown.kind == ScreenKind::Alternate,
        title: shown.modes.title().unwrap_or_default().to_owned(),
    }
}

fn line(row: &SnapshotRow) -> v1::ScreenLine {
    v1::ScreenLine { runs: row.runs.iter().map(run).collect(), wrapped: row.end == RowEnd::Wrapped }
}

fn run(run: &TextRun) -> v1::CellRun {
    let pen = &run.pen;
    v1::CellRun {
        text: run.text.clone(),
        columns: run.columns.into(),
        foreground: colour(pen.foreground),
        background: colour(pen.background),
        attributes: attributes(pen).into_iter().map(Into::into).collect(),
        hyperlink: pen.hyperlink.as_ref().map(|link| link.uri.clone()).unwrap_or_default(),
    }
}

fn colour(colour: Colour) -> Option<v1::Color> {
    use v1::color::Color;
    let color = match colour {
        Colour::Default => return None,
        Colour::Ansi(index) | Colour::Indexed(index) => Color::Indexed(index.into()),
        Colour::Rgb(rgb) => {
            Color::Rgb(u32::from(rgb.red) << 16 | u32::from(rgb.green) << 8 | u32::from(rgb.blue))
        }
    };
    Some(v1::Color { color: Some(color) })
}

fn attributes(pen: &Pen) -> Vec<v1::CellAttribute> {
    let flags = [
        (Attributes::BOLD, v1::CellAttribute::Bold),
        (Attributes::DIM, v1::CellAttribute::Dim),
        (Attributes::ITALIC, v1::CellAttribute::Italic),
        (Attributes::INVERSE, v1::CellAttribute::Inverse),
        (Attributes::HIDDEN, v1::CellAttribute::Hidden),
        (Attributes::STRIKEOUT, v1::CellAttribute::Strikethrough),
    ];
    let set = flags.into_iter().filter(|(flag, _)| pen.attributes.contains(*flag));
    let underline = (pen.underline != Underline::None).then_some(v1::CellAttribute::Underline);
    set.map(|(_, attribute)| attribute).chain(underline).collect()
}
