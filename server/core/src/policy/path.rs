//! Paths, as far as their text goes.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Where paths begin that are not absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// What `~` stands for.
    pub home: String,
    /// What relative patterns of rules start from; none: unknown.
    pub workspace: Option<String>,
}

/// A path without `.`, `..` and doubled slashes, as its text says.
pub(crate) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// An absolute path, its dots kept: the kernel may go elsewhere with them than the text says.
pub(crate) fn absolute(path: &str, base: Option<&str>, home: &str) -> Option<String> {
    if path == "~" {
        return Some(home.to_owned());
    }
    if let Some(rest) = path.strip_prefix("~/") {
        return Some(format!("{home}/{rest}"));
    }
    if path.starts_with('/') {
        return Some(path.to_owned());
    }
    base.filter(|base| base.starts_with('/')).map(|base| format!("{base}/{path}"))
}

/// A path in the one spelling of its characters (NFC): for file systems that do not tell the
/// spellings apart.
pub(crate) fn composed(path: &str) -> Cow<'_, str> {
    if path.is_ascii() { Cow::Borrowed(path) } else { Cow::Owned(path.nfc().collect()) }
}

/// Whether a path is that directory or inside it.
pub(crate) fn is_inside(path: &str, directory: &str) -> bool {
    directory == "/"
        || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path, as its text says, is or goes through a directory of `/proc` that belongs to one
/// process (proc(5): its `cwd`, `root` and `fd` are links that each process sees differently), or
/// goes on behind a link of `/dev` into it. A part with one of `globs`, by place and sorted, may be any name.
pub(crate) fn leads_through_process(path: &str, globs: &[usize]) -> bool {
    let mut at: Vec<(&str, bool)> = Vec::new();
    let mut start = 0;
    for part in path.split('/') {
        let first = globs.get(globs.partition_point(|glob| *glob < start));
        let is_glob = first.is_some_and(|glob| *glob < start + part.len());
        start += part.len() + 1;
        if part.is_empty() || part == "." {
            continue;
        }
        // Behind a link, `..` is not where the text says.
        if is_place(&at, "dev", |name| matches!(name, "fd" | "stdin" | "stdout" | "stderr")) {
            return true;
        }
        if part == ".." {
            at.pop();
        } else {
            at.push((part, is_glob));
        }
        if is_place(&at, "proc", is_process) {
            return true;
        }
    }
    false
}

fn is_place(at: &[(&str, bool)], top: &str, is_inner: impl Fn(&str) -> bool) -> bool {
    let [(first, first_glob), (second, second_glob)] = at else { return false };
    (*first_glob || *first == top) && (*second_glob || is_inner(second))
}

/// Whether a name in `/proc` is that of a process.
fn is_process(name: &str) -> bool {
    matches!(name, "self" | "thread-self") || name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a whole string is what people call a path.
pub(crate) fn looks_like_path(text: &str) -> bool {
    matches!(text, "." | ".." | "~") || ["/", "~", "./", "../"].iter().any(|p| text.starts_with(p))
}
