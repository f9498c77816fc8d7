//! Our settings for Claude Code 2.1.329: hooks, and what could switch them off.
//!
//! `--settings` is read once at the start, beats user, project and local settings, and is added to their hooks. Of several
//! `--settings` only the last counts, so the user's are merged into ours.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::launch::{gating_words, hook_words, shell_word};

/// Events whose hooks decide. They come first, and fail closed.
const GATING: &[&str] = &["PreToolUse", "PermissionRequest"];

/// Events that are only told. `MessageDisplay` comes with every few lines of text and is left out.
const OBSERVING: &[&str] = &[
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "PermissionDenied",
    "SessionStart",
    "UserPromptSubmit",
    "Stop",
    "StopFailure",
    "Notification",
    "SubagentStart",
    "SubagentStop",
    "SessionEnd",
];

/// Variables that switch hooks off. A project's settings can set variables of hooks and of the agent, over those it was
/// started with; ours beat them, and empty they say nothing.
const SWITCHES: &[&str] = &["CLAUDE_CODE_SIMPLE", "CLAUDE_CODE_SAFE_MODE"];

/// Variables by which a project would have every command run what it likes; empty they say nothing.
const OF_COMMANDS: &[&str] = &[
    "BASH_ENV",
    "ENV",
    "CLAUDE_CODE_SHELL",
    "CLAUDE_CODE_SHELL_PREFIX",
    "LD_PRELOAD",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
];

/// Such as need a value.
const WITH_VALUE: &[&str] = &["PATH", "SHELL"];

/// Keeps skills from running commands where they are loaded.
pub(super) const SKILL_SHELL: &str = "disableSkillShellExecution";

/// What our settings are made of.
pub(super) struct Overlay<'a> {
    /// The hook program and its first arguments.
    pub(super) hook: &'a [String],
    /// Seconds that a hook waits for its answer. (660 s under a timeout of 3,630 s were waited for; without one the
    /// default ends a hook after 600 s.)
    pub(super) hook_seconds: u32,
    /// What the user gave with `--settings`.
    pub(super) given: Map<String, Value>,
    /// The user's own settings.
    pub(super) user: &'a Map<String, Value>,
    /// The session's environment.
    pub(super) env: &'a BTreeMap<String, String>,
    /// Whether anybody else shows a status line.
    pub(super) status_line: StatusLine,
}

/// Who shows a status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusLine {
    /// The user.
    Taken,
    /// Nobody: ours learns from it what a turn costs, and shows nothing.
    Free,
}

/// The settings, and what the user should know of them.
pub(super) fn overlay(overlay: Overlay<'_>) -> (Vec<u8>, Vec<String>) {
    let mut warnings = Vec::new();
    let mut settings = overlay.given;
    let env = pinned(settings.get("env"), overlay.user.get("env"), overlay.env);
    let hooks = settings.entry("hooks").or_insert_with(|| json!({}));
    if !hooks.is_object() {
        warnings.push("'hooks' of --settings is no object and was left out".to_owned());
        *hooks = json!({});
    }
    for event in GATING.iter().chain(OBSERVING) {
        let groups = hooks[*event].as_array().cloned().unwrap_or_default();
        let ours = json!({ "hooks": [entry((overlay.hook, overlay.hook_seconds), event)] });
        hooks[*event] = Value::Array(std::iter::once(ours).chain(groups).collect());
    }
    if settings.get("disableAllHooks") == Some(&Value::Bool(true)) {
        warnings.push("'disableAllHooks' of --settings was switched off again".to_owned());
    }
    settings.insert("disableAllHooks".to_owned(), Value::Bool(false));
    settings.insert("env".to_owned(), env);
    // What a skill or command of a project begins with is run without any hook.
    if !settings.contains_key(SKILL_SHELL) && !overlay.user.contains_key(SKILL_SHELL) {
        settings.insert(SKILL_SHELL.to_owned(), Value::Bool(true));
    }
    if overlay.status_line == StatusLine::Free && !settings.contains_key("statusLine") {
        let command = hook_words(overlay.hook, "claude", "StatusLine");
        let command: Vec<String> = command.iter().map(|word| shell_word(word)).collect();
        let line = json!({ "type": "command", "command": command.join(" ") });
        settings.insert("statusLine".to_owned(), line);
    }
    (format!("{:#}\n", Value::Object(settings)).into_bytes(), warnings)
}

/// Program and arguments apart: they run without a shell, so that a path with spaces is one.
fn entry((hook, seconds): (&[String], u32), event: &str) -> Value {
    let words = match GATING.contains(&event) {
        true => gating_words(hook, "claude", event, seconds),
        false => hook_words(hook, "claude", event),
    };
    let (program, arguments) =
        words.split_first().map(|(program, rest)| (program.as_str(), rest)).unwrap_or_default();
    let mut entry = json!({ "type": "command", "command": program, "args": arguments });
    if GATING.contains(&event) {
        entry["timeout"] = json!(seconds);
        entry["statusMessage"] =
            json!("codeplane judges the call; who decides: cpctl approvals watch");
        entry["onFailure"] = json!("block");
    } else {
        entry["async"] = json!(true);
        entry["timeout"] = json!(10);
    }
    entry
}

/// The given variables, and those that no project may set for our hooks and for the commands that are judged.
fn pinned(given: Option<&Value>, user: Option<&Value>, env: &BTreeMap<String, String>) -> Value {
    let mut pinned = given.and_then(Value::as_object).cloned().unwrap_or_default();
    let known = |name: &str| {
        let of_user = user.and_then(|user| user.get(name)?.as_str());
        of_user.or_else(|| env.get(name).map(String::as_str))
    };
    for name in OF_COMMANDS {
        pinned.entry(*name).or_insert_with(|| known(name).unwrap_or_default().into());
    }
    for name in WITH_VALUE {
        if let Some(value) = known(name).filter(|value| !value.is_empty()) {
            pinned.entry(*name).or_insert_with(|| value.into());
        }
    }
    for (name, value) in env.iter().filter(|(name, _)| name.starts_with("CODEPLANE_")) {
        pinned.insert(name.clone(), value.as_str().into());
    }
    for name in SWITCHES {
        pinned.insert((*name).to_owned(), "".into());
    }
    Value::Object(pinned)
}
