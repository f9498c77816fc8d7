//! What is known of programs: who runs others, who interprets, who only reads.

use super::command::base_name;
use super::names::{
    EVALUATORS, GIT_READERS, HARMLESS_VARIABLES, INTERPRETERS, NETWORKERS, READERS, SHELLS,
    TEXT_RUNNERS, WRAPPERS,
};

fn is_one(names: &[&str], command: &str) -> bool {
    names.contains(&base_name(command))
}

pub(crate) fn is_wrapper(command: &str) -> bool {
    is_one(WRAPPERS, command) || is_shell(command)
}

pub(crate) fn is_shell(command: &str) -> bool {
    is_one(SHELLS, command)
}

/// Whether a command runs scripts in a language of its own.
pub(crate) fn is_interpreter(command: &str) -> bool {
    let name = base_name(command);
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    is_shell(name) || INTERPRETERS.iter().any(|(known, ..)| *known == name || *known == stem)
}

pub(crate) fn is_evaluator(command: &str) -> bool {
    is_one(EVALUATORS, command)
}

/// Options of finders that are followed by a command.
pub(crate) const FINDERS_RUN: &[&str] =
    &["-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch"];

pub(crate) fn is_finder(command: &str) -> bool {
    is_one(&["find", "fd", "fdfind"], command)
}

/// Whether words of this command, or what it is fed, may be programs in the shell's language.
pub(crate) fn runs_text(argv: &[&str]) -> bool {
    let Some((head, args)) = argv.split_first() else { return false };
    let runs = |word: &str| is_shell(word) || is_one(TEXT_RUNNERS, word);
    runs(head) || is_evaluator(head) || (is_wrapper(head) && args.iter().any(|arg| runs(arg)))
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
        Some(command) => is_one(READERS, command),
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

/// Whether a command takes its program from an argument or its input.
pub(crate) fn takes_program(argv: &[&str]) -> bool {
    let Some((command, args)) = argv.split_first() else { return false };
    if is_evaluator(command) {
        return true;
    }
    let name = base_name(command);
    let (program, valued) = if SHELLS.contains(&name) {
        ("cs", "oO")
    } else {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        match INTERPRETERS.iter().find(|(known, ..)| *known == name || *known == stem) {
            Some((_, program, valued)) => (*program, *valued),
            None => return false,
        }
    };
    if let ("deno" | "bun", Some(verb)) = (name, args.first()) {
        return match *verb {
            "eval" | "repl" | "-" | "-e" | "--eval" | "-p" | "--print" | "exec" | "x" => true,
            "run" => args.get(1).is_none_or(|arg| *arg == "-"),
            _ => false,
        };
    }
    let is_python = name.starts_with("py");
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if *arg == "--" {
            return rest.next().is_none_or(|file| is_input(file));
        }
        if !(arg.starts_with('-') || (arg.starts_with('+') && SHELLS.contains(&name)))
            || *arg == "-"
        {
            return is_input(arg);
        }
        if is_information(arg, name, args.len()) || (is_python && arg.starts_with("-m")) {
            return false;
        }
        if let Some(long) = arg.strip_prefix("--") {
            let long_name = long.split('=').next().unwrap_or(long);
            if ["eval", "print", "command", "execute", "run", "code", "init-command"]
                .iter()
                .any(|known| known.starts_with(long_name) || long_name.starts_with(known))
            {
                return true;
            }
            let takes_value = [
                "rcfile",
                "init-file",
                "require",
                "import",
                "loader",
                "experimental-loader",
                "conditions",
            ];
            if takes_value.contains(&long) {
                rest.next();
            }
            continue;
        }
        for (at, letter) in arg.char_indices().skip(1) {
            if program.contains(letter) {
                return true;
            }
            if valued.contains(letter) {
                if at + letter.len_utf8() == arg.len() {
                    rest.next();
                }
                break;
            }
        }
    }
    true
}

fn is_input(file: &str) -> bool {
    file == "-" || file.starts_with("/dev/") || file.starts_with("/proc/")
}

fn is_information(arg: &str, name: &str, count: usize) -> bool {
    count == 1
        && (matches!(arg, "--version" | "--help")
            || (arg == "-V" && (name.starts_with("py") || name == "perl"))
            || (arg == "-VV" && name.starts_with("py"))
            || (arg == "-v"
                && matches!(
                    name,
                    "node" | "nodejs" | "ruby" | "perl" | "php" | "lua" | "deno" | "bun"
                ))
            || (arg == "-h" && (matches!(name, "node" | "nodejs") || name.starts_with("py"))))
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
