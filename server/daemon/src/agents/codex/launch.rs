//! How Codex 0.169.0 is started.

use std::path::Path;

use codeplane_core::GateMode;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::super::json::quoted;
use super::super::launch::{
    Dialog, Launch, LaunchContext, gating_words, hook_words, shell_word, trial,
};
use super::arguments::{Arguments, program_end};
use super::watch;

/// Events by their names in the configuration and in keys, and how many seconds their hooks may take; none: as long as a
/// person may take to decide. The last two are held to 3 s by Codex itself.
const EVENTS: &[(&str, &str, Option<u32>)] = &[
    ("PreToolUse", "pre_tool_use", None),
    ("PermissionRequest", "permission_request", None),
    ("PostToolUse", "post_tool_use", Some(10)),
    ("SessionStart", "session_start", Some(10)),
    ("UserPromptSubmit", "user_prompt_submit", Some(10)),
    ("Stop", "stop", Some(10)),
    ("SubagentStart", "subagent_start", Some(10)),
    ("SubagentStop", "subagent_stop", Some(10)),
    ("Interrupt", "interrupt", Some(3)),
    ("SessionEnd", "session_end", Some(3)),
];

/// Where Codex says that hooks of the command line come from.
const SOURCE: &str = "/<session-flags>/config.toml";

/// Requirements of the machine's administrator.
const REQUIREMENTS: &str = "/etc/codex/requirements.toml";

/// The command with our hooks in it. They come right behind the program: options there hold for its commands too.
pub(in super::super) fn launch(context: &LaunchContext<'_>) -> Launch {
    let end = program_end(context.command).unwrap_or(1).min(context.command.len());
    let (program, arguments) = context.command.split_at(end);
    let read = Arguments::read(arguments);
    let watched = watch::watched_settings(context.home, context.cwd, context.env);
    let as_given = Launch { command: context.command.to_vec(), watched, ..Launch::default() };
    let ungated = read.ungated().or_else(|| managed(context));
    if ungated.is_some() || !read.starts() {
        return Launch { ungated, ..as_given };
    }
    let mut command = program.to_vec();
    if !read.has("--no-daemon") {
        // Else a daemon of its own outlives the session, and its tools with it.
        command.push("--no-daemon".to_owned());
    }
    // The user's configuration may switch the feature off; what comes later on the command line cannot be outdone.
    command.extend(["--enable".to_owned(), "hooks".to_owned()]);
    command.extend(hooks(context.hook, context.hook_seconds));
    command.extend_from_slice(arguments);
    let dialogs = if read.is_screenless() { Vec::new() } else { dialogs(context) };
    let trial = Some(trial(context.hook, "codex", context.hook_seconds));
    Launch { command, dialogs, warnings: warnings(context.gate), trial, ..as_given }
}

fn warnings(gate: GateMode) -> Vec<String> {
    match gate {
        GateMode::Held => Vec::new(),
        GateMode::AgentDialog => {
            vec![
                "codex has no dialog for every call: what would be asked there is denied"
                    .to_owned(),
            ]
        }
    }
}

fn managed(context: &LaunchContext<'_>) -> Option<String> {
    let text = String::from_utf8((context.read)(Path::new(REQUIREMENTS))?).ok()?;
    let requirements: toml::Table = text.parse().ok()?;
    let only = requirements.get("allow_managed_hooks_only")?.as_bool()?;
    only.then(|| {
        format!("'allow_managed_hooks_only' in {REQUIREMENTS} keeps our hooks from running")
    })
}

/// Hooks that nobody trusted hold up the start.
fn dialogs(context: &LaunchContext<'_>) -> Vec<Dialog> {
    let home = watch::configuration(context.home, context.env);
    let text = |name: &str| {
        (context.read)(&home.join(name)).map(|text| String::from_utf8_lossy(&text).into_owned())
    };
    let hooks = home.join("hooks.json");
    let trusted = text("config.toml")
        .is_some_and(|text| text.contains(&format!("{}:", hooks.to_string_lossy())));
    if text("hooks.json").is_some() && !trusted { vec![Dialog::HookTrust] } else { Vec::new() }
}

/// `-c` arguments that give our hooks, and trust to them alone.
fn hooks(hook: &[String], longest: u32) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut trusted = Vec::new();
    for (event, key, seconds) in EVENTS {
        let words = match seconds {
            Some(_) => hook_words(hook, "codex", event),
            None => gating_words(hook, "codex", event, longest),
        };
        let seconds = seconds.unwrap_or(longest);
        let command = words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ");
        let handler = format!("type=\"command\",command={},timeout={seconds}", quoted(&command));
        arguments.extend(["-c".to_owned(), format!("hooks.{event}=[{{hooks=[{{{handler}}}]}}]")]);
        let hash = trusted_hash(key, &command, seconds);
        trusted.push(format!("\"{SOURCE}:{key}:0:0\"={{trusted_hash=\"{hash}\"}}"));
    }
    arguments.extend(["-c".to_owned(), format!("hooks.state={{{}}}", trusted.join(","))]);
    arguments
}

/// What Codex compares before it runs a hook: SHA-256 of its definition as JSON with sorted names
/// (`codex-rs/hooks/src/engine/discovery.rs`, `codex-rs/config/src/fingerprint.rs`; accepted by 0.169.0).
fn trusted_hash(key: &str, command: &str, seconds: u32) -> String {
    let handler =
        json!({ "async": false, "command": command, "timeout": seconds, "type": "command" });
    let identity = json!({ "event_name": key, "hooks": [handler] }).to_string();
    let hash = Sha256::digest(identity.as_bytes());
    hash.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
