use super::super::{Agent, ToolFate, TranscriptFact};

fn used(id: &str, tool: &str, input: &str) -> TranscriptFact {
    TranscriptFact::ToolUse {
        tool_use_id: id.to_owned(),
        tool: tool.to_owned(),
        input_text: input.to_owned(),
    }
}

fn result(id: &str, fate: ToolFate) -> TranscriptFact {
    TranscriptFact::ToolResult { tool_use_id: id.to_owned(), fate }
}

#[test]
fn claude_writes_each_tool_use_of_a_message() {
    let line = br#"{"parentUuid":null,"message":{"id":"m","content":[{"type":"text","text":"x"},
      {"type":"tool_use","id":"a","name":"Bash","input":{"command": "ls"}},
      {"type":"tool_use","id":"b","name":"Read","input":{}}]},"type":"assistant"}"#;

    let facts = Agent::Claude.transcript_line(line);

    assert_eq!(facts, [used("a", "Bash", r#"{"command": "ls"}"#), used("b", "Read", "{}")]);
}

#[test]
fn claude_writes_whether_a_call_ran() {
    let fate = |content: &str, more: &str| {
        let line = format!(
            r#"{{"type":"user","message":{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"a",{content}}}]}}{more}}}"#
        );
        match Agent::Claude.transcript_line(line.as_bytes()).as_slice() {
            [TranscriptFact::ToolResult { tool_use_id, fate }] if tool_use_id == "a" => *fate,
            other => panic!("no result: {other:?}"),
        }
    };
    let ran = r#""content":"ok","is_error":false"#;
    let error = r#""content":"PreToolUse:Bash hook error: no","is_error":true"#;

    assert_eq!(fate(ran, r#","permissionDecision":{"decision":"accept"}"#), ToolFate::Ran);
    assert_eq!(fate(error, ""), ToolFate::Ran);
    assert_eq!(fate(error, r#","toolDenialKind":"permission-rule""#), ToolFate::Refused);
    assert_eq!(fate(error, r#","permissionDecision":{"decision":"reject"}"#), ToolFate::Refused);
    assert_eq!(fate(error, r#","toolDenialKind":"interrupted""#), ToolFate::Interrupted);
    let invalid = r#""content":"<tool_use_error>no such tool","is_error":true"#;
    assert_eq!(fate(invalid, ""), ToolFate::Refused);
}

#[test]
fn other_lines_and_broken_ones_say_nothing() {
    let long = format!(r#"{{"type":"api-request-shape","tools":"{}"}}"#, "x".repeat(200_000));
    for line in [
        long.as_bytes(),
        br#"{"type":"user","message":{"role":"user","content":"tool_use"}}"#,
        br#"{"type":"assistant"}"#,
        br#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":1}]}}"#,
        br#"{"type":"assistant","message":{"content":[{"type":"tool_use","id":"a","na"#,
        b"",
        b"\xff\xfe",
        b"[]",
    ] {
        assert_eq!(Agent::Claude.transcript_line(line), [], "{}", line.escape_ascii());
        assert_eq!(Agent::Codex.transcript_line(line), []);
        assert_eq!(Agent::Generic.transcript_line(line), []);
    }
}

fn rollout(payload: &str) -> Vec<TranscriptFact> {
    let line =
        format!(r#"{{"timestamp":"t","ordinal":1,"type":"response_item","payload":{payload}}}"#);
    Agent::Codex.transcript_line(line.as_bytes())
}

fn function(name: &str, arguments: &str) -> Vec<TranscriptFact> {
    let arguments = serde_json::Value::from(arguments);
    rollout(&format!(
        r#"{{"type":"function_call","name":"{name}","arguments":{arguments},"call_id":"c"}}"#
    ))
}

#[test]
fn codex_writes_commands_and_patches_as_hooks_call_them() {
    let command = function("exec_command", r#"{"cmd":"ls \"x\"","workdir":"/w"}"#);
    assert_eq!(command, [used("c", "Bash", r#"{"command":"ls \"x\""}"#)]);
    let patch = r#"{"type":"custom_tool_call","call_id":"c","name":"apply_patch","input":"P\n"}"#;
    assert_eq!(rollout(patch), [used("c", "apply_patch", r#"{"command":"P\n"}"#)]);
    let tool = function("mcp__tracker__close", r#"{"id":1}"#);
    assert_eq!(tool, [used("c", "mcp__tracker__close", r#"{"id":1}"#)]);
    assert_eq!(function("update_plan", "{}"), []);
}

#[test]
fn codex_is_caught_at_what_it_shows_no_hook() {
    let unseen = |facts: &[TranscriptFact]| {
        facts.iter().any(|fact| matches!(fact, TranscriptFact::Unseen { .. }))
    };

    assert!(unseen(&function("write_stdin", r#"{"session_id":1,"chars":"rm x\n"}"#)));
    assert!(unseen(&function("exec_command", r#"{"cmd":"ls","shell":"/w/evil"}"#)));
    assert_eq!(function("write_stdin", r#"{"session_id":1}"#), []);
    assert_eq!(function("write_stdin", r#"{"session_id":1,"chars":""}"#), []);
}

#[test]
fn codex_writes_whether_a_call_ran() {
    for (output, fate) in [
        ("Chunk ID: 1\nOutput:\nCommand blocked by PreToolUse hook", ToolFate::Ran),
        ("Command blocked by PreToolUse hook: no. Command: ls", ToolFate::Refused),
        ("unsupported custom tool call: apply_patch", ToolFate::Refused),
    ] {
        let output = serde_json::Value::from(output);
        for kind in ["function_call_output", "custom_tool_call_output"] {
            let payload = format!(r#"{{"type":"{kind}","call_id":"c","output":{output}}}"#);
            assert_eq!(rollout(&payload), [result("c", fate)]);
        }
    }
}
