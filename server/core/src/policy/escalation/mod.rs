//! Whether arguments that no rule spelled make a program do more than it seems to.

mod awk;
mod builders;
mod checkers;
mod compilers;
mod git;
mod sed;
mod shape;
mod table;
mod verbs;

pub use table::VERSION;

use super::command::{base_name, is_long};
use super::{interpreter, names, programs, wrappers};
use table::{Row, rows};
use verbs::{ALWAYS, DEEP_VERBS, SAFE_DEEP, SAFE_VERBS};

/// Why the words from `spelled` on need a person's look, if so; the words before were spelled by a rule.
pub(crate) fn escalates(argv: &[&str], spelled: usize) -> Option<String> {
    let command = *argv.first()?;
    let name = base_name(command);
    if argv.len() <= spelled.max(1) && spelled > 0 {
        return None;
    }
    let asks_where = matches!((name, argv.get(1)), ("command", Some(&"-v" | &"-V")));
    let is_test = name == "[" || name == "test";
    if let Some(run) = spelled_package(name, argv, spelled) {
        return escalates(&run, spelled - 1);
    }
    if ALWAYS.contains(&name) || (is_running(name) && !asks_where) {
        return Some(format!("{name} runs or writes what its arguments say"));
    }
    if is_test {
        return subscript(name, argv);
    }
    by_module(argv, spelled)
        .or_else(|| by_verb(name, argv, spelled))
        .or_else(|| by_option(name, argv, spelled))
        .or_else(|| by_script(name, argv, spelled))
        .or_else(|| shape::odd(name, argv, spelled))
}

/// The program that a runner of packages runs, where a rule spells it. A version may stand behind it.
fn spelled_package<'a>(name: &str, argv: &[&'a str], spelled: usize) -> Option<Vec<&'a str>> {
    let (package, args) = argv.get(1..)?.split_first()?;
    let is_spelled = matches!(name, "npx" | "bunx" | "pnpx" | "uvx") && spelled > 1;
    let program = base_name(package);
    let program = program.split_once('@').map_or(program, |(program, _)| program);
    if !is_spelled || program.is_empty() || package.starts_with('-') {
        return None;
    }
    Some(std::iter::once(program).chain(args.iter().copied()).collect())
}

/// How many words of a command tell what it does, whatever follows: the program and its
/// sub-command, or a known program alone. None where no words do.
pub(crate) fn prefix_words(argv: &[&str]) -> Option<usize> {
    let name = *argv.first()?;
    if interpreter::is_interpreter(name) || is_running(name) || ALWAYS.contains(&name) {
        return None;
    }
    if let Some((_, safe)) = SAFE_VERBS.iter().find(|(program, _)| *program == name) {
        let verb = *argv.get(1)?;
        if let Some(safe) = deep(SAFE_DEEP, name, verb) {
            return argv.get(2).is_some_and(|third| safe.contains(third)).then_some(3);
        }
        return safe.contains(&verb).then_some(2);
    }
    let is_known = rows(name).next().is_some() || names::READERS.contains(&name);
    is_known.then_some(1)
}

/// Wrappers whose every use runs something; those with their own rows are looked at closely.
pub(crate) fn is_running(name: &str) -> bool {
    let has_rows =
        rows(name).next().is_some() || SAFE_VERBS.iter().any(|(program, _)| *program == name);
    (wrappers::WRAPPERS.contains(&programs::plain_name(name)) || programs::is_loader(name))
        && !has_rows
        && !names::SHELLS.contains(&name)
}

/// The position of the sub-command: the first word that is no option nor an option's value.
pub(crate) fn verb_position(name: &str, argv: &[&str]) -> Option<usize> {
    let valued: &[&str] = match name {
        "git" => &[
            "-C",
            "-c",
            "--git-dir",
            "--work-tree",
            "--namespace",
            "--config-env",
            "--exec-path",
            "--super-prefix",
        ],
        "cargo" => &["--config", "-Z", "-C", "--color", "--manifest-path"],
        "docker" | "podman" => {
            &["-H", "--host", "-c", "--context", "--config", "-l", "--log-level"]
        }
        "npm" | "pnpm" | "yarn" => {
            &["--prefix", "-C", "--cwd", "--dir", "-w", "--workspace", "--loglevel"]
        }
        "kubectl" => &["-n", "--namespace", "--context", "--kubeconfig", "-s", "--server"],
        _ => &[],
    };
    let mut at = 1;
    while let Some(arg) = argv.get(at) {
        if valued.contains(arg) {
            at += 2;
        } else if arg.starts_with('-') || arg.starts_with('+') {
            at += 1;
        } else {
            return Some(at);
        }
    }
    None
}

/// A variable that a test looks at may have a subscript, which bash expands (bash(1), ARRAYS).
fn subscript(name: &str, argv: &[&str]) -> Option<String> {
    let looks = argv.iter().any(|arg| matches!(*arg, "-v" | "-R"));
    let found = argv[1..].iter().any(|arg| arg.len() > 1 && arg.contains('['));
    (looks && found).then(|| format!("{name} runs what the subscript of a variable says"))
}

/// A module that is a program too is as much as that program.
fn by_module(argv: &[&str], spelled: usize) -> Option<String> {
    let (at, module) = interpreter::module(argv)?;
    let module = module.strip_suffix(".__main__").unwrap_or(module);
    let program = if module == "py.test" { "pytest" } else { module };
    let words: Vec<&str> = std::iter::once(program).chain(argv[at + 1..].iter().copied()).collect();
    escalates(&words, spelled.saturating_sub(at))
}

fn by_verb(name: &str, argv: &[&str], spelled: usize) -> Option<String> {
    let (_, safe) = SAFE_VERBS.iter().find(|(program, _)| *program == name)?;
    let at = verb_position(name, argv)?;
    let verb = argv[at];
    let says = |words: String| format!("{name} {words} may run programs or change configuration");
    let is_file = matches!(name, "bun" | "deno") && verb.contains(['.', '/']);
    if let Some(safe) = deep(SAFE_DEEP, name, verb) {
        let third = argv[at + 1..].iter().position(|arg| !arg.starts_with('-'));
        let third = third.map(|third| at + 1 + third);
        return third
            .filter(|third| *third >= spelled && !safe.contains(&argv[*third]))
            .map(|third| says(format!("{verb} {}", argv[third])));
    }
    if at >= spelled && !safe.contains(&verb) && !is_file {
        return Some(says(verb.to_owned()));
    }
    let risky = deep(DEEP_VERBS, name, verb).unwrap_or_default();
    let third = (at + 1..argv.len()).find(|at| risky.contains(&argv[*at]));
    if let Some(third) = third.filter(|third| *third >= spelled) {
        return Some(says(format!("{verb} {}", argv[third])));
    }
    (name == "git" && verb == "config" && !git::is_config_reading(&argv[at + 1..]))
        .then(|| "git config changes configuration".to_owned())
}

fn deep<'a>(
    table: &[(&str, &str, &'a [&'a str])],
    name: &str,
    verb: &str,
) -> Option<&'a [&'a str]> {
    table.iter().find(|(program, v, _)| *program == name && *v == verb).map(|(.., words)| *words)
}

fn by_option(name: &str, argv: &[&str], spelled: usize) -> Option<String> {
    let has_verbs = rows(name).any(|row| row.verb.is_some());
    let verb_at = if has_verbs { verb_position(name, argv) } else { None };
    rows(name).find_map(|row| {
        let (from, to) = match (row.verb, verb_at) {
            (Some(verb), Some(at)) if argv[at] == verb => (at + 1, argv.len()),
            (Some(_), _) => return None,
            (None, at) => (1, at.unwrap_or(argv.len())),
        };
        // What follows a script is read by it alone.
        let to = if name == "node" { interpreter::script(argv).unwrap_or(to) } else { to };
        let option = risky_option(row, &argv[from..to], spelled.saturating_sub(from))?;
        Some(format!("{name} {option} runs a program, changes configuration or writes a file"))
    })
}

/// Programs whose long options cannot be abbreviated.
const WHOLE_OPTIONS: &[&str] = &["node", "jest", "vitest"];

fn risky_option<'a>(row: &Row, args: &[&'a str], spelled: usize) -> Option<&'a str> {
    let mut skip = false;
    for (at, arg) in args.iter().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        // go hands to the tests what stands behind it.
        if *arg == "--" && row.program != "go" {
            return None;
        }
        let next = args.get(at + 1).copied();
        let is_word = |arg: &str| {
            let name = arg.split('=').next().unwrap_or(arg);
            // `go test -test.trace x` is `go test -trace x`.
            let bare = name.strip_prefix("-test.").filter(|_| row.program == "go");
            row.long.iter().any(|long| name == *long || bare == Some(&long[1..]))
        };
        let (risky, takes_next) = if arg.starts_with("--") {
            // Options of go have one dash or two.
            let is_abbreviated = !WHOLE_OPTIONS.contains(&row.program);
            let is_risky = is_word(arg)
                || is_word(&arg[1..])
                || (is_abbreviated && row.long.iter().any(|long| is_long(long, arg)));
            let given = arg.split_once('=').map(|(_, value)| value).or(next);
            (is_risky && !row.safe.contains(arg) && !writes_nowhere(row, given), false)
        } else if is_word(arg) {
            (true, false)
        } else if arg.len() > 1 && arg.starts_with('-') {
            cluster(row, arg, next)
        } else {
            (false, false)
        };
        if risky && at >= spelled {
            return Some(arg);
        }
        // What looks like an option is looked at, though it may be the value of the one before.
        skip = takes_next
            && (takes_any_text(row, arg) || next.is_some_and(|next| !next.starts_with('-')));
    }
    None
}

/// Whether the value of an option, which ends the word, is the next word whatever that looks like
/// (git(1) by its parse-options API, rg(1) on `-e`).
fn takes_any_text(row: &Row, arg: &str) -> bool {
    match (row.program, row.verb) {
        ("rg", None) | ("git", Some("grep")) => arg.ends_with('e'),
        ("git", Some("commit" | "tag" | "merge")) => arg.ends_with('m'),
        _ => false,
    }
}

/// Looks at each letter up to one that takes a value: whether one escalates, and whether the
/// value is the next word.
fn cluster(row: &Row, arg: &str, next: Option<&str>) -> (bool, bool) {
    for (at, letter) in arg.char_indices().skip(1) {
        let glued = &arg[at + letter.len_utf8()..];
        let takes_value = row.valued.contains(letter);
        let value = if glued.is_empty() { next } else { Some(glued) };
        if row.short.contains(letter) && !(takes_value && writes_nowhere(row, value)) {
            return (true, false);
        }
        if takes_value {
            return (false, glued.is_empty());
        }
    }
    (false, false)
}

/// Output options whose value is no file.
fn writes_nowhere(row: &Row, value: Option<&str>) -> bool {
    match row.program {
        "curl" | "wget" | "sort" | "shuf" => {
            matches!(value, Some("/dev/null" | "-" | "/dev/stdout" | "/dev/stderr"))
        }
        "mypy" => value == Some("/dev/null"),
        "git" => git::is_own_strategy(value),
        _ => false,
    }
}

fn by_script(name: &str, argv: &[&str], spelled: usize) -> Option<String> {
    let free: Vec<&str> = match name {
        "sed" => script_words(argv, "efl", &["--expression", "--file", "--line-length"], 'e'),
        "awk" | "gawk" | "mawk" | "nawk" => {
            script_words(argv, "fvFiElodpW", &["--assign", "--field-separator", "--file"], 'e')
        }
        _ => return None,
    };
    let spelled: Vec<&str> = argv[..spelled.min(argv.len())].to_vec();
    let risky = free.into_iter().filter(|script| !spelled.contains(script)).any(|script| {
        if name == "sed" { !sed::is_harmless(script) } else { !awk::is_harmless(script) }
    });
    risky.then(|| format!("the {name} script may run programs or write files"))
}

/// The words that are programs: values of `-e`, else the first plain word.
fn script_words<'a>(
    argv: &[&'a str],
    valued: &str,
    long_valued: &[&str],
    program: char,
) -> Vec<&'a str> {
    let mut scripts = Vec::new();
    let mut plain = None;
    let mut rest = argv[1..].iter();
    while let Some(arg) = rest.next() {
        if let Some(long) = arg.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (option, value) = long.split_once('=').map_or((long, None), |(o, v)| (o, Some(v)));
            let is_program = "expression".starts_with(option) || "source".starts_with(option);
            let takes = long_valued.iter().any(|l| l[2..].starts_with(option)) || is_program;
            let value = if takes && value.is_none() { rest.next().copied() } else { value };
            scripts.extend(value.filter(|_| is_program));
        } else if *arg == "--" {
            plain = plain.or_else(|| rest.next().copied());
        } else if arg.starts_with('-') && arg.len() > 1 {
            for (at, letter) in arg.char_indices().skip(1) {
                if valued.contains(letter) || letter == program {
                    let glued = &arg[at + 1..];
                    let value = if glued.is_empty() { rest.next().copied() } else { Some(glued) };
                    scripts.extend(value.filter(|_| letter == program));
                    break;
                }
            }
        } else {
            plain = plain.or(Some(*arg));
        }
    }
    if scripts.is_empty() { plain.into_iter().collect() } else { scripts }
}
