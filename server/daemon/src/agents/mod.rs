//! What the daemon knows of each agent: how it is started, how its hooks speak, what its transcript says.
//!
//! Pure values in, pure values out: nothing here waits, and files are read by the caller. What was found out by trying
//! names the version it was tried with: Claude Code 2.1.329, Codex 0.169.0.
#![cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "the use cases that call this come next")
)]

mod activity;
mod answer;
mod claude;
mod codex;
mod envelope;
mod generic;
mod hook;
mod interaction;
mod json;
mod launch;
#[cfg(test)]
mod tests;
mod transcript;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) use answer::{Answer, HookAnswer};
pub(crate) use hook::{
    Asked, Background, HookKind, HookReport, Notification, Outcome, ToolCall, Unreadable,
};
pub(crate) use interaction::{Choice, Interaction, Question};
pub(crate) use launch::{
    Dialog, Launch, LaunchContext, LaunchFile, TRIAL_REFUSAL, TRIAL_TOOL, Trial,
};
pub(crate) use transcript::{ToolFate, TranscriptFact};

/// Directories with agents' settings, where the environment of a session in `cwd` puts them elsewhere
/// than into the home.
pub(crate) fn named_settings<'a>(cwd: &Path, env: impl Fn(&str) -> Option<&'a str>) -> Vec<String> {
    [claude::DIRECTORY_VARIABLE, codex::DIRECTORY_VARIABLE]
        .into_iter()
        .filter_map(|name| env(name).filter(|path| !path.is_empty()))
        .filter_map(|path| cwd.join(path).to_str().map(str::to_owned))
        .collect()
}

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Agent {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
    /// Any program that speaks our own dialect.
    Generic,
}

impl Agent {
    /// The name in the API and in rules.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Generic => "generic",
        }
    }

    /// The agent of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Claude, Self::Codex, Self::Generic].into_iter().find(|agent| agent.name() == name)
    }

    /// The agent that a command is certain to start, by its program's name or through a runner of packages.
    pub(crate) fn recognise(command: &[String]) -> Option<Self> {
        if claude::program_end(command).is_some() {
            return Some(Self::Claude);
        }
        codex::program_end(command).map(|_| Self::Codex)
    }

    /// Reads what a hook got. `event` is the event by the agent's configuration; it must not contradict the body.
    ///
    /// # Errors
    /// What is wrong, and whether it must be answered by a refusal.
    pub(crate) fn read_hook(
        self,
        event: Option<&str>,
        body: &[u8],
    ) -> Result<HookReport, Unreadable> {
        match self {
            // The status line's document names no event.
            Self::Claude => claude::DIALECT.read(event, body),
            Self::Codex => codex::DIALECT.read(event, body),
            Self::Generic => generic::DIALECT.read(event, body),
        }
    }

    /// Whether the answer to an event decides about a call.
    pub(crate) fn is_gating(self, event: &str) -> bool {
        match self {
            Self::Claude => claude::is_gating(event),
            Self::Codex => codex::is_gating(event),
            Self::Generic => generic::is_gating(event),
        }
    }

    /// What the hook program prints for an answer to `event`. Where nothing was read, `call` is none.
    pub(crate) fn answer(
        self,
        event: &str,
        call: Option<&ToolCall>,
        answer: &Answer,
    ) -> HookAnswer {
        match self {
            Self::Claude => claude::answer(event, call, answer),
            Self::Codex => codex::answer(event, answer),
            Self::Generic => generic::answer(event, answer),
        }
    }

    /// The event that comes before every tool call: what is answered where nobody knows what was asked.
    pub(crate) const fn gate(self) -> &'static str {
        match self {
            Self::Claude | Self::Codex => "PreToolUse",
            Self::Generic => "tool_requested",
        }
    }

    /// Whether [`Answer::AskInDialog`] makes the agent ask; if not, it is a refusal before a tool is used.
    pub(crate) const fn asks_in_dialog(self) -> bool {
        match self {
            Self::Claude | Self::Generic => true,
            Self::Codex => false,
        }
    }

    /// What a call has to be allowed as: all of it, each by the rules of its own tool. One of them in most cases.
    pub(crate) fn asked(self, call: &ToolCall) -> Vec<Asked> {
        match self {
            Self::Claude | Self::Generic => {
                vec![Asked { tool: call.tool.clone(), input: call.input.clone() }]
            }
            Self::Codex => codex::asked(call),
        }
    }

    /// What a call wants of a person.
    pub(crate) fn interaction(self, call: &ToolCall) -> Interaction {
        match self {
            Self::Claude => claude::interaction(call),
            Self::Codex | Self::Generic => Interaction::Call,
        }
    }

    /// The input that answers a call's questions: to be allowed as updated input. Answers are given by the questions' texts;
    /// they need not be among the options.
    ///
    /// # Errors
    /// Which question is not there, answered twice, or by too few or too many.
    pub(crate) fn answer_questions(
        self,
        call: &ToolCall,
        answers: &[(String, Vec<String>)],
    ) -> Result<String, String> {
        match self {
            Self::Claude => claude::answer_questions(call, answers),
            Self::Codex | Self::Generic => Err(format!("{} asks no questions", self.name())),
        }
    }

    /// What was answered to the questions of a call: of each that has an answer in its input, its text and
    /// the answer.
    pub(crate) fn given_answers(self, call: &ToolCall) -> Vec<(String, String)> {
        match self {
            Self::Claude => claude::given_answers(call),
            Self::Codex | Self::Generic => Vec::new(),
        }
    }

    /// How to start it so that its hooks reach us.
    ///
    /// # Errors
    /// What in the command cannot be used.
    pub(crate) fn launch(self, context: &LaunchContext<'_>) -> Result<Launch, String> {
        match self {
            Self::Claude => claude::launch(context),
            Self::Codex => Ok(codex::launch(context)),
            Self::Generic => Ok(Launch { command: context.command.to_vec(), ..Launch::default() }),
        }
    }

    /// What one line of a transcript says of tool calls.
    pub(crate) fn transcript_line(self, line: &[u8]) -> Vec<TranscriptFact> {
        match self {
            Self::Claude => claude::transcript_line(line),
            Self::Codex => codex::transcript_line(line),
            Self::Generic => Vec::new(),
        }
    }

    /// When a line of a transcript was written, in milliseconds since 1970; none: it does not say.
    pub(crate) fn transcript_time(self, line: &[u8]) -> Option<i64> {
        match self {
            Self::Claude | Self::Codex => transcript::time(line),
            Self::Generic => None,
        }
    }

    /// Where the transcripts of the subagents of a conversation lie, if they have any of their own.
    pub(crate) fn subagent_transcripts(self, transcript: &Path) -> Option<PathBuf> {
        match self {
            Self::Claude => Some(transcript.with_extension("").join("subagents")),
            Self::Codex | Self::Generic => None,
        }
    }

    /// Where the transcript of a conversation lies, where that follows from its id. (A rollout of Codex has its time in its
    /// name: there only hooks tell.)
    pub(crate) fn transcript_path(
        self,
        home: &Path,
        cwd: &Path,
        env: &BTreeMap<String, String>,
        conversation: &str,
    ) -> Option<PathBuf> {
        match self {
            Self::Claude => Some(claude::transcript_path(home, cwd, env, conversation)),
            Self::Codex | Self::Generic => None,
        }
    }

    /// Settings that can change what its hooks do, there or not.
    pub(crate) fn watched_settings(
        self,
        home: &Path,
        cwd: &Path,
        env: &BTreeMap<String, String>,
    ) -> Vec<PathBuf> {
        match self {
            Self::Claude => claude::watched_settings(home, cwd, env),
            Self::Codex => codex::watched_settings(home, cwd, env),
            Self::Generic => Vec::new(),
        }
    }

    /// Everything that such a file says about hooks, in one form: equal as long as no edit touches them.
    pub(crate) fn hooks_said(self, path: &Path, content: Option<&[u8]>) -> String {
        match self {
            Self::Claude => claude::hooks_said(content),
            Self::Codex => codex::hooks_said(path, content),
            Self::Generic => String::new(),
        }
    }

    /// What an edit of such a file changed about hooks; none: nothing. A file that is not there is none.
    pub(crate) fn hooks_touched(
        self,
        path: &Path,
        before: Option<&[u8]>,
        after: Option<&[u8]>,
    ) -> Option<String> {
        match self {
            Self::Claude => claude::hooks_touched(before, after),
            Self::Codex => codex::hooks_touched(path, before, after),
            Self::Generic => None,
        }
    }
}
