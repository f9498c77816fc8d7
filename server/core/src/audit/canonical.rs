//! A record as bytes: one text for one record.

use std::fmt;

use super::{AuditRecord, AuditSeq};
use crate::policy::Value;
use crate::{Incarnation, Offset, OutputPosition, Timestamp};

/// The bytes are no record of this version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no record of version 1: {0}")]
pub struct RecordError(pub String);

impl AuditRecord {
    /// The bytes that are hashed and kept: JSON in UTF-8 on one line, without a blank, with these
    /// members in this order; those in brackets are left out where there is nothing to say.
    ///
    /// `v` (1) · `seq` · `host` (UUID) · `time` (microseconds since 1970, UTC) · `kind` · `principal` ·
    /// \[`session` (UUID)\] · \[`incarnation`\] · \[`position`: `incarnation`, `offset`\] · `detail`
    /// (an array of arrays of two strings).
    ///
    /// In strings `"` and `\` have a backslash before them, characters below U+0020 are `\u00xx` in
    /// lower case, and every other character is itself.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!("{{\"v\":1,\"seq\":{},\"host\":\"{}\"", self.seq, self.host);
        add(&mut text, format_args!(",\"time\":{},\"kind\":", self.time.as_micros()));
        quote(&mut text, &self.kind);
        text.push_str(",\"principal\":");
        quote(&mut text, &self.principal);
        if let Some(session) = self.session {
            add(&mut text, format_args!(",\"session\":\"{session}\""));
        }
        if let Some(incarnation) = self.incarnation {
            add(&mut text, format_args!(",\"incarnation\":{incarnation}"));
        }
        if let Some(OutputPosition { incarnation, offset }) = self.position {
            let position = format_args!("\"incarnation\":{incarnation},\"offset\":{offset}");
            add(&mut text, format_args!(",\"position\":{{{position}}}"));
        }
        text.push_str(",\"detail\":[");
        for (i, (name, value)) in self.detail.iter().enumerate() {
            text.push_str(if i == 0 { "[" } else { ",[" });
            quote(&mut text, name);
            text.push(',');
            quote(&mut text, value);
            text.push(']');
        }
        text.push_str("]}");
        text.into_bytes()
    }

    /// Reads what [`AuditRecord::encode`] wrote.
    ///
    /// # Errors
    /// [`RecordError`] unless the bytes are exactly those that `encode` writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let record = read(bytes).map_err(RecordError)?;
        // So nothing hides in the bytes: no blank, no second member of a name, no other order.
        if record.encode() == bytes {
            Ok(record)
        } else {
            Err(RecordError("it is not written as records are".to_owned()))
        }
    }
}

fn add(text: &mut String, arguments: fmt::Arguments<'_>) {
    text.push_str(&fmt::format(arguments));
}

fn quote(text: &mut String, value: &str) {
    text.push('"');
    for char in value.chars() {
        match char {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\0'..='\u{1f}' => add(text, format_args!("\\u{:04x}", u32::from(char))),
            other => text.push(other),
        }
    }
    text.push('"');
}

fn read(bytes: &[u8]) -> Result<AuditRecord, String> {
    let value = Value::parse(bytes)?;
    if number::<u32>(&value, "v")? != Some(1) {
        return Err("another version".to_owned());
    }
    let position = value.get("position").map(position).transpose()?;
    Ok(AuditRecord {
        seq: AuditSeq(needed(&value, "seq")?),
        host: string(&value, "host")?.parse().map_err(|error| format!("host: {error}"))?,
        time: Timestamp::from_micros(needed(&value, "time")?),
        session: match value.get("session") {
            None => None,
            Some(_) => Some(
                string(&value, "session")?.parse().map_err(|error| format!("session: {error}"))?,
            ),
        },
        incarnation: number(&value, "incarnation")?.map(Incarnation),
        position,
        principal: string(&value, "principal")?.to_owned(),
        kind: string(&value, "kind")?.to_owned(),
        detail: detail(&value)?,
    })
}

fn position(value: &Value) -> Result<OutputPosition, String> {
    Ok(OutputPosition {
        incarnation: Incarnation(needed(value, "incarnation")?),
        offset: Offset(needed(value, "offset")?),
    })
}

fn detail(value: &Value) -> Result<Vec<(String, String)>, String> {
    let Some(Value::List(items)) = value.get("detail") else {
        return Err("no list 'detail'".to_owned());
    };
    let pair = |item: &Value| match item {
        Value::List(pair) => match pair.as_slice() {
            [Value::String(name), Value::String(value)] => Some((name.clone(), value.clone())),
            _ => None,
        },
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Map(_)
        | Value::Bad(_) => None,
    };
    let pairs: Option<Vec<_>> = items.iter().map(pair).collect();
    pairs.ok_or_else(|| "an item of 'detail' is no pair of strings".to_owned())
}

fn string<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value.get(name).and_then(Value::as_str).ok_or_else(|| format!("no text '{name}'"))
}

fn needed<N: std::str::FromStr>(value: &Value, name: &str) -> Result<N, String> {
    number(value, name)?.ok_or_else(|| format!("no number '{name}'"))
}

fn number<N: std::str::FromStr>(value: &Value, name: &str) -> Result<Option<N>, String> {
    match value.get(name) {
        None => Ok(None),
        Some(Value::Number(digits)) => {
            digits.parse().map(Some).map_err(|_| format!("'{name}' is out of range"))
        }
        Some(
            Value::Null
            | Value::Bool(_)
            | Value::String(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Bad(_),
        ) => Err(format!("'{name}' is no number")),
    }
}
