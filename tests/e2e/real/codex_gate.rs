//! What Codex wants to do is judged, and people decide.

use codeplane_tests::{model::say, real::World};

/// Binds a policy of these rules to every session.
#[track_caller]
fn rules(world: &World, rules: &str) {
    let policy = format!("name: test\nrules:\n{rules}");
    drop(world.daemon.cpctl_with(["policy", "apply", "-f", "-"], policy.as_bytes()).success());
    drop(world.daemon.cpctl(["policy", "bind", "test", "--default"]).success());
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
    let id = approval["id"].as_str().unwrap();
    drop(world.daemon.cpctl(["approvals", "allow", id]).success());
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

    let session = world.run(&["--dangerously-bypass-approvals-and-sandbox", "[[build]] go"]);

    world.model.expect_tool_result("build", "not even now");
    world.expect_screen(&session, "So be it.");
    assert!(!world.work().join("out").exists());
}
