//! The command line of `cpd`. (That there is an integration test makes `cargo test` build the binary.)
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn cpd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cpd"))
        .args(args)
        .env_clear()
        .env("HOME", "/nonexistent")
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn an_unknown_argument_is_named_with_the_usage() {
    let output = cpd(&["--colour"]);

    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("cpd: unknown argument '--colour'; usage: cpd"));
    assert_eq!(stderr(&output).lines().count(), 1);
}

#[test]
fn a_configuration_is_checked_without_starting_anything() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cpd.toml");
    std::fs::write(&file, "[sessions]\nmax = 0\n").unwrap();
    let file = file.to_str().unwrap();

    let bad = cpd(&["check-config", "--config", file]);
    assert_eq!(bad.status.code(), Some(78));
    assert!(stderr(&bad).contains("sessions.max: must be 1 to 100000"), "{}", stderr(&bad));

    let good = cpd(&["check-config", "--config", file, "--set", "sessions.max=5"]);
    assert_eq!(good.status.code(), Some(0), "{}", stderr(&good));
}

#[test]
fn a_daemon_is_not_started_inside_a_session() {
    let output = Command::new(env!("CARGO_BIN_EXE_cpd"))
        .env("CODEPLANE_SESSION", "1f0c5a52-0000-4000-8000-000000000000")
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot be started inside session"));
}
