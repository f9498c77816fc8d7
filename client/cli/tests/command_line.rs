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

#[test]
fn a_mistake_is_quoted_without_what_acts_on_a_terminal() {
    let hostile = "a\u{1b}]0;b\u{7}\u{9b}31m\u{202e}\u{2028}c";
    for args in [
        vec![hostile],
        vec!["ls", hostile],
        vec!["resize", "web", hostile],
        vec!["--state-dir", hostile, "--no-autostart", "ls"],
        vec!["--runtime-dir", hostile, "--no-autostart", "ls"],
    ] {
        let told = stderr(&cpctl(&args));

        let raw = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{2028}".contains(c);
        assert!(!told.is_empty() && !told.contains(raw), "{args:?}: {told:?}");
        assert_eq!(told.lines().count(), 1, "{told:?}");
    }
}

#[test]
fn where_nothing_was_asked_for_it_says_what_can_be() {
    for (arguments, usage) in [
        (&[][..], "Usage: cpctl [OPTIONS] <COMMAND>"),
        (&["decisions"][..], "Usage: cpctl decisions"),
        (&["policy"][..], "Usage: cpctl policy"),
    ] {
        let output = cpctl(arguments);

        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(usage), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
}
