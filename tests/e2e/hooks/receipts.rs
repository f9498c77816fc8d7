//! What an agent does is compared with what was decided: a program called `claude` that runs no hook.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use codeplane_tests::{
    DaemonOptions, PATIENCE, TestDaemon, binary, processes::Process, wait_until,
};
use serde_json::{Value, json};

use super::kit::script;

/// Says that it runs, does what it is told, and ends with a code as it is told.
const AGENT: &str = "#!/bin/sh\necho \"it runs as $$\"\n\
    while read -r line; do case $line in [0-9]*) exit $line;; *) eval \"$line\";; esac; done\n";

struct Scene {
    daemon: TestDaemon,
    directory: tempfile::TempDir,
    session: String,
}

impl Scene {
    fn new() -> Self {
        Self::with_config("")
    }

    #[track_caller]
    fn with_config(config: &str) -> Self {
        let config = Some(config.to_owned());
        let daemon = TestDaemon::start_with(DaemonOptions { config, ..DaemonOptions::default() });
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap();
        script(&path.join("bin/claude"), AGENT);
        fs::create_dir(path.join("work")).unwrap();
        let mut scene = Self { daemon, directory, session: String::new() };
        scene.session = scene.run(&[], &["claude"]);
        scene
    }

    /// Starts a session.
    #[track_caller]
    fn run(&self, options: &[&str], command: &[&str]) -> String {
        let path = self.path("");
        let variable = |name: &str, value: String| format!("--env={name}={value}");
        let bin = format!("{}:{}", path.join("bin").display(), std::env::var("PATH").unwrap());
        let mut run: Vec<String> = vec![
            "run".to_owned(),
            "-d".to_owned(),
            format!("--cwd={}", path.join("work").display()),
            variable("HOME", path.display().to_string()),
            variable("PATH", bin),
        ];
        run.extend(options.iter().chain(&["--"]).chain(command).map(|&word| word.to_owned()));
        self.daemon.cpctl(run).success().trim().to_owned()
    }

    /// The same scene as another session sees it.
    fn seen_by(&mut self, session: &str) {
        session.clone_into(&mut self.session);
    }

    /// Has a hook of the agent report, and waits for its end; answers what it said.
    #[track_caller]
    fn report(&self, name: &str, body: &Value) -> String {
        let (given, said) = (self.path(&format!("{name}.in")), self.path(&format!("{name}.out")));
        fs::write(&given, body.to_string()).unwrap();
        let line = format!(
            "{} hook claude < {} > {1}.new; mv {1}.new {}",
            binary("cpctl").display(),
            given.display(),
            said.display()
        );
        drop(self.daemon.cpctl(["send", &self.session, &line, "--enter"]).success());
        wait_until("the answer to a hook", PATIENCE, || fs::read_to_string(&said).ok())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    fn known(&self) -> Value {
        let got = self.daemon.cpctl(["get", "-o", "json", &self.session]);
        serde_json::from_str(&got.stdout).unwrap_or_else(|error| panic!("{error}: {got:?}"))
    }

    #[track_caller]
    fn expect_screen(&self, text: &str) {
        wait_until(&format!("{text:?} on the screen"), PATIENCE, || {
            let screen = self.daemon.cpctl(["screen", &self.session]).stdout;
            if screen.contains(text) { Ok(()) } else { Err(screen) }
        });
    }

    /// Where Claude Code would write.
    fn transcript(&self) -> PathBuf {
        let work = self.path("work").display().to_string();
        let slug = |char: char| if char.is_ascii_alphanumeric() { char } else { '-' };
        let slug: String = work.chars().map(slug).collect();
        let conversation = self.known()["conversation_id"].as_str().unwrap().to_owned();
        self.path(".claude/projects").join(slug).join(format!("{conversation}.jsonl"))
    }

    fn events(&self, kind: &str) -> Vec<Value> {
        let asked = ["events", "-o", "json", "--session", &self.session, "--type", kind];
        let listed = self.daemon.cpctl(asked);
        serde_json::from_str(&listed.stdout).unwrap_or_else(|error| panic!("{error}: {listed:?}"))
    }

    /// Waits until a call was found to have run; answers all that were.
    #[track_caller]
    fn expect_violation(&self, id: &str) -> Vec<String> {
        wait_until(&format!("the violation of {id}"), PATIENCE, || {
            let found = self.events("violation");
            let id_of =
                |event: &Value| event["violation"]["tool_use_id"].as_str().map(str::to_owned);
            let ids: Vec<String> = found.iter().filter_map(id_of).collect();
            if ids.iter().any(|known| known == id) { Ok(ids) } else { Err(found) }
        })
    }
}

fn append(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = fs::OpenOptions::new().create(true).append(true).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

fn asked(id: &str, time: &str) -> String {
    let used = json!({"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "ls"}});
    format!("{}\n", json!({"type": "assistant", "timestamp": time, "message": {"content": [used]}}))
}

fn ran(id: &str, time: &str) -> String {
    let result = json!({"type": "tool_result", "tool_use_id": id, "content": "a"});
    format!("{}\n", json!({"type": "user", "timestamp": time, "message": {"content": [result]}}))
}

const LATER: &str = "2999-01-01T00:00:00.000Z";
const BEFORE: &str = "2020-01-01T00:00:00.000Z";

fn call(id: &str, time: &str) -> String {
    asked(id, time) + &ran(id, time)
}

#[test]
fn the_gate_is_tried_before_the_agent_starts_and_then_the_process_is_the_agents() {
    let scene = Scene::new();

    scene.expect_screen("it runs as");
    let known = scene.known();
    let pid = i32::try_from(known["pid"].as_i64().unwrap()).unwrap();
    scene.expect_screen(&format!("it runs as {pid}"));
    let arguments = Process::read(pid).unwrap().arguments();
    assert!(arguments[1].ends_with("bin/claude") && arguments[2] == "--settings", "{arguments:?}");
    // The hook reaches the daemon; whether the agent runs it is not shown by that.
    assert_eq!((&known["gate"], &known["seen_calls"]), (&json!("unproven"), &json!(0)));
    let decided = scene.events("decision.made");
    let [event] = &decided[..] else { panic!("one decision: {decided:?}") };
    assert_eq!(event["decision_made"]["source"], "trial");
    assert_eq!(event["decision_made"]["outcome"], "denied");

    drop(scene.daemon.cpctl(["send", &scene.session, "7", "--enter"]).success());

    let ended = ["wait", &scene.session, "--for", "exit", "--timeout", "20s"];
    drop(scene.daemon.cpctl(ended).success());
    assert_eq!(scene.known()["exit_status"]["code"], 7);
}

#[test]
fn an_agent_whose_gate_does_not_hold_is_not_started() {
    let directory = tempfile::tempdir().unwrap();
    let hook = directory.path().join("cpctl");
    let real = binary("cpctl");
    let passing = format!(
        "#!/bin/sh\nif [ \"$1\" = hook-trial ]; then exec '{}' \"$@\"; fi\nexit 0\n",
        real.display()
    );
    script(&hook, &passing);

    let scene = Scene::with_config(&format!("[server]\nhook = '{}'\n", hook.display()));

    scene.expect_screen("not started, because its calls would not be judged");
    let ended = ["wait", &scene.session, "--for", "exit", "--timeout", "20s"];
    drop(scene.daemon.cpctl(ended).success());
    assert_eq!(scene.known()["exit_status"]["code"], 126);
    assert!(!scene.daemon.cpctl(["screen", &scene.session]).stdout.contains("it runs"));
}

#[test]
fn what_a_transcript_tells_of_is_compared_once_and_what_was_before_the_session_is_not() {
    let scene = Scene::new();
    scene.expect_screen("it runs");
    let transcript = scene.transcript();
    let first = call("old", BEFORE) + &call("first", LATER);

    // Neither the file nor its directory was there; what begins with older lines was forked or resumed.
    let written = transcript.with_extension("new");
    append(&written, &first);
    fs::rename(&written, &transcript).unwrap();
    assert_eq!(scene.expect_violation("first"), ["first"]);
    append(&transcript, &asked("second", LATER));
    append(&transcript, "no JSON\n\u{0}\n");
    append(&transcript, &ran("second", LATER));
    assert_eq!(scene.expect_violation("second"), ["first", "second"]);
    // Once for each call, also where the file is written anew.
    fs::write(&transcript, call("second", LATER) + &call("third", LATER)).unwrap();
    assert_eq!(scene.expect_violation("third"), ["first", "second", "third"]);
    let subagent = transcript.with_extension("").join("subagents/agent-1.jsonl");
    append(&subagent, &call("below", LATER));
    assert_eq!(scene.expect_violation("below").len(), 4);

    let known = scene.known();
    assert_eq!((&known["gate"], &known["seen_calls"]), (&json!("ungated"), &json!(4)));
    assert_eq!(known["judged_calls"], 0);
}

#[test]
fn what_another_session_asked_for_that_went_on_with_the_same_conversation_is_no_violation() {
    let mut scene = Scene::new();
    scene.expect_screen("it runs");
    let (first, transcript) = (scene.session.clone(), scene.transcript());
    let conversation = scene.known()["conversation_id"].as_str().unwrap().to_owned();
    let second = scene.run(&["--allow", "Bash(ls:*)"], &["claude", "--resume", &conversation]);
    scene.seen_by(&second);
    scene.expect_screen("it runs");
    append(&transcript, &call("old", BEFORE));

    let common = json!({
        "session_id": conversation, "transcript_path": transcript, "cwd": scene.path("work"),
    });
    let with = |more: Value| {
        let mut body = common.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    scene.report("start", &with(json!({"hook_event_name": "SessionStart", "source": "resume"})));
    let asked = json!({
        "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_use_id": "judged",
        "tool_input": {"command": "ls"},
    });
    let answer = scene.report("asked", &with(asked));
    assert!(answer.contains("\"allow\""), "{answer}");
    append(&transcript, &(call("judged", LATER) + &call("not judged", LATER)));

    // Nobody can say whose the other is.
    assert_eq!(scene.expect_violation("not judged"), ["not judged"]);
    scene.seen_by(&first);
    assert_eq!(scene.expect_violation("not judged"), ["not judged"]);
}

#[test]
fn a_call_that_was_asked_for_before_the_daemon_was_killed_is_compared_by_the_next() {
    let mut scene = Scene::new();
    scene.expect_screen("it runs");
    let transcript = scene.transcript();
    append(&transcript, &(call("first", LATER) + &asked("second", LATER)));
    scene.expect_violation("first");

    scene.daemon.kill_hard();
    append(&transcript, &ran("second", LATER));
    scene.daemon.launch();

    assert_eq!(scene.expect_violation("second"), ["first", "second"]);
    assert_eq!(scene.known()["seen_calls"], 2);
    append(&transcript, &call("third", LATER));
    assert_eq!(scene.expect_violation("third").len(), 3);
}

#[test]
fn edits_that_touch_hooks_are_told_and_recorded_whoever_the_daemon_is() {
    let mut scene = Scene::new();
    scene.expect_screen("it runs");
    let expect = |scene: &Scene, path: &Path, change: &str| {
        wait_until(&format!("an edit of {}", path.display()), PATIENCE, || {
            let found = scene.events("hooks.edited");
            let is_it = |event: &Value| {
                event["hooks_edited"]
                    == json!({"path": path.display().to_string(), "change": change})
            };
            if found.iter().any(is_it) { Ok(found.len()) } else { Err(found) }
        })
    };
    let disabled = "{\"disableAllHooks\": true}";
    let project = scene.path("work/.claude/settings.json");
    let local = scene.path("work/.claude/settings.local.json");
    let user = scene.path(".claude/settings.json");

    append(&project, disabled);
    expect(&scene, &project, "'disableAllHooks' is now true");
    append(&user, "{\"theme\": \"dark\"}");
    append(&local, "{\"hooks\": {\"PreToolUse\": []}}");
    assert_eq!(expect(&scene, &local, "hooks changed: PreToolUse"), 2);
    scene.daemon.restart();
    fs::write(&user, disabled).unwrap();
    assert_eq!(expect(&scene, &user, "'disableAllHooks' is now true"), 3);
    scene.daemon.stop();
    fs::write(&user, "{}").unwrap();
    fs::write(&project, "{\"disableAllHooks\": true, \"theme\": \"dark\"}").unwrap();
    scene.daemon.launch();
    let gone = "edited while no daemon ran: it says nothing of hooks any more";
    assert_eq!(expect(&scene, &user, gone), 4);

    let listed = ["audit", "ls", "-o", "json", "--kind", "hooks.edited"];
    let records: Vec<Value> = serde_json::from_str(&scene.daemon.cpctl(listed).success()).unwrap();
    assert_eq!(records.len(), 4, "{records:?}");
}
