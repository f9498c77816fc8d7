//! What a call of Codex 0.169.0 has to be allowed as.

use codeplane_core::policy::Value;

use super::super::hook::{Asked, ToolCall};
use super::patch;

/// The units of a call: a patch is judged as an edit of each of its files.
pub(in super::super) fn asked(call: &ToolCall) -> Vec<Asked> {
    let whole = || Asked { tool: call.tool.clone(), input: call.input.clone() };
    let Ok(input) = &call.input else { return vec![whole()] };
    let command = input.get("command").and_then(Value::as_str).unwrap_or_default();
    match call.tool.as_str() {
        "apply_patch" => {
            let files = patch::files(command);
            if files.is_empty() {
                let input = Err("the patch names no file".to_owned());
                return vec![Asked { tool: "Edit".to_owned(), input }];
            }
            files.iter().map(|(tool, path)| edit(tool, path, None)).collect()
        }
        "Bash" if patch::may_hold(command) => {
            let directory = patch::directory(command);
            let files = patch::files(command);
            let edits = files.iter().map(|(tool, path)| edit(tool, path, directory));
            std::iter::once(whole()).chain(edits).collect()
        }
        "view_image" => match input.get("path") {
            Some(path) => vec![file("Read", path.clone())],
            None => vec![whole()],
        },
        _ => vec![whole()],
    }
}

fn edit(tool: &str, path: &str, directory: Option<&str>) -> Asked {
    let path = match directory {
        Some(directory) if !path.starts_with('/') => format!("{directory}/{path}"),
        Some(_) | None => path.to_owned(),
    };
    file(tool, Value::String(path))
}

fn file(tool: &str, path: Value) -> Asked {
    let input = Value::Map(vec![("file_path".to_owned(), path)]);
    Asked { tool: tool.to_owned(), input: Ok(input) }
}
