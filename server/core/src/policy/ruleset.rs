//! A set of rules, made ready once for many requests.

use std::collections::HashMap;

use super::command::base_name;
use super::facts::FileFacts;
use super::glob::{self, PathGlob};
use super::path::{Places, absolute, composed, normal};
use super::protected::Protected;
use super::reach;
use super::request::{NOWHERE, Request, Shell, Unit};
use super::rule::{About, Effect, Rule, Target};

/// Rules, ready to judge. Their order has no influence.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<Ready>,
    /// Which of them are only about commands, by the last component of the command word.
    by_command: HashMap<String, Vec<usize>>,
    /// Which of the others are only about tools of these names.
    by_tool: HashMap<String, Vec<usize>>,
    /// The rest.
    others: Vec<usize>,
    /// What becomes of that which no rule fits: [`Effect::Ask`] or [`Effect::Deny`].
    pub(super) default: Effect,
    pub(super) protected: Protected,
}

/// Rules at one moment: a set is made once and judges for as long as it is kept, while rules expire.
#[derive(Clone, Copy, Debug)]
pub struct RulesAt<'a> {
    pub(super) set: &'a RuleSet,
    now_ms: i64,
}

/// One rule, its patterns ready.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    pub(super) rule: Rule,
    pub(super) abouts: Vec<ReadyAbout>,
    cwd: Vec<PathGlob>,
}

/// One subject of a rule.
#[derive(Clone, Debug)]
pub(super) struct ReadyAbout {
    tool: ToolName,
    pub(super) target: Target,
    /// The path pattern in each of its spellings.
    pub(super) paths: Vec<PathGlob>,
}

#[derive(Clone, Debug)]
enum ToolName {
    Every,
    Exact(String),
    /// `mcp__server` forbids all tools of that server.
    Server(String),
    Glob(String),
}

/// Whether a rule's conditions hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Yes,
    No,
    /// An attribute is missing.
    Unknown,
}

impl RuleSet {
    /// Makes rules ready; asks where the beginnings of their paths lead.
    #[must_use]
    pub fn new(rules: Vec<Rule>, default: Effect, places: &Places, facts: &dyn FileFacts) -> Self {
        let rules: Vec<Ready> =
            rules.into_iter().map(|rule| Ready::new(rule, places, facts)).collect();
        let mut by_command: HashMap<String, Vec<usize>> = HashMap::new();
        let mut by_tool: HashMap<String, Vec<usize>> = HashMap::new();
        let mut others = Vec::new();
        for (at, ready) in rules.iter().enumerate() {
            let (index, names) = match (ready.commands(), ready.tools()) {
                (Some(names), _) => (&mut by_command, names),
                (None, Some(names)) => (&mut by_tool, names),
                (None, None) => {
                    others.push(at);
                    continue;
                }
            };
            for name in names {
                index.entry(name.to_owned()).or_default().push(at);
            }
        }
        let protected = Protected::of(&places.home);
        // A default never allows.
        let default = default.max(Effect::Ask);
        Self { rules, by_command, by_tool, others, default, protected }
    }
}

impl RuleSet {
    /// The rules of a moment, in milliseconds since 1970: those that expired by then do not count.
    #[must_use]
    pub const fn at(&self, now_ms: i64) -> RulesAt<'_> {
        RulesAt { set: self, now_ms }
    }

    /// Protects more directories than every machine has: those of this daemon.
    #[must_use]
    pub fn protecting(mut self, directories: &[String]) -> Self {
        directories.iter().for_each(|directory| self.protected.add(directory));
        self
    }

    /// The rules that may be about a unit, in their order: of those about commands only the ones
    /// that name a command which the unit is or may run.
    fn about(&self, unit: &Unit) -> impl Iterator<Item = &Ready> {
        let mut found = self.others.clone();
        let shell = if unit.from_shell == Shell::Inside { "Bash" } else { "" };
        let tools = [unit.tool.as_str(), shell];
        found.extend(tools.iter().filter_map(|tool| self.by_tool.get(*tool)).flatten());
        if !self.by_command.is_empty() {
            let mut names: Vec<&str> = reach::command_names(unit).collect();
            names.sort_unstable();
            names.dedup();
            found.extend(names.iter().filter_map(|name| self.by_command.get(*name)).flatten());
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| &self.rules[at])
    }
}

impl<'a> RulesAt<'a> {
    /// The same moment of other rules.
    pub(super) const fn of(self, set: &RuleSet) -> RulesAt<'_> {
        RulesAt { set, now_ms: self.now_ms }
    }

    /// The paths that rules which stand deny to commands, or ask about.
    pub(super) fn refused_paths(self) -> Vec<&'a PathGlob> {
        let refuses = |ready: &&Ready| {
            ready.rule.effect != Effect::Allow
                && ready.rule.expires_ms.is_none_or(|at| at > self.now_ms)
        };
        let abouts = self.set.rules.iter().filter(refuses).flat_map(|ready| &ready.abouts);
        abouts.filter(|about| about.names("Bash")).flat_map(|about| &about.paths).collect()
    }

    /// The rules that may be about a unit and still stand, in their order.
    pub(super) fn about(self, unit: &Unit) -> impl Iterator<Item = &'a Ready> {
        let stands = move |ready: &&Ready| ready.rule.expires_ms.is_none_or(|at| at > self.now_ms);
        self.set.about(unit).filter(stands)
    }
}

impl Ready {
    fn new(rule: Rule, places: &Places, facts: &dyn FileFacts) -> Self {
        let ready = |about: &About| ReadyAbout::new(about, rule.effect, places, facts);
        let abouts = rule.abouts.iter().map(ready).collect();
        let cwd = rule
            .conditions
            .cwd
            .iter()
            .flat_map(|c| spellings(c, places, facts))
            .map(|path| PathGlob::new(&path))
            .collect();
        Self { abouts, cwd, rule }
    }

    /// The commands it is about, if it is about nothing else.
    fn commands(&self) -> Option<Vec<&str>> {
        self.abouts.iter().map(ReadyAbout::command).collect()
    }

    /// The tools it is about, if each is a plain name.
    fn tools(&self) -> Option<Vec<&str>> {
        self.abouts.iter().map(ReadyAbout::exact_tool).collect()
    }

    pub(super) fn holds(&self, request: &Request, cwd: Option<&str>) -> Holds {
        let conditions = &self.rule.conditions;
        let mut all = vec![
            one_of(&conditions.provider, request.provider.as_deref()),
            one_of(&conditions.user, request.user.as_deref()),
        ];
        for (key, values) in &conditions.labels {
            let value = request.labels.as_ref().and_then(|labels| labels.get(key));
            all.push(one_of(values, value.map(String::as_str)));
        }
        if conditions.cwd.is_some() {
            all.push(self.cwd_holds(request.cwd.as_deref(), cwd));
        }
        if all.contains(&Holds::No) {
            Holds::No
        } else if all.contains(&Holds::Unknown) {
            Holds::Unknown
        } else {
            Holds::Yes
        }
    }

    fn cwd_holds(&self, lexical: Option<&str>, resolved: Option<&str>) -> Holds {
        let Some(lexical) = lexical.filter(|cwd| cwd.starts_with('/')) else {
            return Holds::Unknown;
        };
        let fits = |path: &str| self.cwd.iter().any(|glob| glob.fits(path));
        let lexical = fits(&normal(lexical));
        let resolved = resolved.map(fits);
        let holds = match self.rule.effect {
            Effect::Allow => lexical && resolved == Some(true),
            Effect::Ask | Effect::Deny => lexical || resolved == Some(true),
        };
        if holds { Holds::Yes } else { Holds::No }
    }
}

impl ReadyAbout {
    fn new(about: &About, effect: Effect, places: &Places, facts: &dyn FileFacts) -> Self {
        let is_server = |name: &str| {
            effect != Effect::Allow
                && name.strip_prefix("mcp__").is_some_and(|server| !server.contains("__"))
        };
        let tool = match about.tool.clone() {
            None => ToolName::Every,
            Some(tool) if tool.contains(['*', '?']) => ToolName::Glob(tool),
            Some(tool) if is_server(&tool) => ToolName::Server(tool),
            Some(tool) => ToolName::Exact(tool),
        };
        let paths = match &about.target {
            // Refusals are compared in one spelling of characters, allowances in the written one.
            Target::Path(pattern) if effect == Effect::Allow => spellings(pattern, places, facts),
            Target::Path(pattern) => spellings(pattern, places, facts)
                .iter()
                .map(|path| composed(path).into_owned())
                .collect(),
            Target::Everything | Target::Command(_) | Target::Domain(_) => Vec::new(),
        };
        let paths = paths.iter().map(|path| PathGlob::new(path)).collect();
        Self { tool, target: about.target.clone(), paths }
    }

    /// The last component of the command word that it is about.
    fn command(&self) -> Option<&str> {
        match &self.target {
            Target::Command(pattern) => pattern.words.first().map(|word| base_name(word)),
            Target::Everything | Target::Path(_) | Target::Domain(_) => None,
        }
    }

    fn exact_tool(&self) -> Option<&str> {
        match &self.tool {
            ToolName::Exact(name) => Some(name),
            ToolName::Every | ToolName::Server(_) | ToolName::Glob(_) => None,
        }
    }

    /// Whether it is about a tool; one without tools is about all.
    pub(super) fn names(&self, tool: &str) -> bool {
        matches!(self.tool, ToolName::Every) || self.names_itself(tool)
    }

    pub(super) fn names_itself(&self, tool: &str) -> bool {
        match &self.tool {
            ToolName::Every => false,
            ToolName::Exact(name) => name == tool,
            ToolName::Server(name) => tool
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("__")),
            ToolName::Glob(glob) => glob::fits(glob, tool),
        }
    }
}

fn one_of(wanted: &[String], value: Option<&str>) -> Holds {
    match value {
        _ if wanted.is_empty() => Holds::Yes,
        None => Holds::Unknown,
        Some(value) if wanted.iter().any(|wanted| glob::fits(wanted, value)) => Holds::Yes,
        Some(_) => Holds::No,
    }
}

/// A path pattern as it was written, and with its literal beginning resolved.
fn spellings(pattern: &str, places: &Places, facts: &dyn FileFacts) -> Vec<String> {
    let base = places.workspace.as_deref().unwrap_or(NOWHERE);
    let Some(path) = absolute(pattern, Some(base), &places.home) else { return Vec::new() };
    let path = normal(&path);
    let literal =
        path.find(['*', '?']).map_or(path.len(), |wild| path[..wild].rfind('/').unwrap_or(0));
    let (prefix, rest) = path.split_at(literal);
    let prefix = if prefix.is_empty() { "/" } else { prefix };
    let mut globs = vec![path.clone()];
    if let Some(resolved) = facts.path(prefix).resolved.filter(|resolved| resolved != prefix) {
        globs.push(normal(&format!("{resolved}{rest}")));
    }
    globs
}
