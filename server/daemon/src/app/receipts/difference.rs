//! Whether a call that ran is the one that was judged.

use std::path::{Component, Path, PathBuf};

use codeplane_core::Decision;
use codeplane_core::policy::Value;

use super::super::hooks::{Asked, grant_digest};
use super::compare::Witness;
use crate::agents::{Interaction, ToolCall};

/// Longer input is not kept whole with its decision, and cannot be compared.
pub(super) const INPUT_BYTES: usize = 256 << 10;

/// Members that say what a call is done to.
const TARGETS: &[&str] = &["command", "file_path", "notebook_path", "path", "url"];

/// In what a call that ran differs from a decision with this input: none, if it is what was judged. A transcript has
/// the model's own words, which agents read in their way: only what is done to what counts there.
pub(super) fn difference(
    (decision, input): (&Decision, &str),
    ran: &Asked<'_>,
    witness: Witness,
) -> Option<String> {
    let (tool, request) = (ran.tool, &decision.request);
    if tool.tool != request.tool {
        return Some("tool".to_owned());
    }
    let is_too_long = input.len().max(tool.input_text.len()) >= INPUT_BYTES;
    // A person's answer is put into the input of a question.
    if is_too_long || ran.agent.interaction(tool) != Interaction::Call {
        return None;
    }
    let judged = ToolCall {
        tool: request.tool.clone(),
        input: Value::parse(input.as_bytes()),
        input_text: input.as_bytes().to_vec(),
        tool_use_id: None,
    };
    let cwd = request.cwd.as_deref();
    let (Ok(Value::Map(asked)), Ok(Value::Map(done))) = (&judged.input, &tool.input) else {
        return (judged.input_text != tool.input_text).then(|| "input".to_owned());
    };
    let of_command = request.tool == "Bash" && witness == Witness::Hook;
    let is_same_command = || {
        let judged = Asked { agent: ran.agent, tool: &judged, cwd };
        grant_digest(&judged) == grant_digest(&Asked { cwd, ..*ran })
    };
    if of_command {
        return (!is_same_command()).then(|| "command".to_owned());
    }
    let differs = |name: &str| !is_same(name, (member(asked, name), member(done, name)), cwd);
    let compared = |name: &str| match witness {
        Witness::Hook => name != "description",
        Witness::Transcript => TARGETS.contains(&name),
    };
    let names = asked.iter().map(|(name, _)| name.as_str()).chain(TARGETS.iter().copied());
    names.into_iter().find(|name| compared(name) && differs(name)).map(str::to_owned)
}

fn member<'a>(members: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Agents make paths absolute before they run a tool.
fn is_same(name: &str, (asked, done): (Option<&Value>, Option<&Value>), cwd: Option<&str>) -> bool {
    if asked == done {
        return true;
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    match (text(asked), text(done)) {
        (Some(asked), Some(done)) if name.ends_with("path") => {
            absolute(cwd, &asked) == absolute(cwd, &done)
        }
        _ => false,
    }
}

fn absolute(cwd: Option<&str>, path: &str) -> PathBuf {
    let whole = Path::new(cwd.unwrap_or("/")).join(path);
    let mut absolute = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => drop(absolute.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => absolute.push(part),
        }
    }
    absolute
}
