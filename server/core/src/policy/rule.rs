//! One rule, read from what people write.

use super::command::CommandPattern;
use super::json::Value;
use super::{shorthand, time, url};

/// What a rule does with what it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// It may run.
    Allow,
    /// A person decides.
    Ask,
    /// It may not run.
    Deny,
}

impl Effect {
    /// Its name in rules and verdicts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }

    /// The effect of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Allow, Self::Ask, Self::Deny].into_iter().find(|effect| effect.name() == name)
    }
}

/// What a rule is about, within its tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Everything,
    Command(CommandPattern),
    /// A glob as it was written.
    Path(String),
    Domain(String),
}

/// A tool that a rule names, and what the rule is about there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// A name or glob; none: every tool.
    pub(crate) tool: Option<String>,
    pub(crate) target: Target,
}

/// A rule's subjects in the words of who wrote it, so that it can be written again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) tools: Vec<String>,
    /// The member that names the target, and its text.
    pub(crate) target: Option<(&'static str, String)>,
    pub(crate) expires_at: Option<String>,
}

/// When a rule applies at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions {
    pub(crate) provider: Vec<String>,
    pub(crate) user: Vec<String>,
    pub(crate) labels: Vec<(String, Vec<String>)>,
    pub(crate) cwd: Option<String>,
}

/// One rule.
#[expect(clippy::struct_excessive_bools, reason = "flags as people write them")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(crate) id: String,
    pub(crate) effect: Effect,
    /// What it is about, at least one.
    pub(crate) abouts: Vec<About>,
    pub(crate) written: Written,
    pub(crate) args_any: Vec<String>,
    pub(crate) conditions: Conditions,
    pub(crate) reason: Option<String>,
    pub(crate) expires_ms: Option<i64>,
    pub(crate) always_ask: bool,
    pub(crate) four_eyes: bool,
    pub(crate) examples: Examples,
}

/// Calls that show what a rule is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Examples {
    pub(crate) matching: Vec<String>,
    pub(crate) not_matching: Vec<String>,
}

impl Rule {
    /// Its name in verdicts.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The same rule, for users by whatever else they are called: `other` tells that of a name.
    #[must_use]
    pub fn for_users(mut self, other: impl Fn(&str) -> Option<String>) -> Self {
        let more: Vec<String> =
            self.conditions.user.iter().filter_map(|name| other(name)).collect();
        self.conditions.user.extend(more);
        self
    }

    /// What it does.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether a grant must not answer what it asks.
    #[must_use]
    pub const fn always_asks(&self) -> bool {
        self.always_ask
    }

    /// Whether somebody other than the owner must answer what it asks.
    #[must_use]
    pub const fn needs_four_eyes(&self) -> bool {
        self.four_eyes
    }

    /// When it stops to count, in milliseconds since 1970.
    #[must_use]
    pub const fn expires_ms(&self) -> Option<i64> {
        self.expires_ms
    }

    /// The rule that a shorthand such as `Bash(git log:*)` means; `position` makes up its name.
    ///
    /// # Errors
    /// What is wrong with the shorthand.
    pub fn of_shorthand(effect: Effect, text: &str, position: usize) -> Result<Self, String> {
        let mut draft = Draft::new(effect, format!("rule-{}", position + 1));
        draft.take("tool", &Value::String(text.to_owned()))?;
        draft.finish()
    }

    /// The same rule under another name, such as `policy/rule` where the rules of several
    /// policies form one set.
    #[must_use]
    pub fn named(mut self, id: String) -> Self {
        self.id = id;
        self
    }

    /// Reads a rule; `position` makes up the name of one that has none.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(value: &Value, position: usize) -> Result<Self, String> {
        let Value::Map(members) = value else { return Err("a rule is an object".to_owned()) };
        if let Some(flaw) = value.flaw() {
            return Err(flaw.to_owned());
        }
        let effect = text(value, "effect")?.ok_or("'effect' is missing")?;
        let effect =
            Effect::of_name(&effect).ok_or_else(|| format!("effect '{effect}' is unknown"))?;
        let mut draft = Draft::new(effect, format!("rule-{}", position + 1));
        for (name, member) in members {
            draft.take(name, member).map_err(|problem| format!("{name}: {problem}"))?;
        }
        draft.finish()
    }
}

/// A rule of which some members have been read.
pub(super) struct Draft {
    rule: Rule,
    tools: Vec<(String, Option<Target>)>,
    targets: Vec<Target>,
}

impl Draft {
    pub(super) fn new(effect: Effect, id: String) -> Self {
        let rule = Rule {
            id,
            effect,
            abouts: Vec::new(),
            written: Written::default(),
            args_any: Vec::new(),
            conditions: Conditions::default(),
            reason: None,
            expires_ms: None,
            always_ask: false,
            four_eyes: false,
            examples: Examples::default(),
        };
        Self { rule, tools: Vec::new(), targets: Vec::new() }
    }

    /// Takes one member of a rule.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn take(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let rule = &mut self.rule;
        match name {
            "effect" => {}
            "id" => rule.id = one(value)?,
            "tool" => {
                rule.written.tools = list(value)?;
                for tool in &rule.written.tools {
                    self.tools.push(shorthand::read(tool)?);
                }
            }
            "command" | "path" | "domain" => self.take_target(name, one(value)?)?,
            "args_any" => rule.args_any = list(value)?,
            "provider" => rule.conditions.provider = list(value)?,
            "user" => rule.conditions.user = list(value)?,
            "labels" => rule.conditions.labels = labels(value)?,
            "cwd" => rule.conditions.cwd = Some(one(value)?),
            "reason" => rule.reason = Some(one(value)?),
            "always_ask" => rule.always_ask = flag(value)?,
            "four_eyes" => rule.four_eyes = flag(value)?,
            "expires_at" => {
                let at = one(value)?;
                let ms = time::parse(&at).ok_or_else(|| format!("'{at}' is no RFC 3339 time"))?;
                rule.expires_ms = Some(ms);
                rule.written.expires_at = Some(at);
            }
            "examples" => rule.examples = examples(value)?,
            _ => return Err("is not a member of a rule".to_owned()),
        }
        Ok(())
    }

    fn take_target(&mut self, member: &str, text: String) -> Result<(), String> {
        let (member, target) = match member {
            "command" => ("command", Target::Command(CommandPattern::parse(&text)?)),
            "path" => ("path", Target::Path(text.clone())),
            _ => ("domain", Target::Domain(url::domain_pattern(&text)?)),
        };
        self.targets.push(target);
        self.rule.written.target = Some((member, text));
        Ok(())
    }

    /// A target of its own member is that of every tool which has none in parentheses.
    pub(super) fn finish(mut self) -> Result<Rule, String> {
        const ONE: &str = "a rule is about one command, path or domain";
        if self.targets.len() > 1 {
            return Err(ONE.to_owned());
        }
        let shared = self.targets.pop();
        let is_free = self.tools.is_empty() || self.tools.iter().any(|(_, own)| own.is_none());
        if shared.is_some() && !is_free {
            return Err(ONE.to_owned());
        }
        let shared = shared.unwrap_or(Target::Everything);
        self.rule.abouts = if self.tools.is_empty() {
            vec![About { tool: None, target: shared }]
        } else {
            let about = |(tool, own): (String, Option<Target>)| About {
                tool: Some(tool),
                target: own.unwrap_or_else(|| shared.clone()),
            };
            self.tools.into_iter().map(about).collect()
        };
        Ok(self.rule)
    }
}

fn text(value: &Value, name: &str) -> Result<Option<String>, String> {
    value
        .get(name)
        .map(|value| one(value).map_err(|problem| format!("{name}: {problem}")))
        .transpose()
}

fn one(value: &Value) -> Result<String, String> {
    match value.as_str() {
        Some("") => Err("must not be empty".to_owned()),
        Some(text) => Ok(text.to_owned()),
        None => Err("must be a string".to_owned()),
    }
}

fn flag(value: &Value) -> Result<bool, String> {
    if let Value::Bool(flag) = value { Ok(*flag) } else { Err("must be true or false".to_owned()) }
}

fn list(value: &Value) -> Result<Vec<String>, String> {
    let Value::List(items) = value else { return one(value).map(|item| vec![item]) };
    if items.is_empty() {
        return Err("must not be empty".to_owned());
    }
    items.iter().map(one).collect()
}

fn labels(value: &Value) -> Result<Vec<(String, Vec<String>)>, String> {
    let Value::Map(members) = value else { return Err("must be an object".to_owned()) };
    members.iter().map(|(key, value)| Ok((key.clone(), list(value)?))).collect()
}

fn examples(value: &Value) -> Result<Examples, String> {
    let Value::Map(members) = value else { return Err("must be an object".to_owned()) };
    let mut examples = Examples::default();
    for (name, value) in members {
        match name.as_str() {
            "match" => examples.matching = list(value)?,
            "not_match" => examples.not_matching = list(value)?,
            _ => return Err(format!("'{name}' is neither 'match' nor 'not_match'")),
        }
    }
    Ok(examples)
}
