//! A screen against other screens that came about in another way.

use codeplane_core::{Offset, TerminalSize};
use proptest::prelude::*;

use super::{Resize, Screen, Tail, converge, samples};
use crate::checkpoint::Checkpoint;
use crate::modes::Modes;
use crate::scanner::Scanner;

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

/// Output of a program that runs for long: samples, and between them what full-screen programs and
/// shells do to begin anew.
fn long_output() -> impl Strategy<Value = Vec<u8>> {
    let anew = proptest::sample::select(vec![
        &b""[..],
        b"\r\n",
        b"\x1b[H\x1b[2J",
        b"\x1b[2J",
        b"\x1bc",
        b"\x1b7\x1b[r\x1b8",
        b"\x1b[?1049h\x1b[2J\x1b[H\x1b7",
        b"\x1b[?1049l\r\x1b7",
        b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n$ ",
    ]);
    let parts = proptest::collection::vec((samples::output(), anew), 1..12);
    parts.prop_map(|parts| {
        parts.iter().flat_map(|(output, anew)| [&output.bytes()[..], anew].concat()).collect()
    })
}

/// Where `output` can be cut at `at` or shortly before, and the modes there.
fn place_before(size: TerminalSize, output: &[u8], at: usize) -> (usize, Modes) {
    let mut scanner = Scanner::new(size);
    scanner.scan(Offset::ZERO, &output[..at], &mut |_, _| {});
    let place = scanner.unfinished_since().unwrap_or(scanner.end());
    (index(place), scanner.modes().clone())
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

    #[test]
    fn a_tail_gives_the_screen_of_the_whole_output_or_none(
        size in sizes(),
        scrollback_lines in prop_oneof![3 => Just(0_usize), 1 => Just(2)],
        output in long_output(),
        base_at in proptest::option::of(any::<prop::sample::Index>()),
        tail_at in any::<prop::sample::Index>(),
    ) {
        let (start, modes) = place_before(size, &output, tail_at.index(output.len() + 1));
        let base = base_at.map(|at| {
            screen_of(size, scrollback_lines, &output[..at.index(start + 1)]).checkpoint()
        });
        let tail = Tail {
            start: Offset(start as u64),
            bytes: &output[start..],
            modes: &modes,
            resizes: &[],
            base: base.as_ref(),
        };

        if let Some(mut screen) = converge(&tail, scrollback_lines) {
            let mut whole = screen_of(size, scrollback_lines, &output);
            prop_assert_eq!(screen.difference(&mut whole), None);
            prop_assert_eq!(screen.offset(), whole.offset());
        }
    }

    #[test]
    fn a_tail_of_drawing_gives_the_screen_of_the_whole_output_or_none(
        size in sizes(),
        scrollback_lines in prop_oneof![3 => Just(0_usize), 1 => Just(2)],
        output in samples::drawing(),
        tail_at in any::<prop::sample::Index>(),
        resize in proptest::option::weighted(0.3, (any::<prop::sample::Index>(), sizes())),
    ) {
        let (start, modes) = place_before(size, &output, tail_at.index(output.len() / 2 + 1));
        let resizes: Vec<_> = resize.into_iter().map(|(at, size)| {
            Resize { at: Offset((start + at.index(output.len() - start + 1)) as u64), size }
        }).collect();
        let tail = Tail {
            start: Offset(start as u64),
            bytes: &output[start..],
            modes: &modes,
            resizes: &resizes,
            base: None,
        };

        if let Some(mut screen) = converge(&tail, scrollback_lines) {
            let mut whole = Screen::new(size, scrollback_lines);
            whole.feed_resized(&output, &resizes);
            prop_assert_eq!(screen.difference(&mut whole), None);
        }
    }
}
