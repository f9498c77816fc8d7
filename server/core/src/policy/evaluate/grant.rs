//! Remembered answers: what they answer, and what they never do.

use std::collections::BTreeMap;

use super::super::facts::{FileFacts, Resolution};
use super::super::path::Places;
use super::super::request::{Analysis, Request, Unit};
use super::super::rule::{Effect, Rule};
use super::super::ruleset::{RuleSet, RulesAt};
use super::{Grantable, Ground, Judge, UnitVerdict, Verdict, evaluate, strictest};

/// A remembered answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What it is called where it is listed and revoked.
    pub id: String,
    /// What it answers.
    pub scope: GrantScope,
}

/// What a grant answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantScope {
    /// The request of this hash, whatever it holds.
    Exact(String),
    /// Whatever this rule would allow; a rule that does not allow answers nothing.
    Pattern(Box<Rule>),
}

/// Grants, ready to answer. Their order has no influence.
#[derive(Clone, Debug)]
pub struct GrantSet {
    exact: BTreeMap<String, String>,
    patterns: RuleSet,
}

impl GrantSet {
    /// Makes grants ready; asks where the beginnings of their paths lead.
    #[must_use]
    pub fn new(grants: Vec<Grant>, places: &Places, facts: &dyn FileFacts) -> Self {
        let mut exact = BTreeMap::new();
        let mut rules = Vec::new();
        for Grant { id, scope } in grants {
            match scope {
                GrantScope::Exact(hash) => drop(exact.insert(hash, id)),
                GrantScope::Pattern(rule) if rule.effect == Effect::Allow => {
                    rules.push(rule.named(id));
                }
                GrantScope::Pattern(_) => {}
            }
        }
        Self { exact, patterns: RuleSet::new(rules, Effect::Ask, places, facts) }
    }
}

/// Judges a request, and lets grants answer what is asked.
///
/// A pattern answers the units that ask only for want of a rule, or because of rules without
/// `always_ask`, each by itself. What is opaque or escalated is answered by the grant of exactly this
/// request (`hash`), which answers all of it or nothing. Denials, `always_ask`, protected paths and
/// denials that are not certain are answered by no grant.
#[must_use]
pub fn evaluate_with_grants(
    rules: RulesAt<'_>,
    (request, hash): (&Request, &str),
    analysis: &Analysis,
    facts: &Resolution,
    grants: &GrantSet,
) -> Verdict {
    let verdict = evaluate(rules, request, analysis, facts);
    if verdict.decision != Effect::Ask {
        return verdict;
    }
    let exact = grants.exact.get(hash).filter(|_| !matches!(verdict.grantable, Grantable::No(_)));
    let judge = Judge { rules: rules.of(&grants.patterns), request, facts };
    let answered = |(judged, unit): (UnitVerdict, &Unit)| {
        let by = match (exact, &judged.grantable) {
            _ if judged.decision != Effect::Ask => Vec::new(),
            (Some(id), _) => vec![id.clone()],
            (None, Grantable::Yes) => judge.granted(unit),
            (None, Grantable::ExactOnly(_) | Grantable::No(_)) => Vec::new(),
        };
        if by.is_empty() { judged } else { allowed(judged, by) }
    };
    strictest(verdict.units.into_iter().zip(&analysis.units).map(answered).collect())
}

fn allowed(judged: UnitVerdict, grants: Vec<String>) -> UnitVerdict {
    let reasons = grants.iter().map(|id| format!("grant {id} answers")).collect();
    UnitVerdict {
        decision: Effect::Allow,
        rules: Vec::new(),
        reasons,
        always_ask: false,
        four_eyes: false,
        grantable: Grantable::Yes,
        grants,
        ..judged
    }
}

impl Judge<'_> {
    /// The grants among its rules that allow a unit.
    fn granted(&self, unit: &Unit) -> Vec<String> {
        let mut ground = Ground::default();
        for ready in self.rules.about(unit) {
            self.weigh_allow(ready, unit, &mut ground);
        }
        ground.allow.into_iter().map(|ready| ready.rule.id.clone()).collect()
    }
}
