//! From simple commands to units, directory by directory.

use std::path::Path;

use super::super::command::base_name;
use super::super::interpreter;
use super::super::path::{absolute, is_inside, normal};
use super::super::programs::{self, Behind};
use super::super::request::{Access, Below, Command, Mention, NOWHERE, Request, Subject, Unit};
use super::super::shell::{Direction, Redirect, Simple, Word};
use super::super::url;
use super::search::candidates;
use super::{below, directories, mentions, prefix_length, unit};

/// More directories than this are too many to follow.
const DIRECTORIES: usize = 16;

const GIVEN_PROGRAM: &str = "a program given to an interpreter";

pub(super) struct Reader<'a> {
    request: &'a Request,
    /// Where the shell may be.
    directories: Vec<String>,
    pub(super) units: Vec<Unit>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(request: &'a Request) -> Self {
        Self { request, directories: vec![request.base().to_owned()], units: Vec::new() }
    }

    pub(super) fn command(&mut self, simple: &Simple) {
        if !simple.words.is_empty() || !simple.assignments.is_empty() {
            let is_cd = simple.words.first().is_some_and(|word| word.text == "cd");
            let unit = if is_cd { self.change_directory(simple) } else { self.simple(simple) };
            self.units.push(unit);
        }
        for redirect in &simple.redirects {
            self.redirect(redirect);
        }
        if simple.words.is_empty() && !simple.documents.is_empty() && simple.redirects.is_empty() {
            self.units.push(unit("Bash", "<<", Subject::Whole));
        }
    }

    fn simple(&self, simple: &Simple) -> Unit {
        let words = &simple.words;
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let mut command = Command {
            words: words.clone(),
            prefix: prefix_length(words),
            argvs: candidates(simple),
            directories: Vec::new(),
            repositories: Vec::new(),
            below: Vec::new(),
        };
        let chosen = directories::chosen(&texts[command.prefix..]);
        let bases = self.places(&chosen, &mut command);
        command.repositories = self.repositories(texts.get(command.prefix), &bases);
        for (place, filter) in below::read(&texts[command.prefix..]) {
            let found = bases.iter().filter_map(|base| self.absolute(place, base));
            let found = found.map(|directory| Below { directory, ..filter.clone() });
            command.below.extend(found.take(DIRECTORIES));
        }
        for (at, place) in directories::used(&texts[command.prefix..]) {
            let found = bases.iter().filter_map(|base| self.absolute(place, base));
            command.directories.extend(found.map(|path| (command.prefix + at, path)));
        }
        let opaque = Self::opacity(simple, &words[command.prefix..]);
        let shown: Vec<&str> =
            simple.assignments.iter().chain(words).map(|word| word.text.as_str()).collect();
        let mut unit = unit("Bash", &shown.join(" "), Subject::Command(command));
        unit.mentions = mentions::of(simple, &bases, &self.request.home);
        if opaque.iter().any(|why| why == GIVEN_PROGRAM) {
            unit.mentions.extend(mentions::in_programs(simple, &bases, &self.request.home));
        }
        if chosen.len() > DIRECTORIES {
            unit.mentions.push(Mention::anywhere());
        }
        unit.opaque = opaque;
        unit.hosts = mentions::hosts(words, &texts);
        unit
    }

    /// Where the command's relative paths may start, with the directories that its options choose.
    fn places(&self, chosen: &[(usize, &str)], command: &mut Command) -> Vec<String> {
        for (at, directory) in chosen.iter().take(DIRECTORIES) {
            let found = self.directories.iter().filter_map(|base| self.absolute(directory, base));
            command.directories.extend(found.map(|path| (command.prefix + at, path)));
        }
        let chosen = command.directories.iter().map(|(_, path)| path);
        self.directories.iter().chain(chosen).cloned().collect()
    }

    /// Where git looks, up to the workspace: what lies above was made by nobody who asks.
    fn repositories(&self, program: Option<&&str>, bases: &[String]) -> Vec<String> {
        let workspace = self.request.workspace.as_deref().map(normal);
        let (Some("git"), Some(workspace)) = (program.map(|name| base_name(name)), workspace)
        else {
            return Vec::new();
        };
        let mut found: Vec<String> = Vec::new();
        for base in bases.iter().map(|base| normal(base)) {
            let around = Path::new(&base).ancestors().filter_map(Path::to_str);
            // One that is not below the workspace by its text may be by a link.
            let is_linked = !is_inside(&base, &workspace);
            let own = around.take_while(|directory| is_linked || is_inside(directory, &workspace));
            found.extend(own.map(str::to_owned));
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(DIRECTORIES);
        found
    }

    fn opacity(simple: &Simple, run: &[Word]) -> Vec<String> {
        let mut opaque: Vec<String> = Vec::new();
        for word in &simple.assignments {
            let name = word.assigned_name().unwrap_or_default();
            let value = word.equals.map_or("", |at| &word.text[at + 1..]);
            let plain = word.is_literal() && word.text[..word.equals.unwrap_or(0)] == *name;
            if !plain || !programs::is_harmless_assignment(name, value) {
                opaque.push(format!("the assignment of {name}"));
            }
        }
        opaque.extend(simple.words.iter().filter_map(|word| word.opaque).map(str::to_owned));
        match run.first() {
            None => opaque.push("an assignment alone".to_owned()),
            Some(word) if word.is_glob() => {
                opaque.push("a glob for a command".to_owned());
            }
            Some(word) if !word.text.is_ascii() || word.text.is_empty() => {
                opaque.push("an odd command word".to_owned());
            }
            Some(_) => {}
        }
        let argv: Vec<&str> = run.iter().map(|word| word.text.as_str()).collect();
        if may_begin(&argv).any(|start| interpreter::takes_program(&argv[start..])) {
            opaque.push(GIVEN_PROGRAM.to_owned());
        }
        if !simple.documents.iter().all(|document| document.literal) {
            opaque.push("a here-document that expands".to_owned());
        }
        opaque
    }

    fn absolute(&self, path: &str, base: &str) -> Option<String> {
        absolute(path, Some(base), &self.request.home)
    }

    fn change_directory(&mut self, simple: &Simple) -> Unit {
        let mut unit = self.simple(simple);
        let target = simple.words.get(1).filter(|_| simple.words.len() == 2);
        let named = simple.words[1..].iter().rfind(|word| !word.text.starts_with('-'));
        let goes_back = simple.words.iter().any(|word| word.text == "-");
        let place = match named {
            Some(word) => word.text.as_str(),
            None if goes_back => ".",
            None => "~",
        };
        let absolute = |base: &String| self.absolute(place, base);
        let found: Vec<String> = self.directories.iter().filter_map(absolute).collect();
        let is_plain = target.is_some_and(is_one_directory) && simple.assignments.is_empty();
        if is_plain && !found.is_empty() {
            if let Subject::Command(command) = unit.subject {
                unit.subject = Subject::ChangeDirectory { paths: found.clone(), command };
            }
        } else {
            unit.opaque.push("a cd that is not to one literal directory".to_owned());
        }
        for directory in found {
            if !self.directories.contains(&directory) && self.directories.len() < DIRECTORIES {
                self.directories.push(directory);
            }
        }
        if self.directories.len() == DIRECTORIES {
            unit.opaque.push("too many directories".to_owned());
        }
        unit
    }

    /// Every path and host in commands that are not this line's own, for rules that refuse.
    pub(super) fn hidden(&self, commands: &[Simple], unit: &mut Unit) {
        for simple in commands {
            let texts: Vec<&str> = simple.words.iter().map(|word| word.text.as_str()).collect();
            unit.mentions.extend(mentions::of(simple, &self.directories, &self.request.home));
            unit.hosts.extend(mentions::hosts(&simple.words, &texts));
        }
    }

    fn redirect(&mut self, redirect: &Redirect) {
        let target = &redirect.target;
        if target.is_literal()
            && matches!(target.text.as_str(), "/dev/null" | "/dev/stdout" | "/dev/stderr")
        {
            return;
        }
        let accesses: &[(&str, Access)] = match redirect.direction {
            Direction::Read => &[("Read", Access::Read)],
            Direction::Write => &[("Write", Access::Write)],
            Direction::Both => &[("Read", Access::Read), ("Write", Access::Write)],
        };
        let paths: Vec<String> =
            self.directories.iter().filter_map(|base| self.absolute(&target.text, base)).collect();
        let paths = if paths.is_empty() {
            absolute(&target.text, None, &self.request.home).into_iter().collect()
        } else {
            paths
        };
        let is_nowhere = paths.iter().any(|path| path.starts_with(NOWHERE));
        for (tool, access) in accesses {
            let subject = Subject::File { paths: paths.clone(), access: *access };
            let mut unit = unit(tool, &target.text, subject);
            unit.hosts.extend(network_host(&target.text));
            unit.opaque.extend(target.opaque.map(str::to_owned));
            if target.is_glob()
                || paths.is_empty()
                || is_nowhere
                || (target.quoted && target.text.starts_with('~'))
            {
                unit.opaque.push("a redirection to no one file".to_owned());
            }
            self.units.push(unit);
        }
    }
}

/// The host that bash connects to for a redirection to such a path (bash(1), REDIRECTION).
fn network_host(path: &str) -> Option<url::Destination> {
    let rest = path.strip_prefix("/dev/tcp/").or_else(|| path.strip_prefix("/dev/udp/"))?;
    Some(url::destination(&format!("http://{}/", rest.split('/').next()?)))
}

/// Where a command may begin in words: at the first, and anywhere behind a wrapper.
fn may_begin(argv: &[&str]) -> impl Iterator<Item = usize> {
    let behind = match programs::commands_behind(argv) {
        Behind::Nothing => None,
        Behind::At(starts) | Behind::Anywhere(starts) => starts.into_iter().min(),
    };
    let count = argv.len();
    (0..count.min(1)).chain(behind.unwrap_or(count).max(1)..count)
}

/// Whether `cd` with this word goes to a directory that its text names.
fn is_one_directory(word: &Word) -> bool {
    let is_home_in_quotes = word.quoted && word.text.starts_with('~');
    let is_known = word.is_literal() && !word.is_glob() && !is_home_in_quotes;
    is_known && !word.text.is_empty() && !word.text.starts_with('-')
}
