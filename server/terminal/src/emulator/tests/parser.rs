//! Our state machine against the emulator's parser: they must agree on every sequence.

use alacritty_terminal::vte::{Params, Parser, Perform};
use codeplane_core::Offset;
use proptest::prelude::*;

use super::super::samples;
use crate::stream::{Machine, Sink, Span, Token};

/// What either of them finds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Control(u8),
    Escape(Vec<u8>, u8),
    Csi(Vec<u8>, Vec<Vec<u16>>, u8),
    Osc(Vec<u8>),
    Dcs(Vec<u8>, Vec<Vec<u16>>, u8, Vec<u8>),
}

#[derive(Default)]
struct Theirs {
    found: Vec<Found>,
    dcs: Option<Found>,
    printed: Vec<char>,
}

impl Perform for Theirs {
    fn print(&mut self, char: char) {
        self.printed.push(char);
    }

    fn execute(&mut self, byte: u8) {
        if matches!(byte, 0x05 | 0x07 | 0x0e | 0x0f) {
            self.found.push(Found::Control(byte));
        }
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], ignore: bool, byte: u8) {
        // The terminator of a string.
        if !ignore && (intermediates, byte) != (&[], b'\\') {
            self.found.push(Found::Escape(intermediates.to_vec(), byte));
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, last: char) {
        if !ignore {
            let params = params.iter().map(<[u16]>::to_vec).collect();
            self.found.push(Found::Csi(intermediates.to_vec(), params, last as u8));
        }
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _bell_terminated: bool) {
        self.found.push(Found::Osc(params.join(&b';')));
    }

    fn hook(&mut self, params: &Params, intermediates: &[u8], ignore: bool, last: char) {
        let params = params.iter().map(<[u16]>::to_vec).collect();
        let dcs = Found::Dcs(intermediates.to_vec(), params, last as u8, Vec::new());
        self.dcs = Some(dcs).filter(|_| !ignore);
    }

    fn put(&mut self, byte: u8) {
        if let Some(Found::Dcs(.., payload)) = &mut self.dcs {
            payload.push(byte);
        }
    }

    fn unhook(&mut self) {
        self.found.extend(self.dcs.take());
    }
}

#[derive(Default)]
struct Ours {
    found: Vec<Found>,
}

/// Numbers with their subparameters.
fn groups(csi: &crate::stream::Csi<'_>) -> Vec<Vec<u16>> {
    let mut groups: Vec<Vec<u16>> = Vec::new();
    for param in csi.params() {
        match groups.last_mut() {
            Some(group) if param.is_sub => group.push(param.value),
            Some(_) | None => groups.push(vec![param.value]),
        }
    }
    groups
}

/// Prefix and intermediates, which the other parser keeps together.
fn marks(csi: &crate::stream::Csi<'_>) -> Vec<u8> {
    let prefix = Some(csi.prefix).filter(|prefix| *prefix != 0);
    prefix.into_iter().chain(csi.intermediates.iter().copied()).collect()
}

impl Sink for Ours {
    fn text(&mut self, _at: Offset, _bytes: &[u8]) {}

    fn token(&mut self, _span: Span, token: Token<'_>) {
        self.found.push(match token {
            Token::Control(byte) => Found::Control(byte),
            Token::Embedded(byte) if matches!(byte, 0x05 | 0x07 | 0x0e | 0x0f) => {
                Found::Control(byte)
            }
            Token::Escape { intermediates, last } if intermediates.len() <= 2 => {
                if (intermediates, last) == (&[], b'\\') {
                    return;
                }
                Found::Escape(intermediates.to_vec(), last)
            }
            Token::Csi(csi) => Found::Csi(marks(&csi), groups(&csi), csi.last),
            Token::Osc { payload, .. } => Found::Osc(payload.to_vec()),
            Token::Dcs { head, payload } => {
                // The other parser keeps only ASCII.
                let payload = payload.iter().copied().filter(|byte| *byte < 0x7f).collect();
                Found::Dcs(marks(&head), groups(&head), head.last, payload)
            }
            Token::Embedded(_)
            | Token::Escape { .. }
            | Token::Apc { .. }
            | Token::Ignored
            | Token::Overlong => return,
        });
    }
}

/// Bytes that look like the beginnings, middles and ends of sequences.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        6 => proptest::sample::select(b"\x1b\x1b\x1b[]P\\_^X?;:0123456789mhlqu$+ !>".to_vec()),
        1 => proptest::sample::select(b"\x07\x18\x1a\x0e\x05\n\x7f\x9c\x9b\xc2\xe6\x97\xa5".to_vec()),
        1 => any::<u8>(),
    ];
    proptest::collection::vec(byte, 0..80)
}

/// The other parser drops what follows the sixteenth semicolon of an OSC.
fn with_few_separators(mut output: Vec<u8>) -> Vec<u8> {
    let mut separators = 0;
    output.retain(|byte| {
        separators += usize::from(*byte == b';');
        *byte != b';' || separators < 15
    });
    output
}

fn both(output: &[u8]) -> (Ours, Machine, Theirs, Parser) {
    let (mut ours, mut machine) = (Ours::default(), Machine::default());
    machine.scan(Offset::ZERO, output, &mut ours);
    let (mut theirs, mut parser) = (Theirs::default(), Parser::new());
    parser.advance(&mut theirs, output);
    (ours, machine, theirs, parser)
}

/// Ends the string that both are in: one tells it at its end, the other after it.
const END: &[u8] = b"\x1b\\";

#[test]
fn a_string_with_too_long_a_head_ends_where_others_end() {
    let (_, machine, ..) = both(b"\x1bP $$[\x9c");

    assert_eq!(machine.unfinished_since(Offset(7)), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_find_the_same_sequences(
        output in prop_oneof![
            garbage(),
            samples::output().prop_map(|output| output.bytes()),
        ],
    ) {
        let output = with_few_separators(output);
        let (mut ours, mut machine, mut theirs, mut parser) = both(&output);
        machine.scan(Offset(output.len() as u64), END, &mut ours);
        parser.advance(&mut theirs, END);

        // A cancelled DCS says nothing; the other parser tells its beginning.
        if output.contains(&0x18) || output.contains(&0x1a) {
            ours.found.retain(|found| !matches!(found, Found::Dcs(..)));
            theirs.found.retain(|found| !matches!(found, Found::Dcs(..)));
        }
        prop_assert_eq!(ours.found, theirs.found);
    }

    #[test]
    fn both_are_in_ground_state_at_the_same_time(output in garbage()) {
        let (_, machine, mut theirs, mut parser) = both(&output);

        let before = (theirs.found.len(), theirs.printed.len());
        parser.advance(&mut theirs, b"A");
        let is_ground = theirs.found.len() == before.0 && theirs.printed[before.1..] == ['A'];

        let end = Offset(output.len() as u64);
        prop_assert_eq!(machine.unfinished_since(end).is_none(), is_ground);
    }
}
