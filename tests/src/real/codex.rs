//! What is particular about Codex: its home, its environment, and its tools.

use std::{fs, path::Path};

use serde_json::json;

use crate::model::{Turn, call, call_with_text};

/// The host it asks for a tip at every start, which no setting turns off. It does without.
pub const TIPS: &str = "raw.githubusercontent.com:443";

/// Runs `command`.
pub fn shell(command: &str) -> Turn {
    call("exec_command", json!({"cmd": command}))
}

/// Changes files by a patch.
pub fn patch(patch: &str) -> Turn {
    call_with_text("apply_patch", patch)
}

/// Runs `command` if the person agrees that it goes beyond the sandbox.
pub fn escalated_shell(command: &str) -> Turn {
    let input = json!({
        "cmd": command,
        "sandbox_permissions": "require_escalated",
        "justification": "The test says so",
    });
    call("exec_command", input)
}

/// Runs a program in the language of [`CODING`], which calls tools by itself: `await
/// tools.exec_command({cmd: "ls"})`. What it hands to `text` is the result of this call.
pub fn code(javascript: &str) -> Turn {
    call_with_text("exec", javascript)
}

/// Arguments for a model that is offered no tool but `exec` and what belongs to it, as Codex 0.169.0
/// does with its newest ones.
pub const CODING: [&str; 2] = ["--model", "gpt-6.1-sol"];

/// Answers in `home` what a first start would ask, and has every model be the one at the base URL
/// `model`.
///
/// A model whose name Codex knows is offered its real tools; this one is the last that is offered
/// each of them by itself, and a first start would ask whether to have a newer one. The features
/// are off that fetch something at every start (observed in 0.169.0).
pub(super) fn prepare(home: &Path, work: &Path, model: &str) {
    let config = format!(
        r#"model = "gpt-5.5"
model_provider = "scripted"
check_for_update_on_startup = false

[model_providers.scripted]
name = "scripted"
base_url = "{model}/v1"
env_key = "SCRIPTED_KEY"
wire_api = "responses"
supports_websockets = false
request_max_retries = 2
stream_max_retries = 2

[analytics]
enabled = false

[features]
apps = false
plugins = false
remote_plugin = false

[tui]
show_tooltips = false

[notice.model_migrations]
"gpt-5.5" = "gpt-6-sol"

[projects."{}"]
trust_level = "trusted"
"#,
        work.display()
    );
    let directory = home.join(".codex");
    fs::create_dir_all(&directory).expect("the home can be written");
    fs::write(directory.join("config.toml"), config).expect("the home can be written");
}

/// Its environment, beside what all agents get.
pub(super) fn environment() -> Vec<(&'static str, String)> {
    vec![("SCRIPTED_KEY", "of no service".to_owned())]
}

/// What it is always started with: left alone, it starts a daemon of its own that outlives its
/// terminal.
pub(super) const ALWAYS: &str = "--no-daemon";
