//! The command line of `cpctl` without a daemon. (That there is an integration test makes
//! `cargo test` build the binary.)
#![cfg(test)]

use std::process::{Command, Output};

fn cpctl(args: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_cpctl"))
        .args(args)
        .env_clear()
        .env("CODEPLANE_STATE_DIR", dir.path().join("s"))
        .env("CODEPLANE_RUNTIME_DIR", dir.path().join("r"))
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn an_unknown_verb_is_a_mistake_of_usage() {
    assert_eq!(cpctl(&["fly"]).status.code(), Some(2));
}

#[test]
fn without_a_daemon_and_without_leave_to_start_one_a_call_says_so_in_one_line() {
    let output = cpctl(&["--no-autostart", "ls"]);

    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
}

#[test]
fn every_verb_explains_itself_with_examples() {
    for verb in ["run", "ls", "attach", "send", "wait", "stop", "events"] {
        let output = cpctl(&[verb, "--help"]);

        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && help.contains("Examples:"), "{verb}: {help}");
    }
}
