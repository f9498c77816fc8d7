//! What the user of a new session is told at its start.

use std::fs;
use std::path::PathBuf;

use codeplane_client::v1::{CreateSessionRequest, EnvVar};
use codeplane_tests::{PATIENCE, TestDaemon, wait_until};
use serde_json::{Value, json};

use super::kit::{daemon, script};

/// Another hook of the project.
const OTHER_HOOK: &str = "hooks in .claude/settings.json can change a call after it was judged: that is only found when it has run";
/// Programs of the project.
const PROGRAMS: &str = "programs that .claude/settings.json names run without being judged: hooks";
/// Dialogs that nobody answers but the user.
const FIRST_RUN: &str = "the agent will ask for its first-run settings: attach and answer";
const TRUST: &str =
    "the agent will ask whether to trust the directory, and runs no hook before: attach and answer";
const UNGATED: &str = "UNGATED: it was started without an adapter: its tool calls are not judged";

/// A project, a home, and a program called `claude`.
struct Scene {
    daemon: TestDaemon,
    place: PathBuf,
}

impl Scene {
    fn new() -> Self {
        Self::with("")
    }

    /// With a daemon that has this configuration.
    fn with(config: &str) -> Self {
        let daemon = daemon(config);
        let place = daemon.home().canonicalize().unwrap();
        script(&place.join("bin/claude"), "#!/bin/sh\nread -r line\n");
        fs::create_dir(place.join("work")).unwrap();
        Self { daemon, place }
    }

    /// What the user answered before, and a project without hooks.
    fn settle(&self) {
        let work = self.place.join("work").display().to_string();
        let state = json!({
            "hasCompletedOnboarding": true,
            "projects": {work: {"hasTrustDialogAccepted": true}},
        });
        fs::write(self.place.join(".claude.json"), state.to_string()).unwrap();
    }

    /// Every session is judged by a policy.
    fn bind(&self) {
        let policy = "name: p\nrules:\n- {id: no, effect: deny, tool: Bash, reason: no}\n";
        let applied = self.daemon.cpctl_with(["policy", "apply", "-f", "-"], policy.as_bytes());
        drop(applied.success());
        drop(self.daemon.cpctl(["policy", "bind", "p", "--default"]).success());
    }

    /// The project has a hook that Claude Code runs beside ours.
    fn add_hook(&self) {
        let hook = json!({"matcher": "*", "hooks": [{"type": "command", "command": "true"}]});
        let settings = json!({"hooks": {"PreToolUse": [hook]}});
        fs::create_dir(self.place.join("work/.claude")).unwrap();
        fs::write(self.place.join("work/.claude/settings.json"), settings.to_string()).unwrap();
    }

    fn environment(&self) -> [(&'static str, String); 2] {
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.place.join("bin").display());
        [("HOME", self.place.display().to_string()), ("PATH", path)]
    }

    /// What `cpctl run` says beside the session's id.
    #[track_caller]
    fn run(&self, options: &[&str]) -> Vec<String> {
        let mut run: Vec<String> = ["run", "-d", "--cwd"].map(Into::into).into();
        run.push(self.place.join("work").display().to_string());
        run.extend(self.environment().map(|(name, value)| format!("--env={name}={value}")));
        run.extend(options.iter().map(|&option| option.to_owned()));
        run.extend(["--", "claude"].map(Into::into));
        let ran = self.daemon.cpctl(run);
        assert_eq!((ran.code, ran.stdout.lines().count()), (0, 1), "{ran:?}");
        let note = |line: &str| line.strip_prefix("cpctl: ").expect("one of ours").to_owned();
        ran.stderr.lines().map(note).collect()
    }

    /// What the API answers.
    async fn create(&self) -> Vec<String> {
        let variable = |(name, value): (&str, String)| EnvVar { name: name.to_owned(), value };
        let request = CreateSessionRequest {
            command: vec!["claude".to_owned()],
            cwd: self.place.join("work").display().to_string(),
            env: self.environment().map(variable).into(),
            ..CreateSessionRequest::default()
        };
        let client = self.daemon.client().await;
        client.create_session_answer(request).await.unwrap().notices
    }
}

#[tokio::test]
async fn what_the_agent_will_ask_and_who_else_changes_calls_is_said_at_the_start() {
    let scene = Scene::new();
    scene.bind();
    scene.add_hook();

    assert_eq!(scene.run(&[]), [OTHER_HOOK, PROGRAMS, FIRST_RUN, TRUST]);
    assert_eq!(scene.create().await, [OTHER_HOOK, PROGRAMS, FIRST_RUN, TRUST]);

    scene.settle();
    assert_eq!(scene.run(&[]), [OTHER_HOOK, PROGRAMS]);
    assert_eq!(scene.create().await, [OTHER_HOOK, PROGRAMS]);
}

#[tokio::test]
async fn where_there_is_nothing_to_say_nothing_is_said() {
    let scene = Scene::new();
    scene.bind();
    scene.settle();

    assert_eq!(scene.run(&[]), Vec::<String>::new());
    assert_eq!(scene.create().await, Vec::<String>::new());
    assert_eq!(scene.run(&["--provider=none"]), [UNGATED]);
}

#[tokio::test]
async fn a_session_that_no_policy_judges_says_so() {
    let scene = Scene::new();
    scene.settle();

    for told in [scene.run(&[]), scene.create().await] {
        let [only] = &told[..] else { panic!("one notice: {told:?}") };
        assert!(only.starts_with("no policy judges this session"), "{only}");
    }
}

#[test]
fn an_agent_whose_hooks_do_not_report_is_told_of_once() {
    let scene = Scene::with("[approvals]\nfirst_report = \"1s\"\n");
    scene.settle();

    drop(scene.run(&["--name", "silent"]));

    let told = wait_until("the event", PATIENCE, || {
        let events = scene.daemon.cpctl([
            "events",
            "--session",
            "silent",
            "--type",
            "gate.changed",
            "-o",
            "json",
        ]);
        let events: Vec<Value> = serde_json::from_str(&events.success()).unwrap();
        if events.is_empty() { Err(events) } else { Ok(events) }
    });
    let [told] = &told[..] else { panic!("{told:?}") };
    assert_eq!(told["gate_changed"]["gate"], "unproven");
    assert!(
        told["gate_changed"]["reason"].as_str().unwrap().contains("have not reported"),
        "{told}"
    );
}
