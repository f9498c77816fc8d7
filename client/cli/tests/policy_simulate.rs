//! `cpctl policy simulate --json`, as scripts use it.
#![allow(clippy::unwrap_used, reason = "these are tests: a failure is a failed test")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn simulate(document: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cpctl"))
        .args(["policy", "simulate", "--json"])
        .env("HOME", "/home/nobody-at-all")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(document).unwrap();
    child.wait_with_output().unwrap()
}

fn verdict(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn decision(rules: &Value, command: &str, cwd: &Path) -> String {
    let request = json!({ "tool": "Bash", "input": { "command": command }, "cwd": cwd });
    let document = json!({ "rules": rules, "default": "ask", "request": request });
    let verdict = verdict(&simulate(document.to_string().as_bytes()));
    verdict["decision"].as_str().unwrap().to_owned()
}

#[test]
fn a_verdict_says_what_decided_and_the_real_files_count() {
    let workspace = tempfile::tempdir().unwrap();
    let at = workspace.path();
    fs::write(at.join(".env"), "x").unwrap();
    symlink(".env", at.join("innocent")).unwrap();
    let rules = json!([
        { "id": "cat", "effect": "allow", "tool": "Bash(cat:*)" },
        { "id": "env", "effect": "deny", "path": "**/.env" },
    ]);

    for (command, expected) in [
        ("cat a.txt", "allow"),
        ("cat innocent", "deny"),
        ("cat sub/../innocent", "deny"),
        ("cat inn*", "ask"),
        ("cat *.txt", "allow"),
        ("rm x", "ask"),
    ] {
        assert_eq!(decision(&rules, command, at), expected, "{command}");
    }
}

#[test]
fn malformed_input_is_a_decision() {
    for request in [
        r#"{"tool":"Bash","input_raw":"{\"command\":\"ls\",\"command\":\"rm\"}"}"#,
        r#"{"tool":"Bash","input_raw":"not json"}"#,
        r#"{"tool":"Bash","input":{"command":1}}"#,
        r#"{"tool":"Bash","input":{"command":"ls","command":"rm"}}"#,
    ] {
        let output = simulate(format!(r#"{{"rules":[],"request":{request}}}"#).as_bytes());

        let verdict = verdict(&output);
        assert_eq!(verdict["decision"], "deny", "{request}");
        assert!(verdict["reasons"][0].as_str().unwrap().starts_with("MALFORMED"), "{verdict}");
    }
}

#[test]
fn what_cannot_be_read_is_told_on_standard_error_only() {
    for document in [
        "",
        "{",
        "[]",
        r#"{"rules":[]}"#,
        r#"{"rules":[{"effect":"permit"}],"request":{"tool":"Bash","input":{}}}"#,
        r#"{"rules":[{"effect":"allow","command":"git*"}],"request":{"tool":"Bash","input":{}}}"#,
        r#"{"rules":[],"default":"allow","request":{"tool":"Bash","input":{}}}"#,
        r#"{"rules":[],"rules":[],"request":{"tool":"Bash","input":{}}}"#,
        r#"{"rules":[],"request":{"input":{}}}"#,
        r#"{"rules":[],"request":{"tool":"Bash","input":{},"cwd":5}}"#,
        r#"{"rules":[],"request":{"tool":"Bash","input":{},"session":5}}"#,
        r#"{"rules":[],"request":{"tool":"Bash","input":{},"session":{"labels":{"a":1}}}}"#,
        r#"{"rules":[],"request":{"tool":"Bash","input":{},"session":{"workspace":"/","workspace":"/x"}}}"#,
        r#"{"rules":[],"request":{"tool":"Bash","input":{},"session":{"labels":{"a":"1","a":"2"}}}}"#,
        r#"{"rules":[{"effect":"allow","command":"ls:*","examples":{"match":"rm x"}}],"request":{"tool":"Bash","input":{}}}"#,
    ] {
        let output = simulate(document.as_bytes());

        assert_eq!(output.status.code(), Some(2), "{document}");
        assert!(output.stdout.is_empty(), "{document}");
        assert!(!output.stderr.is_empty(), "{document}");
    }
}

#[test]
fn without_a_directory_what_is_denied_is_denied_all_the_same() {
    let rules = json!([
        { "effect": "allow" },
        { "effect": "deny", "path": "**/.env" },
        { "effect": "deny", "path": "/etc/**" },
    ]);
    for cwd in [json!(null), json!(""), json!("sub")] {
        for (command, expected) in [
            ("cat .env", "deny"),
            ("cat /etc/passwd", "deny"),
            ("cat /etc/p*", "ask"),
            ("ls", "allow"),
        ] {
            let request = json!({"tool": "Bash", "input": {"command": command}, "cwd": cwd});
            let output =
                simulate(json!({"rules": rules, "request": request}).to_string().as_bytes());

            assert_eq!(verdict(&output)["decision"], expected, "{cwd} {command}");
        }
    }
}
