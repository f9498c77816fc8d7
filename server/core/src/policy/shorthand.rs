//! The shorthand of Claude Code: `Bash(git log:*)`, `Read(~/secrets/**)`, `WebFetch(domain:x.org)`.

use super::command::CommandPattern;
use super::near;
use super::rule::Target;
use super::url;

/// Tools whose input names a file or directory.
pub(crate) const FILE_TOOLS: &[(&str, &str)] = &[
    ("Read", "file_path"),
    ("Write", "file_path"),
    ("Edit", "file_path"),
    ("MultiEdit", "file_path"),
    ("NotebookEdit", "notebook_path"),
    ("NotebookRead", "notebook_path"),
    ("Grep", "path"),
    ("Glob", "path"),
    ("LS", "path"),
];

/// The tools that take something in parentheses.
fn takers() -> impl Iterator<Item = &'static str> {
    FILE_TOOLS.iter().map(|(tool, _)| *tool).chain(["Bash", "WebFetch"])
}

/// A tool as a rule names it, and what the rule is about if the name says so.
pub(super) fn read(text: &str) -> Result<(String, Option<Target>), String> {
    let Some((tool, rest)) = text.split_once('(') else {
        if text.contains(')') || text.chars().any(char::is_whitespace) {
            return Err(format!("'{text}' is no tool: a command is written Bash({text})"));
        }
        return Ok((text.to_owned(), None));
    };
    let inner = rest.strip_suffix(')').ok_or_else(|| format!("'{text}' lacks its ')'"))?;
    if inner.trim().is_empty() {
        return Err(format!("'{text}' says nothing in its parentheses"));
    }
    let target = if tool == "Bash" {
        Target::Command(CommandPattern::parse(inner)?)
    } else if FILE_TOOLS.iter().any(|(name, _)| *name == tool) {
        // `//x` is that shorthand's spelling of an absolute path.
        let path = if inner.starts_with("//") { &inner[1..] } else { inner };
        Target::Path(path.to_owned())
    } else if tool == "WebFetch" {
        let domain =
            inner.strip_prefix("domain:").ok_or_else(|| format!("'{text}': expected domain:"))?;
        Target::Domain(url::domain_pattern(domain.trim())?)
    } else {
        let right = match near::nearest(tool, takers()) {
            Some(meant) => format!("is it {meant}({inner})?"),
            None => format!("{tool} takes nothing in parentheses"),
        };
        return Err(format!("'{text}': {right}"));
    };
    Ok((tool.to_owned(), Some(target)))
}
