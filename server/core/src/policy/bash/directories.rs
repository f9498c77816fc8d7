//! Options by which a program works in another directory: they are judged as `cd` is.

use super::super::command::{base_name, is_long};
use super::super::escalation;

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

/// The values of one option in all its spellings.
fn values<'a>(argv: &[&'a str], letter: char, long: &str) -> Vec<(usize, &'a str)> {
    let mut found = Vec::new();
    for (at, arg) in argv.iter().enumerate().skip(1) {
        let next = argv.get(at + 1).map(|next| (at + 1, *next));
        let (name, glued) = arg.split_once('=').map_or((*arg, None), |(n, v)| (n, Some(v)));
        if name.len() > 3 && is_long(long, name) {
            found.extend(glued.map(|glued| (at, glued)).or(next));
        } else if arg.starts_with('-') && !arg.starts_with("--") {
            let Some(place) = arg.find(letter) else { continue };
            let glued = &arg[place + letter.len_utf8()..];
            found.extend(if glued.is_empty() { next } else { Some((at, glued)) });
        }
    }
    found
}
