//! What holds when the daemon, a hook or a session goes.

use codeplane_tests::{PATIENCE, TestDaemon, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::kit::{Caller, approvals, call, daemon as with, pending, text};

#[test]
fn without_a_daemon_a_call_is_denied() {
    let mut daemon = TestDaemon::start();
    {
        let caller = Caller::start(&daemon, "a", &["--allow", "Bash(make)"]);
        caller.ask(1, &call("make")).allows();
        // It begins to ask before the daemon goes, and goes on asking for seconds.
        caller.report_when(2, call("make").as_bytes(), "go");
    }
    daemon.kill_hard();
    Caller::let_go(&daemon, "a", "go");

    let caller = Caller::again(&daemon, "a");
    let reason = caller.answer(2).denies();
    assert!(reason.contains("daemon"), "{reason}");
    daemon.launch();
}

#[test]
fn a_call_waits_on_while_the_daemon_is_killed_and_started_again() {
    let mut daemon = TestDaemon::start();
    let id = {
        let caller = Caller::start(&daemon, "a", &[]);
        caller.report(1, call("make").as_bytes());
        text(&pending(&daemon, 1)[0], "id").to_owned()
    };

    daemon.kill_hard();
    daemon.launch();

    assert_eq!(text(&pending(&daemon, 1)[0], "id"), id);
    drop(daemon.cpctl(["approvals", "allow", &id]).success());
    let caller = Caller::again(&daemon, "a");
    caller.answer(1).allows();
}

#[test]
fn a_daemon_that_is_told_to_stop_waits_for_no_call_that_waits_and_the_next_one_answers_it() {
    // Whatever does not end by itself keeps the daemon for longer than the test waits for it.
    let mut daemon = with("[server]\nshutdown_grace = \"1h\"\n");
    let id = {
        let caller = Caller::start(&daemon, "a", &[]);
        caller.report(1, call("make").as_bytes());
        text(&pending(&daemon, 1)[0], "id").to_owned()
    };

    assert_eq!(daemon.stop(), Some(0));
    daemon.launch();

    let caller = Caller::again(&daemon, "a");
    assert!(!caller.is_answered(1));
    drop(daemon.cpctl(["approvals", "allow", &id]).success());
    caller.answer(1).allows();
    let events = daemon.cpctl(["events", "-o", "jsonl"]).success();
    let place = |kind: &str| events.find(kind).unwrap_or_else(|| panic!("no {kind}: {events}"));
    assert!(place("approval.requested") < place("daemon.stopping"));
    assert!(place("daemon.stopping") < place("approval.resolved"));
}

#[test]
fn a_call_whose_hook_is_killed_is_cancelled() {
    // At once, and not when the time is over in which it could ask again.
    let daemon = with("[approvals]\nrejoin_grace = \"5m\"\n");
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    pending(&daemon, 1);

    // The subshell's child is the hook.
    let shell = caller.waiter(1);
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
    let hook: i32 = children.split_whitespace().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(hook), Signal::SIGKILL).unwrap();

    wait_until("the approval to be cancelled", PATIENCE, || {
        let list = approvals(&daemon, &["--all"]);
        if text(&list[0], "state") == "cancelled" { Ok(()) } else { Err(list) }
    });
    let idle = ["wait", "a", "--for", "idle", "--timeout", "60s"];
    drop(daemon.cpctl(idle).success());
}

#[test]
fn what_waits_is_cancelled_when_its_session_ends() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &[]);
    caller.report(1, call("make").as_bytes());
    pending(&daemon, 1);

    drop(daemon.cpctl(["kill", "a"]).success());

    assert!(pending(&daemon, 0).is_empty());
    assert_eq!(text(&approvals(&daemon, &["--all"])[0], "state"), "cancelled");
}
