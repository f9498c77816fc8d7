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
