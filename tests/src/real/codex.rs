//! What is particular about Codex: its home, its environment, and its tools.

use std::{fs, path::Path};

use serde_json::json;

use crate::model::{Turn, call};

/// Runs `command`.
pub(super) fn shell(command: &str) -> Turn {
    call("exec_command", json!({"cmd": command}))
}

/// Answers in `home` what a first start would ask, and names the model at the base URL `model` as the
/// only one.
pub(super) fn prepare(home: &Path, work: &Path, model: &str) {
    let config = format!(
        r#"model = "scripted"
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
