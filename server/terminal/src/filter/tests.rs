//! What passes, what does not, and when.

use proptest::prelude::*;

use super::*;

/// Everything that is passed on of an output that arrives in `pieces`.
fn passed(answers_from: Option<u64>, pieces: &[&[u8]]) -> Vec<u8> {
    let mut filter = OutputFilter::new();
    filter.set_answers_from(answers_from.map(Offset));
    let mut offset = Offset::ZERO;
    let mut passed = Vec::new();
    for piece in pieces {
        passed.extend_from_slice(&filter.filter(offset, piece));
        offset = offset.plus(piece.len());
    }
    passed.extend(filter.finish());
    passed
}

/// What no user's terminal may see.
const HARMFUL: &[&[u8]] = &[
    b"\x1b[21t",
    b"\x1b[20t",
    b"\x1b[0021;0t",
    b"\x1bP$qm\x1b\\",
    b"\x1bP1$q\"p\x1b\\",
    b"\x1b]52;c;?\x07",
    b"\x1b]52;;?\x1b\\",
    b"\x1b]052;cp01;?\x1b\\",
    b"\x1b]7501;?\x07",
    b"\x1b]7501;state=idle\x1b\\",
    b"\xc2\x9b",
];

/// Questions that one terminal is to answer.
const QUESTIONS: &[&[u8]] = &[
    b"\x1b[c",
    b"\x1b[>q",
    b"\x1b[6n",
    b"\x1b[?1004$p",
    b"\x1b[?u",
    b"\x1b]11;?\x1b\\",
    b"\x1b]4;1;#fff;2;?\x07",
    b"\x1bP+q544e\x1b\\",
    b"\x1b[14t",
    b"\x1b_Gi=1,a=q;AAAA\x1b\\",
    b"\x1bZ",
    b"\x05",
    b"\x1b[1\x05m",
    b"\x1b]1337;ReportCellSize\x07",
    b"\x1b]99;i=1:p=?;\x07",
];

/// What everybody sees.
const OUTPUT: &[&[u8]] = &[
    b"plain text \xe6\x97\xa5\xc3\xa9\xc2\xb0\r\n",
    b"\x1b[1;31m\x1b[H\x1b[2J\x1b[?1049h\x1b[22;0;0t",
    b"\x1b]0;title\x07\x1b]8;;http://x\x1b\\\x1b]11;#000\x07\x1b]52;c;aGVsbG8=\x07",
    b"\x1bPq#0;2;0;0;0\x1b\\\x1b_Gf=24,a=T;AAAA\x1b\\\x1b(0\x0e\x0f\x07",
    b"\x1b]1337;File=inline=1:AAAA\x07\x1b]99;i=1;done\x07",
    b"\x1b[3\x18\x1b[4\x1b[5m",
];

#[test]
fn harmful_questions_never_pass_wherever_they_are_cut() {
    for harmful in HARMFUL {
        for cut in 0..=harmful.len() {
            let (left, right) = harmful.split_at(cut);
            let output = [&b"a"[..], left, right, b"b"];
            let name = harmful.escape_ascii();
            let passed = passed(Some(0), &output);
            let split_c1 = *harmful == b"\xc2\x9b" && cut == 1;
            let expected: &[u8] = if split_c1 { b"a\xc2b" } else { b"ab" };
            assert_eq!(passed, expected, "{name} cut at {cut}");
        }
    }
}

#[test]
fn questions_pass_to_the_terminal_that_answers_and_to_no_other() {
    for question in QUESTIONS {
        for cut in 0..=question.len() {
            let (left, right) = question.split_at(cut);
            let output = [&b"a"[..], left, right, b"b"];
            let name = question.escape_ascii();
            assert_eq!(passed(Some(0), &output), output.concat(), "{name} cut at {cut}");
            assert_eq!(passed(None, &output), b"ab", "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_question_belongs_to_who_answers_where_it_begins() {
    let output = b"\x1b[c\x1b[6n.";

    assert_eq!(passed(Some(0), &[output]), output);
    assert_eq!(passed(Some(1), &[output]), b"\x1b[6n.");
    assert_eq!(passed(Some(3), &[output]), b"\x1b[6n.");
    assert_eq!(passed(Some(4), &[output]), b".");
}

#[test]
fn everything_else_passes_wherever_it_is_cut() {
    for output in OUTPUT {
        for answers in [None, Some(0)] {
            for cut in 0..=output.len() {
                let (left, right) = output.split_at(cut);
                let name = output.escape_ascii();
                assert_eq!(passed(answers, &[left, right]), *output, "{name} cut at {cut}");
            }
        }
    }
}

#[test]
fn nothing_is_copied_where_nothing_is_taken_out() {
    for output in OUTPUT {
        let mut filter = OutputFilter::new();
        assert!(matches!(filter.filter(Offset::ZERO, output), Cow::Borrowed(_)));
    }
}

#[test]
fn a_sequence_passes_as_soon_as_it_can_be_none_to_take_out() {
    for (begun, at_once) in [
        (&b"\x1b]0;long ti"[..], true),
        (b"\x1b]52;c;aGV", true),
        (b"\x1b]52;c;", false),
        (b"\x1b[2", false),
        (b"\x1bPq#1", true),
        (b"\x1bP$q", false),
        (b"\x1b_Gf=24,a=T;AAA", true),
    ] {
        let mut filter = OutputFilter::new();
        let name = begun.escape_ascii();
        let passed = filter.filter(Offset::ZERO, begun).into_owned();
        assert_eq!(passed, if at_once { begun } else { b"" }, "{name}");
        assert_eq!(filter.finish(), if at_once { b"" } else { begun }, "{name}");
    }
}

#[test]
fn a_harmful_question_of_any_length_does_not_pass() {
    for (before, filling, after) in [
        (&b"\x1b]52;"[..], b'c', &b";?\x07"[..]),
        (b"\x1b[", b'0', b"21t"),
        (b"\x1bP$q", b'm', b"\x1b\\"),
        (b"\x1b]7501;", b'x', b"\x07"),
    ] {
        let mut output = before.to_vec();
        output.extend(std::iter::repeat_n(filling, 3 * HOLD_LIMIT));
        output.extend_from_slice(after);
        output.extend_from_slice(b"end");

        let pieces: Vec<_> = output.chunks(1000).collect();
        assert_eq!(passed(Some(0), &pieces), b"end", "{}", before.escape_ascii());
    }
}

proptest! {
    #[test]
    fn what_passes_does_not_depend_on_the_pieces(
        parts in proptest::collection::vec(
            proptest::sample::select([HARMFUL, QUESTIONS, OUTPUT].concat()), 0..8,
        ),
        cuts in proptest::collection::vec(0..200_usize, 0..4),
        answers_from in proptest::option::of(0..60_u64),
    ) {
        // U+009B in two pieces leaves its first byte behind, which shows as garbage.
        let parts: Vec<_> = parts.into_iter().filter(|part| *part != b"\xc2\x9b").collect();
        let output = parts.concat();
        let whole = passed(answers_from, &[&output]);

        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(output.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&output[from..cut]);
            from = cut;
        }
        pieces.push(&output[from..]);

        prop_assert_eq!(passed(answers_from, &pieces), whole);
    }
}

#[test]
fn the_screen_that_the_terminal_shows_is_known() {
    let mut filter = OutputFilter::new();
    let mut at = Offset::ZERO;
    let mut pass = |bytes: &[u8]| {
        filter.filter(at, bytes);
        at = at.plus(bytes.len());
        filter.screen()
    };

    assert_eq!(pass(b"text"), ScreenKind::Primary);
    assert_eq!(pass(b"\x1b[?10"), ScreenKind::Primary);
    assert_eq!(pass(b"49;1h"), ScreenKind::Alternate);
    assert_eq!(pass(b"\x1b[?25l"), ScreenKind::Alternate);
    assert_eq!(pass(b"\x1b[?1049l"), ScreenKind::Primary);
    assert_eq!(pass(b"\x1b[?47h"), ScreenKind::Alternate);
    assert_eq!(pass(b"\x1bc"), ScreenKind::Primary);
}
