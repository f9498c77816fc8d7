//! How Claude Code 2.1.329 is started.

use std::path::Path;

use serde_json::{Map, Value};

use super::super::launch::{Launch, LaunchContext, LaunchFile, trial};
use super::arguments::{Arguments, program_end};
use super::settings::{Overlay, StatusLine, overlay};
use super::{dialogs, project, watch};

/// Our settings' name in the incarnation's directory.
const SETTINGS: &str = "claude-settings.json";

/// The command with our settings in it.
///
/// Our options come right behind the program: there no variadic option swallows them, and `--` has not come yet.
///
/// # Errors
/// The user's `--settings` cannot be read: the agent would refuse them too, or ignore them.
pub(in super::super) fn launch(context: &LaunchContext<'_>) -> Result<Launch, String> {
    let end = program_end(context.command).unwrap_or(1).min(context.command.len());
    let (program, arguments) = context.command.split_at(end);
    let arguments = Arguments::read(arguments);
    let watched = watch::watched_settings(context.home, context.cwd, context.env);
    let as_given = Launch { command: context.command.to_vec(), watched, ..Launch::default() };
    let ungated = arguments.ungated().or_else(|| managed(context)).or_else(|| {
        let command = arguments.command.as_deref();
        command.map(|command| format!("'claude {command}' starts no conversation here"))
    });
    if ungated.is_some() || arguments.has(&["--help", "--version"]) {
        return Ok(Launch { ungated, ..as_given });
    }
    let given = given(context, arguments.settings.as_deref())?;
    let user =
        object(context, &watch::configuration(context.home, context.env).join("settings.json"));
    let mode = mode(&arguments, &given, &user);
    let status_line = status_line(context, &user);
    let (content, mut warnings) = overlay(Overlay {
        hook: context.hook,
        hook_seconds: context.hook_seconds,
        given,
        user: &user,
        env: context.env,
        status_line,
    });
    warnings.extend(project::announced(|name| object(context, &context.cwd.join(name))));
    let path = context.directory.join(SETTINGS);
    let mut command = program.to_vec();
    command.extend(["--settings".to_owned(), path.to_string_lossy().into_owned()]);
    command.extend(mode);
    let conversation = conversation(context, &arguments, &mut command);
    command.extend(arguments.rest.iter().cloned());
    let dialogs = if arguments.has(&["--print"]) { Vec::new() } else { dialogs::expected(context) };
    let files = vec![LaunchFile { path, content }];
    let trial = Some(trial(context.hook, "claude", context.hook_seconds));
    Ok(Launch { command, files, dialogs, warnings, conversation, trial, ..as_given })
}

/// Managed settings beat ours.
fn managed(context: &LaunchContext<'_>) -> Option<String> {
    let settings = object(context, Path::new(watch::MANAGED));
    let set = |name: &&str| settings.get(*name) == Some(&Value::Bool(true));
    let name = ["disableAllHooks", "allowManagedHooksOnly"].into_iter().find(set)?;
    Some(format!("'{name}' in {} keeps our hooks from running", watch::MANAGED))
}

fn object(context: &LaunchContext<'_>, path: &Path) -> Map<String, Value> {
    let text = (context.read)(path).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// The user's `--settings`: JSON, or a file that holds it.
fn given(context: &LaunchContext<'_>, given: Option<&str>) -> Result<Map<String, Value>, String> {
    let Some(given) = given else { return Ok(Map::new()) };
    if let Ok(Value::Object(settings)) = serde_json::from_str(given) {
        return Ok(settings);
    }
    let path = context.cwd.join(given);
    let text = (context.read)(&path)
        .ok_or_else(|| format!("--settings: {} cannot be read", path.display()))?;
    serde_json::from_slice(&text)
        .map_err(|error| format!("--settings: {} is no JSON object: {error}", path.display()))
}

/// The mode `manual`, unless the user chose one. The default is `auto`, where a model decides what is asked about and
/// permission requests never come.
fn mode(
    arguments: &Arguments,
    given: &Map<String, Value>,
    user: &Map<String, Value>,
) -> Vec<String> {
    let by_argument = arguments.has(&["--permission-mode", "--dangerously-skip-permissions"]);
    let by_settings = [given, user].into_iter().any(|settings| {
        let mode = settings.get("permissions").and_then(|value| value.get("defaultMode")?.as_str());
        mode.is_some_and(|mode| mode != "auto")
    });
    if by_argument || by_settings {
        return Vec::new();
    }
    vec!["--permission-mode".to_owned(), "manual".to_owned()]
}

fn status_line(context: &LaunchContext<'_>, user: &Map<String, Value>) -> StatusLine {
    let project = context.cwd.join(".claude");
    let shows = |name: &str| object(context, &project.join(name)).contains_key("statusLine");
    if user.contains_key("statusLine") || shows("settings.json") || shows("settings.local.json") {
        return StatusLine::Taken;
    }
    StatusLine::Free
}

/// The id of the conversation, chosen by the user, or by us where the user goes on with none.
fn conversation(
    context: &LaunchContext<'_>,
    arguments: &Arguments,
    command: &mut Vec<String>,
) -> Option<String> {
    if let Some(id) = arguments.option_named("--session-id") {
        return id.map(ToOwned::to_owned);
    }
    if arguments.has(&["--resume", "--continue", "--from-pr", "--teleport", "--fork-session"]) {
        return None;
    }
    let id = context.conversation?;
    command.extend(["--session-id".to_owned(), id.to_owned()]);
    Some(id.to_owned())
}
