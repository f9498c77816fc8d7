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

/// Whether a whole string is what people call a path.
pub(crate) fn looks_like_path(text: &str) -> bool {
    matches!(text, "." | ".." | "~") || ["/", "~", "./", "../"].iter().any(|p| text.starts_with(p))
}
