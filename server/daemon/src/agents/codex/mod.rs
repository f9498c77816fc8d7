//! Codex, as version 0.169.0 behaves.
//!
//! `PreToolUse` sees shell commands, patches, images and MCP tools, and blocks; `PermissionRequest` blocks before the
//! dialog. What Codex cannot promise:
//!
//! - A hook that crashes, prints what is no answer or runs into its timeout lets the call through.
//! - Typing into a command that runs (`write_stdin`) and the `shell` a command shall be run by are shown to no hook; nor are
//!   searches of the web, which the model's provider makes. The rollout tells of the first two afterwards; where the model
//!   writes programs that call tools (`exec`), only that its program may type. So allow no command that takes orders.
//! - `--disable hooks` beats every other way of saying it.
//! - There is no policy any more that asks for every command: `approval_policy = "untrusted"` is refused.
//!
//! Hooks are given on the command line (`-c hooks.…`), trusted by their hashes there and nowhere else: the user's
//! configuration is not written, hooks of the user keep their own trust, and `--dangerously-bypass-hook-trust`, which
//! would trust hooks of others, is not used.

mod answer;
mod arguments;
mod asked;
mod hook;
mod launch;
mod patch;
mod transcript;
mod watch;

pub(super) use answer::answer;
pub(super) use arguments::program_end;
pub(super) use asked::asked;
pub(super) use hook::{DIALECT, is_gating};
pub(super) use launch::launch;
pub(super) use transcript::line as transcript_line;
pub(super) use watch::{DIRECTORY_VARIABLE, hooks_said, hooks_touched, watched_settings};
