//! From a shell line to its units.

use super::path::absolute;
use super::request::{Access, Candidate, Command, Mention, Request, Shell, Start, Subject, Unit};
use super::shell::{self, Direction, NESTING, Redirect, Script, Simple, Word};
use super::url::{self, BareHosts};
use super::{escalation, names, programs};

/// More units than this are too many to be allowed; all of them are searched all the same.
const UNITS: usize = 256;
/// More directories than this are too many to follow.
const DIRECTORIES: usize = 16;

/// The units of a shell line.
pub(super) fn units(text: &str, request: &Request) -> Vec<Unit> {
    let script = shell::read(text, 0);
    let mut reader =
        Reader { request, directories: request.cwd.iter().cloned().collect(), units: Vec::new() };
    for command in &script.commands {
        reader.command(command);
    }
    let mut units = reader.units;
    let mut marks: Vec<String> = script.opaque.iter().map(|why| (*why).to_owned()).collect();
    if units.len() > UNITS {
        marks.push("too many commands".to_owned());
    }
    if units.is_empty() {
        let mut rest = unit("Bash", text, Subject::Command(Command::default()));
        rest.opaque.push("no command".to_owned());
        units.push(rest);
    }
    let hidden = hidden_commands(&script, text);
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
    for unit in &mut units {
        unit.opaque.extend(marks.iter().cloned());
    }
    units
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

/// Commands in text that some command of the script may run, for rules that deny.
fn hidden_commands(script: &Script, text: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    let is_broken = script.opaque.iter().any(|why| {
        why.contains("without an end") || why.contains("too deep") || why.contains("continued")
    });
    if is_broken {
        let separates = |c: char| c.is_whitespace() || ";&|()<>{}\"'`$".contains(c);
        let argv = text.split(separates).filter(|w| !w.is_empty()).map(str::to_owned).collect();
        found.push(Candidate { argv, start: Start::Anywhere });
    }
    fed_text(script, 0, &mut found);
    found
}

fn fed_text(script: &Script, depth: usize, found: &mut Vec<Candidate>) {
    let runs = script.commands.iter().any(|command| {
        let texts: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
        programs::runs_text(&texts) || command.words.first().is_some_and(|word| !word.is_literal())
    }) || script.commands.iter().flat_map(|c| &c.assignments).any(|word| {
        word.assigned_name().is_some_and(|name| !programs::is_harmless_assignment(name, ""))
    });
    if !runs || depth >= NESTING {
        return;
    }
    let words = script.commands.iter().flat_map(|c| c.words.iter().chain(&c.assignments));
    let documents = script.commands.iter().flat_map(|c| &c.documents).map(|d| d.text.clone());
    let texts = words.map(|word| word.text.clone()).chain(documents);
    for text in texts.filter(|text| text.contains([' ', '\n', '\t', ';', '='])) {
        let after_option = if text.starts_with('-') { text.get(2..).unwrap_or("") } else { "" };
        let after_equals = text.split_once('=').map_or("", |(_, value)| value);
        for text in [text.as_str(), after_option, after_equals] {
            if text.is_empty() {
                continue;
            }
            let inner = shell::read(text, depth + 1);
            for command in &inner.commands {
                found.extend(candidates(command));
            }
            fed_text(&inner, depth + 4, found);
        }
    }
}

/// The words of a command as it may run, for rules that deny.
fn candidates(command: &Simple) -> Vec<Candidate> {
    let spread = |words: &[Word]| words.iter().flat_map(Word::spread).collect::<Vec<String>>();
    let prefix = prefix_length(&command.words);
    let argv = spread(&command.words[prefix..]);
    let head = argv.first().map_or("", String::as_str);
    let is_unknown = command.words.first().is_some_and(|word| !word.is_literal() || word.is_glob());
    let mut found = Vec::new();
    // The body of a function or coprocess that has a name.
    let body = command.words.iter().position(|word| word.text == "{" && !word.quoted);
    if let Some(at) = body {
        let argv = spread(&command.words[at + 1..]);
        found.push(Candidate { argv, start: Start::First });
    }
    if prefix > 0 {
        found.push(Candidate { argv: spread(&command.words), start: Start::First });
    }
    if programs::is_finder(head) && !is_unknown {
        let runs = |at: &usize| programs::FINDERS_RUN.contains(&argv[*at].as_str());
        for at in (0..argv.len()).filter(runs) {
            found.push(Candidate { argv: argv[at + 1..].to_vec(), start: Start::Anywhere });
        }
        found.push(Candidate { argv, start: Start::First });
        return found;
    }
    let opens = is_unknown || programs::is_wrapper(head);
    found.push(Candidate { argv, start: if opens { Start::Anywhere } else { Start::First } });
    found
}

struct Reader<'a> {
    request: &'a Request,
    /// Where the shell may be.
    directories: Vec<String>,
    units: Vec<Unit>,
}

impl Reader<'_> {
    fn command(&mut self, simple: &Simple) {
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
            git_directories: Vec::new(),
        };
        let mut bases = self.directories.clone();
        for at in git_directory_words(&texts[command.prefix..]) {
            let word = &words[command.prefix + at];
            let found: Vec<String> = self
                .directories
                .iter()
                .filter_map(|base| self.absolute(&word.text, base))
                .collect();
            bases.extend(found.iter().cloned());
            command.git_directories.extend(found);
        }
        let opaque = self.opacity(simple, &command);
        let shown: Vec<&str> =
            simple.assignments.iter().chain(words).map(|word| word.text.as_str()).collect();
        let mut unit = unit("Bash", &shown.join(" "), Subject::Command(command));
        unit.opaque = opaque;
        unit.mentions = self.mentions(simple, &bases);
        unit.hosts = hosts(words, &texts);
        unit
    }

    fn opacity(&self, simple: &Simple, command: &Command) -> Vec<String> {
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
        let run = &command.words[command.prefix..];
        match run.first() {
            None => opaque.push("an assignment alone".to_owned()),
            Some(word) if word.is_glob() && word.text != "[" => {
                opaque.push("a glob for a command".to_owned());
            }
            Some(word) if !word.text.is_ascii() || word.text.is_empty() => {
                opaque.push("an odd command word".to_owned());
            }
            Some(_) => {}
        }
        let argv: Vec<&str> = run.iter().map(|word| word.text.as_str()).collect();
        let opens = argv.first().is_some_and(|head| {
            [
                "env", "sudo", "doas", "xargs", "command", "builtin", "exec", "setsid", "busybox",
                "toybox", "ionice", "chroot",
            ]
            .contains(&super::command::base_name(head))
        });
        let from = if opens { argv.len() } else { 1 };
        if (0..from).any(|start| programs::takes_program(&argv[start.min(argv.len())..])) {
            opaque.push("a program given to an interpreter".to_owned());
        }
        if !simple.documents.iter().all(|document| document.literal) {
            opaque.push("a here-document that expands".to_owned());
        }
        opaque
    }

    fn absolute(&self, path: &str, base: &str) -> Option<String> {
        absolute(path, Some(base), &self.request.home)
    }

    /// Every path that the words may name: whole, after `=` and the like, from every directory.
    fn mentions(&self, simple: &Simple, bases: &[String]) -> Vec<Mention> {
        let mut found = Vec::new();
        for (at, word) in simple.words.iter().enumerate() {
            for text in word.spread() {
                for start in piece_starts(&text) {
                    let piece = &text[start..];
                    let globs: Vec<usize> =
                        word.globs.iter().filter(|g| **g >= start).map(|g| g - start).collect();
                    for base in bases {
                        let Some(path) = self.absolute(piece, base) else { continue };
                        let shift = path.len().checked_sub(piece.len());
                        let globs = globs.iter().filter_map(|g| shift.map(|s| g + s)).collect();
                        let bare = !piece.contains('/') && !piece.starts_with(['.', '~']);
                        found.push(Mention { path, globs, bare, argument: at > 0 });
                        if piece.starts_with(['/', '~']) {
                            break;
                        }
                    }
                }
            }
        }
        found
    }

    fn change_directory(&mut self, simple: &Simple) -> Unit {
        let mut unit = self.simple(simple);
        let mut found = Vec::new();
        if let [_, target] = &simple.words[..] {
            found = self
                .directories
                .iter()
                .filter_map(|base| self.absolute(&target.text, base))
                .collect();
            let plain = target.is_literal()
                && !target.is_glob()
                && !target.text.starts_with('-')
                && !target.text.is_empty()
                && !is_quoted_tilde(target);
            if plain && simple.assignments.is_empty() && !found.is_empty() {
                if let Subject::Command(command) = unit.subject {
                    unit.subject = Subject::ChangeDirectory { paths: found.clone(), command };
                }
            } else {
                unit.opaque.push("a cd that is not to one literal directory".to_owned());
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
        for (tool, access) in accesses {
            let subject = Subject::File { paths: paths.clone(), access: *access };
            let mut unit = unit(tool, &target.text, subject);
            unit.opaque.extend(target.opaque.map(str::to_owned));
            if target.is_glob()
                || paths.is_empty()
                || (target.quoted && target.text.starts_with('~'))
            {
                unit.opaque.push("a redirection to no one file".to_owned());
            }
            self.units.push(unit);
        }
    }
}

fn is_quoted_tilde(word: &Word) -> bool {
    word.quoted && word.text.starts_with('~')
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

/// Positions of the directories of `git -C`.
fn git_directory_words(argv: &[&str]) -> Vec<usize> {
    if argv.first() != Some(&"git") {
        return Vec::new();
    }
    let end = escalation::verb_position("git", argv).unwrap_or(argv.len());
    (2..end).filter(|at| argv[at - 1] == "-C").collect()
}

fn hosts(words: &[Word], texts: &[&str]) -> Vec<url::Destination> {
    let reaches_out = texts.iter().any(|text| programs::is_networker(text))
        || (texts.contains(&"git") && texts.iter().any(|text| names::GIT_REMOTE.contains(text)));
    let bare = if reaches_out { BareHosts::Count } else { BareHosts::DoNotCount };
    words
        .iter()
        .enumerate()
        .flat_map(|(at, word)| {
            let bare = if at == 0 { BareHosts::DoNotCount } else { bare };
            word.spread().into_iter().flat_map(move |text| url::hosts_in(&text, bare))
        })
        .collect()
}

/// Where in a word a path may begin.
fn piece_starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    for (at, c) in text.char_indices() {
        if matches!(c, '=' | ':' | '@' | ',') && at + 1 < text.len() {
            starts.push(at + 1);
        }
    }
    if text.starts_with('-')
        && !text.starts_with("--")
        && text.len() > 2
        && text.is_char_boundary(2)
    {
        starts.push(2);
    }
    starts.truncate(64);
    starts
}
