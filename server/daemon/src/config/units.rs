//! Sizes and durations as people write them.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A size in bytes: `4096`, `"64KiB"`, `"256MiB"`, `"20GiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bytes(pub u64);

/// A duration: `"500ms"`, `"10s"`, `"5m"`, `"1h"`, `"30d"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub Duration);

const SIZES: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

const DURATIONS_MS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl Bytes {
    /// Reads a size.
    ///
    /// # Errors
    /// What would be right, for the user.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        scaled(text, &SIZES).map(Self).ok_or_else(|| {
            format!("'{text}' is not a size: write for example \"64KiB\" or \"256MiB\"")
        })
    }
}

impl Span {
    /// Reads a duration.
    ///
    /// # Errors
    /// What would be right, for the user.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        scaled(text, &DURATIONS_MS).map(|ms| Self(Duration::from_millis(ms))).ok_or_else(|| {
            format!("'{text}' is not a duration: write for example \"500ms\", \"10s\" or \"30d\"")
        })
    }
}

/// `12KiB` → 12 × 1024. The unit is whatever follows the digits.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(bytes) => Ok(Self(bytes)),
            Written::Text(text) => Self::parse(&text).map_err(de::Error::custom),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(Bytes::parse("64KiB"), Ok(Bytes(65_536)));
        assert_eq!(Bytes::parse("20 GiB"), Ok(Bytes(20 << 30)));
        for bad in ["", "KiB", "5", "5KB", "-1KiB", "99999999999GiB"] {
            assert!(Bytes::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_name_their_unit() {
        assert_eq!(Span::parse("500ms"), Ok(Span(Duration::from_millis(500))));
        assert_eq!(Span::parse("30d"), Ok(Span(Duration::from_secs(2_592_000))));
        for bad in ["", "10", "1.5s", "s", "5 weeks"] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
    }
}
