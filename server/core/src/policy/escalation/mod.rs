//! Whether arguments that no rule spelled make a program do more than it seems to.

mod awk;
mod sed;
mod table;
mod verbs;

pub use table::VERSION;

use super::command::{base_name, is_long};
use super::{names, programs};
use table::{ROWS, Row};
use verbs::{ALWAYS, DEEP_VERBS, SAFE_VERBS};

/// Why the words from `spelled` on need a person's look, if so; the words before were spelled by a rule.
pub(crate) fn escalates(argv: &[&str], spelled: usize) -> Option<String> {
    let command = *argv.first()?;
    let name = base_name(command);
    if argv.len() <= spelled.max(1) && spelled > 0 {
        return None;
    }
    let asks_where = matches!((name, argv.get(1)), ("command", Some(&"-v" | &"-V")));
    let is_test = name == "[" || name == "test";
    if ALWAYS.contains(&name) || (is_running(name) && !asks_where) {
        return Some(format!("{name} runs or writes what its arguments say"));
    }
    if is_test {
        return None;
    }
    by_verb(name, argv, spelled)
        .or_else(|| by_option(name, argv, spelled))
        .or_else(|| by_script(name, argv, spelled))
        .or_else(|| by_shape(name, argv, spelled))
}

/// How many words of a command tell what it does, whatever follows: the program and its
/// sub-command, or a known program alone. None where no words do.
pub(crate) fn prefix_words(argv: &[&str]) -> Option<usize> {
    let name = *argv.first()?;
    if programs::is_interpreter(name) || is_running(name) || ALWAYS.contains(&name) {
        return None;
    }
    if let Some((_, safe)) = SAFE_VERBS.iter().find(|(program, _)| *program == name) {
        return argv.get(1).is_some_and(|verb| safe.contains(verb)).then_some(2);
    }
    let is_known = ROWS.iter().any(|row| row.program == name) || names::READERS.contains(&name);
    is_known.then_some(1)
}

/// Wrappers whose every use runs something; those with their own rows are looked at closely.
pub(crate) fn is_running(name: &str) -> bool {
    let has_rows = ROWS.iter().any(|row| row.program == name)
        || SAFE_VERBS.iter().any(|(program, _)| *program == name);
    names::WRAPPERS.contains(&name) && !has_rows && !names::SHELLS.contains(&name)
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

fn by_verb(name: &str, argv: &[&str], spelled: usize) -> Option<String> {
    let (_, safe) = SAFE_VERBS.iter().find(|(program, _)| *program == name)?;
    let at = verb_position(name, argv)?;
    let verb = argv[at];
    if at >= spelled && !safe.contains(&verb) {
        return Some(format!("{name} {verb} may run programs or change configuration"));
    }
    let deep = DEEP_VERBS.iter().find(|(program, v, _)| *program == name && *v == verb);
    let third = argv
        .get(at + 1..)?
        .iter()
        .position(|arg| deep.is_some_and(|(_, _, words)| words.contains(arg)));
    if let Some(third) = third.filter(|third| at + 1 + third >= spelled) {
        return Some(format!(
            "{name} {verb} {} may run programs or change configuration",
            argv[at + 1 + third]
        ));
    }
    (name == "git" && verb == "config" && !is_config_reading(&argv[at + 1..]))
        .then(|| "git config changes configuration".to_owned())
}

fn is_config_reading(args: &[&str]) -> bool {
    let reads = [
        "--get",
        "--get-all",
        "--get-regexp",
        "--list",
        "-l",
        "--get-urlmatch",
        "get",
        "list",
        "--get-color",
    ];
    let plain = args.iter().filter(|arg| !arg.starts_with('-')).count();
    let writes = args.iter().any(|arg| {
        [
            "--unset",
            "--add",
            "--replace-all",
            "--edit",
            "-e",
            "--remove-section",
            "--rename-section",
            "--file",
            "-f",
            "--unset-all",
        ]
        .contains(arg)
    });
    !writes && (args.iter().any(|arg| reads.contains(arg)) || plain == 1)
}

fn by_option(name: &str, argv: &[&str], spelled: usize) -> Option<String> {
    let rows: Vec<&Row> = ROWS.iter().filter(|row| row.program == name).collect();
    let verb_at =
        if rows.iter().any(|row| row.verb.is_some()) { verb_position(name, argv) } else { None };
    let has_verbs = rows.iter().any(|row| row.verb.is_some());
    for row in rows {
        let (from, to) = match (row.verb, verb_at) {
            (Some(verb), Some(at)) if argv[at] == verb => (at + 1, argv.len()),
            (Some(_), _) => continue,
            (None, Some(at)) => (1, at),
            (None, None) if has_verbs => (1, argv.len()),
            (None, None) => (1, argv.len()),
        };
        if let Some(option) = risky_option(row, &argv[from..to], spelled.saturating_sub(from)) {
            return Some(format!(
                "{name} {option} runs a program, changes configuration or writes a file"
            ));
        }
    }
    None
}

fn risky_option<'a>(row: &Row, args: &[&'a str], spelled: usize) -> Option<&'a str> {
    let mut skip = false;
    for (at, arg) in args.iter().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        if *arg == "--" {
            return None;
        }
        let value = args.get(at + 1).copied();
        if arg.starts_with("--") {
            let is_risky =
                row.long.iter().any(|long| is_long(long, arg)) && !row.safe.contains(arg);
            let given = arg.split_once('=').map(|(_, value)| value).or(value);
            if at >= spelled && is_risky && !writes_nowhere(row, given) {
                return Some(arg);
            }
        } else if row.long.iter().any(|long| arg.split('=').next() == Some(*long)) {
            if at >= spelled {
                return Some(arg);
            }
        } else if arg.len() > 1 && arg.starts_with('-') {
            let (risky, takes_next) = cluster(row, arg, value);
            if risky && at >= spelled {
                return Some(arg);
            }
            skip = takes_next;
        }
    }
    None
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
    matches!(row.program, "curl" | "wget" | "sort" | "shuf")
        && matches!(value, Some("/dev/null" | "-" | "/dev/stdout" | "/dev/stderr"))
}

fn by_script(name: &str, argv: &[&str], spelled: usize) -> Option<String> {
    let free: Vec<&str> = match name {
        "sed" => script_words(argv, "efl", &["--expression", "--file"], 'e'),
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

fn by_shape(name: &str, argv: &[&str], spelled: usize) -> Option<String> {
    let from = spelled.max(1).min(argv.len());
    let free = &argv[from..];
    let risky = match name {
        "make" | "gmake" | "ninja" => {
            free.iter().any(|arg| arg.contains('=') && !arg.starts_with('-'))
        }
        "cargo" => free.iter().any(|arg| arg.starts_with('+')) && spelled < 2,
        "tar" => free.first().is_some_and(|arg| {
            from == 1 && !arg.starts_with('-') && arg.contains(['x', 'c', 'r', 'u', 'A', 'I', 'F'])
        }),
        "vim" => true,
        "less" | "more" => free.iter().any(|arg| arg.starts_with('+')),
        "uniq" => argv[1..].iter().filter(|arg| !arg.starts_with('-')).count() > 1,
        "wget" => !argv.iter().any(|arg| {
            matches!(
                *arg,
                "--spider" | "-O-" | "-qO-" | "-" | "--output-document=-" | "--version" | "--help"
            )
        }),
        "git" => {
            free.iter().any(|arg| {
                arg.contains("ext::") || arg.contains("--upload-pack") || arg.contains("fd::")
            }) || is_patch_writing(argv)
        }
        "curl" => free.iter().any(|arg| arg.contains("%output{")),
        _ => false,
    };
    risky.then(|| format!("{name} runs a program or writes a file with these arguments"))
}

fn is_patch_writing(argv: &[&str]) -> bool {
    argv.contains(&"format-patch") && !argv.contains(&"--stdout")
}
