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

fn unseen(facts: &[TranscriptFact]) -> bool {
    facts.iter().any(|fact| matches!(fact, TranscriptFact::Unseen { .. }))
}

fn item(item: &str) -> Vec<TranscriptFact> {
    let line = format!(
        r#"{{"ordinal":1,"type":"event_msg","payload":{{"type":"item_completed","item":{item}}}}}"#
    );
    Agent::Codex.transcript_line(line.as_bytes())
}

#[test]
fn codex_is_caught_at_typing_into_commands() {
    assert!(unseen(&function("write_stdin", r#"{"session_id":1,"chars":"rm x\n"}"#)));
    assert_eq!(function("write_stdin", r#"{"session_id":1}"#), []);
    assert_eq!(function("write_stdin", r#"{"session_id":1,"chars":""}"#), []);
    let program = |javascript: &str| {
        let input = serde_json::Value::from(javascript);
        let call = r#""type":"custom_tool_call","call_id":"c","name":"exec""#;
        rollout(&format!("{{{call},\"input\":{input}}}"))
    };
    assert!(unseen(&program("await tools.write_stdin({session_id: s, chars: 'x'})")));
    assert_eq!(program("await tools.exec_command({cmd: 'ls'})"), []);
}

#[test]
fn codex_is_caught_at_choosing_what_runs_its_commands() {
    let run_by = |shell: &str| {
        item(&format!(
            r#"{{"type":"CommandExecution","id":"call_1","command":["{shell}","-lc","ls"],"status":"completed"}}"#
        ))
    };

    for shell in ["/w/evil", "/w/bash", "bash", "/usr/bin/python3"] {
        assert!(unseen(&run_by(shell)), "{shell}");
    }
    for shell in ["/bin/bash", "/usr/bin/zsh", "/bin/sh"] {
        assert_eq!(run_by(shell), [], "{shell}");
    }
}

#[test]
fn what_a_program_of_codex_did_is_told_by_the_ids_that_hooks_see() {
    let ran = item(
        r#"{"type":"CommandExecution","id":"exec-1","command":["/bin/bash","-lc","ls"],"status":"failed"}"#,
    );
    assert_eq!(
        ran,
        [used("exec-1", "Bash", r#"{"command":"ls"}"#), result("exec-1", ToolFate::Ran)]
    );
    let declined = item(
        r#"{"type":"CommandExecution","id":"exec-1","command":["/bin/bash","-lc","ls"],"status":"declined"}"#,
    );
    assert_eq!(declined[1], result("exec-1", ToolFate::Refused));
    let patched = item(r#"{"type":"FileChange","id":"exec-2","changes":{"/w/a":{}}}"#);
    assert_eq!(
        patched,
        [used("exec-2", "apply_patch", r#"{"/w/a":{}}"#), result("exec-2", ToolFate::Ran)]
    );
    let mcp = item(r#"{"type":"McpToolCall","id":"exec-3","server":"s","tool":"t"}"#);
    assert_eq!(mcp[0], used("exec-3", "mcp__s__t", "{}"));
    assert_eq!(item(r#"{"type":"AgentMessage","id":"exec-4"}"#), []);
}

#[test]
fn codex_writes_whether_a_call_ran() {
    for (output, fate) in [
        ("Chunk ID: 1\nOutput:\nCommand blocked by PreToolUse hook", ToolFate::Ran),
        ("Command blocked by PreToolUse hook: no. Command: ls", ToolFate::Refused),
        ("Wall time: 3.1 seconds\naborted by user", ToolFate::Interrupted),
        ("Wall time: 3.1 seconds\nOutput:\naborted by user", ToolFate::Ran),
        ("unsupported custom tool call: apply_patch", ToolFate::Refused),
    ] {
        let output = serde_json::Value::from(output);
        for kind in ["function_call_output", "custom_tool_call_output"] {
            let payload = format!(r#"{{"type":"{kind}","call_id":"c","output":{output}}}"#);
            assert_eq!(rollout(&payload), [result("c", fate)]);
        }
    }
}
