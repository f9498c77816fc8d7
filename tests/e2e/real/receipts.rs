//! What an agent did is compared with what was decided.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use codeplane_tests::{
    AGENT_PATIENCE,
    model::{Gate, call, say},
    real::{World, claude::subagent},
    wait_until,
};
use serde_json::{Value, json};

/// What lets Claude Code do what its model wants without asking anybody itself.
const FREE: &str = "--dangerously-skip-permissions";

/// The events of one type.
pub(super) fn events(world: &World, session: &str, kind: &str) -> Vec<Value> {
    let listed = world.daemon.cpctl(["events", "-o", "json", "--session", session, "--type", kind]);
    serde_json::from_str(&listed.stdout).unwrap_or_else(|error| panic!("{error}: {listed:?}"))
}

/// Waits for so many violations.
#[track_caller]
fn expect_violations(world: &World, session: &str, count: usize) -> Vec<Value> {
    wait_until(&format!("{count} violations"), AGENT_PATIENCE, || {
        let found = events(world, session, "violation");
        if found.len() < count { Err(found) } else { Ok(found) }
    })
    .into_iter()
    .map(|event| event["violation"].clone())
    .collect()
}

/// How many calls were judged, and how many are known.
fn coverage(world: &World, session: &str) -> (u64, u64) {
    let known = world.session(session);
    let figure = |name: &str| known[name].as_u64().unwrap_or_else(|| panic!("{name}: {known}"));
    (figure("judged_calls"), figure("seen_calls"))
}

/// Lines of a transcript by which a call ran that never did.
fn forged(id: &str) -> String {
    let used = json!({"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "ls"}});
    let ran = json!({"type": "tool_result", "tool_use_id": id, "content": "a"});
    let assistant = json!({"type": "assistant", "message": {"content": [used]}});
    let user = json!({"type": "user", "message": {"content": [ran]}});
    format!("{assistant}\n{user}\n")
}

/// The transcript of a session.
fn transcript(world: &World, session: &str) -> PathBuf {
    let conversation = world.session(session)["conversation_id"].as_str().unwrap().to_owned();
    let slug: String = world
        .work()
        .display()
        .to_string()
        .chars()
        .map(|char| if char.is_ascii_alphanumeric() { char } else { '-' })
        .collect();
    world.home().join(".claude/projects").join(slug).join(format!("{conversation}.jsonl"))
}

/// Appends to a transcript, as only its agent should.
fn forge(transcript: &Path, text: &str) {
    let file = fs::OpenOptions::new().append(true).open(transcript);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

/// `PATH` with an agent of the same name before the real one, that drops the settings by which its
/// hooks report: the first two arguments.
fn without_hooks(world: &World) -> String {
    use std::os::unix::fs::PermissionsExt;
    let directory = world.home().join("wrapper");
    fs::create_dir_all(&directory).unwrap();
    let program = directory.join("claude");
    let real = world.program();
    fs::write(&program, format!("#!/bin/sh\nshift 2\nexec '{}' \"$@\"\n", real.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    format!("--env=PATH={}:{}:{path}", directory.display(), real.parent().unwrap().display())
}

#[test]
fn every_tool_that_runs_was_judged_and_no_alarm_is_raised() {
    let Some(world) = World::claude() else { return };
    let file = |name: &str| world.work().join(name).display().to_string();
    fs::write(file("a"), "hello\n").unwrap();
    world.model.script(
        "all",
        [
            call("Read", json!({"file_path": file("a")}))
                .and(world.shell("echo one"))
                .and(world.shell("exit 3")),
            call("Write", json!({"file_path": file("b"), "content": "x"})),
            call("Edit", json!({"file_path": file("a"), "old_string": "hello", "new_string": "y"})),
            call("ToolSearch", json!({"query": "select:WebFetch", "max_results": 3})),
            call("Skill", json!({"skill": "init"})),
            // Neither is there, and neither reaches a hook.
            call("NoSuchTool", json!({})).and(call("TodoWrite", json!({"todos": []}))),
            call("Bash", json!({"command": "true", "description": "x", "run_in_background": true})),
            subagent("[[part]] go"),
            say("It has begun."),
            say("All is done."),
        ],
    );
    world.model.script("part", [world.shell("echo below"), say("The part is done.")]);

    let session = world.run_with(&["--dangerous"], &["[[all]] go"]);

    world.expect_screen(&session, "All is done.");
    forge(&transcript(&world, &session), &forged("after-all"));
    let violations = expect_violations(&world, &session, 1);
    assert_eq!(violations[0]["tool_use_id"], "after-all", "{violations:?}");
    assert_eq!(violations.len(), 1);
    assert_eq!(coverage(&world, &session), (10, 11));
}

#[test]
fn a_call_that_was_denied_and_did_not_run_is_no_violation() {
    let Some(world) = World::claude() else { return };
    world.model.script("deny", [world.shell("echo made > out"), say("So be it.")]);

    let session = world.run_with(&["--unattended"], &["[[deny]] go"]);

    world.expect_screen(&session, "So be it.");
    assert!(!world.work().join("out").exists());
    forge(&transcript(&world, &session), "{\"type\": \"assistant\", \"message\": [[[[\n\u{0}\n");
    forge(&transcript(&world, &session), &forged("forged"));
    let violations = expect_violations(&world, &session, 1);
    assert_eq!(violations[0]["tool_use_id"], "forged", "{violations:?}");
    assert_eq!(violations[0]["problem"], "it ran and nobody had judged it");
    assert_eq!(coverage(&world, &session), (1, 2));
    assert_eq!(world.session(&session)["gate"], "ungated");
}

#[test]
fn a_tool_that_runs_without_its_hook_is_found_once_whatever_becomes_of_the_daemon() {
    let Some(mut world) = World::claude() else { return };
    let part = subagent("[[part]] go");
    world.model.script(
        "build",
        [world.shell("echo made > out"), part, say("It has begun."), say("It is built.")],
    );
    world.model.script("part", [world.shell("echo below > below"), say("The part is done.")]);

    let session = world.run_with(&[&without_hooks(&world)], &["[[build]] go", FREE]);

    world.expect_screen(&session, "It is built.");
    assert!(world.work().join("out").exists() && world.work().join("below").exists());
    let violations = expect_violations(&world, &session, 3);
    let tools: Vec<&Value> = violations.iter().map(|one| &one["tool"]).collect();
    assert_eq!(tools.iter().filter(|tool| **tool == "Bash").count(), 2, "{violations:?}");
    let known = world.session(&session);
    assert_eq!(known["gate"], "ungated");
    assert_eq!(known["gate_reason"], "Bash: it ran and nobody had judged it");

    let transcript = transcript(&world, &session);
    world.daemon.kill_hard();
    forge(&transcript, &forged("meanwhile"));
    world.daemon.launch();

    let violations = expect_violations(&world, &session, 4);
    assert_eq!(violations.len(), 4, "{violations:?}");
    assert_eq!(violations[3]["tool_use_id"], "meanwhile");
    assert_eq!(coverage(&world, &session), (0, 4));
    let audit = world.daemon.cpctl(["audit", "ls", "-o", "json", "--session", &session]);
    assert_eq!(audit.stdout.matches("nobody had judged it\"").count(), 5, "{}", audit.stdout);
}

#[test]
fn codex_is_compared_with_what_was_decided_and_what_it_shows_no_hook_is_told() {
    let Some(world) = World::codex() else { return };
    let free = "--dangerously-bypass-approvals-and-sandbox";
    world.model.script(
        "code",
        [
            world.shell("echo one"),
            world.shell("exit 3"),
            call("write_stdin", json!({"session_id": 1, "chars": "rm -r /\n"})),
            say("It has run."),
        ],
    );

    let session = world.run_with(&["--dangerous"], &[free, "[[code]] go"]);

    world.expect_screen(&session, "It has run.");
    let violations = expect_violations(&world, &session, 1);
    assert_eq!(violations[0]["tool"], "write_stdin", "{violations:?}");
    let problem = "unproven tool use: it typed into a command that runs, which no hook is shown";
    assert_eq!(violations[0]["problem"], problem);
    assert_eq!(coverage(&world, &session), (2, 3));
}

/// Waits until a session was told that its hooks were edited in a file; answers what changed.
#[track_caller]
pub(super) fn expect_edit(world: &World, session: &str, path: &Path) -> String {
    wait_until(&format!("an edit of {}", path.display()), AGENT_PATIENCE, || {
        let found = events(world, session, "hooks.edited");
        let path = path.display().to_string();
        let edit = found.iter().find(|event| event["hooks_edited"]["path"] == path);
        let change = edit.and_then(|event| event["hooks_edited"]["change"].as_str());
        change.map(str::to_owned).ok_or(found)
    })
}

#[test]
fn an_agent_that_edits_the_hooks_it_is_watched_by_is_told_of_and_stays_gated() {
    let Some(world) = World::claude() else { return };
    let file = world.work().join(".claude/settings.local.json");
    let off = "echo '{\"disableAllHooks\": true}'";
    world.model.script(
        "edit",
        [
            world.shell(&format!("mkdir -p .claude; {off} > .claude/settings.local.json")),
            world.shell("echo made > out"),
            say("So be it."),
        ],
    );

    let session = world.run(&["[[edit]] go"]);

    let edit = world.expect_approval(&session);
    let allowed = world.daemon.cpctl(["approvals", "allow", edit["id"].as_str().unwrap()]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    assert_eq!(expect_edit(&world, &session, &file), "'disableAllHooks' is now true");
    let made = wait_until("the next call to wait", AGENT_PATIENCE, || {
        let asked = world.expect_approval(&session);
        if asked["subject"] == "echo made > out" { Ok(asked) } else { Err(asked) }
    });
    assert!(!world.work().join("out").exists());
    let id = made["id"].as_str().unwrap();
    assert_eq!(world.daemon.cpctl(["approvals", "deny", id, "--message", "no"]).code, 0);
    world.expect_screen(&session, "So be it.");
    assert!(!world.work().join("out").exists());
}

#[test]
fn hooks_that_are_switched_off_in_any_settings_before_and_after_the_start_still_judge() {
    let Some(world) = World::claude() else { return };
    let files = [
        world.home().join(".claude/settings.json"),
        world.work().join(".claude/settings.json"),
        world.work().join(".claude/settings.local.json"),
    ];
    let switch = |file: &Path, text: &str| {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    let before = Gate::closed();
    for file in &files {
        switch(file, "{\"disableAllHooks\": true}");
    }
    world.model.script(
        "build",
        [
            world.shell("echo first > first"),
            world.shell("echo second > second").after(&before),
            say("So be it."),
        ],
    );

    let session = world.run_with(&["--unattended"], &["[[build]] go"]);
    world.model.expect_tool_result("build", "");
    for file in &files {
        switch(file, "{}");
        expect_edit(&world, &session, file);
        switch(file, "{\"disableAllHooks\": true}");
        wait_until("the second edit", AGENT_PATIENCE, || {
            let path = file.display().to_string();
            let found = events(&world, &session, "hooks.edited");
            let count = found.iter().filter(|one| one["hooks_edited"]["path"] == path).count();
            if count == 2 { Ok(()) } else { Err(found) }
        });
    }
    before.open();

    world.expect_screen(&session, "So be it.");
    assert!(!world.work().join("first").exists() && !world.work().join("second").exists());
    assert_eq!(coverage(&world, &session), (2, 2));
    assert_eq!(world.session(&session)["gate"], "gated");
}

#[test]
fn calls_that_the_agent_completes_before_it_makes_them_are_those_that_were_judged() {
    let Some(world) = World::claude() else { return };
    let file = world.work().join("notes.py");
    world.model.script(
        "build",
        [
            call("Write", json!({"file_path": file, "content": "x = 1  \n\ty = 'a'\n"})),
            call("Read", json!({"file_path": "notes.py"})),
            call("Edit", json!({"file_path": file, "old_string": "1", "new_string": "2"})),
            call(
                "Edit",
                json!({"file_path": "./notes.py", "old_string": "= 2", "new_string": "= 3  "}),
            ),
            call("Read", json!({"file_path": file, "offset": "1", "limit": "1"})),
            call("Bash", json!({"command": "cat notes.py | head -1", "timeout": "5000"})),
            call("Bash", json!({"command": "ls", "run_in_background": "false"})),
            say("It is built."),
        ],
    );

    let session = world.run_with(&["--dangerous"], &["[[build]] go", FREE]);

    world.expect_screen(&session, "It is built.");
    wait_until("every call to be known", AGENT_PATIENCE, || {
        let known = coverage(&world, &session);
        if known.0 >= 7 { Ok(()) } else { Err((known, world.screen(&session))) }
    });
    world.stop(&session);
    assert_eq!(events(&world, &session, "violation"), [] as [Value; 0]);
    assert_eq!(fs::read_to_string(file).unwrap(), "x = 3\n\ty = 'a'\n");
}
