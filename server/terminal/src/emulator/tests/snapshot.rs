//! Screens as text.

use codeplane_core::Offset;
use proptest::prelude::*;

use super::super::{CharWidth, RowEnd, ScreenSnapshot, Visibility, samples};
use super::{screen_of, size, sizes};
use crate::colour::Colour;
use crate::modes::ScreenKind;
use crate::pen::Attributes;
use crate::text::strip_escapes;

fn snapshot_of(output: &str) -> ScreenSnapshot {
    screen_of(size(20, 4), 100, output.as_bytes()).snapshot()
}

#[test]
fn rows_are_text_without_the_blanks_at_their_ends() {
    let snapshot = snapshot_of("one\r\n\r\n  three   \r\n\x1b[4;20H");

    assert_eq!(snapshot.to_text(), "one\n\n  three\n");
    assert_eq!((snapshot.cursor.position.row, snapshot.cursor.position.column), (3, 19));
    assert_eq!(snapshot.history, []);
}

#[test]
fn runs_have_their_looks_and_their_columns() {
    let snapshot = snapshot_of("a\x1b[1;31mred\x1b[0m日本\x1b]8;;http://x\x07link\x1b]8;;\x07");

    let runs: Vec<_> = snapshot.rows[0].runs.iter().map(|run| (&*run.text, run.columns)).collect();
    assert_eq!(runs, [("a", 1), ("red", 3), ("日本", 4), ("link", 4)]);
    let red = &snapshot.rows[0].runs[1].pen;
    assert_eq!((red.foreground, red.attributes), (Colour::Ansi(1), Attributes::BOLD));
    assert_eq!(snapshot.rows[0].runs[2].width, CharWidth::Wide);
    let link = snapshot.rows[0].runs[3].pen.hyperlink.clone().unwrap();
    assert_eq!(link.uri, "http://x");
}

#[test]
fn lines_longer_than_the_screen_go_on_in_the_next_row() {
    let snapshot = snapshot_of(&"x".repeat(25));

    assert_eq!((snapshot.rows[0].end, snapshot.rows[1].end), (RowEnd::Wrapped, RowEnd::Line));
    // A wide character that did not fit leaves its place empty.
    let wide = snapshot_of(&("x".repeat(19) + "日"));
    assert_eq!(wide.to_text(), "xxxxxxxxxxxxxxxxxxx\n日\n");
}

#[test]
fn history_screen_title_and_cursor_are_told() {
    let snapshot = snapshot_of("\x1b]2;title\x07a\r\nb\r\nc\r\nd\r\ne\x1b[?25l\x1b[6 q");

    let history: Vec<_> = snapshot.history.iter().map(|row| row.to_text()).collect();
    assert_eq!((history, snapshot.kind), (vec!["a".to_owned()], ScreenKind::Primary));
    assert_eq!(snapshot.modes.title(), Some("title"));
    assert_eq!(snapshot.cursor.visibility, Visibility::Hidden);
    assert_eq!(snapshot_of("\x1b[?1049h").kind, ScreenKind::Alternate);
}

#[test]
fn a_cut_sequence_is_not_part_of_the_screen() {
    let snapshot = snapshot_of("text\x1b[31");

    assert_eq!(snapshot.offset, Offset(4));
}

#[test]
fn a_row_with_colours_is_complete_in_itself() {
    let rows = snapshot_of("a\x1b[31mb\x1b]8;;http://x\x07c\r\nd").to_ansi_rows();

    assert_eq!(rows[0], b"a\x1b[0;31mb\x1b]8;;http://x\x1b\\\x1b[0;31mc\x1b]8;;\x1b\\\x1b[0m");
    assert_eq!(rows[1], b"\x1b]8;;http://x\x1b\\\x1b[0;31md\x1b]8;;\x1b\\\x1b[0m");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_fit_the_screen_and_hold_no_controls(size in sizes(), output in samples::output()) {
        let snapshot = screen_of(size, 3, &output.bytes()).snapshot();

        prop_assert_eq!(snapshot.rows.len(), usize::from(size.rows()));
        for row in snapshot.history.iter().chain(&snapshot.rows) {
            let columns: u16 = row.runs.iter().map(|run| run.columns).sum();
            prop_assert!(columns <= size.cols());
            prop_assert!(!row.to_text().chars().any(char::is_control));
            let plain = strip_escapes(&row.to_ansi());
            prop_assert_eq!(plain.trim_end_matches(' '), row.to_text());
        }
    }
}
