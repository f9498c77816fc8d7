//! Policy files: named documents of rules, in YAML, TOML or JSON.
//!
//! A file is one document, a list of documents (JSON, YAML), several documents divided by `---`
//! (YAML), or an object whose only member `policies` is such a list. Reading is strict and
//! all-or-nothing, and tells every problem at once with its line and column.
//!
//! A document is `{name, description, default, rules, allow, ask, deny}`. `rules` holds rules as
//! objects; `allow`, `ask` and `deny` are lists of shorthands such as `Bash(git log:*)`, each a
//! rule of that effect. Rules that have no `id` are called `rule-1`, `allow-1` and so on.
//!
//! The examples of a rule are tried when it is read. An example is a tool's name where it looks
//! like one (`Read`, `mcp__tracker__search`); for a rule about paths it is a path (relative ones
//! start at the workspace), for one about domains a URL or host, for any other a shell line. `match`:
//! the rule allows it, or takes part in its refusal; `not_match`: it does not. Conditions and
//! expiry do not count, and no file is looked at.

mod example;
mod from_json;
mod from_toml;
mod from_yaml;
mod lint;
mod node;
mod read;
mod write;

use std::fmt;

use super::rule::{Effect, Rule};
pub use lint::Finding;
use node::Node;

/// Largest policy file, in bytes. A thousand rules with reasons and examples take a tenth of it.
const TEXT_BYTES: usize = 4 * 1024 * 1024;
/// Most rules in one document.
const RULES: usize = 2000;

/// More problems than this are not told: a file with so many is no policy.
const PROBLEMS: usize = 200;

/// How a policy file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2 without anchors, aliases and tags.
    Yaml,
    /// TOML 1.
    Toml,
    /// JSON.
    Json,
}

impl Format {
    /// The format that a file's name tells, by its ending; JSON is YAML's stricter kin, so that a
    /// name without a known ending is YAML.
    #[must_use]
    pub fn of_file_name(name: &str) -> Self {
        match name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).as_deref() {
            Some("toml") => Self::Toml,
            Some("json") => Self::Json,
            Some(_) | None => Self::Yaml,
        }
    }
}

/// One policy: a name and rules.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it is called: like a DNS label, 1 to 63 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What becomes of that which no rule fits: [`Effect::Ask`] or [`Effect::Deny`].
    pub default: Effect,
    /// Its rules, in the order of the file, which has no influence.
    pub rules: Vec<Rule>,
    /// The line of the file on which each rule begins.
    pub lines: Vec<usize>,
}

/// What is wrong with a policy file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the caller calls it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, and which member; one line.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl Document {
    /// Reads every document of a file.
    ///
    /// # Errors
    /// All problems, in the order of the file; of very many the first 200.
    pub fn read_all(
        text: &str,
        format: Format,
        file_name: &str,
    ) -> Result<Vec<Self>, Vec<Problem>> {
        let mut problems = Problems::default();
        let found = if text.len() > TEXT_BYTES {
            problems.add(Place::START, format!("a policy file has at most {TEXT_BYTES} bytes"));
            Vec::new()
        } else {
            nodes(text, format, &mut problems)
        };
        let documents = read::documents(&found, &mut problems);
        let mut found = problems.0;
        if found.is_empty() {
            return Ok(documents);
        }
        found.sort_by_key(|(place, _)| *place);
        let told = |(place, message): (Place, String)| Problem {
            file: file_name.to_owned(),
            line: place.line,
            column: place.column,
            message,
        };
        Err(found.into_iter().map(told).collect())
    }

    /// The one JSON text of this policy: reading it gives the same policy, whatever it was
    /// written in.
    #[must_use]
    pub fn to_json(&self) -> String {
        write::document(self).to_string()
    }
}

/// A place in a file, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    line: usize,
    column: usize,
}

impl Place {
    const START: Self = Self { line: 1, column: 1 };
}

/// Problems found so far.
#[derive(Default)]
struct Problems(Vec<(Place, String)>);

impl Problems {
    fn add(&mut self, place: Place, message: impl Into<String>) {
        if self.0.len() > PROBLEMS {
            return;
        }
        if self.0.len() == PROBLEMS {
            self.0.push((place, "more problems are not shown: mend these first".to_owned()));
            return;
        }
        self.0.push((place, message.into().replace(char::is_control, " ")));
    }
}

fn nodes(text: &str, format: Format, problems: &mut Problems) -> Vec<Node> {
    let nodes = match format {
        Format::Yaml => from_yaml::read(text, problems),
        Format::Toml => from_toml::read(text, problems),
        Format::Json => from_json::read(text, problems),
    };
    for node in &nodes {
        node.check(problems);
    }
    nodes
}
