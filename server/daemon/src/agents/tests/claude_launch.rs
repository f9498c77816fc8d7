use std::path::Path;

use serde_json::{Value, json};

use super::super::{Agent, Answer, Dialog, HookKind, Launch, LaunchFile, TRIAL_TOOL, Trial};
use super::kit::{Scene, words};

const OURS: [&str; 2] = ["--settings", "/run/1/claude-settings.json"];
const MANUAL: [&str; 2] = ["--permission-mode", "manual"];
const ID: [&str; 2] = ["--session-id", "6f3dbb0e-5b1c-4a55-9d5e-0123456789ab"];
const MANAGED: &str = "/etc/claude-code/managed-settings.json";

fn launch(command: &[&str]) -> Launch {
    Scene::default().launch(Agent::Claude, command).unwrap()
}

fn settings(launch: &Launch) -> Value {
    let [LaunchFile { path, content }] = launch.files.as_slice() else {
        panic!("no settings: {launch:?}")
    };
    assert_eq!(path, Path::new(OURS[1]));
    serde_json::from_slice(content).unwrap()
}

#[test]
fn claude_is_recognised_by_its_program_and_through_runners() {
    for command in [
        &["claude"][..],
        &["/usr/local/bin/claude", "-c"],
        &["npx", "-y", "@anthropic-ai/claude-code@2.1.329", "-p"],
        &["bunx", "@anthropic-ai/claude-code"],
        &["node", "/x/node_modules/@anthropic-ai/claude-code/cli.js"],
    ] {
        assert_eq!(Agent::recognise(&words(command)), Some(Agent::Claude), "{command:?}");
    }
    for command in [&["bash", "-c", "claude"][..], &["claude-x"], &["npx", "claude"], &[]] {
        assert_eq!(Agent::recognise(&words(command)), None, "{command:?}");
    }
}

#[test]
fn our_options_come_right_behind_the_program() {
    let command = launch(&["claude", "--allowedTools", "Bash", "--", "--settings x"]).command;

    let expected =
        [&["claude"][..], &OURS, &MANUAL, &ID, &["--allowedTools", "Bash", "--", "--settings x"]];
    assert_eq!(command, words(&expected.concat()));
    let runner = launch(&["npx", "-y", "@anthropic-ai/claude-code", "hi"]).command;
    assert_eq!(runner[3..5], words(&OURS));
}

#[test]
fn gating_hooks_block_and_fail_closed_and_the_others_only_watch() {
    let settings = settings(&launch(&["claude"]));

    for event in ["PreToolUse", "PermissionRequest"] {
        let hook = json!({
            "type": "command", "command": "/opt/code plane/cpctl",
            "args": ["hook", "claude", "--event", event, "--agent-timeout", "7230"],
            "timeout": 7230, "onFailure": "block",
            "statusMessage": "codeplane judges the call; who decides: cpctl approvals watch",
        });
        assert_eq!(settings["hooks"][event], json!([{ "hooks": [hook] }]));
    }
    for event in ["SessionStart", "PostToolUse", "PostToolBatch", "Stop", "SessionEnd"] {
        assert_eq!(settings["hooks"][event][0]["hooks"][0]["async"], true, "{event}");
    }
    assert_eq!(settings["hooks"]["MessageDisplay"], Value::Null);
    assert_eq!(settings["disableAllHooks"], false);
    let line = "'/opt/code plane/cpctl' hook claude --event StatusLine";
    assert_eq!(settings["statusLine"], json!({ "type": "command", "command": line }));
}

#[test]
fn the_user_s_settings_are_kept_and_ours_win_where_hooks_would_be_lost() {
    let given = r#"{"model":"opus","disableAllHooks":true,"env":{"A":"1","CLAUDE_CODE_SIMPLE":"1"},
        "hooks":{"Stop":[{"hooks":[{"type":"command","command":"mine"}]}]},"statusLine":{"x":1}}"#;
    let file = Scene::default().file("/w/project/my.json", given);
    let inline = launch(&["claude", "--settings", "{}", "--settings", given, "-p", "x"]);
    let file = file.launch(Agent::Claude, &["claude", "--settings=my.json", "-p", "x"]).unwrap();

    assert_eq!(inline, file);
    let settings = settings(&inline);
    assert_eq!((&settings["model"], &settings["statusLine"]), (&json!("opus"), &json!({ "x": 1 })));
    assert_eq!(settings["disableAllHooks"], false);
    let stop = settings["hooks"]["Stop"].as_array().unwrap();
    assert_eq!((stop.len(), &stop[1]["hooks"][0]["command"]), (2, &json!("mine")));
    assert_eq!(settings["env"]["A"], "1");
    assert_eq!(settings["env"]["CLAUDE_CODE_SIMPLE"], "");
    assert_eq!(inline.warnings.len(), 1);
    assert_eq!(inline.command.iter().filter(|word| word.contains("settings")).count(), 2);
}

#[test]
fn settings_that_cannot_be_read_are_an_error_that_names_them() {
    let broken = Scene::default().file("/w/project/x.json", "[1]");
    let problem = |scene: &Scene, given: &str| {
        scene.launch(Agent::Claude, &["claude", "--settings", given]).unwrap_err()
    };

    assert_eq!(problem(&broken, "y.json"), "--settings: /w/project/y.json cannot be read");
    assert!(problem(&broken, "x.json").starts_with("--settings: /w/project/x.json is no JSON"));
}

#[test]
fn no_project_can_set_variables_that_switch_hooks_off_or_have_commands_run_others() {
    let scene = Scene::default()
        .variable("CODEPLANE_ENDPOINT", "unix:/s")
        .variable("PATH", "/session")
        .variable("LD_LIBRARY_PATH", "/session")
        .file("/h/.claude/settings.json", r#"{"env":{"LD_PRELOAD":"/users.so"}}"#);

    let env = settings(&scene.launch(Agent::Claude, &["claude"]).unwrap())["env"].clone();

    for (name, value) in [
        ("CLAUDE_CODE_SIMPLE", ""),
        ("CLAUDE_CODE_SAFE_MODE", ""),
        ("CODEPLANE_ENDPOINT", "unix:/s"),
        ("PATH", "/session"),
        ("BASH_ENV", ""),
        ("CLAUDE_CODE_SHELL_PREFIX", ""),
        ("LD_LIBRARY_PATH", "/session"),
        ("LD_PRELOAD", "/users.so"),
    ] {
        assert_eq!(env[name], value, "{name}");
    }
}

#[test]
fn what_a_project_has_run_beside_what_is_judged_is_announced() {
    let rewriting = r#"{"hooks":{"PreToolUse":[{"hooks":[]}]}}"#;
    let project = "/w/project/.claude/settings.json";
    let warnings = |path: &'static str, text: &'static str| {
        let scene = Scene::default().file(path, text);
        scene.launch(Agent::Claude, &["claude"]).unwrap().warnings.join("; ")
    };

    let told = warnings("/w/project/.claude/settings.local.json", rewriting);
    assert!(told.starts_with("hooks in .claude/settings.local.json can change a call"), "{told}");
    let told = warnings(project, r#"{"apiKeyHelper":"x","hooks":{"Stop":[]},"env":{"A":"1"}}"#);
    assert!(told.contains("settings.json names run without being judged: hooks, apiKeyHelper"));
    assert!(told.contains("settings.json sets reach every command that is allowed: A"), "{told}");
    for (path, text) in [(project, r#"{"model":"x"}"#), ("/h/.claude/settings.json", rewriting)] {
        assert_eq!(warnings(path, text), "", "{path}");
    }
}

#[test]
fn a_mode_that_the_user_chose_stays() {
    let has_mode =
        |launch: &Launch| launch.command.windows(2).any(|pair| pair == words(&MANUAL).as_slice());
    let by_settings = |text: &'static str| {
        let scene = Scene::default().file("/h/.claude/settings.json", text);
        has_mode(&scene.launch(Agent::Claude, &["claude"]).unwrap())
    };

    assert!(has_mode(&launch(&["claude", "--append-system-prompt", "--permission-mode"])));
    assert!(!has_mode(&launch(&["claude", "--permission-mode=plan"])));
    assert!(!has_mode(&launch(&["claude", "--dangerously-skip-permissions"])));
    assert!(!by_settings(r#"{"permissions":{"defaultMode":"acceptEdits"}}"#));
    assert!(by_settings(r#"{"permissions":{"defaultMode":"auto"}}"#));
}

#[test]
fn a_conversation_gets_our_id_unless_it_has_one() {
    let id = |arguments: &[&str]| launch(&[&["claude"], arguments].concat()).conversation;

    assert_eq!(id(&["hi"]).as_deref(), Some(ID[1]));
    assert_eq!(id(&["--session-id", "x"]).as_deref(), Some("x"));
    for arguments in [&["-c"][..], &["--continue"], &["-r", "x"], &["-rx"], &["-pc"], &["--resume"]]
    {
        assert_eq!(id(arguments), None, "{arguments:?}");
    }
}

#[test]
fn what_keeps_hooks_from_running_is_said_and_the_command_left_alone() {
    for arguments in [
        &["--bare"][..],
        &["--safe-mode", "-p", "x"],
        &["--bg", "x"],
        &["--cloud=x"],
        &["--model", "opus", "attach", "x"],
        &["mcp", "list"],
    ] {
        let command = [&["claude"], arguments].concat();
        let launch = launch(&command);
        assert!(launch.ungated.is_some(), "{command:?}");
        assert_eq!(launch.command, words(&command));
    }
    for text in [r#"{"disableAllHooks":true}"#, r#"{"allowManagedHooksOnly":true}"#] {
        let managed = Scene::default().file(MANAGED, text);
        let launch = managed.launch(Agent::Claude, &["claude"]).unwrap();
        assert!(launch.ungated.unwrap().ends_with("keeps our hooks from running"));
    }
    for arguments in [&["explain", "mcp"][..], &["-p", "--", "--bare"], &["--resume", "attach"]] {
        assert_eq!(launch(&[&["claude"], arguments].concat()).ungated, None, "{arguments:?}");
    }
}

#[test]
fn another_s_status_line_is_left_alone() {
    for path in [
        "/h/.claude/settings.json",
        "/w/project/.claude/settings.json",
        "/w/project/.claude/settings.local.json",
    ] {
        let scene = Scene::default().file(path, r#"{"statusLine":{"type":"command"}}"#);
        let launch = scene.launch(Agent::Claude, &["claude"]).unwrap();
        assert_eq!(settings(&launch)["statusLine"], Value::Null, "{path}");
    }
}

#[test]
fn dialogs_of_the_first_run_are_foreseen() {
    let dialogs =
        |scene: Scene, command: &[&str]| scene.launch(Agent::Claude, command).unwrap().dialogs;
    let with_key = || Scene::default().variable("ANTHROPIC_API_KEY", "sk-12345678901234567890");
    let all = [Dialog::Onboarding, Dialog::ApiKey, Dialog::WorkspaceTrust];
    let answered = r#"{"hasCompletedOnboarding":true,"projects":{"/w":{"hasTrustDialogAccepted":true}},
        "customApiKeyResponses":{"approved":["12345678901234567890"]}}"#;

    assert_eq!(dialogs(with_key(), &["claude"]), all);
    assert_eq!(dialogs(with_key(), &["claude", "-p", "x"]), []);
    assert_eq!(dialogs(with_key().file("/h/.claude.json", answered), &["claude"]), []);
    let moved = with_key().variable("CLAUDE_CONFIG_DIR", "/c").file("/c/.claude.json", answered);
    assert_eq!(dialogs(moved, &["claude"]), []);
    let refused = r#"{"hasCompletedOnboarding":true,"projects":{"/w/project":{"hasTrustDialogAccepted":true}},
        "customApiKeyResponses":{"rejected":["12345678901234567890"]}}"#;
    assert_eq!(dialogs(with_key().file("/h/.claude.json", refused), &["claude"]), []);
}

#[test]
fn the_hook_is_tried_as_the_agent_will_run_it() {
    for (agent, name) in [(Agent::Claude, "claude"), (Agent::Codex, "codex")] {
        let launch = Scene::default().launch(agent, &[name]).unwrap();
        let trial = launch.trial.unwrap();
        let before = trial.before("/opt/cpctl", &launch.command);
        assert_eq!(before[..2], ["/opt/cpctl", "hook-trial"]);
        assert!(before.ends_with(&launch.command));
        let Trial { command, stdin, exit_code } = trial;

        let hook = ["/opt/code plane/cpctl", "hook", name, "--event", "PreToolUse"];
        let words = words(&[&hook[..], &["--agent-timeout", "7230"]].concat());
        assert_eq!(command, words);
        let HookKind::ToolRequested(call) =
            agent.read_hook(Some("PreToolUse"), stdin.as_bytes()).unwrap().kind
        else {
            panic!("no request")
        };
        assert_eq!(call.tool, TRIAL_TOOL);
        let refusal = Answer::Deny { reason: "a trial".to_owned() };
        assert_eq!(agent.answer("PreToolUse", Some(&call), &refusal).exit_code, exit_code);
    }
}

#[test]
fn skills_run_no_commands_of_their_own_unless_the_user_wants_it() {
    let disabled = |scene: Scene| {
        settings(&scene.launch(Agent::Claude, &["claude"]).unwrap())["disableSkillShellExecution"]
            .clone()
    };
    let wanted = r#"{"disableSkillShellExecution":false}"#;

    assert_eq!(disabled(Scene::default()), true);
    assert_eq!(disabled(Scene::default().file("/h/.claude/settings.json", wanted)), Value::Null);
    assert_eq!(disabled(Scene::default().file("/w/project/.claude/settings.json", wanted)), true);
}
