//! How an agent is started so that its hooks reach us.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use codeplane_core::GateMode;

/// What is known before an agent starts.
#[derive(Clone, Copy)]
pub(crate) struct LaunchContext<'a> {
    /// Program and arguments as the user gave them; never empty.
    pub(crate) command: &'a [String],
    /// Where it starts, absolute.
    pub(crate) cwd: &'a Path,
    /// Its user's home, absolute.
    pub(crate) home: &'a Path,
    /// Its whole environment.
    pub(crate) env: &'a BTreeMap<String, String>,
    /// Where our files of this incarnation lie, absolute.
    pub(crate) directory: &'a Path,
    /// The hook program, its path absolute, and its first arguments: `hook AGENT …` follows.
    pub(crate) hook: &'a [String],
    /// How long a hook may wait for its answer, in seconds: longer than any approval.
    pub(crate) hook_seconds: u32,
    /// Where questions wait.
    pub(crate) gate: GateMode,
    /// The id to give the conversation where the agent takes one; a UUID.
    pub(crate) conversation: Option<&'a str>,
    /// What a file holds; none: it cannot be read.
    pub(crate) read: &'a dyn Fn(&Path) -> Option<Vec<u8>>,
}

/// How to start it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Launch {
    /// Program and arguments.
    pub(crate) command: Vec<String>,
    /// What to add to its environment.
    pub(crate) env: BTreeMap<String, String>,
    /// What to write before, mode 0600, directories 0700.
    pub(crate) files: Vec<LaunchFile>,
    /// Settings that can change what its hooks do.
    pub(crate) watched: Vec<PathBuf>,
    /// What it will ask on its screen before it starts: we answer none of it.
    pub(crate) dialogs: Vec<Dialog>,
    /// What the user should know, a line each.
    pub(crate) warnings: Vec<String>,
    /// Why its calls cannot be judged, if so.
    pub(crate) ungated: Option<String>,
    /// The conversation's id, if it is known before the start.
    pub(crate) conversation: Option<String>,
    /// The exact command of a gating hook with a call that nobody makes, to be tried before the start.
    pub(crate) trial: Option<Trial>,
}

/// A call of the gating hook that must be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trial {
    /// Program and arguments.
    pub(crate) command: Vec<String>,
    /// Its standard input.
    pub(crate) stdin: String,
    /// The exit code of a refusal.
    pub(crate) exit_code: u8,
}

/// The tool that a trial asks for. No agent has it, and it is never to be allowed.
pub(crate) const TRIAL_TOOL: &str = "CodeplaneTrial";

/// Why a trial is refused: what must come back, so that a hook that cannot reach the daemon does not pass.
pub(crate) const TRIAL_REFUSAL: &str = "codeplane tries the gate before the agent starts";

impl Trial {
    /// The command that tries the gate and, if it holds, becomes the agent: `cpctl hook-trial`.
    pub(crate) fn before(&self, program: &str, agent: &[String]) -> Vec<String> {
        let own = [program, "hook-trial", &self.exit_code.to_string(), TRIAL_REFUSAL, &self.stdin];
        let count = self.command.len().to_string();
        let own = own.map(str::to_owned).into_iter().chain([count]);
        own.chain(self.command.iter().cloned()).chain(agent.iter().cloned()).collect()
    }
}

/// The hook program's words for an event.
pub(super) fn hook_words(hook: &[String], agent: &str, event: &str) -> Vec<String> {
    let ours = ["hook", agent, "--event", event];
    hook.iter().cloned().chain(ours.map(ToOwned::to_owned)).collect()
}

/// Those of a hook that an answer is waited for. It knows how long the agent waits: the daemon may be started with
/// another limit meanwhile.
pub(super) fn gating_words(hook: &[String], agent: &str, event: &str, seconds: u32) -> Vec<String> {
    let limit = ["--agent-timeout".to_owned(), seconds.to_string()];
    hook_words(hook, agent, event).into_iter().chain(limit).collect()
}

/// The trial of an agent that speaks Claude Code's dialect.
pub(super) fn trial(hook: &[String], agent: &str, seconds: u32) -> Trial {
    let stdin = format!(
        "{{\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"{TRIAL_TOOL}\",\"tool_input\":{{}},\
         \"tool_use_id\":\"trial\"}}"
    );
    Trial { command: gating_words(hook, agent, "PreToolUse", seconds), stdin, exit_code: 2 }
}

/// A file that an agent needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LaunchFile {
    /// Where, absolute, below the context's directory.
    pub(crate) path: PathBuf,
    /// What it holds.
    pub(crate) content: Vec<u8>,
}

/// A dialog of the first run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// Theme and account.
    Onboarding,
    /// Whether the API key of the environment may be used.
    ApiKey,
    /// Whether the directory is trusted; hooks do not run before.
    WorkspaceTrust,
    /// Whether hooks are trusted.
    HookTrust,
}

/// The last part of a program's path.
pub(super) fn basename(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// `word` as one word of a shell.
pub(super) fn shell_word(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "/._-:=@%+,".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
