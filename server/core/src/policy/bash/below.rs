//! Commands that read every file below a directory, and which of them.

use super::super::command::{base_name, is_long};
use super::super::escalation;
use super::super::request::Below;

/// What one command reads below directories; the directories as its words name them.
pub(super) fn read<'a>(argv: &[&'a str]) -> Vec<(&'a str, Below)> {
    let Some((head, args)) = argv.split_first() else { return Vec::new() };
    let (places, filter) = match base_name(head) {
        "grep" | "egrep" | "fgrep" if reads_below(args, "rR", "efmABCdD", GREP) => searched(args),
        "rgrep" => searched(args),
        "rg" if !args.contains(&"--files") => searched_by_rg(args),
        "diff" if reads_below(args, "r", "CFILUWxXS", &["--recursive"]) => (plain(args), all()),
        "cp" if reads_below(args, "rRa", "tS", &["--recursive", "--archive"]) => sources(args),
        "rsync" if reads_below(args, "ra", "eBTfM", &["--recursive", "--archive"]) => sources(args),
        "scp" if reads_below(args, "r", "FicJlPXDSo", &[]) => sources(args),
        "git" => by_git(argv),
        _ => return Vec::new(),
    };
    places.into_iter().map(|place| (place, filter.clone())).collect()
}

const GREP: &[&str] = &["--recursive", "--dereference-recursive", "--directories=recurse"];

/// Every file, whatever it is called.
fn all() -> Below {
    Below { has_hidden: true, ..Below::default() }
}

fn reads_below(args: &[&str], letters: &str, valued: &str, long: &[&str]) -> bool {
    args.iter().any(|arg| {
        if arg.starts_with("--") {
            return long.iter().any(|long| long == arg || (is_long(long, arg) && arg.len() > 4));
        }
        let Some(cluster) = arg.strip_prefix('-') else { return false };
        *arg == "-drecurse"
            || cluster.chars().take_while(|c| !valued.contains(*c)).any(|c| letters.contains(c))
    }) || args.windows(2).any(|pair| letters == "rR" && pair == ["-d", "recurse"])
}

fn plain<'a>(args: &[&'a str]) -> Vec<&'a str> {
    args.iter().copied().filter(|arg| !arg.starts_with('-')).collect()
}

/// What a copier reads: the last word is where it writes.
fn sources<'a>(args: &[&'a str]) -> (Vec<&'a str>, Below) {
    let mut places = plain(args);
    places.pop();
    (places, all())
}

/// Words that are no options nor their values, and whether one of `pattern` gives the pattern.
fn places<'a>(args: &[&'a str], valued: &str, long_valued: &[&str]) -> Vec<&'a str> {
    let (mut found, mut has_pattern, mut rest) = (Vec::new(), false, args.iter());
    while let Some(arg) = rest.next() {
        if *arg == "--" {
            found.extend(rest.by_ref());
        } else if arg.starts_with("--") {
            has_pattern |= arg.starts_with("--regexp") || arg.starts_with("--file");
            if long_valued.contains(arg) {
                rest.next();
            }
        } else if arg.len() > 1 && arg.starts_with('-') {
            let at = arg[1..].find(|c| valued.contains(c));
            has_pattern |= at.is_some_and(|at| arg[at + 1..].starts_with(['e', 'f']));
            if at.is_some_and(|at| at + 2 == arg.len()) {
                rest.next();
            }
        } else {
            found.push(*arg);
        }
    }
    if !has_pattern && !found.is_empty() {
        found.remove(0);
    }
    if found.is_empty() { vec!["."] } else { found }
}

fn searched<'a>(args: &[&'a str]) -> (Vec<&'a str>, Below) {
    let long = ["--include", "--exclude", "--exclude-dir", "--regexp", "--file", "--max-count"];
    let filter = Below {
        only: values(args, &["--include"]),
        without: values(args, &["--exclude", "--exclude-dir"]),
        ..all()
    };
    (places(args, "efmABCdD", &long), filter)
}

/// rg goes past hidden files unless it is told not to, or a glob finds them.
fn searched_by_rg<'a>(args: &[&'a str]) -> (Vec<&'a str>, Below) {
    let long = ["--glob", "--iglob", "--type", "--type-not", "--regexp", "--file", "--max-count"];
    let (without, only): (Vec<String>, Vec<String>) = values(args, &["--glob", "--iglob", "-g"])
        .into_iter()
        .partition(|glob| glob.starts_with('!'));
    let is_unrestricted = |arg: &&str| {
        let is_short = arg.starts_with('-') && !arg.starts_with("--");
        *arg == "--hidden" || *arg == "-." || (is_short && arg.matches('u').count() > 1)
    };
    let unrestricted = args.iter().filter(|arg| matches!(**arg, "-u" | "--unrestricted")).count();
    let filter = Below {
        has_hidden: args.iter().any(is_unrestricted) || unrestricted > 1 || !only.is_empty(),
        only,
        without: without.iter().map(|glob| glob[1..].trim_matches('/').to_owned()).collect(),
        ..Below::default()
    };
    (places(args, "ABCEMdefgjmrtT", &long), filter)
}

fn by_git<'a>(argv: &[&'a str]) -> (Vec<&'a str>, Below) {
    let none = (Vec::new(), all());
    let Some(at) = escalation::verb_position("git", argv) else { return none };
    let args = &argv[at + 1..];
    let is_outside =
        |arg: &&str| arg.len() > 5 && (is_long("--untracked", arg) || is_long("--no-index", arg));
    match argv[at] {
        "grep" if args.iter().any(is_outside) => (places(args, "efABCm", &[]), all()),
        "add" if reads_below(args, "f", "", &["--force"]) => (plain(args), all()),
        _ => none,
    }
}

/// The values of options in both spellings.
fn values(args: &[&str], options: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        for option in options {
            let Some(glued) = arg.strip_prefix(option) else { continue };
            let is_short = !option.starts_with("--");
            let value = match glued.strip_prefix('=') {
                Some(value) => Some(value),
                None if glued.is_empty() => args.get(at + 1).copied(),
                None => Some(glued).filter(|_| is_short),
            };
            found.extend(value.map(str::to_owned));
        }
    }
    found
}
