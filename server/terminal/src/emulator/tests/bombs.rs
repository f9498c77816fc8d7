//! Output that is made to hurt who reads it.

use codeplane_core::TerminalSize;

use super::super::Screen;
use super::{screen_of, size};
use crate::checkpoint::Checkpoint;

/// Output without end of one kind, as far as it takes to show what it does.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let long = |before: &[u8], filling: u8, after: &[u8]| {
        let mut bomb = before.to_vec();
        bomb.extend(std::iter::repeat_n(filling, 1 << 17));
        bomb.extend_from_slice(after);
        bomb
    };
    vec![
        ("repeats", b"x\x1b[999999999b".repeat(10)),
        ("an endless title", long(b"\x1b]0;", b'x', b"\x07")),
        ("an endless title without end", long(b"\x1b]0;", b'x', b"")),
        ("an endless DCS", long(b"\x1bPq", b'?', b"\x1b\\")),
        ("an endless parameter", long(b"\x1b[", b'9', b"m")),
        ("endless parameters", long(b"\x1b[", b';', b"m")),
        ("endless intermediates", long(b"\x1b", b' ', b"F")),
        ("nested strings", b"\x1bP\x1b]\x1b_\x1b^\x1bX".repeat(3000)),
        ("keyboards", b"\x1b[>1u".repeat(3000)),
        ("titles", b"\x1b]2;title\x07\x1b[22t".repeat(3000)),
        ("links", b"\x1b]8;;http://example.org/\x07x".repeat(3000)),
        ("marks", format!("e{}", "\u{301}".repeat(3000)).into_bytes()),
        ("screens", b"\x1b[?1049h\x1b[?1049l".repeat(300)),
        ("saved cursors", b"\x1b7\x1b8\x1b[s\x1b[u".repeat(3000)),
        (
            "huge movements",
            b"\x1b[65535A\x1b[65535B\x1b[99999;99999H\x1b[65535C\x1b[65535D".repeat(1000),
        ),
        (
            "huge scrolls",
            b"\x1b[65535S\x1b[65535T\x1b[65535L\x1b[65535M\x1b[65535@\x1b[65535P\x1b[65535X"
                .repeat(200),
        ),
        ("huge tabs", b"\x1b[65535I\x1b[65535Z\x1b[3g\x1b[65535I".repeat(20)),
        ("margins outside", b"\x1b[65535;65535r\x1b[0;65535r\x1b[6;1r\n\x1bM".repeat(300)),
        ("invalid text", b"\xff\xfe\xc2\xe6\x97\xf0\x9f".repeat(3000)),
        ("unended synchronized updates", b"\x1b[?2026h".repeat(3000)),
    ]
}

#[test]
fn bombs_neither_panic_nor_stay_in_memory() {
    for (name, bomb) in bombs() {
        for size in [size(2, 1), size(40, 6)] {
            let mut screen = screen_of(size, 10, &bomb);
            screen.resize(TerminalSize::new(10, 3).unwrap());
            screen.feed(b"\x1b\\\x18after");
            let checkpoint = screen.checkpoint();

            assert!(checkpoint.dump.len() < 100_000, "{name}: {}", checkpoint.dump.len());
            let encoded = checkpoint.encode();
            let decoded = Checkpoint::decode(&encoded).unwrap();
            let mut again = Screen::from_checkpoint(&decoded, 10);
            assert_eq!(screen.difference(&mut again), None, "{name}");
            assert!(screen.snapshot().to_text().contains("ter"), "{name}");
        }
    }
}

#[test]
fn a_link_or_a_pile_of_marks_is_not_kept_beyond_use() {
    let mut output = b"\x1b]8;;http://".to_vec();
    output.extend(std::iter::repeat_n(b'x', 10_000));
    output.extend_from_slice(b"\x07e");
    output.extend("\u{301}".repeat(1000).into_bytes());

    let snapshot = screen_of(size(20, 4), 0, &output).snapshot();

    let run = &snapshot.rows[0].runs[0];
    assert_eq!(run.pen.hyperlink, None);
    assert_eq!(run.text.chars().count(), 17);
}
