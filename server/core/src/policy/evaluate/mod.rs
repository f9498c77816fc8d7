//! From units, rules and facts to a verdict.

mod allow;
mod grant;
mod refuse;
mod suggest;
mod unasked;

use std::collections::{BTreeSet, HashSet};

use super::facts::Resolution;
use super::path::normal;
use super::request::{Analysis, Request, Subject, Unit};
use super::rule::Effect;
use super::ruleset::{Holds, Ready, RulesAt};
pub use grant::{Grant, GrantScope, GrantSet, evaluate_with_grants};
pub use suggest::{Suggestion, suggest};

/// The answer to a request, and why.
#[expect(clippy::struct_excessive_bools, reason = "what its rules say, in their words")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The strictest answer of all units.
    pub decision: Effect,
    /// Each unit's answer.
    pub units: Vec<UnitVerdict>,
    /// The rules that decided, sorted.
    pub rules: Vec<String>,
    /// Why, in words; each once.
    pub reasons: Vec<String>,
    /// Whether a rule that asks says `always_ask`.
    pub always_ask: bool,
    /// Whether a rule that asks says `four_eyes`: somebody other than the owner has to answer.
    pub four_eyes: bool,
    /// Which grants may answer it as a whole: the strictest of its units.
    pub grantable: Grantable,
    /// The grants that answered, sorted; none unless grants were given.
    pub grants: Vec<String>,
}

impl Verdict {
    /// The verdict of a call that is several requests at once: allowed if all of them are.
    #[must_use]
    pub fn of_all(mut verdicts: Vec<Self>) -> Self {
        // One that is malformed has no units.
        let malformed =
            |verdict: &Self| verdict.decision == Effect::Deny && verdict.units.is_empty();
        if verdicts.len() == 1 || verdicts.iter().any(malformed) {
            let at = verdicts.iter().position(malformed).unwrap_or(0);
            return verdicts.swap_remove(at);
        }
        strictest(verdicts.into_iter().flat_map(|verdict| verdict.units).collect())
    }
}

/// The answer to one unit.
#[expect(clippy::struct_excessive_bools, reason = "what its rules say, in their words")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitVerdict {
    /// The tool whose rules judged it.
    pub tool: String,
    /// What it is.
    pub text: String,
    /// The answer.
    pub decision: Effect,
    /// The rules behind it.
    pub rules: Vec<String>,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// The paths it names, as its text and as the kernel has them; each once.
    pub paths: Vec<NamedPath>,
    /// Whether a rule that asks about it says `always_ask`.
    pub always_ask: bool,
    /// Whether a rule that asks about it says `four_eyes`.
    pub four_eyes: bool,
    /// Which grants may answer it; [`Grantable::Yes`] where nothing is asked.
    pub grantable: Grantable,
    /// The grants that answered it; none unless grants were given.
    pub grants: Vec<String>,
}

/// A path that a unit names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamedPath {
    /// Absolute, as its text says, without `.` and `..`.
    pub lexical: String,
    /// With every link followed; none: it cannot be known.
    pub resolved: Option<String>,
}

/// Which remembered answers may answer what is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantable {
    /// A grant for a pattern, or for the exact request.
    Yes,
    /// Only a grant for the exact request: why.
    ExactOnly(String),
    /// None: why. A person answers each time, or it is denied.
    No(String),
}

/// Judges a request that was taken apart, with what is known of the files it names.
#[must_use]
pub fn evaluate(
    rules: RulesAt<'_>,
    request: &Request,
    analysis: &Analysis,
    facts: &Resolution,
) -> Verdict {
    if let Some(why) = &analysis.malformed {
        let mut verdict = strictest(Vec::new());
        verdict.decision = Effect::Deny;
        verdict.reasons = vec![format!("MALFORMED: {why}")];
        verdict.grantable = Grantable::No("it is malformed".to_owned());
        return verdict;
    }
    let judge = Judge { rules, request, facts };
    strictest(analysis.units.iter().map(|unit| judge.unit(unit)).collect())
}

/// The verdict of judged units.
fn strictest(units: Vec<UnitVerdict>) -> Verdict {
    let decision = units.iter().map(|unit| unit.decision).max().unwrap_or(Effect::Ask);
    let deciding = || units.iter().filter(|unit| unit.decision == decision);
    let rules: BTreeSet<String> = deciding().flat_map(|unit| unit.rules.clone()).collect();
    let grants: BTreeSet<String> = units.iter().flat_map(|unit| unit.grants.clone()).collect();
    let mut reasons: Vec<String> = deciding().flat_map(|unit| unit.reasons.clone()).collect();
    let mut seen = BTreeSet::new();
    reasons.retain(|reason| seen.insert(reason.clone()));
    Verdict {
        decision,
        rules: rules.into_iter().collect(),
        reasons,
        always_ask: units.iter().any(|unit| unit.always_ask),
        four_eyes: units.iter().any(|unit| unit.four_eyes),
        grantable: units.iter().map(|unit| unit.grantable.clone()).max().unwrap_or(Grantable::Yes),
        grants: grants.into_iter().collect(),
        units,
    }
}

struct Judge<'a> {
    rules: RulesAt<'a>,
    request: &'a Request,
    facts: &'a Resolution,
}

/// What speaks for an answer.
#[derive(Default)]
struct Ground<'a> {
    deny: Vec<&'a Ready>,
    ask: Vec<&'a Ready>,
    allow: Vec<&'a Ready>,
    /// In words, with what each speaks for.
    reasons: Vec<(Effect, String)>,
    /// What each thing that asks says of grants.
    grantable: Vec<Grantable>,
}

impl<'a> Ground<'a> {
    /// The strictest of what rules say.
    fn strictest(&self) -> Option<Effect> {
        let says = |effect: &Effect| !self.rules(*effect).is_empty();
        [Effect::Deny, Effect::Ask, Effect::Allow].into_iter().find(says)
    }

    /// What led to a decision; what kept other rules from allowing does not matter to an allowance, and what
    /// asks does not matter to a denial: whoever reads it would take it for a way out.
    fn reasons(&self, decision: Effect) -> impl Iterator<Item = String> {
        let is_denied = !self.deny.is_empty();
        let matters = self.reasons.iter().filter(move |(effect, _)| match decision {
            Effect::Allow => false,
            Effect::Ask | Effect::Deny => *effect == Effect::Deny || !is_denied,
        });
        matters.map(|(_, reason)| reason.clone())
    }

    fn rules(&self, effect: Effect) -> &[&'a Ready] {
        match effect {
            Effect::Deny => &self.deny,
            Effect::Ask => &self.ask,
            Effect::Allow => &self.allow,
        }
    }
}

impl<'a> Judge<'a> {
    fn unit(&self, unit: &Unit) -> UnitVerdict {
        let mut ground = Ground::default();
        let views = self.views(unit);
        let unasked = self.unasked(unit);
        for ready in self.rules.about(unit) {
            match ready.rule.effect {
                Effect::Allow if unasked.is_empty() => self.weigh_allow(ready, unit, &mut ground),
                Effect::Allow => {}
                Effect::Deny | Effect::Ask => self.weigh_refusal(ready, unit, &views, &mut ground),
            }
        }
        let mut reasons: Vec<String> = unasked.iter().map(|why| why.text.clone()).collect();
        ground.grantable.extend(unasked.into_iter().map(|why| why.grantable));
        let free = matches!(unit.subject, Subject::ChangeDirectory { .. }) && reasons.is_empty();
        let strictest = if free { Some(Effect::Allow) } else { None }.max(ground.strictest());
        let rules = strictest.map_or(&[][..], |effect| ground.rules(effect));
        if strictest == Some(Effect::Deny) {
            reasons.clear();
        }
        if strictest.is_none() {
            reasons.push(format!("default: no rule allows '{}'", unit.text));
        }
        let decision = strictest.unwrap_or(self.rules.set.default);
        let asks =
            |says: fn(&Ready) -> bool| decision == Effect::Ask && rules.iter().any(|r| says(r));
        UnitVerdict {
            tool: unit.tool.clone(),
            text: unit.text.clone(),
            decision,
            rules: rules.iter().map(|ready| ready.rule.id.clone()).collect(),
            always_ask: asks(|ready| ready.rule.always_ask),
            four_eyes: asks(|ready| ready.rule.four_eyes),
            grantable: grantable(decision, unit, &ground.grantable),
            reasons: ground.reasons(decision).chain(reasons).collect(),
            paths: self.named_paths(unit),
            grants: Vec::new(),
        }
    }

    fn holds(&self, ready: &Ready) -> Holds {
        let cwd = self.request.cwd.as_deref().and_then(|cwd| self.facts.resolved(cwd));
        ready.holds(self.request, cwd)
    }

    /// Paths for those who decide: what is only a word that could be a path is one where it exists.
    fn named_paths(&self, unit: &Unit) -> Vec<NamedPath> {
        let subject: Vec<&String> = match &unit.subject {
            Subject::File { paths, .. } | Subject::ChangeDirectory { paths, .. } => {
                paths.iter().collect()
            }
            Subject::Command(command) => command.directories.iter().map(|(_, path)| path).collect(),
            Subject::Web(_) | Subject::Whole => Vec::new(),
        };
        let mentioned = unit.mentions.iter().filter(|mention| {
            mention.globs.is_empty()
                && (!mention.bare || (mention.argument && self.facts.exists(&mention.path)))
        });
        let mut seen = HashSet::new();
        let mut paths: Vec<NamedPath> = Vec::new();
        for path in subject.into_iter().chain(mentioned.map(|mention| &mention.path)) {
            let resolved = self.facts.resolved(path).map(str::to_owned);
            let path = NamedPath { lexical: normal(path), resolved };
            if seen.insert(path.clone()) {
                paths.push(path);
            }
        }
        paths
    }
}

/// The strictest of what asks; a denial is never answered by a grant.
fn grantable(decision: Effect, unit: &Unit, asking: &[Grantable]) -> Grantable {
    match decision {
        Effect::Allow => Grantable::Yes,
        Effect::Deny => Grantable::No("it is denied".to_owned()),
        Effect::Ask => {
            let strictest = asking.iter().max().cloned().unwrap_or(Grantable::Yes);
            strictest.max(suggest::escalated(unit))
        }
    }
}
