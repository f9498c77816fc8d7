use codeplane_core::policy::Value;

use super::super::{
    Agent, Answer, Background, HookKind, HookReport, Notification, Outcome, ToolCall, Unreadable,
};
use super::call;

fn claude(body: &str) -> HookReport {
    Agent::Claude.read_hook(None, body.as_bytes()).unwrap()
}

fn unreadable(agent: Agent, event: Option<&str>, body: &[u8]) -> Unreadable {
    agent.read_hook(event, body).unwrap_err()
}

const BEFORE_TOOL: &str = r#"{"session_id":"11111111-1111-4111-8111-111111111111",
  "transcript_path":"/home/a/.claude/projects/-w/1.jsonl","cwd":"/w","permission_mode":"default",
  "agent_id":"ace1","hook_event_name":"PreToolUse","tool_name":"Bash",
  "tool_input":{"command":"ls  \u002da",  "timeout":1.50},"tool_use_id":"toolu_1"}"#;

#[test]
fn a_tool_request_of_claude_is_read_with_its_input_byte_by_byte() {
    let report = claude(BEFORE_TOOL);

    assert_eq!(report.name, "PreToolUse");
    assert_eq!(report.conversation.as_deref(), Some("11111111-1111-4111-8111-111111111111"));
    assert_eq!(report.transcript.unwrap().to_str(), Some("/home/a/.claude/projects/-w/1.jsonl"));
    assert_eq!(report.cwd.as_deref(), Some("/w"));
    assert_eq!(report.subagent.as_deref(), Some("ace1"));
    assert_eq!(report.permission_mode.as_deref(), Some("default"));
    let HookKind::ToolRequested(call) = report.kind else { panic!("no request") };
    assert_eq!((call.tool.as_str(), call.tool_use_id.as_deref()), ("Bash", Some("toolu_1")));
    assert_eq!(call.input_text, br#"{"command":"ls  \u002da",  "timeout":1.50}"#);
    assert_eq!(call.input.unwrap().get("command").and_then(Value::as_str), Some("ls  -a"));
}

#[test]
fn a_permission_request_has_no_id_and_is_read_all_the_same() {
    let body = r#"{"hook_event_name":"PermissionRequest","tool_name":"Write","tool_input":{}}"#;
    for agent in [Agent::Claude, Agent::Codex] {
        let report = agent.read_hook(Some("PermissionRequest"), body.as_bytes()).unwrap();
        let HookKind::PermissionRequested(call) = report.kind else { panic!("no request") };
        assert_eq!((call.tool.as_str(), call.tool_use_id), ("Write", None));
    }
}

#[test]
fn an_input_that_two_readers_could_understand_differently_cannot_be_judged() {
    for (input, why) in [
        (r#"{"command":"ls","command":"rm x"}"#, "a name twice in one object"),
        (r#"{"command":"ls\u0000"}"#, "NUL in a string"),
        (r#"{"command":"\ud800"}"#, "half a surrogate pair"),
    ] {
        let call = call(Agent::Claude, "Bash", input);

        assert_eq!(call.input, Err(why.to_owned()), "{input}");
        assert_eq!(call.input_text, input.as_bytes());
    }
    let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
    assert!(call(Agent::Codex, "x", &deep).input.is_err());
}

#[test]
fn a_call_without_its_input_is_read_and_cannot_be_judged() {
    let body = r#"{"hook_event_name":"PreToolUse","tool_name":"Bash"}"#;

    let HookKind::ToolRequested(call) = claude(body).kind else { panic!("no request") };

    assert_eq!(call.input, Err("'tool_input' is missing".to_owned()));
    assert!(call.input_text.is_empty());
}

#[test]
fn what_cannot_be_read_may_be_a_gating_event_unless_its_name_is_known() {
    for body in [&b"{"[..], b"", b"[]", b"\xff", br#"{"hook_event_name":1}"#, b"{} {}"] {
        assert!(unreadable(Agent::Claude, None, body).gating, "{}", body.escape_ascii());
        assert!(unreadable(Agent::Claude, Some("PreToolUse"), body).gating);
        assert!(!unreadable(Agent::Claude, Some("Stop"), body).gating);
    }
    assert!(unreadable(Agent::Codex, Some("PermissionRequest"), b"{").gating);
    assert!(unreadable(Agent::Generic, None, b"{}").gating);
}

#[test]
fn an_event_that_contradicts_its_configuration_is_refused_and_gating_if_either_is() {
    let stop = br#"{"hook_event_name":"Stop"}"#;

    let refused = unreadable(Agent::Claude, Some("PreToolUse"), stop);
    assert_eq!((refused.why.as_str(), refused.gating), ("'Stop' is no PreToolUse", true));
    assert!(unreadable(Agent::Claude, Some("Stop"), BEFORE_TOOL.as_bytes()).gating);
    assert!(!unreadable(Agent::Claude, Some("SessionEnd"), stop).gating);
}

#[test]
fn a_member_twice_in_the_envelope_is_refused() {
    let body = br#"{"hook_event_name":"PreToolUse","tool_name":"Read","tool_name":"Bash","tool_input":{}}"#;

    let refused = unreadable(Agent::Claude, Some("PreToolUse"), body);

    assert_eq!((refused.why.as_str(), refused.gating), ("'tool_name' is there twice", true));
}

#[test]
fn flaws_in_what_nobody_judges_do_no_harm() {
    let body = r#"{"hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{},
      "tool_use_id":"t","tool_response":{"stdout":"\u0000\ud800","a":1,"a":2}}"#;

    assert!(matches!(
        claude(body).kind,
        HookKind::ToolFinished { outcome: Outcome::Succeeded, .. }
    ));
}

fn of(event: &str, more: &str) -> HookKind {
    claude(&format!(r#"{{"hook_event_name":"{event}"{more}}}"#)).kind
}

#[test]
fn a_tool_of_claude_ends_in_one_of_four_ways() {
    let outcome = |event: &str, more: &str| {
        let more = format!(r#","tool_name":"Bash","tool_input":{{}},"tool_use_id":"t"{more}"#);
        match of(event, &more) {
            HookKind::ToolFinished { call: ToolCall { tool_use_id, .. }, outcome } => {
                assert_eq!(tool_use_id.as_deref(), Some("t"));
                outcome
            }
            other => panic!("not finished: {other:?}"),
        }
    };

    assert_eq!(outcome("PostToolUse", ""), Outcome::Succeeded);
    let failed = r#","error":"Exit code 3","is_interrupt":false"#;
    assert_eq!(outcome("PostToolUseFailure", failed), Outcome::Failed("Exit code 3".to_owned()));
    let interrupted = r#","error":"x","is_interrupt":true"#;
    assert_eq!(outcome("PostToolUseFailure", interrupted), Outcome::Interrupted);
    let refused = Outcome::Refused("no classifier".to_owned());
    assert_eq!(outcome("PermissionDenied", r#","reason":"no classifier""#), refused);
}

#[test]
fn each_event_of_claude_has_its_meaning() {
    let text = |text: &str| text.to_owned();
    let batch = r#","tool_calls":[{"tool_use_id":"a"},{"x":1},{"tool_use_id":"b"}]"#;
    let ids = vec![text("a"), text("b")];

    for (event, more, kind) in [
        ("PostToolBatch", batch, HookKind::ToolBatchFinished { tool_use_ids: ids }),
        (
            "SessionStart",
            r#","source":"resume""#,
            HookKind::SessionStarted { cause: text("resume") },
        ),
        ("UserPromptSubmit", r#","prompt":"\u0000""#, HookKind::PromptSubmitted),
        ("StopFailure", r#","error":"unknown""#, HookKind::TurnFailed { error: text("unknown") }),
        ("SessionEnd", r#","reason":"clear""#, HookKind::SessionEnded { reason: text("clear") }),
        ("SubagentStart", "", HookKind::SubagentStarted),
        ("SubagentStop", "", HookKind::SubagentFinished),
        ("PreCompact", "", HookKind::Other),
    ] {
        assert_eq!(of(event, more), kind);
    }
}

#[test]
fn claude_calls_for_its_user_for_known_reasons_and_others() {
    for (word, notification) in [
        ("permission_prompt", Notification::PermissionPrompt),
        ("idle_prompt", Notification::Idle),
        ("auth", Notification::Other("auth".to_owned())),
    ] {
        let more = format!(r#","notification_type":"{word}""#);
        assert_eq!(of("Notification", &more), HookKind::Notified { notification });
    }
}

#[test]
fn a_turn_goes_on_behind_its_end_while_a_subagent_runs_and_not_while_a_server_does() {
    for (kind, background) in [("subagent", Background::Running), ("shell", Background::Nothing)] {
        let body = format!(
            r#"{{"hook_event_name":"Stop","background_tasks":[{{"type":"{kind}","status":"running"}}]}}"#
        );
        assert_eq!(claude(&body).kind, HookKind::TurnFinished { background });
    }
}

#[test]
fn the_status_line_names_no_event_and_is_known_by_its_configuration() {
    let report = Agent::Claude.read_hook(Some("StatusLine"), br#"{"session_id":"s"}"#).unwrap();

    assert_eq!((report.name.as_str(), report.kind), ("StatusLine", HookKind::Other));
}

#[test]
fn agents_are_found_by_their_names() {
    for agent in [Agent::Claude, Agent::Codex, Agent::Generic] {
        assert_eq!(Agent::named(agent.name()), Some(agent));
    }
    assert_eq!(Agent::named("none"), None);
}

#[test]
fn codex_tells_of_interruptions() {
    let read = |event: &str| {
        let body = format!(r#"{{"hook_event_name":"{event}","transcript_path":null}}"#);
        Agent::Codex.read_hook(Some(event), body.as_bytes()).unwrap()
    };

    assert_eq!(read("Interrupt").kind, HookKind::Interrupted);
    assert_eq!(read("Stop").kind, HookKind::TurnFinished { background: Background::Nothing });
    assert_eq!(read("SessionStart").transcript, None);
}

#[test]
fn a_generic_program_reports_in_our_words() {
    let kind = |body: &str| Agent::Generic.read_hook(None, body.as_bytes()).map(|read| read.kind);

    let requested = r#"{"event":"tool_requested","tool":"Bash","input":{"command":"ls"}}"#;
    assert!(matches!(kind(requested), Ok(HookKind::ToolRequested(_))));
    let finished = r#"{"event":"tool_finished","tool":"x","input":{},"outcome":"refused"}"#;
    assert!(matches!(
        kind(finished),
        Ok(HookKind::ToolFinished { outcome: Outcome::Refused(_), .. })
    ));
    assert!(kind(r#"{"event":"tool_finished","tool":"x","outcome":"maybe"}"#).is_err());
    assert_eq!(kind(r#"{"event":"prompt_submitted"}"#), Ok(HookKind::PromptSubmitted));
    assert_eq!(
        kind(r#"{"event":"turn_finished"}"#).unwrap().activity(),
        Some(codeplane_core::ActivityName::Idle)
    );
}

#[test]
fn an_event_of_a_generic_program_that_is_not_known_is_refused_for_it_may_be_a_mistyped_gate() {
    let read = |event, body: &str| Agent::Generic.read_hook(event, body.as_bytes()).unwrap_err();

    for (event, body) in [
        (None, r#"{"event":"tool_reqested","tool":"Bash","input":{}}"#),
        (None, r#"{"event":"PreToolUse"}"#),
        (None, r#"{"event":""}"#),
        (Some("tool_reqested"), "{}"),
        (Some("tool_reqested"), "nonsense"),
    ] {
        let unreadable = read(event, body);
        assert!(unreadable.gating, "{unreadable:?}");
    }
    let told = read(None, r#"{"event":"tool_reqested"}"#).why;
    assert!(told.starts_with("'tool_reqested' is no event: it is tool_requested, "), "{told}");
    let answer = Agent::Generic.answer("tool_reqested", None, &Answer::NoOpinion);
    assert_eq!(answer.exit_code, 2);
}

#[test]
fn a_directory_that_starts_nowhere_is_not_judged_in() {
    let body = r#"{"event":"tool_requested","tool":"Bash","input":{"command":"ls"},"cwd":"a"}"#;

    let unreadable = Agent::Generic.read_hook(None, body.as_bytes()).unwrap_err();

    assert!(unreadable.gating);
    assert_eq!(unreadable.why, "'cwd' is 'a': give an absolute path");
}

#[test]
fn a_patch_of_codex_is_judged_as_edits_of_its_files() {
    let patch = "*** Begin Patch\\n*** Add File: a.txt\\n+x\\n*** Update File: b.txt\\n*** Move to: /etc/c\\n@@\\n*** Delete File: d\\n*** End Patch";
    let files = |tool: &str, input: String| -> Vec<(String, String)> {
        let asked = Agent::Codex.asked(&call(Agent::Codex, tool, &input));
        let path = |input: &Value| {
            input.get("file_path").and_then(Value::as_str).unwrap_or("-").to_owned()
        };
        asked.into_iter().map(|asked| (asked.tool, path(&asked.input.unwrap()))).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(tool, path)| ((*tool).to_owned(), (*path).to_owned())).collect()
    };

    assert_eq!(
        files("apply_patch", format!(r#"{{"command":"{patch}"}}"#)),
        pairs(&[("Write", "a.txt"), ("Edit", "b.txt"), ("Write", "/etc/c"), ("Write", "d")])
    );
    assert_eq!(
        files("Bash", format!(r#"{{"command":"cd 'sub' && apply_patch <<'EOF'\n{patch}\nEOF"}}"#)),
        pairs(&[
            ("Bash", "-"),
            ("Write", "sub/a.txt"),
            ("Edit", "sub/b.txt"),
            ("Write", "/etc/c"),
            ("Write", "sub/d")
        ])
    );
    assert_eq!(files("view_image", r#"{"path":"/p"}"#.to_owned()), pairs(&[("Read", "/p")]));
    assert_eq!(files("Bash", r#"{"command":"ls"}"#.to_owned()), pairs(&[("Bash", "-")]));
}

#[test]
fn a_patch_that_names_no_file_cannot_be_judged() {
    let asked = Agent::Codex.asked(&call(Agent::Codex, "apply_patch", r#"{"command":"?"}"#));

    assert_eq!(asked.len(), 1);
    assert!(asked[0].input.is_err());
    let whole = Agent::Claude.asked(&call(Agent::Claude, "apply_patch", r#"{"command":"?"}"#));
    assert_eq!((whole.len(), whole[0].tool.as_str()), (1, "apply_patch"));
}
