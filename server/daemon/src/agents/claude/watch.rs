//! Files that change what Claude Code 2.1.329 does with hooks, and where it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::settings::SKILL_SHELL;

/// Settings of the machine's administrator.
pub(super) const MANAGED: &str = "/etc/claude-code/managed-settings.json";

/// Names the directory of the user's settings.
pub(in super::super) const DIRECTORY_VARIABLE: &str = "CLAUDE_CONFIG_DIR";

/// The directory of the user's settings and transcripts.
pub(super) fn configuration(home: &Path, env: &BTreeMap<String, String>) -> PathBuf {
    match env.get(DIRECTORY_VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => home.join(".claude"),
    }
}

/// Settings that can change what hooks do, there or not.
pub(in super::super) fn watched_settings(
    home: &Path,
    cwd: &Path,
    env: &BTreeMap<String, String>,
) -> Vec<PathBuf> {
    let project = cwd.join(".claude");
    vec![
        configuration(home, env).join("settings.json"),
        project.join("settings.json"),
        project.join("settings.local.json"),
        PathBuf::from(MANAGED),
    ]
}

/// Where the transcript of a conversation lies: the working directory's name with everything but letters and digits
/// replaced.
pub(in super::super) fn transcript_path(
    home: &Path,
    cwd: &Path,
    env: &BTreeMap<String, String>,
    conversation: &str,
) -> PathBuf {
    let slug = |char: char| if char.is_ascii_alphanumeric() { char } else { '-' };
    let project: String = cwd.to_string_lossy().chars().map(slug).collect();
    let file = format!("{conversation}.jsonl");
    configuration(home, env).join("projects").join(project).join(file)
}

/// Members that switch hooks off.
const SWITCHES: &[&str] = &["disableAllHooks", "allowManagedHooksOnly"];

/// Members by which programs run that no hook is asked about.
const BESIDE: &[&str] = &[SKILL_SHELL, "apiKeyHelper", "statusLine"];

/// What an edit changed about hooks; none: nothing.
pub(in super::super) fn hooks_touched(
    before: Option<&[u8]>,
    after: Option<&[u8]>,
) -> Option<String> {
    let (before, after) = (settings(before), settings(after));
    let Ok(after) = after else {
        return before.is_ok().then(|| "the file is no JSON object any more".to_owned());
    };
    let before = before.unwrap_or_default();
    let mut changes = Vec::new();
    for name in SWITCHES {
        match (before.get(*name), after.get(*name)) {
            (old, new) if old == new => {}
            (_, Some(value)) => changes.push(format!("'{name}' is now {value}")),
            (_, None) => changes.push(format!("'{name}' was removed")),
        }
    }
    if before.get("hooks") != after.get("hooks") {
        changes.push(format!("hooks changed: {}", events(&before, &after)));
    }
    let env = |settings: &Map<String, Value>| {
        settings.get("env").and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let (old, new) = (env(&before), env(&after));
    let names = old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name));
    let names: BTreeSet<String> = names.map(|name| name.escape_debug().to_string()).collect();
    if !names.is_empty() {
        let names: Vec<String> = names.into_iter().take(8).collect();
        changes.push(format!("variables of commands changed: {}", names.join(", ")));
    }
    for name in BESIDE {
        if before.get(*name) != after.get(*name) {
            changes.push(format!("'{name}' changed"));
        }
    }
    (!changes.is_empty()).then(|| changes.join("; "))
}

/// Everything that such a file says about hooks, in one form: equal as long as no edit touches them.
pub(in super::super) fn hooks_said(content: Option<&[u8]>) -> String {
    let Ok(settings) = settings(content) else { return "no JSON object".to_owned() };
    let said =
        SWITCHES.iter().chain(&["hooks", "env"]).chain(BESIDE).map(|name| settings.get(*name));
    serde_json::json!(said.collect::<Vec<_>>()).to_string()
}

fn settings(text: Option<&[u8]>) -> Result<Map<String, Value>, serde_json::Error> {
    text.map_or_else(|| Ok(Map::new()), serde_json::from_slice)
}

/// Which events have other hooks now.
pub(in super::super) fn events(before: &Map<String, Value>, after: &Map<String, Value>) -> String {
    let hooks = |settings: &Map<String, Value>| {
        settings.get("hooks").and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let (before, after) = (hooks(before), hooks(after));
    let mut changed: Vec<&str> = before
        .keys()
        .chain(after.keys())
        .filter(|event| before.get(*event) != after.get(*event))
        .map(String::as_str)
        .collect();
    changed.sort_unstable();
    changed.dedup();
    let shown: Vec<String> =
        changed.iter().take(8).map(|event| event.escape_debug().to_string()).collect();
    if shown.is_empty() { "their form".to_owned() } else { shown.join(", ") }
}
