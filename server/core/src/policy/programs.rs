//! What is known of programs: who runs others, who interprets, who only reads.

use super::command::base_name;
use super::names::{
    EVALUATORS, GIT_READERS, HARMLESS_VARIABLES, NETWORKERS, READERS, SHELLS, TEXT_RUNNERS,
};
use super::shell::Word;
use super::wrappers::{GNU_WRAPPERS, OPENED_WRAPPERS, VERB_WRAPPERS, WRAPPERS};
use super::{escalation, interpreter};

fn is_one(names: &[&str], command: &str) -> bool {
    names.contains(&base_name(command))
}

pub(crate) fn is_shell(command: &str) -> bool {
    is_one(SHELLS, command)
}

pub(crate) fn is_evaluator(command: &str) -> bool {
    is_one(EVALUATORS, command)
}

/// Options of finders that are followed by a command.
const FINDERS_RUN: &[&str] =
    &["-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch"];

/// The dynamic linker runs the program that it is given.
pub(crate) fn is_loader(name: &str) -> bool {
    ["ld-linux", "ld-musl", "ld.so"].iter().any(|loader| name.starts_with(loader))
}

/// Where in a command others may begin.
pub(crate) enum Behind {
    /// Nowhere.
    Nothing,
    /// At these words, and each may be a wrapper again.
    At(Vec<usize>),
    /// At any word from each of these on.
    Anywhere(Vec<usize>),
}

/// What a program is called, GNU's own without the letter that marks it beside others.
pub(crate) fn plain_name(command: &str) -> &str {
    let name = base_name(command);
    let plain = name.strip_prefix('g').filter(|plain| GNU_WRAPPERS.contains(plain));
    plain.unwrap_or(name)
}

/// Where the commands begin that a command runs because its words say so.
pub(crate) fn commands_behind(argv: &[&str]) -> Behind {
    let Some((head, args)) = argv.split_first() else { return Behind::Nothing };
    let name = plain_name(head);
    if is_one(&["find", "fd", "fdfind"], name) {
        let runs = |at: &usize| FINDERS_RUN.contains(&argv[*at]);
        return Behind::Anywhere((0..argv.len()).filter(runs).map(|at| at + 1).collect());
    }
    if OPENED_WRAPPERS.contains(&name) {
        return Behind::At(behind_options(name, argv));
    }
    if let Some((_, verbs)) = VERB_WRAPPERS.iter().find(|(program, _)| *program == name) {
        let runs = |arg: &&str| verbs.contains(arg);
        let verb = args.iter().position(runs);
        return verb.map_or(Behind::Nothing, |at| Behind::Anywhere(vec![at + 2]));
    }
    if name == "ip" {
        let runs = |at: &usize| argv[*at].starts_with('n') && "exec".starts_with(argv[at + 1]);
        let verb = (1..argv.len().saturating_sub(1)).find(runs);
        return verb.map_or(Behind::Nothing, |at| Behind::Anywhere(vec![at + 2]));
    }
    if name == "git" {
        let runs = |at: &usize| {
            let pair = (argv[*at], argv.get(at + 1).copied());
            matches!(pair, ("bisect", Some("run")) | ("submodule", Some("foreach")))
        };
        let verb = (1..argv.len()).find(runs);
        return verb.map_or(Behind::Nothing, |at| Behind::Anywhere(vec![at + 2]));
    }
    let opens = if is_shell(name) {
        interpreter::takes_program(argv)
    } else {
        is_one(WRAPPERS, name) || is_loader(name)
    };
    if opens { Behind::Anywhere(vec![1]) } else { Behind::Nothing }
}

/// The command that a finder's option holds in the same word: `fd -xrm`, `fd --exec=rm`.
pub(crate) fn glued_command<'a>(argv: &[&'a str]) -> Option<Vec<&'a str>> {
    let (head, args) = argv.split_first()?;
    if !is_one(&["fd", "fdfind"], head) {
        return None;
    }
    let options = ["--exec=", "--exec-batch=", "-x", "-X"];
    args.iter().enumerate().find_map(|(at, arg)| {
        let first = options.iter().find_map(|option| arg.strip_prefix(option))?;
        let rest = args[at + 1..].iter().copied();
        (!first.is_empty()).then(|| std::iter::once(first).chain(rest).collect())
    })
}

/// The first word that is no option, assignment or duration; and those before it that may be
/// values of options.
fn behind_options(name: &str, argv: &[&str]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut may_be_value = false;
    let mut duration = name == "timeout";
    for (at, arg) in argv.iter().enumerate().skip(1) {
        if name == "command" && arg.starts_with('-') && arg.contains(['v', 'V']) {
            return Vec::new();
        }
        if arg.starts_with('-') && (arg.len() > 1 || name == "env") {
            may_be_value = *arg != "-" && *arg != "--" && !arg.contains('=');
        } else if Word::assignment(arg) && matches!(name, "env" | "sudo" | "doas") {
            may_be_value = false;
        } else {
            found.push(at);
            if !std::mem::take(&mut may_be_value) && !std::mem::take(&mut duration) {
                break;
            }
        }
    }
    found
}

/// Whether words of this command, or what it is fed, may be programs in the shell's language.
pub(crate) fn runs_text(argv: &[&str]) -> bool {
    let Some(head) = argv.first() else { return false };
    if is_evaluator(head) || is_one(TEXT_RUNNERS, plain_name(head)) {
        return true;
    }
    if is_shell(head) {
        return interpreter::takes_program(argv);
    }
    let runs = |at: usize| is_shell(argv[at]) || is_one(TEXT_RUNNERS, argv[at]);
    is_one(WRAPPERS, head) && (1..argv.len()).any(runs)
}

pub(crate) fn is_networker(command: &str) -> bool {
    is_one(NETWORKERS, command)
}

/// Whether a command only reads the files that it names.
pub(crate) fn is_reader(argv: &[&str]) -> bool {
    match argv.first() {
        Some(&"git") => {
            let verb = argv[1..].iter().find(|arg| !arg.starts_with('-'));
            verb.is_some_and(|verb| GIT_READERS.contains(verb))
        }
        // A reader that is told to write is none.
        Some(command) => is_one(READERS, command) && escalation::escalates(argv, 1).is_none(),
        None => true,
    }
}

/// Whether a variable may stand before a command that a rule allows.
pub(crate) fn is_harmless_assignment(name: &str, value: &str) -> bool {
    let named = HARMLESS_VARIABLES.contains(&name)
        || name
            .strip_prefix("LC_")
            .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_uppercase()));
    let leads_away = match name {
        "TZ" => value.starts_with([':', '/']) || value.contains(".."),
        "RUST_LOG" => false,
        _ => value.contains('/'),
    };
    named && !leads_away
}

/// How many words a harmless prefix with its own options takes, so that the next is a command.
pub(crate) fn prefix(words: &[&str]) -> Option<usize> {
    let args = words.get(1..)?;
    let taken = match *words.first()? {
        "nohup" => 0,
        "time" => usize::from(args.first() == Some(&"-p")),
        "nice" => nice(args)?,
        "timeout" => timeout(args)?,
        "stdbuf" => stdbuf(args)?,
        _ => return None,
    };
    let next = args.get(taken)?;
    (!next.starts_with('-')).then_some(1 + taken)
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

fn nice(args: &[&str]) -> Option<usize> {
    let first = args.first()?;
    if matches!(*first, "-n" | "--adjustment") {
        return args.get(1).is_some_and(|n| is_number(n)).then_some(2);
    }
    let glued = first.strip_prefix("-n").or_else(|| first.strip_prefix("--adjustment="));
    if glued.is_some_and(is_number) || (first.starts_with('-') && is_number(first)) {
        return Some(1);
    }
    (!first.starts_with('-')).then_some(0)
}

fn timeout(args: &[&str]) -> Option<usize> {
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|arg| arg.starts_with('-')) {
        at += match *arg {
            "-f" | "--foreground" | "--preserve-status" | "-p" | "-v" | "--verbose" => 1,
            "-k" | "--kill-after" | "-s" | "--signal" => {
                args.get(at + 1)
                    .filter(|value| value.chars().all(|c| c.is_ascii_alphanumeric() || c == '.'))?;
                2
            }
            glued if glued.starts_with("--kill-after=") || glued.starts_with("--signal=") => 1,
            glued if glued.starts_with("-k") || glued.starts_with("-s") => 1,
            _ => return None,
        };
    }
    let duration = args.get(at)?.trim_end_matches(['s', 'm', 'h', 'd']);
    let is_duration =
        !duration.is_empty() && duration.chars().all(|c| c.is_ascii_digit() || c == '.');
    is_duration.then_some(at + 1)
}

fn stdbuf(args: &[&str]) -> Option<usize> {
    let is_mode =
        |mode: &str| mode == "L" || mode == "0" || (is_number(mode) && !mode.starts_with('-'));
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|arg| arg.starts_with('-')) {
        let long = ["--input=", "--output=", "--error="].iter().find_map(|l| arg.strip_prefix(l));
        let short = ["-i", "-o", "-e"].iter().find_map(|s| arg.strip_prefix(s));
        match (long, short) {
            (Some(mode), _) if is_mode(mode) => at += 1,
            (None, Some("")) if args.get(at + 1).is_some_and(|mode| is_mode(mode)) => at += 2,
            (None, Some(mode)) if is_mode(mode) => at += 1,
            (Some(_) | None, Some(_) | None) => return None,
        }
    }
    (at > 0).then_some(at)
}
