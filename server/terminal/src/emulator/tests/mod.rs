//! A screen against other screens that came about in another way.

mod bombs;
mod converge;
mod parser;
mod plain;
mod snapshot;

use codeplane_core::{Offset, TerminalSize};
use proptest::prelude::*;

use super::{Screen, samples};
use crate::checkpoint::Checkpoint;

fn size(cols: u32, rows: u32) -> TerminalSize {
    TerminalSize::new(cols, rows).unwrap()
}

fn sizes() -> impl Strategy<Value = TerminalSize> {
    prop_oneof![
        4 => Just(size(20, 6)),
        1 => Just(size(2, 1)),
        1 => Just(size(3, 2)),
        1 => Just(size(41, 3)),
        2 => (2..30_u32, 1..9_u32).prop_map(|(cols, rows)| size(cols, rows)),
    ]
}

fn screen_of(size: TerminalSize, scrollback_lines: usize, output: &[u8]) -> Screen {
    let mut screen = Screen::new(size, scrollback_lines);
    screen.feed(output);
    screen
}

fn index(offset: Offset) -> usize {
    usize::try_from(offset.0).unwrap()
}

/// A screen that has a checkpoint of `screen` for a beginning.
fn restored(screen: &mut Screen) -> Screen {
    let checkpoint = Checkpoint::decode(&screen.checkpoint().encode()).unwrap();
    Screen::from_checkpoint(&checkpoint, screen.scrollback_lines())
}

#[test]
fn halves_of_two_wide_characters_do_not_make_one() {
    // Of the first the second half is deleted, and of the second the first.
    let mut screen = screen_of(size(15, 2), 0, "日\x1b[31m本x\x1b[2G\x1b[2P".as_bytes());

    assert_eq!(screen.snapshot().to_text(), "  x\n");
    let mut again = restored(&mut screen);
    assert_eq!(screen.difference(&mut again), None);
}

#[test]
fn a_cursor_that_was_never_saved_is_at_home_whatever_the_size_was() {
    let mut screen = screen_of(size(20, 2), 10, b"a\r\nb\r\nc\r\nd");

    screen.resize(size(20, 4));
    screen.feed(b"\x1b8");

    assert_eq!((screen.cursor().row, screen.cursor().column), (0, 0));
}

#[test]
fn a_character_that_never_ends_is_drawn_before_what_follows_it() {
    let mut screen = screen_of(size(20, 2), 0, b"\xe6\x97\xe6\x97");

    let mut again = restored(&mut screen);
    assert_eq!(screen.difference(&mut again), None);
    assert_eq!(again.snapshot().to_text(), "\u{fffd}\n");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dump_restores_everything_that_later_output_could_tell(
        size in sizes(),
        scrollback_lines in prop_oneof![Just(0_usize), Just(5), Just(1000)],
        before in samples::output(),
        after in samples::output(),
    ) {
        let before = before.bytes();
        let mut screen = screen_of(size, scrollback_lines, &before);

        let mut again = restored(&mut screen);

        prop_assert_eq!(screen.difference(&mut again), None);
        again.feed(&before[index(again.offset())..]);
        screen.feed(&after.bytes());
        again.feed(&after.bytes());
        prop_assert_eq!(screen.difference(&mut again), None);
    }

    #[test]
    fn a_screen_does_not_depend_on_how_its_output_arrives(
        size in sizes(),
        output in samples::output(),
        piece in 1..40_usize,
    ) {
        let output = output.bytes();
        let mut whole = screen_of(size, 3, &output);

        let mut screen = Screen::new(size, 3);
        for piece in output.chunks(piece) {
            screen.feed(piece);
        }

        prop_assert_eq!(screen.offset(), whole.offset());
        prop_assert_eq!(screen.difference(&mut whole), None);
    }

    #[test]
    fn a_dump_restores_a_screen_whose_size_changed(
        sizes in proptest::collection::vec(sizes(), 2..4),
        outputs in proptest::collection::vec(samples::output(), 3),
        scrollback_lines in prop_oneof![Just(0_usize), Just(20)],
    ) {
        let mut screen = Screen::new(sizes[0], scrollback_lines);
        for (size, output) in sizes.iter().zip(&outputs) {
            screen.resize(*size);
            screen.feed(&output.bytes());
            let mut again = restored(&mut screen);
            prop_assert_eq!(screen.difference(&mut again), None);
        }
    }
}
