//! Pathspecs of git (gitglossary(7)): their magic, and wildcards that no shell expands.

use super::super::command::base_name;
use super::super::escalation;
use super::super::shell::Word;

/// What one pathspec says.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of one word")]
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pathspec<'a> {
    /// The path in it.
    pub(super) path: &'a str,
    /// Whether it begins at the top of the repository.
    pub(super) is_top: bool,
    /// Whether names count in any case, or by what cannot be read here.
    pub(super) is_loose: bool,
    /// Whether its wildcards are wildcards.
    pub(super) has_globs: bool,
    /// Whether it leaves out what it names.
    pub(super) excludes: bool,
}

impl<'a> Pathspec<'a> {
    /// Reads a word, which without magic is a path with wildcards.
    pub(super) fn read(text: &'a str) -> Self {
        let mut spec =
            Self { path: text, is_top: false, is_loose: false, has_globs: true, excludes: false };
        let Some(magic) = text.strip_prefix(':') else { return spec };
        if let Some((words, path)) = magic.strip_prefix('(').and_then(|m| m.split_once(')')) {
            spec.path = path;
            for word in words.split(',') {
                match word {
                    "top" => spec.is_top = true,
                    "literal" => spec.has_globs = false,
                    "glob" | "" => {}
                    "exclude" => spec.excludes = true,
                    // `icase`, `attr:…`, `prefix:…` and what later versions know.
                    _ => spec.is_loose = true,
                }
            }
        } else {
            spec.path = magic.trim_start_matches(['/', '!', '^', ':']);
            let letters = &magic[..magic.len() - spec.path.len()];
            spec.is_top = letters.contains('/');
            spec.excludes = letters.contains(['!', '^']);
        }
        spec
    }
}

/// Sub-commands whose words without a dash may be pathspecs before `--` too.
const TAKE_PATHS: &[&str] =
    &["add", "archive", "checkout", "diff", "grep", "log", "ls-files", "restore", "rm", "show"];

/// The words of a command that git reads as pathspecs, by their place. Before `--` only those
/// with magic or wildcards matter, and they are no values of options.
pub(super) fn places(words: &[Word]) -> Vec<usize> {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    if texts.first().is_none_or(|head| base_name(head) != "git") {
        return Vec::new();
    }
    let Some(verb) = escalation::verb_position("git", &texts) else { return Vec::new() };
    let end = texts.iter().position(|text| *text == "--").unwrap_or(texts.len());
    let mut plain: Vec<usize> = (verb + 1..end.max(verb + 1))
        .filter(|at| TAKE_PATHS.contains(&texts[verb]) && !texts[*at].starts_with('-'))
        .filter(|at| !matches!(texts[at - 1], "-m" | "-S" | "-G" | "--format" | "--author"))
        .collect();
    let names_pattern = |text: &&str| text.starts_with("-e") || text.starts_with("-f");
    if texts[verb] == "grep" && !texts[verb..end].iter().any(names_pattern) && !plain.is_empty() {
        plain.remove(0);
    }
    plain.extend(end + 1..texts.len());
    plain
}
