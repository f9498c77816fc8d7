//! Finding the detach keys in what is typed.

use std::str::FromStr;

use bytes::Bytes;

/// The default: two keys that hardly any program gives a meaning to.
pub(crate) const DEFAULT_KEYS: &str = "ctrl-\\,ctrl-d";

/// Keys that detach, in this order: `ctrl-\,ctrl-d`. Each is a character or `ctrl-` and a letter or
/// one of `@[\]^_`; a space separates them as well as a comma.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DetachKeys(Vec<u8>);

impl FromStr for DetachKeys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let keys: Result<Vec<u8>, String> = text
            .split([',', ' '])
            .filter(|key| !key.is_empty())
            .map(|key| byte_of(key).ok_or_else(|| unknown(key)))
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

fn byte_of(key: &str) -> Option<u8> {
    let (ctrl, name) = match key.strip_prefix("ctrl-").or_else(|| key.strip_prefix("ctrl+")) {
        Some(name) => (true, name),
        None => (false, key),
    };
    let [byte] = *name.as_bytes() else { return None };
    match (ctrl, byte) {
        (false, b'!'..=b'~') => Some(byte),
        (true, b'a'..=b'z' | b'@'..=b'_') => Some(byte.to_ascii_uppercase() & 0x1f),
        (true | false, _) => None,
    }
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
    matched: usize,
}

impl DetachWatch {
    pub(crate) const fn new(keys: DetachKeys) -> Self {
        Self { keys, matched: 0 }
    }

    /// Takes what was typed.
    pub(crate) fn take(&mut self, typed: &Bytes) -> Typed {
        let DetachKeys(keys) = &self.keys;
        if self.matched == 0 && !typed.contains(&keys[0]) {
            // Nearly always: nothing is copied.
            return Typed::Input(typed.clone());
        }
        let mut input = Vec::with_capacity(typed.len() + self.matched);
        for &byte in typed {
            while self.matched > 0 && byte != keys[self.matched] {
                // Not the keys: what was held back was meant for the program. The held bytes are a
                // beginning of the keys; their longest end that is one too stays held.
                let kept = border(&keys[..self.matched]);
                input.extend_from_slice(&keys[..self.matched - kept]);
                self.matched = kept;
            }
            if byte == keys[self.matched] {
                self.matched += 1;
            } else {
                input.push(byte);
            }
            if self.matched == keys.len() {
                self.matched = 0;
                return Typed::Detach(input.into());
            }
        }
        Typed::Input(input.into())
    }
}

/// Length of the longest proper beginning of `keys` that is also its end.
fn border(keys: &[u8]) -> usize {
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
        assert_eq!("ctrl-\\,ctrl-d".parse(), Ok(DetachKeys(vec![0x1c, 0x04])));
        assert_eq!("ctrl-\\ ctrl-D".parse(), Ok(DetachKeys(vec![0x1c, 0x04])));
        assert_eq!("ctrl-a,d".parse(), Ok(DetachKeys(vec![0x01, b'd'])));
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
}
