//! What a remembered answer does not answer.

use std::fs;
use std::os::unix::fs::symlink;

use codeplane_tests::TestDaemon;
use serde_json::{Value, json};

use super::kit::{Caller, approvals, call, pending, text};

/// Binds a policy of one rule to every session.
#[track_caller]
fn rule(daemon: &TestDaemon, rule: &str) {
    let policy = format!("name: p\nrules:\n- {rule}\n");
    drop(daemon.cpctl_with(["policy", "apply", "-f", "-"], policy.as_bytes()).success());
    drop(daemon.cpctl(["policy", "bind", "p", "--default"]).success());
}

/// The one call that waits.
#[track_caller]
fn asked(daemon: &TestDaemon) -> Value {
    pending(daemon, 1).remove(0)
}

/// It waits, and no answer to it can be remembered; then it is allowed, this once.
#[track_caller]
fn allow_only_once(daemon: &TestDaemon, caller: &Caller<'_>, number: u32, because: &str) {
    let approval = asked(daemon);
    let id = text(&approval, "id");
    assert!(text(&approval, "not_grantable").contains(because), "{approval}");
    assert_eq!(approval["grant_patterns"], json!([]));
    for scope in ["session", "workspace"] {
        let refused = daemon.cpctl(["approvals", "allow", id, "--grant", scope]).failure(5);
        assert!(refused.contains("this answer cannot be remembered"), "{refused}");
    }
    assert!(!caller.is_answered(number));

    drop(daemon.cpctl(["approvals", "allow", id]).success());
    caller.answer(number).allows();
}

#[test]
fn a_grant_answers_what_a_rule_asks_and_not_what_it_always_asks() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let id = text(&asked(&daemon), "id").to_owned();
    drop(daemon.cpctl(["approvals", "allow", &id, "--grant", "session"]).success());
    caller.answer(1).allows();
    rule(&daemon, "{id: careful, effect: ask, tool: Bash, command: make}");
    caller.ask(2, &call("make")).allows();

    rule(&daemon, "{id: careful, effect: ask, always_ask: true, tool: Bash, command: make}");
    for number in [3, 4] {
        caller.report(number, call("make").as_bytes());
        allow_only_once(&daemon, &caller, number, "always");
    }

    assert_eq!(approvals(&daemon, &["--all"]).len(), 3);
    rule(&daemon, "{id: careful, effect: ask, tool: Bash, command: make}");
    caller.ask(5, &call("make")).allows();
}

#[test]
fn a_grant_opens_no_protected_path() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    let place = daemon.home().join("a");
    let write = |name: &str| {
        let path = place.join(name);
        json!({
            "event": "tool_requested", "tool": "Write", "cwd": place, "tool_use_id": name,
            "input": {"file_path": path, "content": "x"},
        })
        .to_string()
    };
    caller.report(1, write("one").as_bytes());
    let first = asked(&daemon);
    let pattern = format!("Write({}/**)", place.display());
    let allow = ["approvals", "allow", text(&first, "id"), "--grant", "session", "--pattern"];
    drop(daemon.cpctl([&allow[..], &[&pattern]].concat()).success());
    caller.answer(1).allows();
    caller.ask(2, &write("two")).allows();

    // What was granted may lead there by now.
    fs::create_dir(place.join(".git")).unwrap();
    symlink(place.join(".git/config"), place.join("two")).unwrap();
    let protected = [".git/hooks/pre-commit", ".claude/settings.json", ".mcp.json", "two"];
    for (number, name) in (3..).zip(protected) {
        caller.report(number, write(name).as_bytes());
        allow_only_once(&daemon, &caller, number, "protected");
    }
    caller.ask(7, &write("below/three")).allows();
}
