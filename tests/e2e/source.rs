//! Rust source as the checks of layers and habits read it.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

/// Directories that hold no source of ours.
const FOREIGN: [&str; 4] = ["target", "node_modules", "generated", "fixtures"];

/// A reference from one file to a module of its own crate or to another crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Line, from 1.
    pub(crate) line: usize,
    /// The crate; `crate` for its own.
    pub(crate) package: String,
    /// The first segment behind the crate, or `*`; empty where the crate itself is meant.
    pub(crate) segment: String,
}

/// All Rust files below `directory`, sorted.
pub(crate) fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && !FOREIGN.contains(&name.as_str()) {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Whether it is compiled for tests only: below a directory `tests`, or of that name. `path` is
/// relative to the repository, so that where that lies does not matter.
pub(crate) fn is_test(path: &Path) -> bool {
    path.with_extension("").iter().any(|part| part == "tests")
}

/// `text` with comments, literals and items for tests only replaced by blanks; lines stay lines.
pub(crate) fn code_of(text: &str) -> String {
    without_tests(&without_literals(text))
}

/// Everything the code of `text` refers to by `crate::`, `super::` or the name of one of our
/// crates. `module` is the path of the file's module in its crate.
pub(crate) fn references(text: &str, module: &[String]) -> Vec<Reference> {
    let code = code_of(text);
    let mut found = Vec::new();
    for (at, word) in words(&code) {
        let is_path_start = !code[..at].trim_end().ends_with("::");
        let is_ours = word == "crate" || word.starts_with("codeplane_") || word == "cpctl";
        if is_path_start && is_ours {
            add(&mut found, &code, at, word, &code[at + word.len()..]);
        } else if is_path_start && word == "super" {
            let mut rest = &code[at + word.len()..];
            let mut depth = module.len().saturating_sub(1);
            while let Some(next) = rest.strip_prefix("::super") {
                rest = next;
                depth = depth.saturating_sub(1);
            }
            // Deeper than the root it can only mean a module that is checked anyway.
            if depth == 0 {
                add(&mut found, &code, at, "crate", rest);
            }
        }
    }
    found
}

fn add(found: &mut Vec<Reference>, code: &str, at: usize, package: &str, rest: &str) {
    let line = code[..at].matches('\n').count() + 1;
    for segment in first_segments(rest) {
        found.push(Reference { line, package: package.to_owned(), segment });
    }
}

/// The names right behind a crate: one, or those of a group in braces.
fn first_segments(rest: &str) -> Vec<String> {
    let Some(rest) = rest.strip_prefix("::") else { return vec![String::new()] };
    let rest = rest.trim_start();
    let Some(group) = rest.strip_prefix('{') else { return vec![first_word(rest)] };
    let mut depth = 1;
    let mut segments = vec![first_word(group.trim_start())];
    for (index, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => segments.push(first_word(group[index + 1..].trim_start())),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    // Behind the last comma there may be nothing.
    segments.retain(|segment| !segment.is_empty());
    segments
}

fn first_word(text: &str) -> String {
    if text.starts_with('*') {
        return "*".into();
    }
    text.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
}

fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |char: char| char.is_alphanumeric() || char == '_';
    code.split(move |char| !is_word(char)).filter(|word| !word.is_empty()).map(|word| {
        // Both are parts of one string: the distance of their beginnings is the position.
        (word.as_ptr() as usize - code.as_ptr() as usize, word)
    })
}

fn without_literals(text: &str) -> String {
    let mut code = text.to_owned();
    let mut at = 0;
    while at < text.len() {
        let len = literal_len(&text[at..]);
        if len > 0 {
            blank(&mut code, at..at + len);
            at += len;
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    code
}

/// Length of the comment or literal that begins `text`, 0 if none does.
fn literal_len(text: &str) -> usize {
    let until = |end: &str, skip: usize| text[skip..].find(end).map_or(text.len(), |i| i + skip);
    if text.starts_with("//") {
        return until("\n", 0);
    }
    if text.starts_with("/*") {
        return (until("*/", 2) + 2).min(text.len());
    }
    if text.starts_with("r\"") || text.starts_with("r#") {
        let hashes = text[1..].chars().take_while(|char| *char == '#').count();
        if text[1 + hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            return (until(&end, 2 + hashes) + end.len()).min(text.len());
        }
        return 0;
    }
    if text.starts_with('"') {
        return quoted_len(text);
    }
    if text.starts_with('\'') { char_len(text) } else { 0 }
}

fn quoted_len(text: &str) -> usize {
    let mut is_escaped = false;
    for (index, char) in text.char_indices().skip(1) {
        match char {
            '"' if !is_escaped => return index + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// A lifetime begins with a quote as well, but has none behind its first character.
fn char_len(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((next, _))) => {
            text[next + 1..].find('\'').map_or(0, |index| next + 1 + index + 1)
        }
        (Some(_), Some((index, '\''))) => index + 1,
        _ => 0,
    }
}

fn without_tests(code: &str) -> String {
    let mut left = code.to_owned();
    let mut from = 0;
    while let Some(at) = left[from..].find("#[cfg(test)]") {
        let begin = from + at;
        let item = &left[begin..];
        let end = match (item.find('{'), item.find(';')) {
            (Some(brace), semicolon) if semicolon.is_none_or(|semicolon| brace < semicolon) => {
                begin + block_end(item, brace)
            }
            (_, Some(semicolon)) => begin + semicolon + 1,
            (_, None) => left.len(),
        };
        blank(&mut left, begin..end);
        from = end;
    }
    left
}

fn block_end(item: &str, brace: usize) -> usize {
    let mut depth = 0;
    for (index, char) in item.char_indices().skip_while(|(index, _)| *index < brace) {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    item.len()
}

/// Blanks of the same number of bytes, so that positions stay what they were.
fn blank(code: &mut String, range: Range<usize>) {
    let blanks: String =
        code[range.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
    code.replace_range(range, &blanks);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, module: &[&str]) -> Vec<String> {
        let module: Vec<String> = module.iter().map(|&name| name.to_owned()).collect();
        let references = references(text, &module);
        references.iter().map(|one| format!("{}::{}", one.package, one.segment)).collect()
    }

    #[test]
    fn a_group_refers_to_each_of_its_names() {
        let text = "use crate::{\n    app::{self, Error},\n    session,\n};";

        assert_eq!(found(text, &["grpc"]), ["crate::app", "crate::session"]);
    }

    #[test]
    fn a_path_in_code_counts_as_much_as_a_use() {
        let text = "fn f() { codeplane_store::open(crate::os::now()) }";

        assert_eq!(found(text, &["app"]), ["codeplane_store::open", "crate::os"]);
    }

    #[test]
    fn super_counts_where_it_leads_to_the_root() {
        assert_eq!(found("use super::super::session::Live;", &["app", "wait"]), ["crate::session"]);
        assert_eq!(found("use super::session::Live;", &["app", "wait"]), [""; 0]);
    }

    #[test]
    fn comments_literals_and_tests_do_not_count() {
        let text = r##"
            // crate::comment
            const A: &str = "crate::text \" crate::more";
            const B: &str = r#"crate::raw"#;
            const C: (char, &'static str) = ('"', "crate::after");
            #[cfg(test)]
            mod tests { fn f() { crate::test() } }
            fn last() { crate::counted() }
        "##;

        assert_eq!(found(text, &[]), ["crate::counted"]);
    }
}
