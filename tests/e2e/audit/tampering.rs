//! Somebody changes what was written.

use std::fs;
use std::path::Path;

use codeplane_tests::TestDaemon;

use super::{configured, log, verify};

/// Puts other bytes of the same length into a file, everywhere.
fn exchange(path: &Path, from: &str, to: &str) -> usize {
    assert_eq!(from.len(), to.len());
    let mut bytes = fs::read(path).unwrap();
    let found: Vec<usize> = (0..bytes.len().saturating_sub(from.len()))
        .filter(|at| bytes[*at..].starts_with(from.as_bytes()))
        .collect();
    for at in &found {
        bytes[*at..*at + to.len()].copy_from_slice(to.as_bytes());
    }
    fs::write(path, bytes).unwrap();
    found.len()
}

#[test]
fn the_log_is_verified_beside_a_running_daemon_and_after_its_end() {
    let mut daemon = TestDaemon::start();
    drop(daemon.cpctl(["run", "-d", "--", "true"]).success());

    let (code, live) = verify(&daemon, &[]);
    let said = daemon.cpctl(["audit", "verify"]).success();
    let endpoint = format!("unix:{}", daemon.socket().display());
    let (asked, by_daemon) = verify(&daemon, &["--endpoint", &endpoint]);
    daemon.stop();
    let (stopped, all) = verify(&daemon, &[]);

    assert_eq!((code, asked, stopped), (0, 0, 0));
    // The daemon, a session, its program; the end of that may come later.
    assert!(live["records"].as_u64().unwrap() >= 3, "{live}");
    assert_eq!(by_daemon["sound"], true);
    assert!(said.contains("are as they were written"), "{said}");
    // The end of the daemon is recorded and signed with all the rest.
    assert_eq!(all["signed_through"], all["last"]);
    assert!(all["last"].as_u64() > live["last"].as_u64());
}

#[test]
fn a_restart_continues_the_chain() {
    let mut daemon = TestDaemon::start();
    drop(daemon.cpctl(["run", "-d", "--", "true"]).success());
    daemon.restart();
    daemon.stop();
    daemon.launch();

    let log = log(&daemon);

    let seqs: Vec<u64> = log.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    let starts = log.iter().filter(|record| record["kind"] == "daemon.started").count();
    let stops = log.iter().filter(|record| record["kind"] == "daemon.stopped").count();
    let keys = log.iter().filter(|record| record["kind"] == "checkpoint.key").count();
    // A daemon that was killed said no goodbye.
    assert_eq!((starts, stops, keys), (3, 1, 1));
    assert_eq!(verify(&daemon, &[]).0, 0);
}

#[test]
fn a_record_that_was_changed_in_the_database_is_named() {
    let mut daemon = TestDaemon::start();
    drop(daemon.cpctl(["run", "-d", "--name", "innocent", "--", "true"]).success());
    let created = log(&daemon);
    let created = created.iter().find(|record| record["kind"] == "session.created").unwrap();
    daemon.stop();
    let database = daemon.state_dir().join("codeplane.db");

    let changed = exchange(&database, r#"["name","innocent"]"#, r#"["name","offender"]"#);

    assert_eq!(changed, 1);
    let (code, found) = verify(&daemon, &[]);
    assert_eq!((code, &found["seq"]), (1, &created["seq"]), "{found}");
    let said = daemon.cpctl(["audit", "verify"]);
    assert_eq!(said.code, 1);
    assert!(said.stdout.starts_with(&format!("record {}: ", created["seq"])), "{}", said.stdout);
}

#[test]
fn a_log_that_was_written_anew_does_not_fit_the_keys_and_checkpoints_kept_elsewhere() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = directory.path().join("checkpoints.jsonl");
    let config = format!("[audit]\ncheckpoint_file = \"{}\"\n", elsewhere.display());
    let mut daemon = configured(&config);
    drop(daemon.cpctl(["run", "-d", "--", "true"]).success());
    daemon.stop();
    let keys = directory.path().join("signing.pub");
    fs::copy(daemon.state_dir().join("audit/signing.pub"), &keys).unwrap();
    let measured = ["--public-key", keys.to_str().unwrap(), "--checkpoints"];
    let measured = [measured.as_slice(), &[elsewhere.to_str().unwrap()]].concat();
    assert_eq!(verify(&daemon, &measured).0, 0);

    // All of it is removed, the key as well, and a new daemon begins from nothing.
    for name in ["codeplane.db", "audit/signing.key", "audit/signing.pub"] {
        fs::remove_file(daemon.state_dir().join(name)).unwrap();
    }
    fs::remove_file(&elsewhere).unwrap();
    daemon.launch();
    daemon.stop();

    assert_eq!(verify(&daemon, &[]).0, 0, "nothing beside it says what was there before");
    let (code, found) = verify(&daemon, &measured);
    assert_eq!(code, 1, "{found}");
    assert!(found["problem"].as_str().unwrap().contains("unknown key"), "{found}");
}

#[test]
fn what_cannot_be_read_is_no_verdict() {
    let daemon = TestDaemon::start();
    let missing = daemon.cpctl(["audit", "verify", "--public-key", "/nowhere/key"]);
    let nowhere = daemon.cpctl(["--state-dir", "/nowhere", "audit", "verify"]);
    let endpoint = format!("unix:{}", daemon.socket().display());
    let remote = ["audit", "verify", "--public-key", "x", "--endpoint", &endpoint];

    assert!(missing.failure(2).contains("/nowhere/key"));
    assert!(nowhere.failure(2).contains("/nowhere"));
    assert!(daemon.cpctl(remote).failure(2).contains("--public-key is for"));
    assert!(daemon.cpctl(["audit", "verify", "--export", "x"]).failure(2).contains("--public-key"));
}
