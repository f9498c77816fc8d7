//! Calls that rules answer.

use codeplane_tests::TestDaemon;

use super::kit::{Caller, approvals, call, pending, text};

#[test]
fn a_call_that_a_rule_allows_is_made_and_one_that_is_denied_says_why() {
    let daemon = TestDaemon::start();
    let policy = "name: p\nrules:\n\
        - {id: never, effect: deny, tool: Bash, command: 'rm:*', reason: nothing is removed here}\n";
    drop(daemon.cpctl_with(["policy", "apply", "-f", "-"], policy.as_bytes()).success());
    let caller = Caller::start(&daemon, "a", &["--policy", "p", "--allow", "Bash(make:*)"]);

    caller.ask(1, &call("make test")).allows();
    let reason = caller.ask(2, &call("make test && rm -rf x")).denies();

    assert!(reason.contains("nothing is removed here"), "{reason}");
    assert_eq!(approvals(&daemon, &["--all"]), Vec::<serde_json::Value>::new());
    let log = daemon.cpctl(["audit", "ls"]).success();
    let decided: Vec<&str> = log.lines().filter(|line| line.contains("decision.made")).collect();
    let [allowed, denied] = decided[..] else { panic!("two: {log}") };
    for (line, words) in [
        (allowed, ["a", "allowed", "Bash", "make test", "@session/allow-1"]),
        (denied, ["a", "denied", "Bash", "make test && rm -rf x", "p/never"]),
    ] {
        assert!(words.iter().all(|word| line.contains(&format!(" {word}"))), "{line}");
    }
    drop(daemon.cpctl(["audit", "verify"]).success());
}

#[test]
fn nobody_is_asked_about_an_unattended_session() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &["--unattended", "--allow", "Bash(make)"]);

    caller.ask(1, &call("make")).allows();
    let reason = caller.ask(2, &call("make install")).denies();

    assert!(reason.contains("unattended") || reason.contains("default"), "{reason}");
    assert_eq!(approvals(&daemon, &["--all"]), Vec::<serde_json::Value>::new());
}

#[test]
fn a_dangerous_session_asks_nobody_but_its_denials_hold() {
    let daemon = TestDaemon::start();
    let policy =
        "name: p\nrules:\n- {id: never, effect: deny, tool: Bash, command: 'rm:*', reason: no}\n";
    drop(daemon.cpctl_with(["policy", "apply", "-f", "-"], policy.as_bytes()).success());
    let caller = Caller::start(&daemon, "a", &["--dangerous", "--policy", "p"]);

    caller.ask(1, &call("anything $(goes)")).allows();
    caller.ask(2, &call("rm x")).denies();

    let shown = daemon.cpctl(["get", "a"]).success();
    assert!(shown.to_lowercase().contains("dangerous"), "{shown}");
    let log = daemon.cpctl(["audit", "ls"]).success();
    assert!(log.contains("session.dangerous"), "{log}");
}

#[test]
fn each_session_is_judged_by_its_own_rules() {
    let daemon = TestDaemon::start();
    let free = Caller::start(&daemon, "free", &["--unattended", "--allow", "Bash(make)"]);
    let bound = Caller::start(&daemon, "bound", &["--unattended"]);

    free.ask(1, &call("make")).allows();
    bound.ask(1, &call("make")).denies();
}

#[test]
fn where_no_policy_judges_it_is_said_when_it_starts_and_when_it_asks() {
    let daemon = TestDaemon::start();
    let plain = daemon.cpctl(["run", "-d", "--", "sleep", "100"]);
    assert_eq!((plain.stderr.as_str(), plain.code), ("", 0));

    let no_effect = daemon.cpctl(["run", "-d", "--unattended", "--", "sleep", "100"]);
    assert!(no_effect.stderr.contains("unattended may have no effect"), "{}", no_effect.stderr);
    let started = daemon.cpctl(["run", "-d", "--provider", "generic", "--", "sleep", "100"]);
    assert!(started.stderr.contains("no policy judges this session"), "{}", started.stderr);
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    let id = text(&pending(&daemon, 1)[0], "id").to_owned();

    let shown = daemon.cpctl(["approvals", "show", &id]).success();
    assert!(shown.contains("no policy judges this session"), "{shown}");
    drop(daemon.cpctl(["approvals", "deny", &id]).success());
    caller.answer(1).denies();
}
