//! What an agent wants to do is judged, and people decide.

use std::fs;

use codeplane_tests::{AGENT_PATIENCE, model::say, real::World, wait_until};

/// The id of an approval.
fn id(approval: &serde_json::Value) -> &str {
    approval["id"].as_str().unwrap()
}

#[test]
fn a_call_waits_until_a_person_allows_it() {
    let Some(world) = World::claude() else { return };
    world.model.script("build", [world.shell("echo made > out"), say("It is built.")]);

    let session = world.run(&["[[build]] go"]);

    let approval = world.expect_approval(&session);
    assert_eq!(approval["subject"], "echo made > out");
    assert_eq!(world.session(&session)["activity"], "waiting_for_approval");
    assert!(!world.work().join("out").exists());
    let allowed = world.daemon.cpctl(["approvals", "allow", id(&approval)]);
    assert_eq!(allowed.code, 0, "{allowed:?}");
    world.expect_screen(&session, "It is built.");
    assert_eq!(fs::read_to_string(world.work().join("out")).unwrap(), "made\n");
    assert_eq!(world.session(&session)["gate"], "gated");
    world.stop(&session);
}

#[test]
fn a_call_that_a_person_denies_is_not_made_and_the_agent_reads_why() {
    let Some(world) = World::claude() else { return };
    world.model.script("build", [world.shell("echo made > out"), say("So be it.")]);

    let session = world.run(&["[[build]] go"]);

    let approval = world.expect_approval(&session);
    let denied = ["approvals", "deny", id(&approval), "--message", "not on a Friday"];
    assert_eq!(world.daemon.cpctl(denied).code, 0);
    world.model.expect_tool_result("build", "not on a Friday");
    world.expect_screen(&session, "So be it.");
    assert!(!world.work().join("out").exists());
}

#[test]
fn what_the_agent_does_is_known_from_its_hooks() {
    let Some(world) = World::claude() else { return };
    world.model.script("talk", [say("Hello.")]);

    let session = world.run(&["[[talk]] go"]);

    world.expect_screen(&session, "Hello.");
    let idle = ["wait", &session, "--for", "idle", "--timeout", "60s"];
    let waited = world.daemon.cpctl(idle);
    assert_eq!(waited.code, 0, "{waited:?}");
    let known = world.session(&session);
    assert_eq!(known["activity_source"], "hook");
    wait_until("a conversation", AGENT_PATIENCE, || {
        let known = world.session(&session);
        if known["conversation_id"] == "" { Err(known) } else { Ok(()) }
    });
}
