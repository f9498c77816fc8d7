//! From a shell line to its units.

mod below;
mod directories;
mod mentions;
mod pathspec;
mod reader;
mod search;
mod shown;

use super::programs;
use super::request::{Candidate, Command, Request, Shell, Subject, Unit};
use super::shell::{self, Word};
use reader::Reader;

/// More units than this are too many to be allowed; all of them are searched all the same.
pub(super) const UNITS: usize = 256;

/// The units of a shell line.
pub(super) fn units(text: &str, request: &Request) -> Vec<Unit> {
    let script = shell::read(text, 0);
    let mut reader = Reader::new(request);
    for command in &script.commands {
        reader.command(command);
    }
    let mut units = std::mem::take(&mut reader.units);
    let mut marks: Vec<String> = script.opaque.iter().map(|why| (*why).to_owned()).collect();
    if units.len() > UNITS {
        marks.push("too many commands".to_owned());
    }
    if units.is_empty() {
        let mut rest = unit("Bash", text, Subject::Command(Command::default()));
        rest.opaque.push("no command".to_owned());
        units.push(rest);
    }
    let hidden = search::hidden_commands(&script, text);
    add_hidden(&mut units, hidden.candidates, text);
    if let Some(first) = units.iter_mut().find(|unit| unit.tool == "Bash") {
        reader.hidden(&hidden.commands, first);
    }
    for unit in &mut units {
        unit.opaque.extend(marks.iter().cloned());
    }
    shown::as_written(&mut units, text, request);
    units
}

/// Puts what only refusals look for where they will find it.
fn add_hidden(units: &mut Vec<Unit>, hidden: Vec<Candidate>, text: &str) {
    let first = units.iter_mut().find_map(|unit| match &mut unit.subject {
        Subject::Command(command) | Subject::ChangeDirectory { command, .. } => {
            Some(&mut command.argvs)
        }
        Subject::File { .. } | Subject::Web(_) | Subject::Whole => None,
    });
    match first {
        Some(argvs) => argvs.extend(hidden),
        None if hidden.is_empty() => {}
        None => {
            let command = Command { argvs: hidden, ..Command::default() };
            let mut rest = unit("Bash", text, Subject::Command(command));
            rest.opaque.push("text that cannot be understood".to_owned());
            units.push(rest);
        }
    }
}

fn unit(tool: &str, text: &str, subject: Subject) -> Unit {
    Unit {
        tool: tool.to_owned(),
        text: text.to_owned(),
        subject,
        from_shell: Shell::Inside,
        opaque: Vec::new(),
        mentions: Vec::new(),
        hosts: Vec::new(),
    }
}

/// How many words are harmless prefixes of the command.
fn prefix_length(words: &[Word]) -> usize {
    let plain = |word: &Word| word.is_literal() && !word.is_glob();
    let known = words.iter().take_while(|word| plain(word)).count();
    let texts: Vec<&str> = words[..known].iter().map(|word| word.text.as_str()).collect();
    let mut from = 0;
    while let Some(taken) = programs::prefix(&texts[from..]) {
        from += taken;
    }
    from
}
