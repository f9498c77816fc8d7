//! Messages as JSON: every field, named as in the `.proto` files, from their descriptors.
//!
//! Unlike protobuf's own JSON, values are what scripts compare with: enum values without their
//! prefix and in small letters (`running`), 64-bit numbers as numbers, times as RFC 3339,
//! durations as seconds (`1.5`), bytes as text. Fields without a value are `null`, lists and maps
//! are always there.

use std::sync::LazyLock;

use codeplane_client::FILE_DESCRIPTOR_SET;
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, ReflectMessage,
    Value as Field,
};
use serde_json::{Map, Value, json};

use crate::text;

static POOL: LazyLock<Option<DescriptorPool>> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).ok());

/// `message`, which is a `codeplane.v1.{kind}`.
pub(crate) fn of<M: prost::Message>(kind: &str, message: &M) -> Value {
    let descriptor =
        POOL.as_ref().and_then(|pool| pool.get_message_by_name(&format!("codeplane.v1.{kind}")));
    let bytes = message.encode_to_vec();
    let dynamic =
        descriptor.and_then(|descriptor| DynamicMessage::decode(descriptor, bytes.as_slice()).ok());
    // The descriptors are compiled in beside the messages: a name that is none is a mistake here,
    // which the tests of every command would show.
    dynamic.map_or(Value::Null, |message| object(&message))
}

fn object(message: &DynamicMessage) -> Value {
    let descriptor = message.descriptor();
    match descriptor.full_name() {
        "google.protobuf.Timestamp" => {
            let (seconds, nanos) = seconds_and_nanos(message);
            return text::rfc3339(seconds, nanos).into();
        }
        "google.protobuf.Duration" => {
            let (seconds, nanos) = seconds_and_nanos(message);
            return json!(seconds as f64 + f64::from(nanos) / 1e9);
        }
        _ => {}
    }
    let mut fields = Map::new();
    for field in descriptor.fields() {
        let absent = field.supports_presence() && !message.has_field(&field);
        if absent && is_in_oneof(&field) {
            // Of a oneof, only what was chosen is part of the message.
            continue;
        }
        let shown = if absent { Value::Null } else { value(&message.get_field(&field), &field) };
        fields.insert(field.name().to_owned(), shown);
    }
    Value::Object(fields)
}

fn is_in_oneof(field: &FieldDescriptor) -> bool {
    field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic())
}

fn seconds_and_nanos(message: &DynamicMessage) -> (i64, i32) {
    let number = |name| message.get_field_by_name(name);
    let seconds = number("seconds").and_then(|field| field.as_i64()).unwrap_or_default();
    (seconds, number("nanos").and_then(|field| field.as_i32()).unwrap_or_default())
}

fn value(field: &Field, descriptor: &FieldDescriptor) -> Value {
    match field {
        Field::Bool(value) => json!(value),
        Field::I32(value) => json!(value),
        Field::I64(value) => json!(value),
        Field::U32(value) => json!(value),
        Field::U64(value) => json!(value),
        Field::F32(value) => json!(value),
        Field::F64(value) => json!(value),
        Field::String(value) => json!(value),
        Field::Bytes(value) => json!(String::from_utf8_lossy(value)),
        Field::EnumNumber(number) => match descriptor.kind() {
            Kind::Enum(kind) => enum_value(*number, &kind),
            _ => json!(number),
        },
        Field::Message(message) => object(message),
        Field::List(list) => list.iter().map(|item| value(item, descriptor)).collect(),
        Field::Map(map) => map_value(map, descriptor),
    }
}

fn map_value(
    map: &std::collections::HashMap<MapKey, Field>,
    descriptor: &FieldDescriptor,
) -> Value {
    let Kind::Message(entry) = descriptor.kind() else { return Value::Null };
    let of_value = entry.map_entry_value_field();
    let mut sorted: Vec<(String, Value)> =
        map.iter().map(|(key, item)| (key_text(key), value(item, &of_value))).collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    Value::Object(Map::from_iter(sorted))
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

/// `SESSION_STATE_RUNNING` of `SessionState` is `running`; unset is null, unknown its number.
fn enum_value(number: i32, kind: &EnumDescriptor) -> Value {
    let Some(value) = kind.get_value(number) else { return json!(number) };
    let prefix = screaming_snake(kind.name());
    let name = value.name().strip_prefix(&prefix).unwrap_or(value.name());
    match name.trim_start_matches('_') {
        "UNSPECIFIED" => Value::Null,
        name => json!(name.to_ascii_lowercase()),
    }
}

fn screaming_snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (i, letter) in name.chars().enumerate() {
        if i > 0 && letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_uppercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use codeplane_client::v1;

    use super::*;

    #[test]
    fn values_are_what_scripts_compare_with() {
        let session = v1::Session {
            id: "x".into(),
            state: v1::SessionState::Running.into(),
            labels: [("b".into(), "2".into()), ("a".into(), "1".into())].into(),
            create_time: Some(prost_types::Timestamp { seconds: 1, nanos: 500_000_000 }),
            output_end: Some(v1::OutputPosition { incarnation: 1, offset: 1 << 40 }),
            ..Default::default()
        };

        let value = of("Session", &session);

        assert_eq!(value["state"], "running");
        assert_eq!(value["labels"].to_string(), r#"{"a":"1","b":"2"}"#);
        assert_eq!(value["create_time"], "1970-01-01T00:00:01.5Z");
        assert_eq!(value["output_end"]["offset"], 1_u64 << 40);
        assert_eq!(value["exit_status"], Value::Null);
        assert_eq!(value["command"], json!([]));
        assert_eq!(value["name"], "");
    }

    #[test]
    fn only_the_chosen_field_of_a_oneof_is_there() {
        let status = v1::ExitStatus { status: Some(v1::exit_status::Status::Code(0)) };

        assert_eq!(of("ExitStatus", &status), json!({"code": 0}));
    }

    #[test]
    fn a_severity_loses_its_prefix_of_several_words() {
        let check =
            v1::DoctorCheck { severity: v1::DoctorSeverity::Warning.into(), ..Default::default() };

        assert_eq!(of("DoctorCheck", &check)["severity"], "warning");
    }
}
