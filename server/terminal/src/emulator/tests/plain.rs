//! A dump on an emulator that knows nothing of ours.

use alacritty_terminal::Term;
use alacritty_terminal::event::VoidListener;
use alacritty_terminal::grid::Dimensions;
use alacritty_terminal::index::Line;
use alacritty_terminal::term::{Config, TermMode};
use alacritty_terminal::vte::ansi::{Processor, StdSyncHandler};
use proptest::prelude::*;

use super::super::pens::{is_same_cell, is_same_cursor};
use super::super::{Screen, samples, terminal::dimensions};
use super::{screen_of, sizes};

/// What a plain emulator of the same size shows that reads `dump`.
fn plain(screen: &Screen, dump: &[u8]) -> Term<VoidListener> {
    let config = Config {
        scrolling_history: screen.scrollback_lines(),
        kitty_keyboard: true,
        ..Config::default()
    };
    let mut term = Term::new(config, &dimensions(screen.size()), VoidListener);
    let mut processor: Processor<StdSyncHandler> = Processor::new();
    processor.advance(&mut term, dump);
    processor.stop_sync(&mut term);
    term
}

/// The modes of the emulator that programs set.
fn modes_of(screen: &Screen) -> TermMode {
    let modes = screen.modes();
    let private = |number: u16| modes.private(number) == Some(true);
    let keyboard = u32::from(modes.keyboard().bits()) * TermMode::DISAMBIGUATE_ESC_CODES.bits();
    [
        (private(1), TermMode::APP_CURSOR),
        (private(6), TermMode::ORIGIN),
        (private(7), TermMode::LINE_WRAP),
        (private(25), TermMode::SHOW_CURSOR),
        (private(66), TermMode::APP_KEYPAD),
        (private(1000), TermMode::MOUSE_REPORT_CLICK),
        (private(1006), TermMode::SGR_MOUSE),
        (private(1049), TermMode::ALT_SCREEN),
        (private(2004), TermMode::BRACKETED_PASTE),
        (modes.ansi(4) == Some(true), TermMode::INSERT),
        (modes.ansi(20) == Some(true), TermMode::LINE_FEED_NEW_LINE),
    ]
    .into_iter()
    .filter(|(is_set, _)| *is_set)
    .fold(TermMode::from_bits_truncate(keyboard), |all, (_, mode)| all | mode)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dump_draws_the_same_on_a_plain_emulator(
        size in sizes(),
        scrollback_lines in prop_oneof![Just(0_usize), Just(50)],
        output in samples::output(),
    ) {
        let mut screen = screen_of(size, scrollback_lines, &output.with_named_links());

        let dump = screen.dump();
        let term = plain(&screen, &dump);

        let (ours, theirs) = (screen.terminal.grid(), term.grid());
        prop_assert_eq!(ours.total_lines(), theirs.total_lines());
        for line in ours.topmost_line().0..=ours.bottommost_line().0 {
            for (ours, theirs) in ours[Line(line)][..].iter().zip(&theirs[Line(line)][..]) {
                prop_assert!(is_same_cell(ours, theirs), "{}: {:?} {:?}", line, ours, theirs);
            }
        }
        prop_assert!(is_same_cursor(&ours.cursor, &theirs.cursor));
        prop_assert!(is_same_cursor(&ours.saved_cursor, &theirs.saved_cursor));
        let unused = TermMode::ALTERNATE_SCROLL | TermMode::URGENCY_HINTS;
        prop_assert_eq!(modes_of(&screen), *term.mode() & !unused);
        prop_assert!(!dump.contains(&b'\t'));
    }
}
