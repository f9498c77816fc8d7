//! Files that change what Codex 0.169.0 does with hooks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Names the directory of the user's settings.
pub(in super::super) const DIRECTORY_VARIABLE: &str = "CODEX_HOME";

/// The directory of the user's configuration.
pub(super) fn configuration(home: &Path, env: &BTreeMap<String, String>) -> PathBuf {
    match env.get(DIRECTORY_VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => home.join(".codex"),
    }
}

/// Configuration that can change what hooks do, there or not.
pub(in super::super) fn watched_settings(
    home: &Path,
    cwd: &Path,
    env: &BTreeMap<String, String>,
) -> Vec<PathBuf> {
    [configuration(home, env), cwd.join(".codex")]
        .into_iter()
        .flat_map(|directory| [directory.join("config.toml"), directory.join("hooks.json")])
        .collect()
}

/// What an edit changed about hooks; none: nothing.
pub(in super::super) fn hooks_touched(
    path: &Path,
    before: Option<&[u8]>,
    after: Option<&[u8]>,
) -> Option<String> {
    if path.extension().is_some_and(|extension| extension == "json") {
        return super::super::claude::hooks_touched(before, after);
    }
    let (before, after) = (table(before), table(after));
    let Some(after) = after else {
        return before.is_some().then(|| "the file is no TOML any more".to_owned());
    };
    let before = before.unwrap_or_default();
    let mut changes = Vec::new();
    if before.get("hooks") != after.get("hooks") {
        changes.push("hooks, or the trust in them, changed".to_owned());
    }
    let feature = |table: &toml::Table| table.get("features")?.get("hooks").cloned();
    if feature(&before) != feature(&after) {
        changes.push("the feature 'hooks' was switched".to_owned());
    }
    (!changes.is_empty()).then(|| changes.join("; "))
}

/// Everything that such a file says about hooks, in one form: equal as long as no edit touches them.
pub(in super::super) fn hooks_said(path: &Path, content: Option<&[u8]>) -> String {
    if path.extension().is_some_and(|extension| extension == "json") {
        return super::super::claude::hooks_said(content);
    }
    let Some(table) = table(content) else { return "no TOML".to_owned() };
    let feature = table.get("features").and_then(|features| features.get("hooks"));
    format!("{:?} {feature:?}", table.get("hooks"))
}

fn table(text: Option<&[u8]>) -> Option<toml::Table> {
    match text {
        None => Some(toml::Table::new()),
        Some(text) => std::str::from_utf8(text).ok()?.parse().ok(),
    }
}
