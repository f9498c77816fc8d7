//! What the settings of a project do that nobody judges: its user should know.

use serde_json::{Map, Value};

/// Settings of a project, in its directory.
const FILES: &[&str] = &[".claude/settings.json", ".claude/settings.local.json"];

/// Members that name programs, which run whenever the agent sees fit (2.1.329).
const PROGRAMS: &[&str] = &[
    "hooks",
    "statusLine",
    "apiKeyHelper",
    "awsAuthRefresh",
    "awsCredentialExport",
    "gcpAuthRefresh",
    "otelHeadersHelper",
    "fileSuggestion",
];

/// What `read` finds in the project's settings that changes what is judged or runs beside it, a line each.
pub(super) fn announced(read: impl Fn(&str) -> Map<String, Value>) -> Vec<String> {
    FILES.iter().flat_map(|file| of_file(file, &read(file))).collect()
}

fn of_file(file: &str, settings: &Map<String, Value>) -> Vec<String> {
    let is_there = |name: &&&str| settings.get(**name).is_some_and(|value| !is_empty(value));
    let programs: Vec<&str> = PROGRAMS.iter().filter(is_there).copied().collect();
    let mut told = Vec::new();
    if rewrites(settings) {
        told.push(format!(
            "hooks in {file} can change a call after it was judged: that is only found when it has run"
        ));
    }
    if !programs.is_empty() {
        let programs = programs.join(", ");
        told.push(format!("programs that {file} names run without being judged: {programs}"));
    }
    let env = settings.get("env").and_then(Value::as_object);
    let names: Vec<String> = env
        .into_iter()
        .flat_map(Map::keys)
        .take(8)
        .map(|name| name.escape_debug().to_string())
        .collect();
    if !names.is_empty() {
        let names = names.join(", ");
        told.push(format!(
            "variables that {file} sets reach every command that is allowed: {names}"
        ));
    }
    told
}

/// Whether hooks may rewrite a call after ours has judged it: of several, the last to end has its way (seen with
/// 2.1.329). Nothing holds such a call; what ran is compared.
fn rewrites(settings: &Map<String, Value>) -> bool {
    let hooks = |event: &str| settings.get("hooks").and_then(|hooks| hooks.get(event)?.get(0));
    ["PreToolUse", "PermissionRequest"].into_iter().any(|event| hooks(event).is_some())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
