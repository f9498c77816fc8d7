//! Paths and hosts that the words of a command may name.

use std::path::Path;

use super::super::command::base_name;
use super::super::path::absolute;
use super::super::request::{Mention, Wildcards};
use super::super::shell::{Simple, Word};
use super::super::url::{self, BareHosts};
use super::super::{names, programs};
use super::pathspec::{self, Pathspec};
use super::prefix_length;

/// Programs that put files into a directory under the names they had.
const COPIERS: &[&str] = &["cp", "mv", "ln", "install", "rsync", "scp"];

/// More text than this in parts of words is not looked at, in bytes and from every directory: ten times
/// what the longest line of plain options holds.
const PIECES_BYTES: usize = 1024 * 1024;

/// Every path that the words may name: whole, after `=` and the like, from every directory.
pub(super) fn of(simple: &Simple, bases: &[String], home: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut budget = PIECES_BYTES;
    let assignments = simple.assignments.iter().map(|word| (1, word));
    for (at, word) in simple.words.iter().enumerate().chain(assignments) {
        let parts = if word.breaks.is_empty() { Vec::new() } else { word.parts() };
        for text in word.spread().into_iter().chain(parts) {
            for start in piece_starts(&text) {
                let cost = if start > 0 { (text.len() - start) * bases.len() } else { 0 };
                let Some(left) = budget.checked_sub(cost) else {
                    found.push(Mention::anywhere());
                    break;
                };
                budget = left;
                let globs: Vec<usize> =
                    word.globs.iter().filter(|g| **g >= start).map(|g| g - start).collect();
                piece(&text[start..], &globs, at, (bases, home), &mut found);
                // curl goes on with the type of a file behind its name.
                if let Some((path, _)) = text[start..].split_once(';').filter(|_| start > 0) {
                    piece(path, &globs, at, (bases, home), &mut found);
                }
            }
        }
    }
    for text in copies(simple) {
        piece(&text, &[], 1, (bases, home), &mut found);
    }
    pathspecs(&simple.words[prefix_length(&simple.words)..], bases, home, &mut found);
    found
}

/// What the pathspecs of git may lead to that are more than a path.
fn pathspecs(words: &[Word], bases: &[String], home: &str, found: &mut Vec<Mention>) {
    for at in pathspec::places(words) {
        let spec = Pathspec::read(&words[at].text);
        let is_glob = spec.has_globs && spec.path.contains(['*', '?', '[']);
        if spec.excludes || !(is_glob || spec.is_top || spec.is_loose) {
            continue;
        }
        // The top of the repository is one of the directories around.
        let around = bases.iter().flat_map(|base| Path::new(base).ancestors());
        let around = around.filter(|_| spec.is_top).filter_map(Path::to_str);
        for base in bases.iter().map(String::as_str).chain(around) {
            let text = if spec.is_loose { "*" } else { spec.path };
            let Some(path) = absolute(text, Some(base), home) else { continue };
            let start = path.len().saturating_sub(text.len());
            let is_wild = is_glob || spec.is_loose;
            let globs = path.char_indices().skip_while(|(at, _)| *at < start);
            let globs = globs.filter(|(_, c)| is_wild && matches!(c, '*' | '?' | '['));
            let globs: Vec<usize> = globs.map(|(at, _)| at).collect();
            let wildcards = match (is_wild, words[at].is_glob()) {
                (false, _) => Wildcards::Shell,
                (true, false) => Wildcards::Git,
                (true, true) => Wildcards::ShellThenGit,
            };
            let mention = Mention { path, globs, bare: false, argument: true, wildcards };
            if !found.contains(&mention) {
                found.push(mention);
            }
        }
    }
}

/// More names than this in a program are not looked at.
const NAMES: usize = 256;

/// Every path in programs of other languages: whatever stands between their signs.
pub(super) fn in_programs(simple: &Simple, bases: &[String], home: &str) -> Vec<Mention> {
    let is_sign = |c: char| c.is_whitespace() || "'\"`()[]{};,=<>|&+".contains(c);
    let words = simple.words.iter().map(|word| word.text.as_str());
    let texts = words.chain(simple.documents.iter().map(|document| document.text.as_str()));
    let names = texts.flat_map(|text| text.split(is_sign)).filter(|name| name.contains(['.', '/']));
    let mut found = Vec::new();
    for name in names.take(NAMES) {
        piece(name, &[], 1, (bases, home), &mut found);
    }
    found
}

/// One part of a word, from every directory.
fn piece(
    piece: &str,
    globs: &[usize],
    at: usize,
    (bases, home): (&[String], &str),
    found: &mut Vec<Mention>,
) {
    for base in bases {
        let Some(path) = absolute(piece, Some(base), home) else { continue };
        let shift = path.len().checked_sub(piece.len());
        let globs = globs.iter().filter_map(|g| shift.map(|s| g + s)).collect();
        let bare = !piece.contains('/') && !piece.starts_with(['.', '~']);
        let wildcards = Wildcards::Shell;
        found.push(Mention { path, globs, bare, argument: at > 0, wildcards });
        if piece.starts_with(['/', '~']) {
            break;
        }
    }
}

/// Where the files go that a copier puts into a directory: `cp a/.bashrc ~` writes `~/.bashrc`.
fn copies(simple: &Simple) -> Vec<String> {
    let words = &simple.words[prefix_length(&simple.words)..];
    let Some((head, args)) = words.split_first() else { return Vec::new() };
    if !COPIERS.contains(&base_name(&head.text)) {
        return Vec::new();
    }
    let is_plain = |word: &&Word| !word.text.starts_with('-') && !word.is_glob();
    let plain: Vec<&str> = args.iter().filter(is_plain).map(|word| word.text.as_str()).collect();
    let after = |option: &str| {
        let at = args.iter().position(|word| word.text == option)?;
        args.get(at + 1).map(|word| word.text.as_str())
    };
    let glued = args.iter().find_map(|word| word.text.strip_prefix("--target-directory="));
    let named = glued.or_else(|| after("-t")).or_else(|| after("--target-directory"));
    let Some(target) = named.or_else(|| plain.last().copied()) else { return Vec::new() };
    let name = |source: &&str| base_name(source.trim_end_matches('/')).to_owned();
    let names =
        plain.iter().map(name).filter(|name| !name.is_empty() && name != "." && name != "..");
    names.take(64).map(|name| format!("{}/{name}", target.trim_end_matches('/'))).collect()
}

pub(super) fn hosts(words: &[Word], texts: &[&str]) -> Vec<url::Destination> {
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

/// Where the path begins in a pathspec of git with magic, `:(top)x` or `:/x` (gitglossary(7)).
fn behind_magic(text: &str) -> Option<usize> {
    let magic = text.strip_prefix(':')?;
    if magic.starts_with('(') {
        return text.find(')').map(|end| end + 1).filter(|start| *start < text.len());
    }
    let path = magic.trim_start_matches(['/', '!', '^', ':']);
    (path.len() < magic.len() && !path.is_empty()).then(|| text.len() - path.len())
}

/// Where in a word a path may begin.
fn piece_starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    for (at, c) in text.char_indices() {
        if matches!(c, '=' | ':' | '@' | ',' | '<') && at + 1 < text.len() {
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
    starts.extend(behind_magic(text));
    starts.truncate(64);
    starts
}
