//! What the agent wrote.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Provider;
use crate::os;

/// Most bytes that are forwarded; of a larger event its beginning and its size are.
const LIMIT_BYTES: usize = 16 * 1024 * 1024;
/// How long is read on, only to learn how much there is.
const COUNT_LIMIT: Duration = Duration::from_secs(2);
/// As much as a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// An event as it came.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) bytes: Bytes,
    /// How many bytes there were, if they were more than are here.
    pub(super) oversized_bytes: u64,
}

/// How an event calls itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyEvent {
    /// By this name.
    Named(String),
    /// Not at all.
    Nameless,
    /// It is not one JSON object that says each thing once.
    Unreadable,
}

/// What matters here of an event. Derived, it refuses names that come twice.
#[derive(serde::Deserialize)]
struct Names<'a> {
    #[serde(borrow)]
    hook_event_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
}

impl Body {
    /// Reads standard input to its end, which has to come by `deadline`.
    pub(super) fn read(deadline: Instant) -> Result<Self, String> {
        let mut read = Vec::new();
        let mut buffer = vec![0; READ_BYTES];
        while read.len() <= LIMIT_BYTES {
            match read_once(&mut buffer, deadline)? {
                Some(0) => return Ok(Self { bytes: read.into(), oversized_bytes: 0 }),
                Some(count) => read.extend_from_slice(&buffer[..count]),
                None => return Err("the event did not end in time: ask again".to_owned()),
            }
        }
        let mut total = read.len();
        let count_by = deadline.min(Instant::now() + COUNT_LIMIT);
        while let Some(count @ 1..) = read_once(&mut buffer, count_by)? {
            total = total.saturating_add(count);
            if Instant::now() >= count_by {
                break;
            }
        }
        read.truncate(LIMIT_BYTES);
        let oversized_bytes = u64::try_from(total).unwrap_or(u64::MAX);
        Ok(Self { bytes: read.into(), oversized_bytes })
    }

    /// How it calls itself in the dialect of `provider`.
    pub(super) fn event_name(&self, provider: Option<Provider>) -> BodyEvent {
        // Serde would take a list for an object without names.
        let is_object = self.bytes.trim_ascii_start().first() == Some(&b'{');
        let names = serde_json::from_slice::<Names<'_>>(&self.bytes);
        let Some(names) = names.ok().filter(|_| is_object) else {
            return BodyEvent::Unreadable;
        };
        let name = match provider {
            Some(Provider::Claude | Provider::Codex) => names.hook_event_name,
            Some(Provider::Generic) => names.event,
            None => names.hook_event_name.or(names.event),
        };
        name.map_or(BodyEvent::Nameless, |name| BodyEvent::Named(name.into_owned()))
    }
}

fn read_once(buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, String> {
    os::read_stdin(buffer, deadline).map_err(|error| format!("the event cannot be read ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(provider: Option<Provider>, body: &str) -> BodyEvent {
        Body { bytes: body.to_owned().into(), oversized_bytes: 0 }.event_name(provider)
    }

    #[test]
    fn an_event_calls_itself_as_its_dialect_does() {
        let body =
            r#"{"tool_input":{"event":"x"},"hook_event_name":"Pre\u0054oolUse","event":"y"}"#;
        let named = |name: &str| BodyEvent::Named(name.into());

        assert_eq!(name(Some(Provider::Claude), body), named("PreToolUse"));
        assert_eq!(name(Some(Provider::Codex), body), named("PreToolUse"));
        assert_eq!(name(Some(Provider::Generic), body), named("y"));
        assert_eq!(name(None, r#"{"event":"y"}"#), named("y"));
        assert_eq!(name(Some(Provider::Claude), "{}"), BodyEvent::Nameless);
    }

    #[test]
    fn what_is_not_one_object_that_says_each_thing_once_is_unreadable() {
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        for body in [
            "",
            "[]",
            r#"["Stop", null]"#,
            "{",
            "null",
            "not json",
            r#"{"hook_event_name":"Stop"} {}"#,
            r#"{"hook_event_name":"Stop","hook_event_name":"PreToolUse"}"#,
            r#"{"hook_event_name":1}"#,
            "{\"hook_event_name\":\"a\u{0}\"}",
            &deep,
        ] {
            assert_eq!(name(Some(Provider::Claude), body), BodyEvent::Unreadable, "{body:.40}");
        }
    }
}
