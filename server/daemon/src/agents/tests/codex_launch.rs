use codeplane_core::GateMode;

use super::super::{Agent, Dialog, Launch};
use super::kit::{Scene, words};

fn launch(command: &[&str]) -> Launch {
    Scene::default().launch(Agent::Codex, command).unwrap()
}

fn value_of<'a>(launch: &'a Launch, key: &str) -> &'a str {
    let value = launch.command.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("no {key}: {launch:?}"))
}

#[test]
fn codex_is_recognised_by_its_program_and_through_runners() {
    for command in [
        &["codex"][..],
        &["/x/codex", "exec"],
        &["npx", "@openai/codex@0.169.0"],
        &["pnpm", "dlx", "@openai/codex"],
        &["node", "/x/node_modules/@openai/codex/bin/codex.js"],
    ] {
        assert_eq!(Agent::recognise(&words(command)), Some(Agent::Codex), "{command:?}");
    }
    assert_eq!(Agent::recognise(&words(&["codex-x"])), None);
}

#[test]
fn hooks_are_given_before_everything_else_and_no_daemon_outlives_the_session() {
    let launch = launch(&["codex", "exec", "-m", "x", "--", "hi"]);

    assert_eq!(launch.command[..4], words(&["codex", "--no-daemon", "--enable", "hooks"]));
    assert!(launch.command.ends_with(&words(&["exec", "-m", "x", "--", "hi"])));
    assert_eq!(launch.files, []);
    let hook = value_of(&launch, "hooks.PreToolUse");
    let command =
        r#"command="'/opt/code plane/cpctl' hook codex --event PreToolUse --agent-timeout 7230""#;
    assert_eq!(hook, format!(r#"[{{hooks=[{{type="command",{command},timeout=7230}}]}}]"#));
    assert!(value_of(&launch, "hooks.Interrupt").contains("timeout=3}"));
    let bypass = "--dangerously-bypass-hook-trust".to_owned();
    assert!(!launch.command.contains(&bypass));
}

#[test]
fn trust_is_given_to_our_hooks_by_the_hashes_that_codex_computes() {
    let launch = Scene::default().launch(Agent::Codex, &["codex"]).unwrap();
    let state: toml::Table = format!("x={}", value_of(&launch, "hooks.state")).parse().unwrap();
    let state = state["x"].as_table().unwrap();

    assert_eq!(state.len(), 10);
    // Accepted by codex-cli 0.169.0 for the same definition.
    assert_eq!(
        state["/<session-flags>/config.toml:stop:0:0"]["trusted_hash"].as_str(),
        Some("sha256:4ef60584da611120837262da0dd7ec2b761f4c0a5c2bb8ab53715ec266cf89ec")
    );
}

#[test]
fn the_values_are_toml_whatever_the_path_of_the_hook() {
    let launch = launch(&["codex"]);

    for pair in launch.command.iter().filter(|word| word.starts_with("hooks.")) {
        assert!(pair.parse::<toml::Table>().is_ok(), "{pair}");
    }
}

#[test]
fn an_option_that_is_there_is_not_given_twice() {
    let launch = launch(&["codex", "--no-daemon"]);

    assert_eq!(launch.command.iter().filter(|word| *word == "--no-daemon").count(), 1);
}

#[test]
fn what_keeps_hooks_from_running_is_said_and_the_command_left_alone() {
    for arguments in [
        &["--disable", "hooks"][..],
        &["exec", "--disable=hooks"],
        &["-c", "features.hooks=false"],
        &["-c", "hooks.PreToolUse=[]"],
        &["-chooks.PreToolUse=[]"],
        &["exec", "--config=\"hooks\".state={}"],
        &["-c", "features={}"],
        &["--remote", "unix://x"],
        &["cloud"],
        &["app-server"],
    ] {
        let command = [&["codex"], arguments].concat();
        let launch = launch(&command);
        assert!(launch.ungated.is_some(), "{command:?}");
        assert_eq!(launch.command, words(&command));
    }
    for arguments in
        [&["-c", "model=hooks"][..], &["exec", "cloud"], &["--", "cloud"], &["-m", "cloud"]]
    {
        assert_eq!(launch(&[&["codex"], arguments].concat()).ungated, None, "{arguments:?}");
    }
    let managed =
        Scene::default().file("/etc/codex/requirements.toml", "allow_managed_hooks_only = true");
    assert!(managed.launch(Agent::Codex, &["codex"]).unwrap().ungated.is_some());
}

#[test]
fn hooks_of_the_user_that_nobody_trusted_hold_up_the_start() {
    let scene = || Scene::default().file("/h/.codex/hooks.json", "{}");
    let trusted = "[hooks.state.\"/h/.codex/hooks.json:stop:0:0\"]\ntrusted_hash = \"x\"";
    let dialogs =
        |scene: Scene, command: &[&str]| scene.launch(Agent::Codex, command).unwrap().dialogs;

    assert_eq!(dialogs(scene(), &["codex"]), [Dialog::HookTrust]);
    assert_eq!(dialogs(scene(), &["codex", "exec", "x"]), []);
    assert_eq!(dialogs(scene().file("/h/.codex/config.toml", trusted), &["codex"]), []);
    assert_eq!(dialogs(Scene::default(), &["codex"]), []);
}

#[test]
fn questions_in_its_dialog_are_warned_of() {
    let scene = Scene { gate: GateMode::AgentDialog, ..Scene::default() };

    assert_eq!(scene.launch(Agent::Codex, &["codex"]).unwrap().warnings.len(), 1);
    assert!(launch(&["codex"]).warnings.is_empty());
}

#[test]
fn a_generic_program_starts_as_it_is() {
    let launch = Scene::default().launch(Agent::Generic, &["./agent", "--settings"]).unwrap();

    assert_eq!(launch, Launch { command: words(&["./agent", "--settings"]), ..Launch::default() });
}
