//! What can be shown later of what was decided, and of who could decide what.

use codeplane_tests::{PATIENCE, TestDaemon, wait_until};
use nix::unistd::{User, getuid};
use serde_json::{Value, json};

use super::kit::{Caller, approvals, call, pending, text};

/// Binds these rules to every session.
#[track_caller]
fn rules(daemon: &TestDaemon, rules: &str) {
    let policy = format!("name: test\nrules:\n{rules}");
    drop(daemon.cpctl_with(["policy", "apply", "-f", "-"], policy.as_bytes()).success());
    drop(daemon.cpctl(["policy", "bind", "test", "--default"]).success());
}

/// The newest record of a kind.
#[track_caller]
fn record(daemon: &TestDaemon, kind: &str) -> Value {
    let listed = daemon.cpctl(["audit", "ls", "--kind", kind, "-o", "json"]).success();
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    listed.last().unwrap_or_else(|| panic!("no record {kind}")).clone()
}

#[test]
fn input_that_is_edited_into_what_somebody_else_must_decide_is_not_allowed_by_its_owner() {
    let daemon = TestDaemon::start();
    rules(
        &daemon,
        "- {id: make, effect: ask, tool: Bash, command: 'make:*'}\n\
         - {id: deploy, effect: ask, tool: Bash, command: 'deploy:*', four_eyes: true}\n",
    );
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();

    let edited = ["approvals", "allow", &id, "--input", "{\"command\": \"deploy prod\"}"];
    let refused = daemon.cpctl(edited).failure(4);

    assert!(refused.contains("somebody else"), "{refused}");
    assert!(!caller.is_answered(1));
    assert_eq!(text(&pending(&daemon, 1)[0], "state"), "pending");
}

#[test]
fn what_a_session_may_do_of_itself_stands_in_the_log() {
    let daemon = TestDaemon::start();
    drop(Caller::start(&daemon, "a", &["--allow", "Bash(ls:*)", "--unattended"]));

    let created = record(&daemon, "session.created").to_string();

    assert!(created.contains("Bash(ls:*)"), "{created}");
    assert!(created.contains("\"asks\"") && created.contains("denied"), "{created}");
}

#[test]
fn records_of_an_approval_say_where_in_the_output_it_was() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();
    drop(daemon.cpctl(["approvals", "allow", &id, "--grant", "session"]).success());
    caller.answer(1).allows();

    for kind in ["approval.requested", "approval.decided", "grant.created", "answer.delivered"] {
        let record = record(&daemon, kind);
        assert!(
            record["position"]["offset"].is_string() || record["position"]["offset"].is_u64(),
            "{record}"
        );
    }
}

#[test]
fn events_show_no_secret_that_can_be_recognised() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let body = json!({
        "event": "tool_requested", "tool": "Bash", "cwd": "/tmp",
        "input": {"command": format!("make x --token {secret}")},
    });
    caller.report(1, body.to_string().as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();
    drop(daemon.cpctl(["approvals", "allow", &id, "--grant", "session"]).success());
    caller.answer(1).allows();

    let events = daemon.cpctl(["events", "-o", "json"]).success();

    assert!(events.contains("approval_requested") && events.contains("grant_created"), "{events}");
    assert!(!events.contains(secret), "{events}");
}

#[test]
fn a_call_too_long_to_be_kept_whole_is_not_remembered() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    let body = json!({
        "event": "tool_requested", "tool": "Write", "cwd": "/tmp",
        "input": {"file_path": "/tmp/x", "content": "x".repeat(300 << 10)},
    });
    caller.report(1, body.to_string().as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();

    let refused = daemon.cpctl(["approvals", "allow", &id, "--grant", "session"]).failure(5);

    assert!(refused.contains("longer than 256 KiB"), "{refused}");
    assert_eq!(approvals(&daemon, &[]).len(), 1);
}

#[test]
fn a_rule_for_a_user_fits_that_users_sessions_by_name_and_by_number() {
    let Ok(Some(user)) = User::from_uid(getuid()) else { return };
    for written in [user.name, format!("uid:{}", getuid())] {
        let daemon = TestDaemon::start();
        let rule = "effect: deny, tool: Bash, command: 'make:*'";
        rules(&daemon, &format!("- {{id: no, {rule}, user: '{written}'}}\n"));
        let caller = Caller::start(&daemon, "a", &[]);

        let reason = caller.ask(1, &call("make")).denies();

        assert!(reason.contains("test/no"), "{written}: {reason}");
    }
}

#[test]
fn no_rule_lets_an_agent_read_where_the_daemon_keeps_its_keys() {
    let daemon = TestDaemon::start();
    rules(&daemon, "- {id: all, effect: allow}\n");
    let caller = Caller::start(&daemon, "a", &[]);
    let key = daemon.state_dir().join("audit/signing.key").display().to_string();
    let read = json!({
        "event": "tool_requested", "tool": "Read", "input": {"file_path": key}, "cwd": "/tmp",
    });

    caller.report(1, read.to_string().as_bytes());
    caller.report(2, call(&format!("cat {key}")).as_bytes());

    assert_eq!(pending(&daemon, 2).len(), 2);
    caller.ask(3, &call("cat other")).allows();
}

#[test]
fn a_call_that_was_allowed_once_is_judged_again_where_the_agent_asks_again() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    let asked = |event: &str, id: &str| {
        json!({
            "hook_event_name": event, "tool_name": "Bash", "tool_input": {"command": "touch x"},
            "cwd": "/tmp", "tool_use_id": id, "session_id": "s",
        })
        .to_string()
    };
    caller.dialect(1, "claude --event PreToolUse");
    caller.report(1, asked("PreToolUse", "t1").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();
    drop(daemon.cpctl(["approvals", "allow", &id]).success());
    assert!(caller.answer(1).stdout.contains("\"allow\""));
    rules(&daemon, "- {id: no, effect: deny, tool: Bash, command: 'touch:*'}\n");

    caller.dialect(2, "claude --event PermissionRequest");
    let again = caller.ask(2, &asked("PermissionRequest", ""));

    assert!(again.stdout.contains("\"deny\""), "{again:?}");
}

#[test]
fn a_hook_program_that_somebody_replaces_is_put_back() {
    let daemon = TestDaemon::start();
    let program = daemon.state_dir().join("hook-entry");
    let genuine = std::fs::read(&program).unwrap();
    let other = program.with_extension("other");
    std::fs::write(&other, "#!/bin/sh\nexit 0\n").unwrap();

    std::fs::rename(&other, &program).unwrap();

    wait_until("the program to be put back", PATIENCE, || {
        if std::fs::read(&program).is_ok_and(|found| found == genuine) { Ok(()) } else { Err("") }
    });
    assert!(daemon.log().contains("was changed: put back"));
}

#[test]
fn what_somebody_made_of_a_call_is_what_the_lists_say_was_allowed() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();
    let edited = ["approvals", "allow", &id, "--input", "{\"command\": \"make -n\"}"];
    drop(daemon.cpctl(edited).success());
    caller.answer(1).allows();

    let decisions = daemon.cpctl(["decisions", "ls"]).success();
    let audit = daemon.cpctl(["audit", "ls", "--kind", "decision.made"]).success();

    for list in [decisions, audit] {
        assert!(list.contains("make -n (edited, asked: make)"), "{list}");
    }
}
