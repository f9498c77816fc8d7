//! A tool's input, of which nothing is left out or read otherwise than it is.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One member of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    /// A text as it is; anything else as the JSON that came.
    pub(super) value: String,
}

/// The members in the order in which they came, each as often as it came; none if it is no object.
pub(super) fn members(input: &str) -> Option<Vec<Member>> {
    serde_json::from_str::<Members>(input).ok().map(|members| members.0)
}

struct Members(Vec<Member>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, raw)) = map.next_entry::<String, Box<RawValue>>()? {
                    let value = serde_json::from_str::<String>(raw.get())
                        .unwrap_or_else(|_| raw.get().to_owned());
                    members.push(Member { name, value });
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_came_is_there_as_it_came() {
        let input = r#"{"b":"x\ny","a":1e400,"b":{"c":1,"c":2},"d":"\u001b"}"#;

        let found = members(input).unwrap();

        let found: Vec<_> =
            found.iter().map(|one| (one.name.as_str(), one.value.as_str())).collect();
        let expected = [("b", "x\ny"), ("a", "1e400"), ("b", r#"{"c":1,"c":2}"#), ("d", "\x1b")];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for input in ["", "[]", "1", "{", "{} {}"] {
            assert_eq!(members(input), None, "{input}");
        }
    }
}
