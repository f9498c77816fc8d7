//! What the table of the audit log says of a record.

use std::collections::BTreeMap;

use codeplane_client::{v1, visible};

use crate::table::Table;
use crate::text;

/// What a person would ask for last: `cpctl audit show` has it.
const UNTOLD: [&str; 12] = [
    "approval",
    "attachment",
    "cwd",
    "decision",
    "outcome",
    "policy",
    "provider",
    "request_hash",
    "sha256",
    "source",
    "state",
    "tool",
];

/// Members of an input that say what a call is about.
const SUBJECTS: [&str; 6] = ["command", "file_path", "notebook_path", "url", "path", "plan"];

/// A table of records, with the names of sessions by their ids.
pub(super) fn table(records: &[v1::AuditRecord], names: &BTreeMap<String, String>) -> Table {
    let heading = vec!["SEQ", "TIME", "KIND", "SESSION", "OUTCOME", "TOOL", "WHAT", "RULE/BY"];
    let is_one_day = {
        let mut days = records.iter().map(|record| time(record).0);
        let first = days.next();
        days.all(|day| Some(day) == first)
    };
    // First what is said twice, then what is long; in 80 columns all of them are to be seen.
    let flexible =
        vec![(6, 30), (7, 16), (2, 13), (5, 6), (6, 13), (7, 10), (3, 8), (6, 8), (7, 8), (5, 4)];
    let mut table = Table::narrowing(heading, flexible);
    for record in records {
        let (day, clock) = time(record);
        table.row(vec![
            record.seq.to_string(),
            if is_one_day { clock } else { format!("{day} {clock}") },
            text::printable(&record.kind),
            session(record, names),
            text::printable(detail(record, "outcome").or(detail(record, "state")).unwrap_or("-")),
            text::printable(detail(record, "tool").unwrap_or("-")),
            what(record),
            by(record),
        ]);
    }
    table
}

/// `11-20` and `08:00:00`, in UTC.
fn time(record: &v1::AuditRecord) -> (String, String) {
    let time = text::rfc3339(record.time.map_or(0, |time| time.seconds), 0);
    let part = |from, to| time.get(from..to).unwrap_or_default().to_owned();
    (part(5, 10), part(11, 19))
}

fn session(record: &v1::AuditRecord, names: &BTreeMap<String, String>) -> String {
    let name = names.get(&record.session_id).filter(|name| !name.is_empty());
    let shown = name.map_or(text::short(&record.session_id), String::as_str);
    text::printable(if shown.is_empty() { "-" } else { shown })
}

/// What was done, or wanted.
fn what(record: &v1::AuditRecord) -> String {
    if let Some(subject) = detail(record, "subject") {
        return visible(subject).into_owned();
    }
    if let Some(input) = detail(record, "input") {
        let asked = visible(&subject(input)).into_owned();
        return match detail(record, "updated_input")
            .filter(|input| !input.contains("\"questions\""))
        {
            Some(ran) => format!("{} (edited, asked: {asked})", visible(&subject(ran))),
            None => asked,
        };
    }
    if record.kind == "session.created" {
        let words = detail(record, "command");
        let words: Option<Vec<String>> = words.and_then(|text| serde_json::from_str(text).ok());
        return text::command(&words.unwrap_or_default());
    }
    let told = record.detail.iter().filter(|one| {
        !one.value.is_empty() && (!UNTOLD.contains(&one.name.as_str()) || is_of_policy(record))
    });
    let told: Vec<String> =
        told.map(|one| format!("{}={}", visible(&one.name), visible(&one.value))).collect();
    if told.is_empty() { "-".to_owned() } else { told.join(" ") }
}

/// Of a policy its name is what matters.
fn is_of_policy(record: &v1::AuditRecord) -> bool {
    record.kind.starts_with("policy.")
}

/// The command, the path, the address; else the input itself, which may have been cut.
fn subject(input: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(input).unwrap_or_default();
    let named = SUBJECTS.iter().find_map(|name| value[*name].as_str());
    named.unwrap_or(input).to_owned()
}

/// What decided, or who did it.
fn by(record: &v1::AuditRecord) -> String {
    let rules: Vec<&str> = record
        .detail
        .iter()
        .filter(|one| one.name == "rule")
        .map(|one| one.value.as_str())
        .collect();
    let shown = match detail(record, "source") {
        Some("rules") if !rules.is_empty() => rules.join(" "),
        Some("grant") => {
            let id = detail(record, "grant").unwrap_or_default();
            format!("grant {}", text::short(id))
        }
        // Somebody decided.
        Some("person") => principal(&record.principal),
        Some(source) if record.kind == "decision.made" => source.to_owned(),
        Some(_) | None => principal(&record.principal),
    };
    text::printable(&shown)
}

/// An agent's is its session's, which has a column of its own.
fn principal(name: &str) -> String {
    match name.split_once(':') {
        Some(("agent", _)) => "agent".to_owned(),
        Some(_) | None => name.to_owned(),
    }
}

fn detail<'a>(record: &'a v1::AuditRecord, name: &str) -> Option<&'a str> {
    let found = record.detail.iter().find(|one| one.name == name);
    found.map(|one| one.value.as_str()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "3f2a0000-0000-4000-8000-000000000000";

    fn record(kind: &str, principal: &str, details: &[(&str, &str)]) -> v1::AuditRecord {
        let detail = |(name, value): &(&str, &str)| v1::AuditDetail {
            name: (*name).into(),
            value: (*value).into(),
        };
        v1::AuditRecord {
            seq: 1042,
            time: Some(prost_types::Timestamp { seconds: 1_794_000_000, nanos: 1 }),
            kind: kind.into(),
            principal: principal.into(),
            session_id: SESSION.into(),
            detail: details.iter().map(detail).collect(),
            ..Default::default()
        }
    }

    fn decided(details: &[(&str, &str)]) -> v1::AuditRecord {
        let call = [("outcome", "allowed"), ("tool", "Bash"), ("request_hash", "00")];
        let command = ("input", "{\"command\":\"git push origin main --force-with-lease\"}");
        record("decision.made", "uid:1000", &[&call, details, &[command]].concat())
    }

    #[test]
    fn a_call_is_told_with_its_command_and_what_decided() {
        let names = BTreeMap::from([(SESSION.to_owned(), "site".to_owned())]);
        let records = [
            decided(&[("source", "rules"), ("rule", "developer/git"), ("rule", "team/push")]),
            decided(&[("source", "grant"), ("grant", SESSION)]),
            decided(&[("source", "person"), ("approval", SESSION), ("rule", "developer/push")]),
            decided(&[("source", "unattended")]),
        ];
        let by: Vec<String> = records.iter().map(by).collect();
        assert_eq!(by, ["developer/git team/push", "grant 3f2a0000", "uid:1000", "unattended"]);

        let lines = table(&records, &names).lines(Some(80));

        let row = &lines[2];
        assert!(row.starts_with("1042  "), "{row}");
        assert!(row.contains("decision.made  site     allowed  Bash  git push "), "{row}");
        assert!(row.contains("  grant 3"), "{row}");
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    }

    #[test]
    fn the_longest_kinds_fit_as_well() {
        let requested = record(
            "approval.requested",
            &format!("agent:{SESSION}"),
            &[("tool", "mcp__notes__write"), ("subject", "a very long subject of a call")],
        );
        let mut later = requested.clone();
        later.time = Some(prost_types::Timestamp { seconds: 1_794_100_000, nanos: 0 });
        let names = BTreeMap::from([(SESSION.to_owned(), "a-very-long-name".to_owned())]);

        let lines = table(&[requested, later], &names).lines(Some(80));

        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    }

    #[test]
    fn a_record_acts_on_no_terminal() {
        let record =
            record("session.stopped", "daemon", &[("a", "a\x1b]0;b\nc"), ("b", "/\u{202e}")]);

        assert_eq!(what(&record), "a=a\\x1b]0;b\\nc b=/<U+202E>");
        assert_eq!(session(&record, &BTreeMap::new()), "3f2a0000");
    }
}
