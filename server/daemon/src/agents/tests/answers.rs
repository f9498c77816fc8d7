use serde_json::{Value, json};

use super::super::{Agent, Answer, HookAnswer};
use super::call;

fn deny(reason: &str) -> Answer {
    Answer::Deny { reason: reason.to_owned() }
}

fn allow() -> Answer {
    Answer::Allow { updated_input: None }
}

fn edited(input: &str) -> Answer {
    Answer::Allow { updated_input: Some(input.to_owned()) }
}

fn said(answer: &HookAnswer) -> Value {
    serde_json::from_str(&answer.stdout).unwrap()
}

fn is_silent(answer: &HookAnswer) -> bool {
    (answer.stdout.as_str(), answer.stderr.as_str(), answer.exit_code) == ("", "", 0)
}

#[test]
fn a_refusal_before_a_tool_is_said_three_times() {
    for agent in [Agent::Claude, Agent::Codex] {
        let answer = agent.answer("PreToolUse", None, &deny("no \"rm\""));

        let output = &said(&answer)["hookSpecificOutput"];
        assert_eq!(output["permissionDecision"], "deny");
        assert_eq!(output["permissionDecisionReason"], "no \"rm\"");
        assert_eq!((answer.stderr.as_str(), answer.exit_code), ("no \"rm\"\n", 2));
    }
}

#[test]
fn claude_is_refused_a_permission_by_json_and_code_0_and_codex_by_code_2_too() {
    let claude = Agent::Claude.answer("PermissionRequest", None, &deny("no"));
    let codex = Agent::Codex.answer("PermissionRequest", None, &deny("no"));

    for answer in [&claude, &codex] {
        let decision = &said(answer)["hookSpecificOutput"]["decision"];
        assert_eq!(*decision, json!({ "behavior": "deny", "message": "no" }));
    }
    assert_eq!((claude.stderr.as_str(), claude.exit_code), ("", 0));
    assert_eq!((codex.stderr.as_str(), codex.exit_code), ("no\n", 2));
}

#[test]
fn an_allowance_is_said_to_claude_and_codex_is_only_not_held_up() {
    let claude = Agent::Claude.answer("PreToolUse", None, &allow());
    let output = &said(&claude)["hookSpecificOutput"];
    assert_eq!(*output, json!({ "hookEventName": "PreToolUse", "permissionDecision": "allow" }));
    assert_eq!(claude.exit_code, 0);
    assert!(is_silent(&Agent::Codex.answer("PreToolUse", None, &allow())));
    for agent in [Agent::Claude, Agent::Codex] {
        let answer = agent.answer("PermissionRequest", None, &allow());
        let decision = &said(&answer)["hookSpecificOutput"]["decision"];
        assert_eq!(*decision, json!({ "behavior": "allow" }));
    }
}

#[test]
fn an_edited_input_goes_to_the_agent_as_it_was_written() {
    for agent in [Agent::Claude, Agent::Codex] {
        let answer = agent.answer("PreToolUse", None, &edited(r#"{"command":  "ls"}"#));

        assert!(answer.stdout.contains(r#""updatedInput":{"command":  "ls"}"#), "{answer:?}");
        assert_eq!(said(&answer)["hookSpecificOutput"]["permissionDecision"], "allow");
    }
    let refused = Agent::Codex.answer("PermissionRequest", None, &edited("{}"));
    assert_eq!(said(&refused)["hookSpecificOutput"]["decision"]["behavior"], "deny");
}

#[test]
fn a_model_is_told_that_its_call_ran_with_other_input_and_no_more() {
    let told = |tool: &str, answer: &Answer| {
        let call = call(Agent::Claude, tool, "{}");
        let answer = Agent::Claude.answer("PreToolUse", Some(&call), answer);
        said(&answer)["hookSpecificOutput"]["additionalContext"].as_str().map(str::to_owned)
    };
    let other = edited(r#"{"command":"echo EDITED"}"#);

    let context = told("Bash", &other).unwrap();
    assert!(context.ends_with(r#"it ran with {"command":"echo EDITED"}"#), "{context}");
    for (tool, answer) in [("Bash", allow()), ("ExitPlanMode", allow()), ("AskUserQuestion", other)]
    {
        assert_eq!(told(tool, &answer), None, "{tool}");
    }
}

#[test]
fn an_edited_input_that_would_break_the_answer_is_a_refusal() {
    for input in ["", "{", "1", "{} {}", r#"{"a":1,"a":2}"#, r#"{"a":"\u0000"}"#] {
        for agent in [Agent::Claude, Agent::Codex] {
            let answer = agent.answer("PreToolUse", None, &edited(input));
            assert_eq!(
                said(&answer)["hookSpecificOutput"]["permissionDecision"],
                "deny",
                "{input}"
            );
            assert_eq!(answer.exit_code, 2);
        }
        let answer = Agent::Generic.answer("tool_requested", None, &edited(input));
        assert_eq!((said(&answer)["decision"].as_str(), answer.exit_code), (Some("deny"), 2));
    }
}

#[test]
fn claude_asks_in_its_dialog_and_codex_which_cannot_is_refused() {
    let ask = Answer::AskInDialog { reason: "rule x".to_owned() };

    let output = said(&Agent::Claude.answer("PreToolUse", None, &ask));
    assert_eq!(output["hookSpecificOutput"]["permissionDecision"], "ask");
    assert_eq!(output["hookSpecificOutput"]["permissionDecisionReason"], "rule x");
    assert!(is_silent(&Agent::Claude.answer("PermissionRequest", None, &ask)));
    let codex = Agent::Codex.answer("PreToolUse", None, &ask);
    assert_eq!(said(&codex)["hookSpecificOutput"]["permissionDecision"], "deny");
    assert_eq!(codex.exit_code, 2);
    assert!(Agent::Claude.asks_in_dialog() && !Agent::Codex.asks_in_dialog());
}

#[test]
fn leaving_plan_mode_is_allowed_with_its_input_because_nothing_less_counts() {
    let input = r##"{"plan":"# P","planFilePath":"/p"}"##;
    let call = call(Agent::Claude, "ExitPlanMode", input);

    for event in ["PreToolUse", "PermissionRequest"] {
        let answer = Agent::Claude.answer(event, Some(&call), &allow());
        assert!(answer.stdout.contains(&format!(r#""updatedInput":{input}"#)), "{answer:?}");
    }
}

#[test]
fn reasons_are_one_bounded_line_without_controls_and_never_empty() {
    let shown = |reason: &str| {
        let answer = Agent::Claude.answer("PreToolUse", None, &deny(reason));
        let output = said(&answer);
        let reason = output["hookSpecificOutput"]["permissionDecisionReason"].as_str();
        assert_eq!(answer.stderr, format!("{}\n", reason.unwrap()));
        reason.unwrap().to_owned()
    };

    assert_eq!(shown("a\u{1b}[2J\nb\u{202e}"), "a\\u{1b}[2J\\nb\\u{202e}");
    assert_eq!(shown(&"ä".repeat(5000)).chars().count(), 1001);
    // Codex lets a call through that is refused without a word.
    assert_eq!(shown(" \n"), "denied by policy");
}

#[test]
fn events_that_decide_nothing_are_answered_by_nothing() {
    let theirs = ["PostToolUse", "Stop", "UserPromptSubmit", "StatusLine"].as_slice();
    let ours = ["tool_finished", "turn_finished", "prompt_submitted"].as_slice();
    for (agent, events) in [(Agent::Claude, theirs), (Agent::Codex, theirs), (Agent::Generic, ours)]
    {
        for event in events {
            assert!(!agent.is_gating(event));
            for answer in [deny("x"), allow(), Answer::NoOpinion] {
                assert!(is_silent(&agent.answer(event, None, &answer)), "{event}");
            }
        }
    }
    for event in ["PreToolUse", "PermissionRequest"] {
        assert!(is_silent(&Agent::Claude.answer(event, None, &Answer::NoOpinion)));
    }
}

#[test]
fn a_generic_program_may_go_by_the_exit_code_alone() {
    let answer = |answer: &Answer| Agent::Generic.answer("tool_requested", None, answer);
    let ask = Answer::AskInDialog { reason: "?".to_owned() };

    assert_eq!(answer(&allow()).exit_code, 0);
    let edited = answer(&edited(r#"{"a":1}"#));
    let reason =
        "a person changed the input of this call before it was allowed; it ran with {\"a\":1}";
    assert_eq!(
        said(&edited),
        json!({ "decision": "allow", "reason": reason, "updated_input": { "a": 1 } })
    );
    for (refusal, word) in [(deny("no"), "deny"), (ask, "ask"), (Answer::NoOpinion, "deny")] {
        let answer = answer(&refusal);
        assert_eq!((said(&answer)["decision"].as_str(), answer.exit_code), (Some(word), 2));
    }
}
