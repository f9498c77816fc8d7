use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::Agent;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn touched(before: &str, after: &str) -> Option<String> {
    let path = Path::new("/w/.claude/settings.json");
    Agent::Claude.hooks_touched(path, Some(before.as_bytes()), Some(after.as_bytes()))
}

#[test]
fn edits_that_touch_hooks_are_told_and_others_are_not() {
    let hooks = r#"{"hooks":{"Stop":[{"hooks":[]}]}}"#;
    for (before, after, told) in [
        ("{}", r#"{"disableAllHooks":true}"#, Some("'disableAllHooks' is now true")),
        (r#"{"disableAllHooks":true}"#, "{}", Some("'disableAllHooks' was removed")),
        ("{}", hooks, Some("hooks changed: Stop")),
        (hooks, "{}", Some("hooks changed: Stop")),
        (hooks, r#"{"hooks":{"Stop":[]}}"#, Some("hooks changed: Stop")),
        (hooks, r#"{ "model":"x", "hooks": {"Stop":[{"hooks":[]}]} }"#, None),
        (
            "{}",
            r#"{"env":{"CLAUDE_CODE_SIMPLE":"1"}}"#,
            Some("variables of commands changed: CLAUDE_CODE_SIMPLE"),
        ),
        ("{}", r#"{"env":{"PATH":"/w"}}"#, Some("variables of commands changed: PATH")),
        (r#"{"env":{"A":"1"}}"#, r#"{"env":{"A":"1"},"model":"x"}"#, None),
        (hooks, "{", Some("the file is no JSON object any more")),
        ("{", "[", None),
        ("{", hooks, Some("hooks changed: Stop")),
    ] {
        assert_eq!(touched(before, after).as_deref(), told, "{before} to {after}");
    }
}

#[test]
fn a_file_that_comes_or_goes_is_an_edit() {
    let path = Path::new("/w/.claude/settings.local.json");
    let off = br#"{"disableAllHooks":true}"#;

    let came = Agent::Claude.hooks_touched(path, None, Some(off));
    assert_eq!(came.as_deref(), Some("'disableAllHooks' is now true"));
    assert!(Agent::Claude.hooks_touched(path, Some(off), None).is_some());
    assert_eq!(Agent::Claude.hooks_touched(path, None, Some(b"{}")), None);
    assert_eq!(Agent::Generic.hooks_touched(path, None, Some(off)), None);
}

#[test]
fn codex_has_hooks_in_two_kinds_of_files() {
    let touched = |name: &str, before: &str, after: &str| {
        let (before, after) = (Some(before.as_bytes()), Some(after.as_bytes()));
        Agent::Codex.hooks_touched(Path::new(name), before, after)
    };

    assert!(touched("/h/.codex/hooks.json", "{}", r#"{"hooks":{"Stop":[]}}"#).is_some());
    assert!(touched("/h/.codex/config.toml", "", "[features]\nhooks = false").is_some());
    assert!(touched("/h/.codex/config.toml", "", "[hooks.state.x]\nenabled = false").is_some());
    assert!(touched("/h/.codex/config.toml", "", "= = =").is_some());
    assert_eq!(touched("/h/.codex/config.toml", "model = \"a\"", "model = \"b\""), None);
}

#[test]
fn settings_are_watched_where_the_agent_reads_them() {
    let watched = |agent: Agent, env: &BTreeMap<String, String>| {
        agent.watched_settings(Path::new("/h"), Path::new("/w"), env)
    };
    let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();

    assert_eq!(
        watched(Agent::Claude, &env(&[])),
        paths(&[
            "/h/.claude/settings.json",
            "/w/.claude/settings.json",
            "/w/.claude/settings.local.json",
            "/etc/claude-code/managed-settings.json"
        ])
    );
    let moved = env(&[("CLAUDE_CONFIG_DIR", "/c"), ("CODEX_HOME", "/x")]);
    assert_eq!(watched(Agent::Claude, &moved)[0], Path::new("/c/settings.json"));
    assert_eq!(
        watched(Agent::Codex, &moved),
        paths(&[
            "/x/config.toml",
            "/x/hooks.json",
            "/w/.codex/config.toml",
            "/w/.codex/hooks.json"
        ])
    );
    assert_eq!(watched(Agent::Generic, &moved), paths(&[]));
}

#[test]
fn a_transcript_lies_under_the_directory_s_name_with_dashes() {
    let path = |agent: Agent, env: &BTreeMap<String, String>| {
        agent.transcript_path(Path::new("/h"), Path::new("/w/a_b.c ä"), env, "id")
    };

    let claude = path(Agent::Claude, &env(&[])).unwrap();
    assert_eq!(claude, Path::new("/h/.claude/projects/-w-a-b-c--/id.jsonl"));
    let moved = path(Agent::Claude, &env(&[("CLAUDE_CONFIG_DIR", "/c")])).unwrap();
    assert_eq!(moved, Path::new("/c/projects/-w-a-b-c--/id.jsonl"));
    assert_eq!(path(Agent::Codex, &env(&[])), None);
}
