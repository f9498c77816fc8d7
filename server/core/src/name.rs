//! Names and labels that users choose.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Violations, is_printable};

/// Longest name of a session, in bytes.
const NAME_BYTES: usize = 128;
/// Most labels of one session.
const LABEL_COUNT: usize = 32;
/// Longest label key or value, in bytes.
const LABEL_BYTES: usize = 256;

/// A session's name: letters, digits, `.`, `_` and `-`, the first a letter or digit.
///
/// The alphabet is that of container names: it needs no quoting in a shell, a path or a filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionName(String);

impl SessionName {
    /// Checks a name.
    ///
    /// # Errors
    /// What is wrong with it, for the user.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > NAME_BYTES {
            return Err(format!("a name has 1 to {NAME_BYTES} bytes, this one {}", text.len()));
        }
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err("a name begins with a letter or a digit".to_owned());
        }
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
            return Err("a name has letters, digits, '.', '_' and '-' only".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A session's labels: at most 32; keys like names but with `/`, values without
/// control and invisible characters, so that a listing of them shows what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Checks labels.
    ///
    /// # Errors
    /// Every violation, with `labels[KEY]` as the field.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Violations> {
        let pairs: BTreeMap<String, String> = pairs.into_iter().collect();
        let mut violations = Violations::none();
        if pairs.len() > LABEL_COUNT {
            violations
                .add("labels", format!("at most {LABEL_COUNT} labels, these are {}", pairs.len()));
        }
        for (key, value) in &pairs {
            let field = || format!("labels[{}]", key.escape_debug());
            if key.is_empty() || key.len() > LABEL_BYTES {
                violations.add(field(), format!("a label's key has 1 to {LABEL_BYTES} bytes"));
            } else if !key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b)) {
                violations
                    .add(field(), "a label's key has letters, digits, '.', '_', '-' and '/' only");
            }
            if value.len() > LABEL_BYTES {
                violations.add(field(), format!("a label's value has at most {LABEL_BYTES} bytes"));
            } else if !value.chars().all(is_printable) {
                violations
                    .add(field(), "a label's value has no control and no invisible characters");
            }
        }
        violations.into_result(Self(pairs))
    }

    /// Labels that were checked when they were made, if by the rules of an older version: what is
    /// refused today must not make a session unreadable that has it.
    #[must_use]
    pub fn kept(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// The labels in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of one label.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_needs_no_quoting_anywhere() {
        for good in ["a", "build-1", "x.y_z", &"n".repeat(128)] {
            assert!(SessionName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-x", ".x", "a b", "a/b", "ü", "a\0", "a\n", &"n".repeat(129)] {
            assert!(SessionName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_bad_label_is_reported_with_its_key() {
        let labels = Labels::new([
            ("ok".to_owned(), "1".to_owned()),
            ("a b".to_owned(), "1".to_owned()),
            ("long".to_owned(), "v".repeat(257)),
        ]);

        let fields: Vec<_> =
            labels.unwrap_err().as_slice().iter().map(|v| v.field.clone()).collect();
        assert_eq!(fields, ["labels[a b]", "labels[long]"]);
    }

    #[test]
    fn labels_that_are_refused_today_can_be_read_back() {
        let pairs = [("k".to_owned(), "a\u{202e}b".to_owned())];

        assert!(Labels::new(pairs.clone()).is_err());
        assert_eq!(Labels::kept(pairs).get("k"), Some("a\u{202e}b"));
    }

    #[test]
    fn a_label_shows_what_it_is() {
        let with = |value: &str| Labels::new([("k".to_owned(), value.to_owned())]);

        for good in ["", "a b", "ünï", "日本　語", "👍", "c:\\x", "e\u{301}"] {
            assert!(with(good).is_ok(), "{good:?}");
        }
        for bad in
            "\0\n\u{1b}\u{7}\u{7f}\u{85}\u{9b}\u{200f}\u{202e}\u{2028}\u{2066}\u{feff}".chars()
        {
            assert!(with(&format!("a{bad}b")).is_err(), "{bad:?}");
        }
    }
}
