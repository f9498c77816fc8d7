//! What an agent wants to do is judged, and people decide.

use std::fs;

use codeplane_tests::{
    AGENT_PATIENCE, DaemonOptions,
    model::say,
    real::{
        RealAgent, World,
        claude::{leave_plan, question, subagent},
    },
    wait_until,
};
use serde_json::Value;

/// The id of an approval.
pub(super) fn id(approval: &Value) -> &str {
    approval["id"].as_str().unwrap()
}

/// Allows an approval.
#[track_caller]
pub(super) fn allow(world: &World, approval: &Value, options: &[&str]) {
    let allowed = world.daemon.cpctl([&["approvals", "allow", id(approval)], options].concat());
    drop(allowed.success());
}

/// Binds a policy of these rules to every session.
#[track_caller]
pub(super) fn rules(world: &World, rules: &str) {
    let policy = format!("name: test\nrules:\n{rules}");
    drop(world.daemon.cpctl_with(["policy", "apply", "-f", "-"], policy.as_bytes()).success());
    drop(world.daemon.cpctl(["policy", "bind", "test", "--default"]).success());
}

#[test]
fn a_call_that_a_rule_allows_is_made_and_nobody_is_asked() {
    let Some(world) = World::claude() else { return };
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
fn a_call_that_a_rule_denies_is_not_made_and_the_agent_reads_why() {
    let Some(world) = World::claude() else { return };
    rules(
        &world,
        "- {id: no, effect: deny, tool: Bash, command: 'touch:*', reason: nothing new here}\n",
    );
    world.model.script("build", [world.shell("touch out"), say("So be it.")]);

    let session = world.run(&["[[build]] go"]);

    world.model.expect_tool_result("build", "nothing new here");
    world.expect_screen(&session, "So be it.");
    assert!(!world.work().join("out").exists());
}

#[test]
fn flags_that_bypass_permissions_do_not_bypass_the_gate() {
    let Some(world) = World::claude() else { return };
    rules(
        &world,
        "- {id: no, effect: deny, tool: Bash, command: 'touch:*', reason: not even now}\n",
    );
    world.model.script("build", [world.shell("touch out"), say("So be it.")]);
    let flags =
        [&["--dangerously-skip-permissions"][..], &["--permission-mode", "bypassPermissions"][..]];
    for flag in flags {
        let session = world.run(&[&["[[build]] go"], flag].concat());

        world.expect_screen(&session, "So be it.");
        assert!(!world.work().join("out").exists(), "{flag:?}");
        world.stop(&session);
    }
    world.model.expect_tool_result("build", "not even now");
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
    allow(&world, &approval, &[]);
    world.expect_screen(&session, "It is built.");
    assert_eq!(fs::read_to_string(world.work().join("out")).unwrap(), "made\n");
    assert_eq!(world.session(&session)["gate"], "gated");
    world.stop(&session);
}

#[test]
fn a_call_runs_with_the_input_that_a_person_wrote_and_the_model_is_told() {
    let Some(world) = World::claude() else { return };
    world.model.script("build", [world.shell("echo asked"), say("It is built.")]);

    let session = world.run(&["[[build]] go"]);

    let approval = world.expect_approval(&session);
    allow(&world, &approval, &["--input", r#"{"command":"echo edited"}"#]);
    let result = world.model.expect_tool_result("build", "edited");
    assert!(!result.text.contains("asked"), "{result:?}");
    let turn = world.model.expect_turn("build", 1).body.to_string();
    assert!(turn.contains("a person changed the input of this call"), "{turn}");
    world.expect_screen(&session, "It is built.");
}

#[test]
fn a_call_that_a_person_denies_is_not_made_and_the_agent_reads_why() {
    let Some(world) = World::claude() else { return };
    world.model.script("build", [world.shell("echo made > out"), say("So be it.")]);

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
    let Some(agent) = RealAgent::claude() else { return };
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
    let Some(world) = World::claude() else { return };
    let turns = [world.shell("touch out"), world.shell("touch out"), say("Twice.")];
    world.model.script("build", turns);

    let session = world.run(&["[[build]] go"]);

    let approval = world.expect_approval(&session);
    allow(&world, &approval, &["--grant", "session"]);
    world.expect_screen(&session, "Twice.");
    assert_eq!(world.model.tool_results("build").len(), 2);
}

#[test]
fn a_call_of_a_subagent_is_judged() {
    let Some(world) = World::claude() else { return };
    rules(&world, "- {id: helpers, effect: allow, tool: [Agent, Task]}\n");
    let turns = [subagent("[[part]] go"), say("It has begun."), say("All is done.")];
    world.model.script("main", turns);
    world.model.script("part", [world.shell("echo below > out"), say("The part is done.")]);

    let session = world.run(&["[[main]] go"]);

    let approval = world.expect_approval(&session);
    assert_eq!(approval["subject"], "echo below > out");
    assert_ne!(approval["subagent"], "");
    allow(&world, &approval, &[]);
    world.expect_screen(&session, "All is done.");
    assert!(world.work().join("out").exists());
}

#[test]
fn a_question_is_answered_from_anywhere() {
    let Some(world) = World::claude() else { return };
    world.model.script("ask", [question("Which colour?", &["Red", "Blue"]), say("So be it.")]);

    let session = world.run(&["[[ask]] go"]);

    let approval = world.expect_approval(&session);
    assert_eq!(approval["kind"], "question");
    drop(world.daemon.cpctl(["approvals", "answer", id(&approval), "Blue"]).success());
    world.model.expect_tool_result("ask", "Blue");
    world.expect_screen(&session, "So be it.");
}

#[test]
fn a_plan_goes_on_when_a_person_agrees() {
    let Some(world) = World::claude() else { return };
    world.model.script("plan", [leave_plan("First this, then that."), say("Here we go.")]);

    let session = world.run(&["[[plan]] go", "--permission-mode=plan"]);

    let approval = world.expect_approval(&session);
    assert_eq!(approval["kind"], "plan");
    allow(&world, &approval, &[]);
    world.expect_screen(&session, "Here we go.");
}

#[test]
fn a_call_waits_on_while_the_daemon_is_killed() {
    let Some(mut world) = World::claude() else { return };
    world.model.script("build", [world.shell("touch out"), say("It is built.")]);
    let session = world.run(&["[[build]] go"]);
    let approval = world.expect_approval(&session);

    world.daemon.kill_hard();
    world.daemon.launch();

    let same = world.expect_approval(&session);
    assert_eq!(id(&same), id(&approval));
    allow(&world, &same, &[]);
    world.expect_screen(&session, "It is built.");
    assert!(world.work().join("out").exists());
}

#[test]
fn the_agents_own_dialog_may_ask_and_closes_the_approval() {
    let Some(world) = World::claude() else { return };
    world.model.script("build", [world.shell("touch out"), say("It is built.")]);

    let session = world.run_with(&["--agent-dialog"], &["[[build]] go"]);

    let approval = world.expect_approval(&session);
    world.answer(&session, "Do you want to proceed", "1");
    world.expect_screen(&session, "It is built.");
    wait_until("the approval to be closed", AGENT_PATIENCE, || {
        let shown =
            world.daemon.cpctl(["approvals", "show", "-o", "json", id(&approval)]).success();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        if shown["state"] == "allowed" && shown["decided_by"] == "dialog" {
            Ok(())
        } else {
            Err(shown)
        }
    });
}

#[test]
fn a_person_elsewhere_answers_the_agents_own_dialog() {
    let Some(world) = World::claude() else { return };
    world.model.script("build", [world.shell("touch out"), say("It is built.")]);

    let session = world.run_with(&["--agent-dialog"], &["[[build]] go"]);

    let approval = world.expect_approval(&session);
    world.expect_screen(&session, "Do you want to proceed");
    allow(&world, &approval, &[]);
    world.expect_screen(&session, "It is built.");
    assert!(world.work().join("out").exists());
}

#[test]
fn what_the_agent_does_is_known() {
    let Some(world) = World::claude() else { return };
    world.model.script("talk", [say("Hello.")]);

    let session = world.run(&["[[talk]] go"]);

    world.expect_screen(&session, "Hello.");
    let idle = ["wait", &session, "--for", "idle", "--timeout", "60s"];
    drop(world.daemon.cpctl(idle).success());
    // Its program says so as well, in no fixed order.
    let source = &world.session(&session)["activity_source"];
    assert!(source == "hook" || source == "program_status", "{source}");
    wait_until("a conversation", AGENT_PATIENCE, || {
        let known = world.session(&session);
        if known["conversation_id"] == "" { Err(known) } else { Ok(()) }
    });
}
