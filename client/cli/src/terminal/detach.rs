//! Finding the detach keys in what is typed.

use std::collections::VecDeque;
use std::str::FromStr;

use bytes::Bytes;

use super::chord::{Chord, tokens};

/// The default: two keys that hardly any program gives a meaning to.
pub(crate) const DEFAULT_KEYS: &str = "ctrl-\\,ctrl-d";

/// Keys that detach, in this order: `ctrl-\,ctrl-d`. A space separates them as well as a comma.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DetachKeys(Vec<Chord>);

impl FromStr for DetachKeys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let keys: Result<Vec<Chord>, String> = text
            .split([',', ' '])
            .filter(|key| !key.is_empty())
            .map(|key| Chord::parse(key).ok_or_else(|| unknown(key)))
            .collect();
        let keys = keys?;
        if keys.is_empty() { Err(unknown(text)) } else { Ok(Self(keys)) }
    }
}

fn unknown(key: &str) -> String {
    format!(
        "'{key}' is no detach key: write a character or ctrl- and a letter, such as ctrl-p,ctrl-q"
    )
}

/// What typing amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// To be sent on; may be empty while the beginning of the keys is held back.
    Input(Bytes),
    /// The keys were typed; what came before them is to be sent.
    Detach(Bytes),
}

/// Follows the typing. The beginning of the keys is held back until it is certain.
#[derive(Debug)]
pub(crate) struct DetachWatch {
    keys: DetachKeys,
    /// What was typed for each of the keys so far, with what came between them.
    held: VecDeque<Vec<u8>>,
}

impl DetachWatch {
    pub(crate) const fn new(keys: DetachKeys) -> Self {
        Self { keys, held: VecDeque::new() }
    }

    /// Takes what was typed.
    pub(crate) fn take(&mut self, typed: &Bytes) -> Typed {
        let DetachKeys(keys) = &self.keys;
        if self.held.is_empty() && keys[0].is_surely_not_in(typed) {
            // Nearly always: nothing is copied.
            return Typed::Input(typed.clone());
        }
        let mut input = Vec::with_capacity(typed.len());
        for (token, bytes) in tokens(typed) {
            if token.is_between()
                && let Some(last) = self.held.back_mut()
            {
                last.extend_from_slice(bytes);
                continue;
            }
            while !self.held.is_empty() && !keys[self.held.len()].is(token) {
                // Not the keys: what was held back was meant for the program. It is a beginning of
                // the keys; its longest end that is one too stays held.
                let kept = border(&keys[..self.held.len()]);
                for meant in self.held.drain(..self.held.len() - kept) {
                    input.extend_from_slice(&meant);
                }
            }
            if keys[self.held.len()].is(token) {
                self.held.push_back(bytes.to_vec());
            } else {
                input.extend_from_slice(bytes);
            }
            if self.held.len() == keys.len() {
                self.held.clear();
                return Typed::Detach(input.into());
            }
        }
        Typed::Input(input.into())
    }
}

/// Length of the longest proper beginning of `keys` that is also its end.
fn border(keys: &[Chord]) -> usize {
    (1..keys.len()).rev().find(|&length| keys[..length] == keys[keys.len() - length..]).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(keys: &str) -> DetachWatch {
        DetachWatch::new(keys.parse().unwrap())
    }

    fn take(watch: &mut DetachWatch, typed: &'static [u8]) -> Typed {
        watch.take(&Bytes::from_static(typed))
    }

    fn input(bytes: &'static [u8]) -> Typed {
        Typed::Input(Bytes::from_static(bytes))
    }

    fn detach(bytes: &'static [u8]) -> Typed {
        Typed::Detach(Bytes::from_static(bytes))
    }

    #[test]
    fn keys_are_written_as_people_say_them() {
        let keys = |text: &str| text.parse::<DetachKeys>();
        assert_eq!(keys("ctrl-\\ ctrl-D"), keys("ctrl-\\,ctrl-d"));
        assert_eq!(keys("ctrl-a,d").unwrap().0.len(), 2);
        for bad in ["", ",", "ctrl-", "ctrl-1", "ab", "é"] {
            assert!(bad.parse::<DetachKeys>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_keys_detach_and_what_was_typed_before_is_sent() {
        assert_eq!(take(&mut watch("ctrl-\\,ctrl-d"), b"ls\x1c\x04x"), detach(b"ls"));
    }

    #[test]
    fn the_keys_may_come_one_by_one() {
        let mut watch = watch("ctrl-\\,ctrl-d");

        assert_eq!(take(&mut watch, b"\x1c"), input(b""));
        assert_eq!(take(&mut watch, b"\x04"), detach(b""));
    }

    #[test]
    fn a_beginning_that_is_not_followed_by_the_rest_is_sent_on() {
        let mut watch = watch("ctrl-\\,ctrl-d");

        assert_eq!(take(&mut watch, b"\x1c"), input(b""));
        assert_eq!(take(&mut watch, b"x"), input(b"\x1cx"));
        assert_eq!(take(&mut watch, b"\x1c\x1c\x04"), detach(b"\x1c"));
    }

    #[test]
    fn keys_that_repeat_themselves_are_found_at_every_place() {
        let mut watch = watch("a,a,b");

        assert_eq!(take(&mut watch, b"aaa"), input(b"a"));
        assert_eq!(take(&mut watch, b"b"), detach(b""));
    }

    #[test]
    fn without_the_keys_everything_is_sent() {
        assert_eq!(take(&mut watch("ctrl-\\,ctrl-d"), b"plain\x04text"), input(b"plain\x04text"));
    }

    #[test]
    fn the_keys_are_found_in_the_encodings_that_programs_ask_for() {
        let mut kitty = watch(DEFAULT_KEYS);
        let pressed = b"\x1b[57442;5u\x1b[92;5u\x1b[92;5:3u\x1b[57442;5u\x1b[100;5u";
        assert_eq!(take(&mut kitty, pressed), detach(b"\x1b[57442;5u"));

        let mut xterm = watch(DEFAULT_KEYS);
        assert_eq!(take(&mut xterm, b"\x1b[27;5;92~"), input(b""));
        assert_eq!(take(&mut xterm, b"\x1b[27;5;100~"), detach(b""));
    }

    #[test]
    fn an_escape_is_never_held_back() {
        let mut watch = watch(DEFAULT_KEYS);

        assert_eq!(take(&mut watch, b"\x1b"), input(b"\x1b"));
        assert_eq!(take(&mut watch, b"\x1b[A"), input(b"\x1b[A"));
        assert_eq!(take(&mut watch, b"\x1b[92;5u"), input(b""));
        assert_eq!(take(&mut watch, b"\x1b[A"), input(b"\x1b[92;5u\x1b[A"));
    }
}
