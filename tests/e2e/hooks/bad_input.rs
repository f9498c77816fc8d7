//! Reports that nobody should send.

use codeplane_tests::TestDaemon;
use serde_json::json;

use super::kit::{Caller, approvals};

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
