//! Claude Code, as version 2.1.329 behaves.

mod answer;
mod arguments;
mod dialogs;
mod hook;
mod launch;
mod project;
mod questions;
mod settings;
mod transcript;
mod watch;

pub(super) use answer::answer;
pub(super) use arguments::program_end;
pub(super) use hook::{CALL, DIALECT, is_gating};
pub(super) use launch::launch;
pub(super) use questions::{answer as answer_questions, given as given_answers, interaction};
pub(super) use transcript::line as transcript_line;
pub(super) use watch::{
    DIRECTORY_VARIABLE, hooks_said, hooks_touched, transcript_path, watched_settings,
};
