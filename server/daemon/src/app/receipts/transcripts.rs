//! The transcripts of one session, and the calls they tell of. Blocks as the file system does.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use codeplane_core::policy::Value;

use super::tail::{Line, Rest, Tail};
use crate::agents::{Agent, ToolCall, ToolFate, TranscriptFact};
use crate::os::Target;

/// Most files of one session.
const MOST_FILES: usize = 1024;

/// Most calls that were asked for and have no result yet; the oldest is forgotten first.
const MOST_OPEN: usize = 1024;

/// Longer input is not kept: it cannot be compared.
const INPUT_BYTES: usize = 256 << 10;

/// What a transcript tells of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// It ran.
    Ran(ToolCall),
    /// Something was done that no hook is shown: what.
    Unseen(ToolCall, String),
}

/// The transcripts of one session.
#[derive(Debug)]
pub(super) struct Transcripts {
    agent: Agent,
    /// When the session began, in milliseconds since 1970: what was written before is of another.
    began_ms: i64,
    tails: Vec<Tail>,
    /// The conversations, whose subagents may have transcripts of their own.
    roots: Vec<PathBuf>,
    open: OpenUses,
}

/// What was found in one round.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the order of each file.
    pub(super) told: Vec<Told>,
    /// Whether there is more to read.
    pub(super) has_more: bool,
    /// Files that cannot be read, and why.
    pub(super) problems: Vec<(PathBuf, String)>,
}

impl Transcripts {
    pub(super) fn new(agent: Agent, began_ms: i64) -> Self {
        let (tails, roots) = (Vec::new(), Vec::new());
        Self { agent, began_ms, tails, roots, open: OpenUses::default() }
    }

    /// Follows one more file, of which nothing needs to be read before `position`.
    pub(super) fn add(&mut self, path: &Path, position: u64) {
        let known = self.tails.iter().any(|tail| tail.path() == path);
        if !known && self.tails.len() < MOST_FILES {
            self.tails.push(Tail::new(path.to_path_buf(), position));
        }
    }

    /// Follows the transcript of a conversation, with those of its subagents.
    pub(super) fn add_conversation(&mut self, path: &Path, position: u64) {
        if !self.roots.iter().any(|root| root == path) {
            self.roots.push(path.to_path_buf());
        }
        self.add(path, position);
    }

    /// What to wait for.
    pub(super) fn targets(&self) -> Vec<Target> {
        let files = self.tails.iter().map(|tail| Target::File(tail.path().to_path_buf()));
        let subagents = self.subagents().map(Target::Directory);
        files.chain(subagents).collect()
    }

    fn subagents(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.roots.iter().filter_map(|root| self.agent.subagent_transcripts(root))
    }

    /// Reads what is new.
    pub(super) fn read(&mut self) -> Found {
        for directory in self.subagents().collect::<Vec<_>>() {
            lines_of(&directory).iter().for_each(|path| self.add(path, 0));
        }
        let mut found = Found::default();
        let mut seen = HashSet::new();
        for (index, tail) in self.tails.iter_mut().enumerate() {
            // Two paths may lead to one file.
            if tail.identity().is_some_and(|identity| !seen.insert(identity)) {
                continue;
            }
            let path = tail.path().to_path_buf();
            let (agent, began, open) = (self.agent, self.began_ms, &mut self.open);
            let rest = tail.read(|line| {
                if is_of_this_session(agent, began, line) {
                    let facts = agent.transcript_line(line.text).into_iter();
                    found.told.extend(facts.filter_map(|fact| open.take(index, line.start, fact)));
                }
            });
            match rest {
                Ok(rest) => found.has_more |= rest == Rest::More,
                Err(error) => found.problems.push((path, error.to_string())),
            }
        }
        found
    }

    /// From where each file must be read again after a restart: calls that have no result yet are asked for there.
    pub(super) fn positions(&self) -> impl Iterator<Item = (&Path, u64)> + '_ {
        let position = |(index, tail): (usize, &Tail)| {
            self.open.first(index).map_or(tail.position(), |start| start.min(tail.position()))
        };
        self.tails.iter().enumerate().map(move |one| (one.1.path(), position(one)))
    }
}

/// Conversations that are resumed or forked begin with lines of others.
fn is_of_this_session(agent: Agent, began_ms: i64, line: Line<'_>) -> bool {
    // Times in lines are read in whole seconds.
    let began_ms = began_ms - began_ms.rem_euclid(1000);
    !line.was_there || agent.transcript_time(line.text).is_none_or(|time| time >= began_ms)
}

/// The files of a directory that hold lines of JSON.
fn lines_of(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let lines = paths.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    lines.take(MOST_FILES).collect()
}

/// Calls that were asked for and have no result yet.
#[derive(Debug, Default)]
struct OpenUses {
    uses: HashMap<String, OpenUse>,
    order: VecDeque<String>,
}

#[derive(Debug)]
struct OpenUse {
    call: ToolCall,
    /// Which file, and where its line begins; none: it need not be read again.
    place: Option<(usize, u64)>,
}

impl OpenUses {
    fn take(&mut self, file: usize, start: u64, fact: TranscriptFact) -> Option<Told> {
        match fact {
            TranscriptFact::ToolUse { tool_use_id, tool, input_text } => {
                self.open(tool_use_id, tool, input_text, (file, start));
                None
            }
            TranscriptFact::ToolResult { tool_use_id, fate } => {
                match fate {
                    ToolFate::Ran => Some(Told::Ran(self.close(&tool_use_id)?.call)),
                    // Hooks tell whether it had begun. Whoever can write to the file may have said so: a result that
                    // follows counts.
                    ToolFate::Refused | ToolFate::Interrupted => {
                        self.uses.get_mut(&tool_use_id)?.place = None;
                        None
                    }
                }
            }
            TranscriptFact::Unseen { tool_use_id, tool, what } => {
                // Beside the call itself, which may have been judged.
                let id = format!("{tool_use_id} unseen");
                Some(Told::Unseen(call(id, tool, String::new()), what))
            }
        }
    }

    fn open(&mut self, id: String, tool: String, input: String, place: (usize, u64)) {
        let uses = &mut self.uses;
        if uses.len() >= MOST_OPEN
            && let Some(oldest) = self.order.pop_front()
        {
            uses.remove(&oldest);
        }
        if uses
            .insert(id.clone(), OpenUse { call: call(id.clone(), tool, input), place: Some(place) })
            .is_none()
        {
            self.order.push_back(id);
        }
    }

    fn close(&mut self, id: &str) -> Option<OpenUse> {
        let used = self.uses.remove(id)?;
        self.order.retain(|open| open != id);
        Some(used)
    }

    fn first(&self, file: usize) -> Option<u64> {
        let places = self.uses.values().filter_map(|used| used.place);
        places.filter(|place| place.0 == file).map(|place| place.1).min()
    }
}

fn call(id: String, tool: String, input: String) -> ToolCall {
    let input = if input.len() < INPUT_BYTES { input } else { " ".repeat(INPUT_BYTES) };
    ToolCall {
        tool,
        input: Value::parse(input.as_bytes()),
        input_text: input.into_bytes(),
        tool_use_id: Some(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(id: &str) -> TranscriptFact {
        let (tool, input_text) = ("Bash".to_owned(), r#"{"command":"ls"}"#.to_owned());
        TranscriptFact::ToolUse { tool_use_id: id.to_owned(), tool, input_text }
    }

    fn result(id: &str, fate: ToolFate) -> TranscriptFact {
        TranscriptFact::ToolResult { tool_use_id: id.to_owned(), fate }
    }

    #[test]
    fn a_call_that_ran_is_told_also_behind_a_line_that_says_it_was_refused() {
        for fate in [ToolFate::Refused, ToolFate::Interrupted] {
            let mut open = OpenUses::default();
            assert_eq!(open.take(0, 7, used("a")), None);
            assert_eq!(open.first(0), Some(7));

            assert_eq!(open.take(0, 8, result("a", fate)), None);
            assert_eq!(open.first(0), None, "a restart need not read it again");
            let told = open.take(0, 9, result("a", ToolFate::Ran));

            assert!(matches!(told, Some(Told::Ran(_))), "{fate:?}: {told:?}");
            assert_eq!(open.take(0, 9, result("a", ToolFate::Ran)), None, "once");
        }
    }
}
