//! Options by which a program works in another directory: they are judged as `cd` is.

use super::super::command::{base_name, is_long};
use super::super::{escalation, interpreter};

/// The directories that a command's options choose, and which word says so.
pub(super) fn chosen<'a>(argv: &[&'a str]) -> Vec<(usize, &'a str)> {
    let Some(head) = argv.first() else { return Vec::new() };
    match base_name(head) {
        "git" => {
            let end = escalation::verb_position("git", argv).unwrap_or(argv.len());
            (2..end).filter(|at| argv[at - 1] == "-C").map(|at| (at, argv[at])).collect()
        }
        "make" | "gmake" | "ninja" => values(argv, 'C', "--directory"),
        "npm" | "pnpm" => values(argv, 'C', "--prefix"),
        "go" => values(argv, 'C', "-C"),
        "yarn" => values(argv, '\0', "--cwd"),
        _ => Vec::new(),
    }
}

/// The places whose code a program runs, or where its options make it write: as free as the
/// directories that it works in, but no place where its relative paths begin.
pub(super) fn used<'a>(argv: &[&'a str]) -> Vec<(usize, &'a str)> {
    let Some(head) = argv.first() else { return Vec::new() };
    match base_name(head) {
        "pytest" => plain(argv, 1),
        "go" => plain(argv, 2),
        "cargo" => cargo(argv),
        "npm" => {
            let mut found = values(argv, 'w', "--workspace");
            found.extend(values(argv, '\0', "--cache"));
            found.extend(values(argv, '\0', "--logs-dir"));
            found
        }
        "tsc" => [("--project", 'p'), ("--build", 'b')]
            .into_iter()
            .flat_map(|(long, letter)| values(argv, letter, long))
            .collect(),
        "terraform" if argv.contains(&"fmt") => plain(argv, 2),
        _ => interpreter::module(argv)
            .filter(|(_, module)| PLACED_MODULES.contains(module))
            .map_or_else(Vec::new, |(at, _)| plain(argv, at + 1)),
    }
}

/// Modules of python that run or write what their words name.
const PLACED_MODULES: &[&str] =
    &["pytest", "py.test", "pytest.__main__", "venv", "virtualenv", "unittest", "doctest"];

/// Every word that is no option. Behind `::` pytest names a test in a file.
fn plain<'a>(argv: &[&'a str], from: usize) -> Vec<(usize, &'a str)> {
    let words = argv.iter().enumerate().skip(from).filter(|(_, arg)| !arg.starts_with('-'));
    words.map(|(at, arg)| (at, arg.split("::").next().unwrap_or(arg))).collect()
}

fn cargo<'a>(argv: &[&'a str]) -> Vec<(usize, &'a str)> {
    let end = argv.iter().position(|arg| *arg == "--").unwrap_or(argv.len());
    let own = &argv[..end];
    let mut found = values(own, '\0', "--target-dir");
    found.extend(values(own, '\0', "--lockfile-path"));
    // A file there may choose the linker.
    found.extend(values(own, '\0', "--target"));
    if own.contains(&"add") {
        found.extend(values(own, '\0', "--path"));
    }
    if own.contains(&"vendor") {
        found.extend(plain(own, 2));
    }
    // rustfmt rewrites every file that it is given.
    if own.contains(&"fmt") {
        found.extend(plain(argv, end));
    }
    found
}

/// The values of one option in all its spellings.
fn values<'a>(argv: &[&'a str], letter: char, long: &str) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    for (at, arg) in argv.iter().enumerate().skip(1) {
        let next = argv.get(at + 1).map(|next| (at + 1, *next));
        let (name, glued) = arg.split_once('=').map_or((*arg, None), |(n, v)| (n, Some(v)));
        let is_go = long == "-C" && name == "--C";
        if is_go || (name.len() > 3 && is_long(long, name)) {
            found.extend(glued.map(|glued| (at, glued)).or(next));
        } else if arg.starts_with('-') && !arg.starts_with("--") {
            let Some(place) = arg.find(letter) else { continue };
            let glued = &arg[place + letter.len_utf8()..];
            found.extend(if glued.is_empty() { next } else { Some((at, glued)) });
            // Where a program takes what follows `=` for the value, too.
            found.extend(glued.strip_prefix('=').map(|value| (at, value)));
        }
    }
    found
}
