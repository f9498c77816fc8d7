//! Calls that people decide about.

use codeplane_tests::TestDaemon;
use serde_json::json;

use super::kit::{Caller, approvals, call, daemon as with, pending, text};

#[test]
fn a_call_is_held_until_it_is_allowed_and_decided_once() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let [approval] = &pending(&daemon, 1)[..] else { panic!("one") };
    let id = text(approval, "id");

    assert!(!caller.is_answered(1));
    drop(daemon.cpctl(["approvals", "allow", id]).success());
    caller.answer(1).allows();

    let again = daemon.cpctl(["approvals", "deny", id]).failure(5);
    assert!(again.contains("allowed already"), "{again}");
    let log = daemon.cpctl(["audit", "ls"]).success();
    for kind in ["approval.requested", "approval.decided", "decision.made", "answer.delivered"] {
        assert_eq!(log.matches(kind).count(), 1, "{kind}: {log}");
    }
    // By whom, and in which approval.
    let made = daemon.cpctl(["audit", "ls", "--kind", "decision.made", "-o", "json"]).success();
    assert!(made.contains(&format!("\"value\": \"{id}\"")), "{made}");

    drop(daemon.cpctl(["kill", "a"]).success());
    drop(daemon.cpctl(["wait", "a"]).success());
    drop(daemon.cpctl(["rm", "a"]).success());
    // It outlives its session, and is found by the name that had.
    assert_eq!(approvals(&daemon, &["--all", "--session", "a"]).len(), 1);
}

#[test]
fn a_denial_tells_the_agent_what_the_person_said() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();

    drop(daemon.cpctl(["approvals", "deny", &id, "--message", "use just"]).success());

    assert_eq!(caller.answer(1).denies(), "use just");
}

#[test]
fn nobody_decides_in_time_and_it_is_denied() {
    let daemon = with("[approvals]\ntimeout = \"1s\"\n");
    let caller = Caller::start(&daemon, "a", &[]);

    let reason = caller.ask(1, &call("make")).denies();

    assert!(reason.contains("nobody decided in time"), "{reason}");
    assert_eq!(text(&approvals(&daemon, &["--all"])[0], "state"), "expired");
}

#[test]
fn an_answer_to_another_request_decides_nothing() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();

    let other = "0".repeat(64);
    let refused = daemon.cpctl(["approvals", "allow", &id, "--hash", &other]).failure(5);

    assert!(refused.contains("not the one that was shown"), "{refused}");
    assert_eq!(pending(&daemon, 1).len(), 1);
}

#[test]
fn a_grant_answers_the_next_call_until_it_is_revoked() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();

    drop(daemon.cpctl(["approvals", "allow", &id, "--grant", "session"]).success());
    caller.answer(1).allows();
    caller.ask(2, &call("make")).allows();
    let grants = daemon.cpctl(["grants", "ls", "-o", "json"]).success();
    let grants: serde_json::Value = serde_json::from_str(&grants).unwrap();
    drop(daemon.cpctl(["grants", "revoke", text(&grants[0], "id")]).success());
    caller.report(3, call("make").as_bytes());

    assert_eq!(pending(&daemon, 1).len(), 1, "asked again");
}

#[test]
fn a_grant_of_the_workspace_answers_another_session_there_and_none_elsewhere() {
    let daemon = TestDaemon::start();
    let first = Caller::start(&daemon, "a", &[]);
    first.report(1, call("make").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();
    let allow = ["approvals", "allow", &id, "--grant", "workspace", "--pattern", "Bash(make)"];
    drop(daemon.cpctl(allow).success());
    first.answer(1).allows();

    let beside = Caller::start_in(&daemon, ("b", "a"), &[]);
    let elsewhere = Caller::start(&daemon, "c", &[]);
    beside.ask(2, &call("make")).allows();
    elsewhere.report(1, call("make").as_bytes());

    let waits = pending(&daemon, 1);
    assert_eq!(text(&waits[0], "session_name"), "c");
}

#[test]
fn edited_input_is_judged_again() {
    let daemon = TestDaemon::start();
    let policy =
        "name: p\nrules:\n- {id: never, effect: deny, tool: Bash, command: 'rm:*', reason: no}\n";
    drop(daemon.cpctl_with(["policy", "apply", "-f", "-"], policy.as_bytes()).success());
    let caller = Caller::start(&daemon, "a", &["--policy", "p"]);
    caller.report(1, call("make").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();
    let allow = |command: &str| {
        let input = json!({"command": command}).to_string();
        daemon.cpctl(["approvals", "allow", &id, "--input", &input])
    };

    let refused = allow("rm x").failure(4);
    assert!(refused.contains("the edited input is denied"), "{refused}");
    drop(allow("make -n").success());

    let answer = caller.answer(1);
    answer.allows();
    assert!(answer.stdout.contains("make -n"), "{answer:?}");
}

#[test]
fn what_runs_in_the_place_of_what_was_asked_is_on_record() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();
    let input = r#"{"command":"deploy --token=hunter2hunter2"}"#;

    drop(daemon.cpctl(["approvals", "allow", &id, "--input", input]).success());

    assert!(caller.answer(1).stdout.contains("a person changed the input"), "the agent is told");
    let shown = daemon.cpctl(["approvals", "show", &id, "-o", "json"]).success();
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(text(&shown, "updated_input"), input);
    assert_eq!(text(&shown, "updated_subject"), "deploy --token=hunter2hunter2");
    for kind in ["approval.decided", "decision.made"] {
        let records = daemon.cpctl(["audit", "ls", "-o", "json", "--kind", kind]).success();
        assert!(records.contains("deploy --token=[masked]"), "{kind}: {records}");
        assert!(!records.contains("hunter2"), "{kind}: {records}");
        assert_eq!(kind == "approval.decided", records.contains("updated_hash"), "{kind}");
    }
}

#[test]
fn no_more_calls_of_a_session_wait_than_a_person_can_look_at() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    for number in 1..=16 {
        caller.report(number, call(&format!("make {number}")).as_bytes());
    }
    assert_eq!(pending(&daemon, 16).len(), 16);

    let reason = caller.ask(17, &call("make 17")).denies();

    assert!(reason.contains("TOO_MANY_PENDING"), "{reason}");
}
