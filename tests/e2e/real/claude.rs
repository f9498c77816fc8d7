//! Claude Code in a session.

use std::fs;

use codeplane_tests::{
    model::{Gate, call, say, think},
    real::{
        World,
        claude::{bash, leave_plan, question, subagent},
    },
};
use serde_json::json;

/// What lets Claude Code do what its model wants without asking anybody.
const FREE: [&str; 2] = ["--permission-mode", "bypassPermissions"];

#[test]
fn a_prompt_leads_to_a_command_and_its_result_to_an_answer() {
    let Some(world) = World::claude() else { return };
    world
        .model
        .script("build", [world.shell("echo made > out; echo printed"), say("It is built.")]);

    let session = world.run(&["[[build]] go", FREE[0], FREE[1]]);

    let result = world.model.expect_tool_result("build", "printed");
    assert_eq!((result.tool.as_str(), result.is_error), ("Bash", false));
    assert_eq!(fs::read_to_string(world.work().join("out")).unwrap(), "made\n");
    world.expect_screen(&session, "It is built.");
    world.stop(&session);
    assert_eq!(world.outsiders(), Vec::<String>::new());
}
