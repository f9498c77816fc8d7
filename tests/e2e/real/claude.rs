//! Claude Code in a session.

use std::fs;

use codeplane_tests::{
    model::{Gate, fail, say, think},
    real::{
        World,
        claude::{leave_plan, question, subagent},
    },
    wait_until,
};

/// What lets Claude Code do what its model wants without asking anybody.
const FREE: &str = "--dangerously-skip-permissions";

/// What has it ask a person before each command.
const ASKING: &str = "--permission-mode=manual";

/// How its dialog ends.
const DIALOG: &str = "Do you want to proceed";

#[test]
fn a_prompt_leads_to_a_command_and_its_result_to_an_answer() {
    let Some(world) = World::claude() else { return };
    world
        .model
        .script("build", [world.shell("echo made > out; echo printed"), say("It is built.")]);

    let session = world.run_ungated(&["[[build]] go", FREE]);

    let result = world.model.expect_tool_result("build", "printed");
    assert_eq!((result.tool.as_str(), result.is_error), ("Bash", false));
    assert_eq!(fs::read_to_string(world.work().join("out")).unwrap(), "made\n");
    world.expect_screen(&session, "It is built.");
    world.stop(&session);
    assert_eq!(world.model.outsiders(), Vec::<String>::new());
}

#[test]
fn several_calls_of_one_answer_have_a_result_each() {
    let Some(world) = World::claude() else { return };
    let calls = think("Both at once.").and(world.shell("echo one")).and(world.shell("exit 3"));
    world.model.script("both", [calls, say("Both are done.")]);

    let session = world.run_ungated(&["[[both]] go", FREE]);

    world.expect_screen(&session, "Both are done.");
    let [one, other] = &world.model.tool_results("both")[..] else { panic!("two results") };
    assert_eq!((one.text.trim(), one.is_error), ("one", false));
    assert!(other.text.contains("Exit code 3") && other.is_error, "{other:?}");
}

#[test]
fn a_command_waits_for_a_person_at_the_dialog() {
    let Some(world) = World::claude() else { return };
    world.model.script("build", [world.shell("touch out"), say("It is built.")]);

    let session = world.run_ungated(&["[[build]] go", ASKING]);

    world.expect_screen(&session, DIALOG);
    assert!(!world.work().join("out").exists());
    world.answer(&session, DIALOG, "1");
    world.expect_screen(&session, "It is built.");
    assert!(world.work().join("out").exists());
}

#[test]
fn a_subagent_works_by_a_script_of_its_own() {
    let Some(world) = World::claude() else { return };
    let turns = [subagent("[[part]] go"), say("It has begun."), say("All is done.")];
    world.model.script("main", turns);
    world.model.script("part", [world.shell("echo below > out"), say("The part is done.")]);

    let session = world.run_ungated(&["[[main]] go", FREE]);

    let told = world.model.expect_turn("main", 2).body.to_string();
    assert!(told.contains("The part is done."), "{told}");
    assert_eq!(fs::read_to_string(world.work().join("out")).unwrap(), "below\n");
    world.expect_screen(&session, "All is done.");
}

#[test]
fn a_question_reaches_the_person_and_the_choice_the_model() {
    let Some(world) = World::claude() else { return };
    world.model.script("ask", [question("Which colour?", &["Red", "Blue"]), say("So be it.")]);

    let session = world.run_ungated(&["[[ask]] go", ASKING]);

    world.answer(&session, "2. Blue", "2");
    world.model.expect_tool_result("ask", "Blue");
    world.expect_screen(&session, "So be it.");
}

#[test]
fn a_plan_is_left_when_the_person_agrees() {
    let Some(world) = World::claude() else { return };
    world.model.script("plan", [leave_plan("First this, then that."), say("Here we go.")]);

    let session = world.run_ungated(&["[[plan]] go", "--permission-mode=plan"]);

    world.answer(&session, "Exit plan mode?", "1");
    world.expect_screen(&session, "Here we go.");
}

#[test]
fn the_model_takes_its_time_and_fails_as_a_test_says() {
    let Some(world) = World::claude() else { return };
    let gate = Gate::closed();
    let turns =
        [world.shell("touch first").after_failures(1, 529), say("It goes on.").after(&gate)];
    world.model.script("slow", turns);
    world.model.script("broken", [fail(400, "nobody can answer this")]);

    let slow = world.run_ungated(&["[[slow]] go", FREE]);
    let broken = world.run_ungated(&["[[broken]] go", FREE]);

    world.model.expect_turn("slow", 1);
    assert!(world.work().join("first").exists());
    assert!(!world.screen(&slow).contains("It goes on."));
    gate.open();
    world.expect_screen(&slow, "It goes on.");
    world.expect_screen(&broken, "nobody can answer this");
}

#[test]
fn a_stopped_session_takes_its_command_with_it() {
    let Some(world) = World::claude() else { return };
    world.model.script("wait", [world.shell("touch begun; tail -f /dev/null")]);

    let session = world.run_ungated(&["[[wait]] go", FREE]);

    let begun = world.work().join("begun");
    wait_until("the command to run", codeplane_tests::AGENT_PATIENCE, || begun.exists());
    world.stop(&session);
}

#[test]
fn what_a_first_start_asks_is_seen_on_the_screen() {
    let Some(world) = World::claude() else { return };
    let state = world.home().join(".claude.json");
    let answered = fs::read_to_string(&state).unwrap();
    fs::write(&state, answered.replace("hasTrustDialogAccepted", "somethingElse")).unwrap();

    let session = world.run_ungated(&["[[none]] go", ASKING]);

    world.expect_screen(&session, "Quick safety check");
}
