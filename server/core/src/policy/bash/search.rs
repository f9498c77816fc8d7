//! Commands that a line may run besides its own, for rules that refuse.

use super::super::escalation;
use super::super::programs::{self, Behind};
use super::super::request::{Candidate, Start};
use super::super::shell::{self, NESTING, Script, Simple, Word};
use super::prefix_length;

/// What a line may run besides its own commands.
#[derive(Default)]
pub(super) struct Hidden {
    pub(super) candidates: Vec<Candidate>,
    /// The same, as they were written, for the paths and hosts in them.
    pub(super) commands: Vec<Simple>,
}

/// Commands in text that some command of the script may run, for rules that deny.
pub(super) fn hidden_commands(script: &Script, text: &str) -> Hidden {
    let mut found = Hidden::default();
    let is_broken = script.opaque.iter().any(|why| {
        why.contains("without an end") || why.contains("too deep") || why.contains("continued")
    });
    if is_broken {
        let separates = |c: char| c.is_whitespace() || ";&|()<>{}\"'`$".contains(c);
        let argv = text.split(separates).filter(|w| !w.is_empty()).map(str::to_owned).collect();
        found.candidates.push(Candidate { argv, start: Start::Anywhere });
    }
    fed_text(script, 0, &mut found);
    found
}

/// Whether some command of a script runs text that words or documents of it hold.
fn runs_text(script: &Script) -> bool {
    script.commands.iter().any(|command| {
        let texts: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
        programs::runs_text(&texts[prefix_length(&command.words)..])
            || command.words.first().is_some_and(|word| !word.is_literal())
    }) || script.commands.iter().flat_map(|command| &command.assignments).any(|word| {
        word.assigned_name().is_some_and(|name| !programs::is_harmless_assignment(name, ""))
    })
}

/// Reads text that is fed to what runs text, and the words of commands that run some of them.
fn fed_text(script: &Script, depth: usize, found: &mut Hidden) {
    if depth >= NESTING {
        return;
    }
    let mut texts: Vec<String> = Vec::new();
    if runs_text(script) {
        texts.extend(script.commands.iter().flat_map(words));
        texts.extend(script.commands.iter().flat_map(|c| &c.documents).map(|d| d.text.clone()));
        texts.extend(script.commands.iter().filter_map(printed));
    } else {
        let escalated = script.commands.iter().filter(|command| is_escalated(command));
        texts.extend(escalated.flat_map(words));
    }
    for text in texts.iter().filter(|text| text.contains([' ', '\n', '\t', ';', '='])) {
        let after_option = if text.starts_with('-') { text.get(2..).unwrap_or("") } else { "" };
        let after_equals = text.split_once('=').map_or("", |(_, value)| value);
        for text in [text.as_str(), after_option, after_equals] {
            // git marks a command in its configuration so.
            let text = text.strip_prefix('!').unwrap_or(text);
            if text.is_empty() {
                continue;
            }
            let inner = shell::read(text, depth + 1);
            found.candidates.extend(inner.commands.iter().flat_map(candidates));
            fed_text(&inner, depth + 4, found);
            found.commands.extend(inner.commands);
        }
    }
}

fn words(command: &Simple) -> impl Iterator<Item = String> + '_ {
    command.words.iter().chain(&command.assignments).map(|word| word.text.clone())
}

/// What `echo` and its kin print.
fn printed(command: &Simple) -> Option<String> {
    let (head, args) = command.words.split_first()?;
    let texts: Vec<&str> = args.iter().map(|word| word.text.as_str()).collect();
    matches!(head.text.as_str(), "echo" | "printf").then(|| texts.join(" "))
}

/// Whether a command runs what some of its words say; only those with several words matter.
fn is_escalated(command: &Simple) -> bool {
    let words = &command.words[prefix_length(&command.words)..];
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    texts.iter().any(|text| text.contains([' ', '='])) && escalation::escalates(&texts, 1).is_some()
}

/// The words of a command as it may run, for rules that deny.
pub(super) fn candidates(command: &Simple) -> Vec<Candidate> {
    let spread = |words: &[Word]| words.iter().flat_map(Word::spread).collect::<Vec<String>>();
    let prefix = prefix_length(&command.words);
    let argv = spread(&command.words[prefix..]);
    let is_unknown = command.words.first().is_some_and(|word| !word.is_literal() || word.is_glob());
    let mut found = Vec::new();
    // The body of a function or coprocess that has a name.
    let body = command.words.iter().position(|word| word.text == "{" && !word.quoted);
    if let Some(at) = body {
        let argv = spread(&command.words[at + 1..]);
        found.push(Candidate { argv, start: Start::First });
    }
    if command.words.iter().any(|word| !word.breaks.is_empty()) {
        let argv = command.words[prefix..].iter().flat_map(Word::parts).collect();
        found.push(Candidate { argv, start: Start::First });
    }
    if prefix > 0 {
        found.push(Candidate { argv: spread(&command.words), start: Start::First });
    }
    if is_unknown {
        found.push(Candidate { argv, start: Start::Anywhere });
    } else {
        opened(&argv, &mut found);
    }
    found
}

/// More commands behind commands than this are no longer told apart.
const OPENED: usize = 32;

/// A command, and those that it runs because its words say so.
fn opened(argv: &[String], found: &mut Vec<Candidate>) {
    let texts: Vec<&str> = argv.iter().map(String::as_str).collect();
    found.extend(programs::glued_command(&texts).map(|argv| Candidate {
        argv: argv.into_iter().map(str::to_owned).collect(),
        start: Start::Anywhere,
    }));
    let mut anywhere = Vec::new();
    let mut starts = vec![0];
    let mut next = 0;
    while let Some(start) = starts.get(next).copied() {
        next += 1;
        match programs::commands_behind(&texts[start.min(texts.len())..]) {
            Behind::Nothing => {}
            Behind::Anywhere(behind) => anywhere.extend(behind.iter().map(|at| start + at)),
            Behind::At(behind) => {
                for at in behind {
                    if !starts.contains(&(start + at)) {
                        starts.push(start + at);
                    }
                }
            }
        }
        if starts.len() > OPENED {
            anywhere = vec![0];
            break;
        }
    }
    // What begins anywhere behind one word begins anywhere behind the words after it.
    if let Some(first) = anywhere.into_iter().min().filter(|first| *first < argv.len()) {
        starts.retain(|start| *start < first);
        found.push(Candidate { argv: argv[first..].to_vec(), start: Start::Anywhere });
    }
    let rest = starts.into_iter().filter(|start| *start < argv.len());
    found.extend(rest.map(|start| Candidate { argv: argv[start..].to_vec(), start: Start::First }));
}
