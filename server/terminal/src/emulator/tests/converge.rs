//! When the end of an output is enough, and that it is never too little.

use codeplane_core::{Offset, TerminalSize};
use proptest::prelude::*;

use super::super::{Resize, Screen, Tail, converge, samples};
use super::{index, screen_of, size, sizes};
use crate::checkpoint::Checkpoint;
use crate::modes::{Modes, ScreenKind};
use crate::scanner::Scanner;
use crate::trail::ModesTrail;

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
    let parts = proptest::collection::vec((samples::output(), anew), 1..6);
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

/// An output, followed to its end.
struct Followed<'a> {
    output: &'a [u8],
    size: TerminalSize,
    trail: ModesTrail,
    resizes: Vec<Resize>,
}

impl<'a> Followed<'a> {
    fn new(size: TerminalSize, output: &'a [u8]) -> Self {
        let mut trail = ModesTrail::new();
        trail.scan(&mut Scanner::new(size), Offset::ZERO, output, &mut |_, _| {});
        Self { output, size, trail, resizes: Vec::new() }
    }

    /// The screen after the last `length` bytes or some more, which must be the right one.
    fn tail_screen(&self, length: usize, base: Option<&Checkpoint>) -> Option<Screen> {
        let wanted = Offset(self.output.len().saturating_sub(length) as u64);
        let (start, modes) = self.trail.before(wanted)?;
        let bytes = &self.output[index(start)..];
        let tail = Tail { start, bytes, modes, resizes: &self.resizes, base };
        let mut screen = converge(&tail, 0)?;
        let mut whole = Screen::new(self.size, 0);
        whole.feed_resized(self.output, &self.resizes);
        assert_eq!(screen.difference(&mut whole), None);
        Some(screen)
    }
}

/// Lines of a program that logs in colours.
fn log(bytes: usize) -> Vec<u8> {
    let mut log = Vec::with_capacity(bytes + 200);
    for line in 0_usize.. {
        if log.len() >= bytes {
            return log;
        }
        let colour = 31 + line % 6;
        let text = "compiling something that has a name ".repeat(1 + line % 4);
        log.extend(format!("\x1b[1;{colour}m{line:>8}\x1b[0m {text}\r\n").into_bytes());
    }
    log
}

/// Frames of a full-screen program that only draws what changed.
fn frames(count: usize) -> Vec<u8> {
    let mut frames = Vec::new();
    for frame in 0..count {
        let row = 1 + frame * 7 % 24;
        frames.extend(format!("\x1b[{row};1H\x1b[K\x1b[32mframe {frame}\x1b[0m").into_bytes());
    }
    frames
}

#[test]
fn a_log_is_known_from_its_last_lines() {
    let mut output = log(600_000);
    output.extend_from_slice(b"\x1b[H\x1b[2Jdone\r\n$ ");
    let followed = Followed::new(size(120, 30), &output);

    assert!(followed.tail_screen(1000, None).is_some());
}

#[test]
fn a_full_screen_program_is_known_from_its_frames() {
    let mut output = b"\x1b[?1049h\x1b[2J\x1b[H".to_vec();
    output.extend(frames(20_000));
    let followed = Followed::new(size(80, 24), &output);
    let early = screen_of(followed.size, 0, &output[..100]).checkpoint();

    let screen = followed.tail_screen(50_000, Some(&early)).unwrap();

    assert_eq!(screen.kind(), ScreenKind::Alternate);
    // What the primary screen holds under it nobody can tell without the checkpoint.
    assert!(followed.tail_screen(50_000, None).is_none());
}

#[test]
fn what_a_finished_editor_left_behind_is_told_by_an_earlier_screen() {
    let mut output = b"$ vi\r\n\x1b[?1049h\x1b[2J\x1b[Htext\x1b[?1049l$ make\r\n".to_vec();
    let editor_end = output.len();
    output.extend(log(400_000));
    let followed = Followed::new(size(80, 24), &output);
    let early = screen_of(followed.size, 0, &output[..editor_end]).checkpoint();

    assert!(followed.tail_screen(10_000, Some(&early)).is_some());
    // The cursor it saved.
    assert!(followed.tail_screen(10_000, None).is_none());
}

#[test]
fn sizes_that_changed_on_the_way_are_followed() {
    let output = log(500_000);
    let resize = |at: usize, cols, rows| Resize { at: Offset(at as u64), size: size(cols, rows) };
    let mut followed = Followed::new(size(80, 24), &output);

    followed.resizes = vec![resize(490_000, 100, 40), resize(499_000, 60, 10)];

    assert!(followed.tail_screen(100_000, None).is_some());
}

#[test]
fn what_was_written_to_an_unknown_row_is_not_taken_for_known() {
    // Every row is erased, and then something is written where the cursor happens to be; the two
    // rows in which the worlds put it are erased again.
    let tail = b"\r\x1b[2Jtext\x1b[1;1H\x1b[K\x1b[6;1H\x1b[K\x1b[H";
    for row in 1..=6 {
        let mut output = format!("\x1b[{row};5H").into_bytes();
        let start = output.len();
        output.extend_from_slice(tail);
        let (start, modes) = place_before(size(20, 6), &output, start);
        let bytes = &output[start..];
        let start = Offset(start as u64);
        let tail = Tail { start, bytes, modes: &modes, resizes: &[], base: None };

        assert!(converge(&tail, 0).is_none());
    }
}

#[test]
fn what_uses_something_unknown_is_not_taken_for_known() {
    let enough = b"\r\n".repeat(20);
    for unknown in [
        &b"\x1b8"[..],             // a cursor saved before
        b"\x1b[?1049l",            // a primary screen left before
        b"\x1b[5b\r\x1b[H\x1b[2J", // a character written before
    ] {
        let mut output = b"abc\x1b[3;3H\x1b7\x1b[?1049h\x1b7".to_vec();
        let start = output.len();
        output.extend_from_slice(b"\r");
        output.extend_from_slice(unknown);
        output.extend_from_slice(&enough);
        output.extend_from_slice(b"\x1b[H\x1b[2J\x1b7");
        let (start, modes) = place_before(size(20, 6), &output, start);
        let bytes = &output[start..];
        let start = Offset(start as u64);
        let tail = Tail { start, bytes, modes: &modes, resizes: &[], base: None };

        assert!(converge(&tail, 0).is_none(), "{}", unknown.escape_ascii());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

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
