//! The real command lines of agents, Claude Code and Codex, as sessions of a test's daemon.
//!
//! [`World`] is all a test needs: an agent that is installed, a daemon, a scripted
//! [`Model`](crate::model::Model), a directory to work in, and a home in which no first-run dialog is
//! left to answer.
//!
//! ```no_run
//! use codeplane_tests::{model::say, real::World};
//!
//! let Some(world) = World::claude() else { return };
//! world.model.script("build", [world.shell("make"), say("It is built.")]);
//! let session = world.run(&["[[build]] go"]);
//! world.model.expect_tool_result("build", "Nothing to be done");
//! world.expect_screen(&session, "It is built.");
//! ```
//!
//! Agents are installed from npm, in a version that is pinned, below the build directory. All they
//! read and write lies in the test's own directories, and the model is all they can reach: it
//! is also their proxy, and refuses every other host. `world.model.outsiders()` tells which they tried.

pub mod claude;
pub mod codex;
mod home;
mod install;
mod world;

pub use install::RealAgent;
pub use world::World;
