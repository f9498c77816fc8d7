//! What the scanner finds, wherever the output is cut.

use proptest::prelude::*;

use super::*;
use crate::modes::{ScreenKind, TabStops};
use crate::query::Query;
use crate::status::ProgramStatus;
use crate::stream::SEQUENCE_LIMIT;

fn size() -> TerminalSize {
    TerminalSize::new(80, 24).unwrap()
}

/// The facts of an output that arrives in `pieces`, and the scanner after it.
fn follow(pieces: &[&[u8]]) -> (Vec<Fact>, Scanner) {
    let mut scanner = Scanner::new(size());
    let mut facts = Vec::new();
    for piece in pieces {
        let end = scanner.end();
        scanner.scan(end, piece, &mut |fact, _| facts.push(fact));
    }
    (facts, scanner)
}

fn kinds(output: &[u8]) -> Vec<FactKind> {
    follow(&[output]).0.into_iter().map(|fact| fact.kind).collect()
}

fn modes_after(output: &[u8]) -> Modes {
    follow(&[output]).1.modes().clone()
}

fn notification(title: &str, body: &str) -> FactKind {
    FactKind::Notification { title: title.to_owned(), body: body.to_owned() }
}

/// Output that says something of every kind.
const CASES: &[&[u8]] = &[
    b"plain text\r\n",
    b"a\x07b\x0ec\x0fd\x05e",
    b"\x1b[c\x1b[0c\x1b[>c\x1b[=c\x1b[5n\x1b[6n\x1b[?6n\x1b[>0q\x1bZ",
    b"\x1b[?2004$p\x1b[4$p\x1b[?u\x1b[?4m\x1b[18t\x1b[21t\x1b[x\x1b[?1;1;0S\x1b[?996n",
    b"\x1b]11;?\x07\x1b]4;1;?\x1b\\\x1b]52;c;?\x1b\\\x1b]7501;?\x07",
    b"\x1bP$qm\x1b\\\x1bP+q544e;436f\x1b\\",
    b"\x1b]0;title \xe6\x97\xa5\xe6\x9c\xac\x07\x1b]2;other\x1b\\",
    b"\x1b]9;note\x07\x1b]9;4;1;50\x07\x1b]777;notify;T;B\x07\x1b]99;i=1;K\x1b\\",
    b"\x1b]7;file://host/a%20b\x07\x1b]7501;state=idle:app=x\x1b\\",
    b"\x1b[?1049h\x1b[?1000;1006h\x1b[?2004h\x1b[>5u\x1b=\x1b[5;10r\x1b[1;31m\x1b(0\x0e",
    b"\x1b7\x1b[4h\x1b8\x1b[!p\x1bc\x1b[?1049l",
    b"\x1b[3\x07;4m\x1b[31\x18m\x1b[1\x1b[2m\x1b\x1b[3m",
    b"\x1b]0;cut off\x1b[4m\x1b]0;cancelled\x18\x1b_Gi=1,a=q;\x1b\\\x1bXsos\x1b\\\x1b^pm\x1b\\",
    b"\x1bP1$2$q\x9c\x1b\\\x1bPq\x9cx\x1b]8;id=a;http://x\x07",
    b"\xe6\x97\xa5\xc2\x9b31m\xff\xf0\x9f\x91\x8d",
    b"\x1b]4;1;#fff;2;?\x07\x1b]104\x07",
];

#[test]
fn the_same_is_found_wherever_the_output_is_cut() {
    for case in CASES {
        let (facts, whole) = follow(&[case]);

        for cut in 0..=case.len() {
            let (left, right) = case.split_at(cut);
            let (cut_facts, scanner) = follow(&[left, right]);
            assert_eq!(cut_facts, facts, "{:?} cut at {cut}", case.escape_ascii().to_string());
            assert_eq!(scanner.modes(), whole.modes());
            assert_eq!(scanner.unfinished_since(), whole.unfinished_since());
        }
        let bytes: Vec<_> = case.chunks(1).collect();
        assert_eq!(follow(&bytes).0, facts, "byte by byte");
    }
}

#[test]
fn facts_are_where_their_sequences_are() {
    let (facts, _) = follow(&[b"ab\x1b[6ncd\x1b]0;t\x1b", b"\\e\x07"]);

    let places: Vec<_> = facts.iter().map(|fact| (fact.span.start.0, fact.span.end.0)).collect();
    assert_eq!(places, [(2, 6), (8, 15), (16, 17)]);
}

#[test]
fn titles_notifications_and_directories_are_read() {
    assert_eq!(
        kinds(b"\x1b]0; \xe2\x9c\xb3 Claude \x07\x1b]2;a;b\x1b\\\x1b]1;icon\x07"),
        [FactKind::Title("✳ Claude".to_owned()), FactKind::Title("a;b".to_owned())]
    );
    assert_eq!(
        kinds(b"\x1b]9;done;really\x07\x1b]777;notify;T;B;C\x07\x1b]99;p=body;text\x07"),
        [notification("", "done;really"), notification("T", "B;C"), notification("", "text")]
    );
    assert_eq!(kinds(b"\x1b]9;4;3;0\x07\x1b]99;e=1;aGk=\x07\x1b]777;other;x\x07"), []);
    assert_eq!(
        kinds(b"\x1b]7;file://host/a%20b/%e6%97%a5\x07\x1b]7;http://x\x07"),
        [FactKind::WorkingDirectory("/a b/日".to_owned())]
    );
    assert_eq!(
        kinds(b"\x1b]7501;state=blocked:app=claude-code\x07\x1b]7501;state=odd\x1b\\"),
        [FactKind::ProgramStatus(ProgramStatus::NeedsAnswer)]
    );
}

#[test]
fn an_end_inside_a_sequence_or_a_character_is_no_ground() {
    for (output, since) in [
        (&b"text"[..], None),
        (b"text\x1b[m", None),
        (b"text\x1b", Some(4)),
        (b"text\x1b[3", Some(4)),
        (b"text\x1b]0;t\x1b", Some(4)),
        (b"text\xe6", Some(4)),
        (b"text\xf0\x9f\x91", Some(4)),
        (b"text\xe6\x97\xa5", None),
        (b"text\xe6\x97\x1b[m", None),
        (b"text\xff\xe6\xff", None),
    ] {
        let (_, scanner) = follow(&[output]);
        assert_eq!(scanner.unfinished_since(), since.map(Offset), "{output:?}");
        assert_eq!(scanner.is_ground(), since.is_none());
    }
}

#[test]
fn a_payload_beyond_the_limit_is_dropped_and_forgotten() {
    let mut output = b"\x1b]0;".to_vec();
    output.extend(std::iter::repeat_n(b'x', 4 * SEQUENCE_LIMIT));
    output.extend_from_slice(b"\x07\x1b]0;short\x07");

    for piece in [output.len(), 1000] {
        let pieces: Vec<_> = output.chunks(piece).collect();
        let (facts, scanner) = follow(&pieces);

        let kinds: Vec<_> = facts.into_iter().map(|fact| fact.kind).collect();
        assert_eq!(kinds, [FactKind::Title("short".to_owned())]);
        assert!(scanner.is_ground());
    }
}

#[test]
fn the_alternate_screen_has_its_own_keyboard_and_gives_back_the_pen() {
    let modes = modes_after(b"\x1b[31m\x1b[>1u\x1b[?1049h\x1b[32m\x1b(0\x0e\x1b[?6h");
    assert_eq!(modes.screen(), ScreenKind::Alternate);
    assert_eq!(modes.keyboard().bits(), 0);
    assert_eq!(modes.private(1049), Some(true));

    let left = modes_after(b"\x1b[31m\x1b[>1u\x1b[?1049h\x1b[32m\x1b(0\x0e\x1b[?6h\x1b[?1049l");
    assert_eq!(left.screen(), ScreenKind::Primary);
    assert_eq!(left.keyboard().bits(), 1);
    assert!(left.is_equivalent(&Modes {
        saved: left.saved.clone(),
        switches: left.switches,
        ..modes_after(b"\x1b[31m\x1b[>1u")
    }));
    assert_eq!(left.private(6), Some(false));
}

#[test]
fn a_saved_cursor_gives_back_pen_charsets_and_origin_but_not_the_rest() {
    let modes = modes_after(b"\x1b[1m\x1b(0\x1b[?6h\x1b7\x1b[0m\x1b(B\x1b[?6l\x1b[4h\x1b8");

    let expected = modes_after(b"\x1b[1m\x1b(0\x1b[?6h\x1b7\x1b[4h");
    let changed = Modes { switches: expected.switches, ..modes.clone() };
    assert_eq!(modes.private(6), Some(true));
    assert!(changed.is_equivalent(&expected));
}

#[test]
fn private_modes_are_saved_and_restored() {
    let modes = modes_after(b"\x1b[?2004;1000h\x1b[?2004;1000s\x1b[?2004;1000l\x1b[?2004;7r");

    assert_eq!(modes.private(2004), Some(true));
    assert_eq!(modes.private(1000), Some(false));
    assert_eq!(modes.private(7), Some(true));
}

#[test]
fn margins_outside_of_the_screen_are_ignored_and_fall_with_its_size() {
    let region = |output: &[u8]| {
        let region = modes_after(output).region();
        (region.top, region.end)
    };
    assert_eq!(region(b"\x1b[5;10r"), (4, 10));
    assert_eq!(region(b"\x1b[5;99r"), (4, 24));
    assert_eq!(region(b"\x1b[5;10r\x1b[9;3r\x1b[30;40r\x1b[7;7r"), (4, 10));
    assert_eq!(region(b"\x1b[5;10r\x1b[r"), (0, 24));

    let (_, mut scanner) = follow(&[b"\x1b[5;10r"]);
    scanner.resize(TerminalSize::new(80, 30).unwrap());
    assert_eq!(scanner.modes().region().end, 30);
}

#[test]
fn a_reset_resets_all_but_title_and_colours() {
    let modes = modes_after(
        b"\x1b]2;t\x07\x1b]11;#000\x07\x1b[?1049h\x1b[?2004h\x1b[1m\x1b[>1u\x1b[3g\x1b7\x1bc",
    );

    let expected = modes_after(b"\x1b]2;t\x07\x1b]11;#000\x07");
    assert!(modes.is_equivalent(&expected));
    assert_eq!(modes.tabs, TabStops::Initial);
}

#[test]
fn titles_are_stacked_without_end_but_not_kept_without_end() {
    let mut output = b"\x1b]2;first\x07".to_vec();
    for _ in 0..1000 {
        output.extend_from_slice(b"\x1b[22;0t\x1b]2;inner\x07");
    }
    output.extend_from_slice(b"\x1b[23t\x1b[23t");
    let modes = modes_after(&output);

    assert_eq!(modes.title(), Some("inner"));
    assert!(modes.title_stack.len() < 10);
    assert_eq!(modes_after(b"\x1b]2;a\x07\x1b[22;2t\x1b]2;b\x07\x1b[23;0;0t").title(), Some("a"));
}

#[test]
fn a_question_is_asked_in_the_modes_of_its_place() {
    let mut seen = Vec::new();
    let output = b"\x1b[?2026h\x1b[?2026$p\x1b[?2026l";
    Scanner::new(size()).scan(Offset::ZERO, output, &mut |fact, modes| {
        if fact.kind == FactKind::Query(Query::PrivateMode(2026)) {
            seen.push(modes.is_updating());
        }
    });

    assert_eq!(seen, [true]);
}

proptest! {
    #[test]
    fn garbage_is_followed_alike_however_it_arrives(
        output in proptest::collection::vec(
            prop_oneof![
                4 => proptest::sample::select(b"\x1b[]P_?;:0123456789mhlqu\x07\\\x18$+ ".to_vec()),
                1 => any::<u8>(),
            ],
            0..60,
        ),
        cut in 0..60_usize,
    ) {
        let (facts, whole) = follow(&[&output]);

        let (left, right) = output.split_at(cut.min(output.len()));
        let (cut_facts, scanner) = follow(&[left, right]);

        prop_assert_eq!(cut_facts, facts);
        prop_assert_eq!(scanner.modes(), whole.modes());
        prop_assert_eq!(scanner.unfinished_since(), whole.unfinished_since());
    }
}
