//! Outputs for tests.

use proptest::prelude::*;

/// What a program may print, in pieces of one sequence or one run of text; rich in everything that
/// moves, wraps, erases or keeps state.
pub(super) fn output() -> impl Strategy<Value = Output> {
    proptest::collection::vec(piece(), 0..80).prop_map(Output)
}

/// An output that can be read when a test fails.
#[derive(Clone)]
pub(super) struct Output(Vec<Vec<u8>>);

impl Output {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.concat()
    }
}

impl Output {
    /// The same with a name for every link: an emulator gives those without one names of its own.
    pub(super) fn with_named_links(&self) -> Vec<u8> {
        let named = |piece: &Vec<u8>| match piece.strip_prefix(b"\x1b]8;;http") {
            Some(rest) => [b"\x1b]8;id=b;http", rest].concat(),
            None => piece.clone(),
        };
        self.0.iter().flat_map(named).collect()
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.bytes().escape_ascii())
    }
}

/// What a program may print that keeps little state but the cells: enough of it determines a screen.
pub(super) fn drawing() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => text(),
        4 => Just(b"\r\n".to_vec()),
        4 => (proptest::sample::select(&b"ABCDGHJKLMPSTXd@"[..]), 0..9_u8, 0..24_u8).prop_map(
            |(last, first, second)| format!("\x1b[{first};{second}{}", char::from(last)).into_bytes(),
        ),
        4 => select(DRAWING),
        1 => select(RENDITIONS),
    ];
    proptest::collection::vec(piece, 0..200).prop_map(|pieces| pieces.concat())
}

const DRAWING: &[&[u8]] = &[
    b"\r",
    b"\n",
    b"\x08",
    b"\x1bM",
    b"\x1b[2J",
    b"\x1b[J",
    b"\x1b[1J",
    b"\x1b[K",
    b"\x1b[2K",
    b"\x1b[H",
    b"\x1b[2;5r",
    b"\x1b[r",
    b"\x1b[?6h",
    b"\x1b[?6l",
    b"\x1b[?7l",
    b"\x1b[?7h",
    b"\x1b[4h",
    b"\x1b[4l",
    b"\x1b(0",
    b"\x1b(B",
    b"\x0e",
    b"\x0f",
    b"\x1b#8",
    b"\x1b[2;19H\xe6\x97\xa5a",
    b"\n\n\n\n\n\n\n\n",
    b"\x1b[4b",
    b"\x1b7",
    b"\x1b8",
];

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => text(),
        3 => Just(b"\r\n".to_vec()),
        6 => numbered(),
        4 => select(PLAIN),
        3 => select(STATEFUL),
        2 => select(RENDITIONS),
    ]
}

fn select(table: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    proptest::sample::select(table).prop_map(<[u8]>::to_vec)
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let run = prop_oneof![
        3 => "[a-z]{1,8}",
        1 => "[a-z ]{10,60}",
        2 => "[日本語a]{1,8}",
        1 => "[e\u{301}👍\u{fe0f}x]{1,5}",
        1 => "[ \t]{1,12}",
        1 => "[lqkxmj~_`]{1,5}",
    ];
    run.prop_map(String::into_bytes)
}

/// Sequences with small numbers.
fn numbered() -> impl Strategy<Value = Vec<u8>> {
    let last = proptest::sample::select(&b"ABCDEFGHIJKLMPSTXZ@`abdefrgqt"[..]);
    (last, 0..14_u8, 0..24_u8, 0..3_u8).prop_map(|(last, first, second, count)| {
        let last = char::from(last);
        match count {
            0 => format!("\x1b[{last}"),
            1 => format!("\x1b[{first}{last}"),
            _ => format!("\x1b[{first};{second}{last}"),
        }
        .into_bytes()
    })
}

const PLAIN: &[&[u8]] = &[
    b"\r",
    b"\n",
    b"\x08",
    b"\t",
    b"\x0b",
    b"\x1bD",
    b"\x1bE",
    b"\x1bM",
    b"\x1b[K",
    b"\x1b[1K",
    b"\x1b[2K",
    b"\x1b[J",
    b"\x1b[1J",
    b"\x1b[2J",
    b"\x1b[3J",
    b"\x1b[H",
    b"\x1b[99;99H",
    b"\x1b[1;20Hxy",
    b"\x1b[6;20H\xe6\x97\xa5\xe6\x97\xa5",
    b"\x1b[2;19H\xe6\x97\xa5a",
    b"\x1b[200C",
    b"\x1b#8",
    b"\x1b[40b",
    b"\xff\xfe",
    b"\xe6\x97",
];

const STATEFUL: &[&[u8]] = &[
    b"\x1b7",
    b"\x1b8",
    b"\x1b[s",
    b"\x1b[u",
    b"\x1b[?1048h",
    b"\x1b[?1048l",
    b"\x1bH",
    b"\x1b[g",
    b"\x1b[3g",
    b"\x1b[?5W",
    b"\x1b(0",
    b"\x1b(B",
    b"\x1b)0",
    b"\x1b(A",
    b"\x1b-A",
    b"\x0e",
    b"\x0f",
    b"\x1b[?6h",
    b"\x1b[?6l",
    b"\x1b[?7l",
    b"\x1b[?7h",
    b"\x1b[4h",
    b"\x1b[4l",
    b"\x1b[2;5r",
    b"\x1b[3;6r",
    b"\x1b[r",
    b"\x1b[?1049h",
    b"\x1b[?1049l",
    b"\x1b[?47h",
    b"\x1b[?1047l",
    b"\x1b[!p",
    b"\x1bc",
    b"\x1b[?3h",
    b"\x1b[?2026h",
    b"\x1b[?2026l",
    b"\x1b[?25l",
    b"\x1b[?2004h",
    b"\x1b[?6;7s",
    b"\x1b[?6;7r",
    b"\x1b[>5u",
    b"\x1b[<u",
    b"\x1b[>4;2m",
    b"\x1b[4 q",
    b"\x1b=",
    b"\x1b[?1;1000;1006h",
    b"\x1b[20h",
];

const RENDITIONS: &[&[u8]] = &[
    b"\x1b[m",
    b"\x1b[0m",
    b"\x1b[1;31m",
    b"\x1b[44m",
    b"\x1b[48;2;1;2;3m",
    b"\x1b[7;4:3;58;5;9m",
    b"\x1b[38;5;200m",
    b"\x1b]8;id=a;http://a\x07",
    b"\x1b]8;;http://b\x1b\\",
    b"\x1b]8;;\x07",
    b"\x1b]0;title\x07",
    b"\x1b]11;#102030\x07",
    b"\x1b]104\x07",
    b"\x1bPq#1\x1b\\",
    b"\x1b_G\x1b\\",
];
