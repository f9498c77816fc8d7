//! Decisions, looked at afterwards.

use std::os::unix::fs::symlink;

use codeplane_tests::TestDaemon;
use serde_json::{Value, json};

use super::kit::{Caller, call, pending, text};

const FIRST: &str = "\
name: p
rules:
- {id: echo, effect: allow, tool: Bash, command: 'echo:*'}
- {id: notes, effect: allow, tool: Read, path: 'notes/**'}
- {id: never, effect: deny, tool: Bash, command: 'rm:*', reason: no}
";

const SECOND: &str = "\
name: p
rules:
- {id: echo, effect: allow, tool: Bash, command: 'echo hi'}
- {id: never, effect: deny, tool: Bash, command: 'make:*', reason: no}
";

fn apply(daemon: &TestDaemon, policy: &str) {
    drop(daemon.cpctl_with(["policy", "apply", "-f", "-"], policy.as_bytes()).success());
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The decisions, the newest first.
fn decisions(daemon: &TestDaemon, options: &[&str]) -> Vec<Value> {
    let listed = daemon.cpctl([&["decisions", "ls", "-o", "json"], options].concat()).success();
    json_of(&listed).as_array().unwrap().clone()
}

fn explained(daemon: &TestDaemon, decision: &Value) -> Value {
    json_of(&daemon.cpctl(["explain", text(decision, "id"), "-o", "json"]).success())
}

#[test]
fn a_decision_is_explained_by_what_was_bound_and_known_when_it_was_made() {
    let daemon = TestDaemon::start();
    apply(&daemon, FIRST);
    let caller = Caller::start(&daemon, "a", &["--policy", "p", "--allow", "Bash(make:*)"]);
    let place = daemon.home().join("a");
    std::fs::create_dir(place.join("notes")).unwrap();
    std::fs::write(place.join("notes/today"), "").unwrap();
    symlink(place.join("notes/today"), place.join("notes/link")).unwrap();
    let read = json!({
        "event": "tool_requested", "tool": "Read", "cwd": place, "tool_use_id": "r",
        "input": {"file_path": "notes/link"},
    });
    caller.ask(1, &call("echo hi && make")).allows();
    caller.ask(2, &read.to_string()).allows();
    assert!(caller.ask(3, &call("rm x")).denies().contains("never"));

    // Policy, link and session are others now.
    apply(&daemon, SECOND);
    std::fs::remove_file(place.join("notes/link")).unwrap();
    symlink("/etc/passwd", place.join("notes/link")).unwrap();
    drop(daemon.cpctl(["rm", "--force", "a"]).success());

    let all = decisions(&daemon, &[]);
    assert_eq!(all.len(), 3);
    for decision in &all {
        let told = explained(&daemon, decision);
        assert_eq!(told["repeats"], true, "{told:#}");
        assert_eq!(told["recorded"], told["again"], "{told:#}");
        assert_eq!(told["decision"]["policies"][0]["revision"], 1);
        assert!(told["audit_seq"].as_u64().unwrap() > 0, "{told:#}");
    }
    let denied = decisions(&daemon, &["--denied"]);
    assert_eq!(denied.len(), 1);
    assert_eq!(text(&denied[0], "subject"), "rm x");
    assert_eq!(decisions(&daemon, &["--allowed", "--tool", "Read"]).len(), 1);
    let shown = daemon.cpctl(["explain", text(&denied[0], "id")]).success();
    assert!(shown.contains("p/never") && shown.contains("the same revisions"), "{shown}");
}

#[test]
fn what_a_grant_answered_is_explained_after_it_was_revoked() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();
    drop(daemon.cpctl(["approvals", "allow", &id, "--grant", "session"]).success());
    caller.answer(1).allows();
    caller.ask(2, &call("make")).allows();
    let grants = json_of(&daemon.cpctl(["grants", "ls", "-o", "json"]).success());
    drop(daemon.cpctl(["grants", "revoke", text(&grants[0], "id")]).success());

    let all = decisions(&daemon, &[]);
    let (by_grant, by_person) = (explained(&daemon, &all[0]), explained(&daemon, &all[1]));

    assert_eq!(text(&by_grant["decision"], "source"), "grant");
    assert_eq!(text(&by_grant["again"], "decision"), "allow");
    assert_eq!(by_grant["repeats"], true, "{by_grant:#}");
    assert_eq!(text(&by_person["approval"], "id"), id);
    assert_eq!(text(&by_person["again"], "decision"), "ask");
    assert_eq!(by_person["repeats"], true, "{by_person:#}");
}

#[test]
fn secrets_are_masked_in_what_is_shown_of_decisions() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &["--allow", "Bash(echo:*)"]);
    let secret = format!("ghp_{}", "a1B2".repeat(9));
    caller.ask(1, &call(&format!("echo {secret}"))).allows();

    let listed = daemon.cpctl(["decisions", "ls", "-o", "json"]).success();
    let told = explained(&daemon, &json_of(&listed)[0]);

    assert_eq!(told["repeats"], true, "what is judged is not masked: {told:#}");
    for shown in [listed, told.to_string()] {
        assert!(!shown.contains(&secret) && shown.contains("[masked]"), "{shown}");
    }
}

#[test]
fn a_decision_that_is_none_is_not_explained() {
    let daemon = TestDaemon::start();

    for name in ["00000000", "x", "zzzz"] {
        let said = daemon.cpctl(["explain", name]).failure(3);
        assert!(said.contains("decision"), "{said}");
    }
}

#[test]
fn two_revisions_are_compared_over_the_calls_that_were_made() {
    let daemon = TestDaemon::start();
    apply(&daemon, FIRST);
    let bound = Caller::start(&daemon, "a", &["--policy", "p"]);
    let other = Caller::start(&daemon, "b", &["--allow", "Bash(echo:*)"]);
    for (number, command) in (1..).zip(["echo hi", "echo ho", "echo hu"]) {
        bound.ask(number, &call(command)).allows();
    }
    assert!(bound.ask(4, &call("rm x")).denies().contains("never"));
    other.ask(1, &call("echo of another session")).allows();
    apply(&daemon, SECOND);
    let diff = |options: &[&str]| {
        daemon.cpctl([&["policy", "diff", "p", "1", "2"], options].concat()).success()
    };

    let found = json_of(&diff(&["--last", "100", "-o", "json"]));
    let newest = json_of(&diff(&["--last", "1", "-o", "json"]));

    let changes: Vec<(&str, &str, &str)> = found["changed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let says = |side: &str| text(&one[side], "decision");
            (text(&one["decision"], "subject"), says("before"), says("after"))
        })
        .collect();
    assert_eq!(
        changes,
        [("rm x", "deny", "ask"), ("echo hu", "allow", "ask"), ("echo ho", "allow", "ask")]
    );
    assert_eq!(found["summary"], json!({"judged": 4, "changed": 3, "left_out": 0}));
    assert_eq!(newest["summary"], json!({"judged": 1, "changed": 1, "left_out": 0}));
    let shown = diff(&["--last", "100"]);
    assert!(shown.contains("--- p revision 1") && shown.contains("allow -> ask"), "{shown}");
    assert!(shown.contains("4 calls judged by both, 3 with another answer"), "{shown}");
    assert!(!diff(&[]).contains("judged by both"));
    drop(daemon.cpctl(["policy", "diff", "p", "1", "9", "--last", "5"]).failure(3));
    drop(daemon.cpctl(["policy", "diff", "p", "-o", "json"]).failure(2));
}
