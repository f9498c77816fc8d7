//! The log leaves the daemon.

use std::fs;
use std::path::PathBuf;

use codeplane_tests::{TestDaemon, sha256};
use serde_json::Value;

use super::log;

struct Exported {
    daemon: TestDaemon,
    file: PathBuf,
    key: PathBuf,
    _directory: tempfile::TempDir,
}

impl Exported {
    /// A log with a checkpoint in it, as a file.
    fn new() -> Self {
        let mut daemon = TestDaemon::start();
        drop(daemon.cpctl(["run", "-d", "--name", "innocent", "--", "true"]).success());
        daemon.stop();
        daemon.launch();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("audit.jsonl");
        drop(daemon.cpctl(["audit", "export", "--to", file.to_str().unwrap()]).success());
        let key = directory.path().join("signing.pub");
        fs::copy(daemon.state_dir().join("audit/signing.pub"), &key).unwrap();
        Self { daemon, file, key, _directory: directory }
    }

    fn verify(&self) -> (i32, String) {
        let (file, key) = (self.file.to_str().unwrap(), self.key.to_str().unwrap());
        let done = self.daemon.cpctl(["audit", "verify", "--export", file, "--public-key", key]);
        (done.code, done.stdout + &done.stderr)
    }

    fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn write(&self, lines: &[Value]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(&self.file, text).unwrap();
    }
}

fn of_type<'l>(lines: &'l [Value], kind: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

#[test]
fn an_export_is_verified_without_the_daemon_and_by_what_is_written_of_it() {
    let exported = Exported::new();
    let lines = exported.lines();
    let records = of_type(&lines, "record");

    let (code, said) = exported.verify();

    assert_eq!(code, 0, "{said}");
    assert!(said.contains(&format!("{} records, 1 to", records.len())), "{said}");
    assert_eq!(records.len(), log(&exported.daemon).len());
    assert!(!of_type(&lines, "checkpoint").is_empty());
    // A third party needs SHA-256 and the description: the second hash from the first.
    let bytes = |hex: &Value| -> Vec<u8> {
        let hex = hex.as_str().unwrap();
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    };
    let record = records[1]["record"].as_str().unwrap();
    let mut hashed = b"codeplane-audit-1".to_vec();
    hashed.extend(bytes(&records[0]["hash"]));
    hashed.extend((record.len() as u64).to_be_bytes());
    hashed.extend(record.as_bytes());
    assert_eq!(records[1]["hash"], sha256(&hashed));
}

#[test]
fn an_export_that_was_edited_is_found() {
    let exported = Exported::new();
    let lines = exported.lines();
    let text = |lines: &[Value]| {
        exported.write(lines);
        exported.verify()
    };

    let mut changed = lines.clone();
    let created = changed.iter_mut().find(|line| line.to_string().contains("innocent")).unwrap();
    let seq = created["seq"].clone();
    created["record"] = created["record"].as_str().unwrap().replace("innocent", "offender").into();
    let mut without = lines.clone();
    without.remove(2);
    let cut = &lines[..lines.len() - 1];
    let mut headless = lines.clone();
    headless.remove(0);

    let (code, said) = text(&changed);
    assert_eq!((code, said.starts_with(&format!("record {seq}: "))), (1, true), "{said}");
    let (code, said) = text(&without);
    assert_eq!((code, said.starts_with("record 2: it is missing")), (1, true), "{said}");
    let (code, said) = text(cut);
    assert_eq!((code, said.contains("was cut off")), (2, true), "{said}");
    let (code, said) = text(&headless);
    assert_eq!((code, said.contains("no export")), (2, true), "{said}");
    assert_eq!(text(&lines).0, 0);
}

#[test]
fn a_part_of_the_log_begins_behind_a_checkpoint_and_is_verified_too() {
    let exported = Exported::new();
    let log = log(&exported.daemon);
    let last_start = log.iter().rfind(|record| record["kind"] == "daemon.started").unwrap();
    fs::remove_file(&exported.file).unwrap();

    let since = ["--since", last_start["time"].as_str().unwrap()];
    let to = ["--to", exported.file.to_str().unwrap()];
    drop(exported.daemon.cpctl(["audit", "export"].iter().chain(&since).chain(&to)).success());

    let lines = exported.lines();
    assert_eq!(lines[1]["type"], "checkpoint");
    assert_eq!(of_type(&lines, "record")[0]["seq"], last_start["seq"]);
    assert_eq!(exported.verify().0, 0);
    let again = exported.daemon.cpctl(["audit", "export"].iter().chain(&to));
    assert!(again.failure(1).contains("cannot create"));
}

#[test]
fn in_a_table_no_cell_is_a_formula_and_filters_work() {
    let daemon = TestDaemon::start();
    drop(daemon.cpctl(["run", "-d", "--name", "a", "--", "true"]).success());

    let table =
        daemon.cpctl(["audit", "export", "--format", "csv", "--kind", "session.created"]).success();
    let refused = daemon.cpctl(["audit", "export", "--kind", "session.created"]).failure(2);

    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].starts_with("\"seq\",\"time\",\"kind\""), "{table}");
    assert!(lines[1].contains("\"session.created\"") && lines[1].contains("name=a"), "{table}");
    assert!(refused.contains("a chain with holes cannot be verified"), "{refused}");
}
