//! What is particular about Claude Code: its home, its environment, and its tools.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::model::{Turn, call};

/// A key that no service knows. It is approved by its end: see [`prepare`].
const KEY: &str = "sk-ant-of-no-service-0123456789abcdefghij";

/// Runs `command` in the foreground.
pub fn bash(command: &str) -> Turn {
    call("Bash", json!({"command": command, "description": "As the test says"}))
}

/// Has a subagent work on `prompt`, which chooses a script by a mark of its own.
///
/// In a terminal it always works in the background (observed in 2.1.329): the result of this call says
/// only that it has begun, and its own result comes as a message that asks for one more turn.
pub fn subagent(prompt: &str) -> Turn {
    let input = json!({
        "description": "Part of the work",
        "prompt": prompt,
        "subagent_type": "general-purpose",
    });
    call("Agent", input)
}

/// Asks the person one question with these answers to choose from, of which there are 2 to 4.
pub fn question(text: &str, answers: &[&str]) -> Turn {
    let option = |label: &&str| json!({"label": label, "description": format!("It is {label}")});
    let options: Vec<Value> = answers.iter().map(option).collect();
    let question =
        json!({"question": text, "header": "Choice", "multiSelect": false, "options": options});
    call("AskUserQuestion", json!({"questions": [question]}))
}

/// Asks whether to leave plan mode with this plan.
pub fn leave_plan(plan: &str) -> Turn {
    call("ExitPlanMode", json!({"plan": plan}))
}

/// Answers in `home` what a first start would ask: what it looks like, whether the key is meant,
/// whether `work` is trusted, whether a session may go without permissions.
///
/// Each answer is a key of `.claude.json` in Claude Code 2.1.329 (observed); the key of the API is
/// remembered by its last 20 characters. Without the first, it also contacts its service whatever
/// base URL it is given.
pub(super) fn prepare(home: &Path, work: &Path) {
    let state = json!({
        "hasCompletedOnboarding": true,
        "theme": "dark",
        "bypassPermissionsModeAccepted": true,
        "customApiKeyResponses": {"approved": [&KEY[KEY.len() - 20..]], "rejected": []},
        "projects": {work.display().to_string(): {"hasTrustDialogAccepted": true}},
    });
    fs::write(home.join(".claude.json"), state.to_string()).expect("the home can be written");
}

/// Its environment, beside what all agents get.
pub(super) fn environment(model: &str) -> Vec<(&'static str, String)> {
    let on = || "1".to_owned();
    let mut environment = vec![
        ("ANTHROPIC_API_KEY", KEY.to_owned()),
        ("ANTHROPIC_BASE_URL", model.to_owned()),
        // Each of them keeps it from calling home for something else; the second from a `git
        // clone` in the background.
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", on()),
        ("CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", on()),
        ("DISABLE_AUTOUPDATER", on()),
        ("DISABLE_TELEMETRY", on()),
        ("DISABLE_ERROR_REPORTING", on()),
        // Otherwise it draws differently from its second start on.
        ("CLAUDE_CODE_NO_FLICKER", "0".to_owned()),
    ];
    if nix::unistd::geteuid().is_root() {
        // As root it refuses to go without permissions anywhere else.
        environment.push(("IS_SANDBOX", on()));
    }
    environment
}
