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
    /// Names and globs; none: every tool.
    pub(crate) tools: Vec<String>,
    pub(crate) target: Target,
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
        let mut draft = Draft::new(effect, position);
        for (name, member) in members {
            draft.take(name, member).map_err(|problem| format!("{name}: {problem}"))?;
        }
        draft.finish()
    }
}

/// A rule of which some members have been read.
pub(super) struct Draft {
    rule: Rule,
    targets: Vec<Target>,
}

impl Draft {
    fn new(effect: Effect, position: usize) -> Self {
        let rule = Rule {
            id: format!("rule-{}", position + 1),
            effect,
            tools: Vec::new(),
            target: Target::Everything,
            args_any: Vec::new(),
            conditions: Conditions::default(),
            reason: None,
            expires_ms: None,
            always_ask: false,
            four_eyes: false,
            examples: Examples::default(),
        };
        Self { rule, targets: Vec::new() }
    }

    fn take(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let rule = &mut self.rule;
        match name {
            "effect" => {}
            "id" => rule.id = one(value)?,
            "tool" => {
                for tool in list(value)? {
                    let (tool, target) = shorthand::read(&tool)?;
                    rule.tools.push(tool);
                    self.targets.extend(target);
                }
            }
            "command" => self.targets.push(Target::Command(CommandPattern::parse(&one(value)?)?)),
            "path" => self.targets.push(Target::Path(one(value)?)),
            "domain" => self.targets.push(Target::Domain(url::domain_pattern(&one(value)?)?)),
            "args_any" => rule.args_any = list(value)?,
            "provider" => rule.conditions.provider = list(value)?,
            "user" => rule.conditions.user = list(value)?,
            "labels" => rule.conditions.labels = labels(value)?,
            "cwd" => rule.conditions.cwd = Some(one(value)?),
            "reason" => rule.reason = Some(one(value)?),
            "description" => return Err("is not a member of a rule".to_owned()),
            "always_ask" => rule.always_ask = flag(value)?,
            "four_eyes" => rule.four_eyes = flag(value)?,
            "expires_at" => {
                let at = one(value)?;
                let ms = time::parse(&at).ok_or_else(|| format!("'{at}' is no RFC 3339 time"))?;
                rule.expires_ms = Some(ms);
            }
            "examples" => rule.examples = examples(value)?,
            _ => return Err("is not a member of a rule".to_owned()),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Rule, String> {
        let mut targets = self.targets.into_iter();
        if let Some(target) = targets.next() {
            self.rule.target = target;
        }
        if targets.next().is_some() {
            return Err("a rule is about one command, path or domain".to_owned());
        }
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
