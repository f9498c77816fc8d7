//! What Claude Code 2.1.329 asks before its first prompt. Answered by nobody but its user: two of the three are
//! preselected to end or to refuse, and trust is not ours to give.

use serde_json::Value;

use super::super::launch::{Dialog, LaunchContext};
use super::watch::configuration;

/// The dialogs that will come up, in their order.
pub(super) fn expected(context: &LaunchContext<'_>) -> Vec<Dialog> {
    let path = match context.env.get(super::DIRECTORY_VARIABLE).filter(|path| !path.is_empty()) {
        Some(_) => configuration(context.home, context.env).join(".claude.json"),
        None => context.home.join(".claude.json"),
    };
    let state: Value = (context.read)(&path)
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or(Value::Null);
    let mut dialogs = Vec::new();
    if state["hasCompletedOnboarding"] != true {
        dialogs.push(Dialog::Onboarding);
    }
    if let Some(key) = context.env.get("ANTHROPIC_API_KEY").filter(|key| !key.is_empty())
        && !is_answered(&state["customApiKeyResponses"], key)
    {
        dialogs.push(Dialog::ApiKey);
    }
    let trusts = |directory: &std::path::Path| {
        state["projects"][&*directory.to_string_lossy()]["hasTrustDialogAccepted"] == true
    };
    if !context.cwd.ancestors().any(trusts) {
        dialogs.push(Dialog::WorkspaceTrust);
    }
    dialogs
}

/// Keys are remembered by their last 20 characters.
fn is_answered(responses: &Value, key: &str) -> bool {
    let start = key.char_indices().rev().nth(19).map_or(0, |(at, _)| at);
    let holds = |list: &Value| {
        list.as_array().is_some_and(|keys| keys.iter().any(|known| *known == key[start..]))
    };
    holds(&responses["approved"]) || holds(&responses["rejected"])
}
