//! Codex in a session.

use std::fs;

use codeplane_tests::{model::say, real::World};

/// What lets Codex do what its model wants without asking anybody.
const FREE: &str = "--dangerously-bypass-approvals-and-sandbox";

#[test]
fn a_prompt_leads_to_a_command_and_its_result_to_an_answer() {
    let Some(world) = World::codex() else { return };
    world
        .model
        .script("build", [world.shell("echo made > out; echo printed"), say("It is built.")]);

    let session = world.run(&[FREE, "[[build]] go"]);

    let result = world.model.expect_tool_result("build", "printed");
    assert_eq!(result.tool, "exec_command");
    assert_eq!(fs::read_to_string(world.work().join("out")).unwrap(), "made\n");
    world.expect_screen(&session, "It is built.");
    world.stop(&session);
    assert_eq!(world.outsiders(), Vec::<String>::new());
}
