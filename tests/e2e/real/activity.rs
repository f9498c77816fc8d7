//! What agents do at the moment, where their hooks say nothing.

use codeplane_tests::{
    AGENT_PATIENCE, DaemonOptions,
    model::{Gate, say},
    real::{RealAgent, World},
    wait_until,
};
use serde_json::Value;

/// Waits until the session does this; how that is known.
#[track_caller]
fn expect_activity(world: &World, session: &str, activity: &str) -> String {
    let known = wait_until(&format!("the session to be {activity}"), AGENT_PATIENCE, || {
        let known = world.session(session);
        if known["activity"] == activity { Ok(known) } else { Err(known["activity"].clone()) }
    });
    known["activity_source"].as_str().unwrap().to_owned()
}

/// Presses a key until the session does this: what comes while an agent gets ready is lost.
#[track_caller]
fn press_until(world: &World, session: &str, key: &str, activity: &str) -> String {
    let known = wait_until(&format!("{key} to make it {activity}"), AGENT_PATIENCE, || {
        let _pressed = world.daemon.cpctl(["keys", session, key]).success();
        let wait = ["wait", session, "--for", activity, "--timeout", "2s"];
        if world.daemon.cpctl(wait).code != 0 {
            return Err(world.screen(session));
        }
        Ok(world.session(session))
    });
    known["activity_source"].as_str().unwrap().to_owned()
}

#[test]
fn a_turn_that_is_broken_off_while_the_model_speaks_leaves_the_agent_idle() {
    let Some(world) = World::claude() else { return };
    let gate = Gate::closed();
    world.model.script("slow", [say("Nobody waits for this.").after(&gate)]);

    let session = world.run(&["[[slow]] go"]);

    drop(world.model.expect_turn("slow", 0));
    expect_activity(&world, &session, "working");
    let source = press_until(&world, &session, "escape", "idle");
    assert_eq!(source, "program_status", "no hook tells of it");
    gate.open();
}

#[test]
fn a_turn_that_is_broken_off_while_a_tool_runs_leaves_the_agent_idle() {
    let Some(world) = World::claude() else { return };
    let started = world.work().join("started");
    world.model.script("long", [world.shell("touch started; sleep 600"), say("Never.")]);

    let session =
        world.run_with(&["--allow", "Bash(touch:*)", "--allow", "Bash(sleep:*)"], &["[[long]] go"]);

    wait_until("the tool to run", AGENT_PATIENCE, || {
        if started.exists() { Ok(()) } else { Err(world.screen(&session)) }
    });
    expect_activity(&world, &session, "working");
    assert_eq!(press_until(&world, &session, "escape", "idle"), "program_status");
}

#[test]
fn a_turn_that_is_broken_off_while_a_call_waits_cancels_it_and_leaves_the_agent_idle() {
    for key in ["escape", "ctrl-c"] {
        let Some(agent) = RealAgent::claude() else { return };
        // No wait for a hook that could ask again.
        let config = Some("[approvals]\nrejoin_grace = \"5m\"\n".to_owned());
        let world = World::of(agent, DaemonOptions { config, ..DaemonOptions::default() });
        world.model.script("build", [world.shell("touch out"), say("Never.")]);
        let session = world.run(&["[[build]] go"]);
        let approval = world.expect_approval(&session);

        drop(world.daemon.cpctl(["keys", &session, key]).success());

        wait_until("the approval to be cancelled", AGENT_PATIENCE, || {
            let id = approval["id"].as_str().unwrap();
            let shown = world.daemon.cpctl(["approvals", "show", "-o", "json", id]).success();
            let shown: Value = serde_json::from_str(&shown).unwrap();
            if shown["state"] == "cancelled" { Ok(()) } else { Err(world.screen(&session)) }
        });
        expect_activity(&world, &session, "idle");
        assert!(!world.work().join("out").exists());
        world.stop(&session);
    }
}

#[test]
fn a_dialog_that_is_refused_closes_the_approval_and_leaves_the_agent_idle() {
    let Some(world) = World::claude() else { return };
    world.model.script("build", [world.shell("touch out"), say("It is built.")]);

    let session = world.run_with(&["--agent-dialog"], &["[[build]] go"]);

    let approval = world.expect_approval(&session);
    assert_eq!(expect_activity(&world, &session, "waiting_for_approval"), "daemon");
    world.answer(&session, "Do you want to proceed", "escape");
    wait_until("the approval to be closed", AGENT_PATIENCE, || {
        let id = approval["id"].as_str().unwrap();
        let shown = world.daemon.cpctl(["approvals", "show", "-o", "json", id]).success();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        if shown["state"] == "cancelled" && shown["decided_by"] == "dialog" {
            Ok(())
        } else {
            Err(shown)
        }
    });
    expect_activity(&world, &session, "idle");
    assert!(!world.work().join("out").exists());
}

#[test]
fn codex_says_of_itself_what_it_does() {
    let Some(world) = World::codex() else { return };
    world.model.script("talk", [say("Hello.")]);

    let session = world.run(&["[[talk]] go"]);

    world.expect_screen(&session, "Hello.");
    expect_activity(&world, &session, "idle");
    let events = ["events", "--session", &session, "--type", "activity.changed", "-o", "json"];
    let told = world.daemon.cpctl(events).success();
    assert!(told.contains("program_status"), "{told}");
}
