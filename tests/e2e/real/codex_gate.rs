//! What Codex wants to do is judged, and people decide.

use std::fs;

use codeplane_tests::{
    AGENT_PATIENCE, DaemonOptions,
    model::say,
    real::{RealAgent, World},
    wait_until,
};
use serde_json::Value;

use super::{
    gate::{allow, id, rules},
    receipts::{events, expect_edit},
};

/// What lets Codex do what its model wants without asking anybody itself.
const FREE: &str = "--dangerously-bypass-approvals-and-sandbox";

/// Waits until this call waits for a person.
#[track_caller]
fn expect_asked(world: &World, session: &str, subject: &str) -> Value {
    wait_until(&format!("{subject:?} to wait"), AGENT_PATIENCE, || {
        let asked = world.expect_approval(session);
        if asked["subject"] == subject { Ok(asked) } else { Err(asked) }
    })
}

#[test]
fn a_call_that_a_rule_allows_is_made_and_nobody_is_asked() {
    let Some(world) = World::codex() else { return };
    rules(&world, "- {id: touch, effect: allow, tool: Bash, command: 'touch out'}\n");
    world.model.script("build", [world.shell("touch out"), say("It is built.")]);

    let session = world.run(&["[[build]] go"]);

    world.expect_screen(&session, "It is built.");
    assert!(world.work().join("out").exists());
    assert_eq!(world.session(&session)["gate"], "gated");
    let asked = world.daemon.cpctl(["approvals", "ls", "--all", "-o", "json"]).success();
    assert_eq!(asked.trim(), "[]");
    world.stop(&session);
}

#[test]
fn a_call_that_a_rule_denies_is_not_made_and_codex_reads_why() {
    let Some(world) = World::codex() else { return };
    rules(
        &world,
        "- {id: no, effect: deny, tool: Bash, command: 'touch:*', reason: nothing new here}\n",
    );
    world.model.script("build", [world.shell("touch out"), say("So be it.")]);

    let session = world.run(&["[[build]] go"]);

    world.model.expect_tool_result("build", "nothing new here");
    world.expect_screen(&session, "So be it.");
    assert!(!world.work().join("out").exists());
    assert_eq!(world.session(&session)["gate"], "gated");
    world.stop(&session);
}

#[test]
fn a_call_waits_until_a_person_allows_it() {
    let Some(world) = World::codex() else { return };
    world.model.script("build", [world.shell("touch out"), say("It is built.")]);

    let session = world.run(&["[[build]] go"]);

    let approval = world.expect_approval(&session);
    assert!(!world.work().join("out").exists());
    allow(&world, &approval, &[]);
    world.expect_screen(&session, "It is built.");
    assert!(world.work().join("out").exists());
}

#[test]
fn flags_that_bypass_approvals_do_not_bypass_the_gate() {
    let Some(world) = World::codex() else { return };
    rules(
        &world,
        "- {id: no, effect: deny, tool: Bash, command: 'touch:*', reason: not even now}\n",
    );
    world.model.script("build", [world.shell("touch out"), say("So be it.")]);

    let session = world.run(&[FREE, "[[build]] go"]);

    world.model.expect_tool_result("build", "not even now");
    world.expect_screen(&session, "So be it.");
    assert!(!world.work().join("out").exists());
}

#[test]
fn a_call_that_a_person_denies_is_not_made_and_codex_reads_why() {
    let Some(world) = World::codex() else { return };
    world.model.script("build", [world.shell("touch out"), say("So be it.")]);

    let session = world.run(&["[[build]] go"]);

    let approval = world.expect_approval(&session);
    let denied = ["approvals", "deny", id(&approval), "--message", "not on a Friday"];
    drop(world.daemon.cpctl(denied).success());
    world.model.expect_tool_result("build", "not on a Friday");
    world.expect_screen(&session, "So be it.");
    assert!(!world.work().join("out").exists());
}

#[test]
fn a_call_that_nobody_decides_about_is_denied() {
    let Some(agent) = RealAgent::codex() else { return };
    let config = Some("[approvals]\ntimeout = \"2s\"\n".to_owned());
    let world = World::of(agent, DaemonOptions { config, ..DaemonOptions::default() });
    world.model.script("build", [world.shell("touch out"), say("So be it.")]);

    let session = world.run(&["[[build]] go"]);

    world.model.expect_tool_result("build", "nobody decided in time");
    world.expect_screen(&session, "So be it.");
    assert!(!world.work().join("out").exists());
}

#[test]
fn a_grant_answers_the_next_call() {
    let Some(world) = World::codex() else { return };
    let turns = [world.shell("echo x >> out"), world.shell("echo x >> out"), say("Twice.")];
    world.model.script("build", turns);

    let session = world.run(&["[[build]] go"]);

    let approval = world.expect_approval(&session);
    allow(&world, &approval, &["--grant", "session"]);
    world.expect_screen(&session, "Twice.");
    assert_eq!(fs::read_to_string(world.work().join("out")).unwrap(), "x\nx\n");
    let asked = world.daemon.cpctl(["approvals", "ls", "--all", "-o", "json"]).success();
    let asked: Vec<Value> = serde_json::from_str(&asked).unwrap();
    assert_eq!(asked.len(), 1, "{asked:?}");
}

#[test]
fn a_call_waits_on_while_the_daemon_is_killed() {
    let Some(mut world) = World::codex() else { return };
    world.model.script("build", [world.shell("touch out"), say("It is built.")]);
    let session = world.run(&["[[build]] go"]);
    let approval = world.expect_approval(&session);

    world.daemon.kill_hard();
    world.daemon.launch();

    let same = world.expect_approval(&session);
    assert_eq!(id(&same), id(&approval));
    assert!(!world.work().join("out").exists());
    allow(&world, &same, &[]);
    world.expect_screen(&session, "It is built.");
    assert!(world.work().join("out").exists());
    assert_eq!(world.session(&session)["gate"], "gated");
}

#[test]
fn codex_that_edits_the_hooks_it_is_watched_by_is_told_of_and_stays_gated() {
    let Some(world) = World::codex() else { return };
    let config = world.home().join(".codex/config.toml");
    let project = world.work().join(".codex/hooks.json");
    let switch_off = format!("sed -i 's/^apps = .*/hooks = false/' {}", config.display());
    let own = "mkdir -p .codex; echo '{\"hooks\": {\"PreToolUse\": []}}' > .codex/hooks.json";
    let turns =
        [world.shell(&switch_off), world.shell(own), world.shell("touch out"), say("So be it.")];
    world.model.script("edit", turns);
    world.model.script("again", [world.shell("touch out"), say("So be it again.")]);

    let session = world.run(&[FREE, "[[edit]] go"]);

    allow(&world, &expect_asked(&world, &session, &switch_off), &[]);
    assert_eq!(expect_edit(&world, &session, &config), "the feature 'hooks' was switched");
    allow(&world, &expect_asked(&world, &session, own), &[]);
    assert_eq!(expect_edit(&world, &session, &project), "hooks changed: PreToolUse");
    let made = expect_asked(&world, &session, "touch out");
    drop(world.daemon.cpctl(["approvals", "deny", id(&made), "--message", "no"]).success());
    world.expect_screen(&session, "So be it.");
    assert_eq!(world.session(&session)["gate"], "gated");

    // What a session finds at its start is no more than that.
    let next = world.run_with(&["--unattended"], &[FREE, "[[again]] go"]);
    world.expect_screen(&next, "So be it again.");
    assert_eq!(world.session(&next)["gate"], "gated");
    assert!(!world.work().join("out").exists());
}

#[test]
fn a_call_that_codex_breaks_off_while_it_waits_is_no_violation() {
    let Some(world) = World::codex() else { return };
    world.model.script("build", [world.shell("touch out"), say("So be it.")]);
    let session = world.run(&["[[build]] go"]);
    drop(world.expect_approval(&session));

    drop(world.daemon.cpctl(["keys", &session, "Escape"]).success());

    wait_until("the call to be cancelled", AGENT_PATIENCE, || {
        let all = world.daemon.cpctl(["approvals", "ls", "--all", "-o", "json"]).success();
        let all: Value = serde_json::from_str(&all).unwrap();
        if all[0]["state"] == "cancelled" { Ok(()) } else { Err((all, world.screen(&session))) }
    });
    world.stop(&session);
    assert_eq!(events(&world, &session, "violation"), [] as [Value; 0]);
    assert!(!world.work().join("out").exists());
}
