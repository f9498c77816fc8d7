//! What the dialects promise, with bodies and lines in the shape that the agents write.

mod activity;
mod answers;
mod claude_launch;
mod codex_launch;
mod hooks;
mod kit;
mod questions;
mod settings;
mod transcripts;

use super::{Agent, HookKind, ToolCall};

/// The call that a gating hook asks about.
fn call(agent: Agent, tool: &str, input: &str) -> ToolCall {
    let body = match agent {
        Agent::Claude | Agent::Codex => format!(
            r#"{{"hook_event_name":"PreToolUse","tool_name":"{tool}","tool_input":{input},"tool_use_id":"t1"}}"#
        ),
        Agent::Generic => {
            format!(r#"{{"event":"tool_requested","tool":"{tool}","input":{input}}}"#)
        }
    };
    match agent.read_hook(None, body.as_bytes()).unwrap().kind {
        HookKind::ToolRequested(call) => call,
        other => panic!("no call: {other:?}"),
    }
}
