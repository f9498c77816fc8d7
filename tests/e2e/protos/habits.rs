//! What every call, message and enum of the API has.

use std::collections::HashMap;

use codeplane_proto::v1::Role;
use prost_reflect::{EnumDescriptor, FileDescriptor, MessageDescriptor, MethodDescriptor};

use super::{OURS, api};

/// Changes that need no `request_id`: done twice they are as done once, or numbered otherwise.
const REPEATABLE: [&str; 7] = [
    "Attach",
    "AcquireControl",
    "ReleaseControl",
    "RedrawTerminal",
    "Backup",
    "Drain",
    "ReportHook",
];

/// Calls that change nothing begin with one of these.
const READING: [&str; 14] = [
    "Get", "List", "Watch", "Read", "Tail", "Wait", "Search", "Export", "Verify", "Doctor",
    "Simulate", "Lint", "Explain", "Diff",
];

fn our_files() -> Vec<FileDescriptor> {
    api().files().filter(|file| file.name().starts_with(OURS)).collect()
}

fn calls() -> Vec<MethodDescriptor> {
    let files = our_files();
    let services = files.iter().flat_map(|file| file.services().collect::<Vec<_>>());
    services.flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

fn messages() -> Vec<MessageDescriptor> {
    let ours = |message: &MessageDescriptor| message.parent_file().name().starts_with(OURS);
    api().all_messages().filter(ours).filter(|message| !message.is_map_entry()).collect()
}

fn enums() -> Vec<EnumDescriptor> {
    api().all_enums().filter(|one| one.parent_file().name().starts_with(OURS)).collect()
}

#[track_caller]
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn every_call_says_which_role_it_needs() {
    let option = api().get_extension_by_name("codeplane.v1.required_role").unwrap();

    let found: Vec<String> = calls()
        .iter()
        .filter(|call| {
            let role = call.options().get_extension(&option).as_enum_number();
            role.is_none_or(|role| {
                role == Role::Unspecified as i32 || Role::try_from(role).is_err()
            })
        })
        .map(|call| call.full_name().to_owned())
        .collect();

    assert!(!calls().is_empty());
    assert_none("calls without a role", &found);
}

#[test]
fn every_call_has_its_own_request_and_response() {
    let found: Vec<String> = calls()
        .iter()
        .filter(|call| {
            call.input().name() != format!("{}Request", call.name())
                || call.output().name() != format!("{}Response", call.name())
        })
        .map(|call| call.full_name().to_owned())
        .collect();

    assert_none("calls that share messages", &found);
}

#[test]
fn every_change_takes_a_request_id() {
    let found: Vec<String> = calls()
        .iter()
        .filter(|call| !READING.iter().any(|verb| call.name().starts_with(verb)))
        .filter(|call| !REPEATABLE.contains(&call.name()))
        .filter(|call| call.input().get_field_by_name("request_id").is_none())
        .map(|call| call.full_name().to_owned())
        .collect();

    assert_none("changes without a request_id", &found);
}

#[test]
fn every_list_is_read_by_pages() {
    let has = |message: &MessageDescriptor, field: &str| message.get_field_by_name(field).is_some();
    let found: Vec<String> = calls()
        .iter()
        .filter(|call| call.name().starts_with("List"))
        .filter(|call| {
            let (request, response) = (call.input(), call.output());
            !has(&request, "page_size")
                || !has(&request, "page_token")
                || !has(&response, "next_page_token")
        })
        .map(|call| call.full_name().to_owned())
        .collect();

    assert_none("lists without pages", &found);
}

#[test]
fn every_enum_begins_with_unspecified_and_prefixes_its_values() {
    let mut found = Vec::new();
    for one in enums() {
        let prefix = screaming(one.name());
        let zero = one.get_value(0).map(|value| value.name().to_owned());
        if zero != Some(format!("{prefix}_UNSPECIFIED")) {
            found.push(one.full_name().to_owned());
        }
        let strangers = one.values().filter(|value| !value.name().starts_with(&prefix));
        found.extend(strangers.map(|value| value.full_name().to_owned()));
    }

    assert_none("enums against the habit", &found);
}

#[test]
fn everything_is_explained() {
    let comments = Comments::read();
    let mut found = Vec::new();
    let mut check = |file: &FileDescriptor, path: &[i32], name: &str| {
        if !comments.has(file.name(), path) {
            found.push(name.to_owned());
        }
    };
    for file in our_files() {
        for service in file.services() {
            check(&file, service.path(), service.full_name());
        }
    }
    for call in calls() {
        check(&call.parent_file(), call.path(), call.full_name());
    }
    for message in messages() {
        check(&message.parent_file(), message.path(), message.full_name());
        for field in message.fields() {
            check(&message.parent_file(), field.path(), field.full_name());
        }
    }
    for one in enums() {
        check(&one.parent_file(), one.path(), one.full_name());
        for value in one.values() {
            check(&one.parent_file(), value.path(), value.full_name());
        }
    }

    assert_none("without a comment", &found);
}

/// The comments of all files, by file and path in it.
struct Comments(HashMap<(String, Vec<i32>), String>);

impl Comments {
    fn read() -> Self {
        let mut comments = HashMap::new();
        for file in our_files() {
            let file = file.file_descriptor_proto();
            let places = file.source_code_info.iter().flat_map(|info| &info.location);
            for place in places {
                let key = (file.name().to_owned(), place.path.clone());
                comments.insert(key, place.leading_comments().trim().to_owned());
            }
        }
        Self(comments)
    }

    fn has(&self, file: &str, path: &[i32]) -> bool {
        let comment = self.0.get(&(file.to_owned(), path.to_vec()));
        comment.is_some_and(|comment| !comment.is_empty())
    }
}

/// `SessionState` as `SESSION_STATE`.
fn screaming(name: &str) -> String {
    let mut text = String::new();
    for char in name.chars() {
        if char.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(char.to_uppercase());
    }
    text
}
