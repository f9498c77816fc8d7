//! Reports that nobody should send.

use codeplane_tests::{PATIENCE, TestDaemon, run};
use serde_json::json;

use super::kit::{Caller, approvals, call};

#[test]
fn what_cannot_be_read_is_denied_and_nobody_is_asked() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &["--allow", "Bash"]);
    let deep = format!(
        "{{\"event\":\"tool_requested\",\"tool\":\"x\",\"input\":{}1{}}}",
        "[".repeat(9_000),
        "]".repeat(9_000)
    );
    let cases: [&[u8]; 11] = [
        b"",
        b"{",
        b"null",
        b"{\"event\":\"tool_requested\"}",
        b"{\"event\":\"tool_reqested\",\"tool\":\"Bash\",\"input\":{\"command\":\"ls\"}}",
        b"{\"event\":\"tool_requested\",\"tool\":\"Bash\",\"input\":{\"command\":\"ls\"},\"cwd\":\"a\"}",
        b"{\"event\":\"tool_requested\",\"tool\":\"Bash\",\"tool\":\"Read\",\"input\":{}}",
        b"{\"event\":\"tool_requested\",\"tool\":\"Bash\",\"input\":{\"command\":\"a\",\"command\":\"b\"}}",
        b"{\"event\":\"tool_requested\",\"tool\":\"Bash\",\"input\":{\"command\":7}}",
        b"{\"event\":\"tool_requested\",\"tool\":\"Bash\",\"input\":{\"command\":\"\xff\"}}",
        deep.as_bytes(),
    ];
    for (number, body) in (1..).zip(cases) {
        caller.report(number, body);
        let reason = caller.answer(number).denies();
        assert!(!reason.is_empty(), "{number}");
    }
    assert_eq!(approvals(&daemon, &["--all"]), Vec::<serde_json::Value>::new());
}

#[test]
fn a_call_of_ten_megabytes_is_judged_and_one_of_twenty_is_not() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &["--unattended", "--allow", "mcp__notes__write"]);
    let body = |bytes: usize| {
        json!({
            "event": "tool_requested", "tool": "mcp__notes__write", "cwd": "/tmp",
            "input": {"text": "x".repeat(bytes)},
        })
        .to_string()
    };

    caller.ask(1, &body(10 << 20)).allows();
    let reason = caller.ask(2, &body(20 << 20)).denies();

    assert!(reason.contains("TOO_LARGE"), "{reason}");
}

#[test]
fn a_token_is_good_in_its_own_session_while_that_runs_and_nowhere_else() {
    let daemon = TestDaemon::start();
    let own = Caller::start(&daemon, "own", &["--allow", "Bash(make)"]);
    own.ask(1, &call("make")).allows();
    let tokens = || -> Vec<_> {
        let files = std::fs::read_dir(daemon.runtime_dir().join("hook")).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "token")).collect()
    };
    let token = tokens().pop().unwrap();

    // From outside of every session.
    let mut outside = daemon.command("cpctl");
    outside.args(["hook", "generic", "--token-file"]).arg(&token);
    let refused = run(&mut outside, call("make").as_bytes(), PATIENCE);
    assert_eq!(refused.code, 2, "{refused:?}");

    // From another session: which may only ask for itself.
    let flag = format!("--env=CODEPLANE_HOOK_TOKEN_FILE={}", token.display());
    let thief = Caller::start(&daemon, "thief", &["--unattended", &flag]);
    thief.ask(1, &call("make")).denies();

    // After its end.
    let copy = daemon.home().join("copy.token");
    std::fs::copy(&token, &copy).unwrap();
    drop(daemon.cpctl(["kill", "own"]).success());
    drop(daemon.cpctl(["wait", "own"]).success());
    assert!(!token.exists(), "the token goes with its run");
    assert!(copy.exists());
}

#[test]
fn a_tool_nobody_knows_is_asked_about_and_an_event_nobody_knows_is_denied() {
    let daemon = TestDaemon::start();
    let caller = Caller::start(&daemon, "a", &["--unattended"]);

    let strange = json!({"event": "tool_requested", "tool": "Teleport", "input": {"to": "/etc"}});
    let reason = caller.ask(1, &strange.to_string()).denies();
    // It may be the gate, mistyped.
    let unknown = caller.ask(2, "{\"event\": \"moon_rose\"}").denies();

    assert!(!reason.is_empty());
    assert!(unknown.starts_with("MALFORMED: 'moon_rose' is no event"), "{unknown}");
}
