//! Codex in a session.

use std::fs;

use codeplane_tests::{
    model::{say, think},
    real::{World, codex},
};

/// What lets Codex do what its model wants without asking anybody.
const FREE: &str = "--dangerously-bypass-approvals-and-sandbox";

/// What has it ask a person when its model says so.
const ASKING: &str = "--ask-for-approval=on-request";

/// How its dialog begins.
const DIALOG: &str = "Would you like to run";

#[test]
fn a_prompt_leads_to_a_command_and_its_result_to_an_answer() {
    let Some(world) = World::codex() else { return };
    world
        .model
        .script("build", [world.shell("echo made > out; echo printed"), say("It is built.")]);

    let session = world.run_ungated(&[FREE, "[[build]] go"]);

    let result = world.model.expect_tool_result("build", "printed");
    assert_eq!(result.tool, "exec_command");
    assert_eq!(fs::read_to_string(world.work().join("out")).unwrap(), "made\n");
    world.expect_screen(&session, "It is built.");
    world.stop(&session);
    let mut outsiders = world.model.outsiders();
    outsiders.retain(|host| host != codex::TIPS);
    assert_eq!(outsiders, Vec::<String>::new());
}

#[test]
fn several_calls_of_one_answer_have_a_result_each() {
    let Some(world) = World::codex() else { return };
    let patch = "*** Begin Patch\n*** Add File: patched\n+by the model\n*** End Patch\n";
    let calls = think("Both at once.").and(world.shell("echo one")).and(codex::patch(patch));
    world.model.script("both", [calls, say("Both are done.")]);

    let session = world.run_ungated(&[FREE, "[[both]] go"]);
    world.expect_screen(&session, "Both are done.");
    let [one, other] = &world.model.tool_results("both")[..] else { panic!("two results") };
    assert!(one.text.contains("one"), "{one:?}");
    assert!(other.text.contains("patched"), "{other:?}");
    assert_eq!(fs::read_to_string(world.work().join("patched")).unwrap(), "by the model\n");
}

#[test]
fn a_program_of_the_model_calls_tools_itself() {
    let Some(world) = World::codex() else { return };
    let program = r#"
        const ran = await tools.exec_command({cmd: "echo made > out; echo printed"});
        text("it said " + ran.output);
    "#;
    world.model.script("code", [codex::code(program), say("It has run.")]);

    let session = world.run_ungated(&[&codex::CODING[..], &[FREE, "[[code]] go"]].concat());

    world.model.expect_tool_result("code", "it said printed");
    assert_eq!(fs::read_to_string(world.work().join("out")).unwrap(), "made\n");
    world.expect_screen(&session, "It has run.");
}

#[test]
fn a_command_waits_for_a_person_at_the_dialog() {
    let Some(world) = World::codex() else { return };
    world.model.script("build", [codex::escalated_shell("touch out"), say("It is built.")]);

    let session = world.run_ungated(&[ASKING, "[[build]] go"]);

    world.expect_screen(&session, DIALOG);
    assert!(!world.work().join("out").exists());
    world.answer(&session, DIALOG, "y");
    world.expect_screen(&session, "It is built.");
}
