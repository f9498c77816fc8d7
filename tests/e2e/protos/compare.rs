//! What a client that was built against an older API cannot bear.

use prost_reflect::prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    MethodDescriptorProto, ServiceDescriptorProto,
};

/// All breaking changes from `before` to `now`, a line each.
pub(super) fn breaking_changes(before: &FileDescriptorSet, now: &FileDescriptorSet) -> Vec<String> {
    let mut found = Vec::new();
    for old in before.file.iter().flat_map(|file| &file.service) {
        let mut new = now.file.iter().flat_map(|file| &file.service);
        match new.find(|new| new.name() == old.name()) {
            Some(new) => found.extend(service_changes(old, new)),
            None => found.push(format!("service {} is gone", old.name())),
        }
    }
    let old_messages = before.file.iter().flat_map(|file| &file.message_type);
    let new_messages: Vec<_> = now.file.iter().flat_map(|file| &file.message_type).collect();
    found.extend(messages_changes(old_messages, &new_messages, ""));
    let old_enums = before.file.iter().flat_map(|file| &file.enum_type);
    let new_enums: Vec<_> = now.file.iter().flat_map(|file| &file.enum_type).collect();
    found.extend(enums_changes(old_enums, &new_enums, ""));
    found
}

fn service_changes(old: &ServiceDescriptorProto, new: &ServiceDescriptorProto) -> Vec<String> {
    let mut found = Vec::new();
    for method in &old.method {
        let name = format!("{}.{}", old.name(), method.name());
        match new.method.iter().find(|other| other.name() == method.name()) {
            Some(other) if shape(method) == shape(other) => {}
            Some(_) => found.push(format!("call {name} takes or returns something else")),
            None => found.push(format!("call {name} is gone")),
        }
    }
    found
}

fn shape(method: &MethodDescriptorProto) -> (&str, &str, bool, bool) {
    (
        method.input_type(),
        method.output_type(),
        method.client_streaming(),
        method.server_streaming(),
    )
}

fn messages_changes<'a>(
    old: impl Iterator<Item = &'a DescriptorProto>,
    new: &[&DescriptorProto],
    within: &str,
) -> Vec<String> {
    let mut found = Vec::new();
    for old in old {
        let name = format!("{within}{}", old.name());
        let Some(new) = new.iter().find(|new| new.name() == old.name()) else {
            found.push(format!("message {name} is gone"));
            continue;
        };
        for field in &old.field {
            found.extend(field_change(&name, old, field, new));
        }
        let inner: Vec<_> = new.nested_type.iter().collect();
        found.extend(messages_changes(old.nested_type.iter(), &inner, &format!("{name}.")));
        let inner: Vec<_> = new.enum_type.iter().collect();
        found.extend(enums_changes(old.enum_type.iter(), &inner, &format!("{name}.")));
    }
    found
}

fn field_change(
    message: &str,
    old_message: &DescriptorProto,
    old: &FieldDescriptorProto,
    new_message: &DescriptorProto,
) -> Option<String> {
    let name = format!("{message}.{}", old.name());
    let Some(new) = new_message.field.iter().find(|new| new.number() == old.number()) else {
        let number = old.number();
        let is_reserved = new_message
            .reserved_range
            .iter()
            .any(|range| (range.start()..range.end()).contains(&number));
        return (!is_reserved)
            .then(|| format!("field {name} is gone and its number {number} is not reserved"));
    };
    // Names are part of the API as well: of its JSON and of generated code.
    if new.name() != old.name() {
        return Some(format!("field {name} is now called {}", new.name()));
    }
    let kind = |field: &FieldDescriptorProto| {
        (field.r#type(), field.type_name().to_owned(), field.label(), field.proto3_optional())
    };
    if kind(new) != kind(old) {
        return Some(format!("field {name} has another type"));
    }
    (alternatives_of(old_message, old) != alternatives_of(new_message, new))
        .then(|| format!("field {name} has moved into or out of a oneof"))
}

/// Name of the oneof that holds `field`.
fn alternatives_of<'a>(
    message: &'a DescriptorProto,
    field: &FieldDescriptorProto,
) -> Option<&'a str> {
    let index = usize::try_from(field.oneof_index?).ok()?;
    Some(message.oneof_decl.get(index)?.name())
}

fn enums_changes<'a>(
    old: impl Iterator<Item = &'a EnumDescriptorProto>,
    new: &[&EnumDescriptorProto],
    within: &str,
) -> Vec<String> {
    let mut found = Vec::new();
    for old in old {
        let name = format!("{within}{}", old.name());
        let Some(new) = new.iter().find(|new| new.name() == old.name()) else {
            found.push(format!("enum {name} is gone"));
            continue;
        };
        for value in &old.value {
            let number = value.number();
            match new.value.iter().find(|new| new.number() == number) {
                Some(new) if new.name() == value.name() => {}
                Some(new) => found.push(format!("{name} {number} is now {}", new.name())),
                // The end of a reserved range of an enum belongs to it.
                None if new
                    .reserved_range
                    .iter()
                    .any(|range| (range.start()..=range.end()).contains(&number)) => {}
                None => found.push(format!("{} is gone and not reserved", value.name())),
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use prost_reflect::prost_types::{
        FileDescriptorProto, descriptor_proto::ReservedRange, field_descriptor_proto::Type,
    };

    use super::*;

    fn field(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
        let name = Some(name.to_owned());
        let kind = Some(kind.into());
        FieldDescriptorProto { name, number: Some(number), r#type: kind, ..Default::default() }
    }

    fn api(fields: &[FieldDescriptorProto], reserved: &[i32]) -> FileDescriptorSet {
        let reserved_range = reserved
            .iter()
            .map(|&start| ReservedRange { start: Some(start), end: Some(start + 1) })
            .collect();
        let message = DescriptorProto {
            name: Some("Session".into()),
            field: fields.to_vec(),
            reserved_range,
            ..Default::default()
        };
        let file = FileDescriptorProto { message_type: vec![message], ..Default::default() };
        FileDescriptorSet { file: vec![file] }
    }

    #[test]
    fn an_added_field_breaks_nothing() {
        let before = api(&[field("id", 1, Type::String)], &[]);
        let now = api(&[field("id", 1, Type::String), field("name", 2, Type::String)], &[]);

        assert_eq!(breaking_changes(&before, &now), [""; 0]);
    }

    #[test]
    fn a_removed_field_breaks_clients_unless_its_number_is_reserved() {
        let before = api(&[field("id", 1, Type::String)], &[]);

        let found = breaking_changes(&before, &api(&[], &[]));
        assert_eq!(found, ["field Session.id is gone and its number 1 is not reserved"]);

        assert_eq!(breaking_changes(&before, &api(&[], &[1])), [""; 0]);
    }

    #[test]
    fn another_type_or_number_or_name_breaks_clients() {
        let before = api(&[field("id", 1, Type::String)], &[]);

        for changed in [
            field("id", 1, Type::Bytes),
            field("id", 2, Type::String),
            field("identity", 1, Type::String),
        ] {
            assert_eq!(breaking_changes(&before, &api(&[changed], &[])).len(), 1);
        }
    }
}
