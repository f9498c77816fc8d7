//! The rules that judge one session.

use std::sync::Arc;

use codeplane_core::policy::{Effect, Places, Rule, RuleSet, Value, Verdict};
use codeplane_core::{Asks, NewSession, PolicyRef, SessionAgent};

use super::catalogue::{Bound, Read};
use super::files::Files;
use crate::app::App;

/// What rules of the session itself are called; no policy can have this name.
const OWN: &str = "@session";

/// The rules that judge a session, ready to judge.
#[derive(Clone, Debug)]
pub(crate) struct BoundRules {
    /// The union of the rules of all policies bound, as `policy/rule`, and the session's own, as
    /// `@session/allow-1`.
    pub(crate) rules: RuleSet,
    /// The policies, in the order of their names.
    pub(crate) policies: Vec<PolicyRef>,
}

/// What rule sets depend on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    policies: Vec<(String, i64)>,
    directory: String,
    home: String,
    settings: Vec<String>,
    allow: Vec<String>,
}

impl Key {
    fn of(session: &NewSession, agent: &SessionAgent, bound: &Bound) -> Self {
        let reference = |known: &Arc<super::catalogue::Known>| {
            let PolicyRef { name, revision } = known.reference();
            (name, revision)
        };
        Self {
            policies: bound.policies.iter().map(reference).collect(),
            directory: session.mandate.directory.clone(),
            home: agent.home.clone(),
            settings: agent.settings.clone(),
            allow: session.mandate.allow.clone(),
        }
    }
}

/// What a verdict comes to: an ask may have nobody to decide it.
#[must_use]
pub(crate) const fn settle(asks: Asks, verdict: Effect) -> Effect {
    match (verdict, asks) {
        (Effect::Ask, Asks::Denied) => Effect::Deny,
        (Effect::Ask, Asks::Allowed) => Effect::Allow,
        (Effect::Allow | Effect::Ask | Effect::Deny, Asks::Person)
        | (Effect::Allow | Effect::Deny, Asks::Denied | Asks::Allowed) => verdict,
    }
}

/// Says of what is asked about where no policy is bound that this is why.
pub(in crate::app) fn tell_unbound(verdict: &mut Verdict, policies: &[PolicyRef]) {
    if verdict.decision == Effect::Ask && policies.is_empty() {
        let why = "no policy judges this session (see cpctl policy bind)";
        verdict.reasons.insert(0, why.to_owned());
    }
}

/// The rules of several policies together, and the strictest default.
#[derive(Clone, Debug)]
pub(super) struct Union {
    pub(super) rules: Vec<Rule>,
    pub(super) default: Effect,
    pub(super) policies: Vec<PolicyRef>,
}

/// Of no policy: everything is asked about.
impl Default for Union {
    fn default() -> Self {
        Self { rules: Vec::new(), default: Effect::Ask, policies: Vec::new() }
    }
}

impl Union {
    fn of(session: &NewSession, bound: &Bound) -> Self {
        let policies = bound.policies.iter().map(|known| known.reference()).collect();
        let documents = bound.policies.iter().map(|known| known.document.as_ref());
        Self::join(policies, documents, &session.mandate.allow)
    }

    /// The union of documents, each none that cannot be read, and of rules of a session's own.
    pub(super) fn join<'a>(
        policies: Vec<PolicyRef>,
        documents: impl IntoIterator<Item = Option<&'a Read>>,
        allow: &[String],
    ) -> Self {
        let mut union = Self { policies, ..Self::default() };
        for document in documents {
            let Some(document) = document else {
                // Nothing is known of what it denies.
                return Self { rules: Vec::new(), default: Effect::Deny, ..union };
            };
            union.default = union.default.max(document.default);
            union.rules.extend(document.rules.iter().cloned());
        }
        for (position, text) in allow.iter().enumerate() {
            // It was read when the session was created; what cannot be read allows nothing.
            if let Ok(rule) = own_rule(text) {
                union.rules.push(rule.named(format!("{OWN}/allow-{}", position + 1)));
            }
        }
        union
    }
}

/// Reads a rule of a session's own: a shorthand, or an object that may leave its effect out.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn own_rule(text: &str) -> Result<Rule, String> {
    if !text.trim_start().starts_with('{') {
        return Rule::of_shorthand(Effect::Allow, text, 0);
    }
    let mut value = Value::parse(text.as_bytes())?;
    if let Value::Map(members) = &mut value
        && !members.iter().any(|(name, _)| name == "effect")
    {
        members.push(("effect".to_owned(), Value::String("allow".to_owned())));
    }
    let rule = Rule::read(&value, 0)?;
    match rule.effect() {
        Effect::Allow => Ok(rule),
        Effect::Ask | Effect::Deny => {
            Err("a session's own rules allow: put others in a policy and bind it".to_owned())
        }
    }
}

impl App {
    /// The rules that judge a session now, in which `~` is what it is to its agent, and its agent's
    /// settings are protected. Ready ones are answered without a look at any file; to make others ready
    /// blocks.
    #[must_use]
    pub(crate) fn bound_rules(
        &self,
        session: &NewSession,
        agent: &SessionAgent,
    ) -> Arc<BoundRules> {
        loop {
            let bound = self.policies.bound(session);
            let key = Key::of(session, agent, &bound);
            if let Some(ready) = self.policies.ready(&key) {
                return ready;
            }
            let union = Union::of(session, &bound);
            let made = Arc::new(self.make_ready(session, agent, union));
            if self.policies.keep_ready(bound.generation, key, &made) {
                return made;
            }
        }
    }

    /// Looks at files; blocks.
    fn make_ready(&self, session: &NewSession, agent: &SessionAgent, union: Union) -> BoundRules {
        // Resolved when the session was created: a link that is moved later moves no rule.
        let workspace = Some(session.mandate.directory.clone());
        let places = Places { home: agent.home.clone(), workspace };
        BoundRules {
            rules: self.rule_set((union.rules, union.default), &places, &agent.settings, &Files),
            policies: union.policies,
        }
    }

    /// The policies that judge a session now, by whatever binding, in the order of their names.
    #[must_use]
    pub(crate) fn policies_of(&self, session: &NewSession) -> Vec<PolicyRef> {
        self.policies.bound(session).policies.iter().map(|known| known.reference()).collect()
    }

    pub(super) fn union_of(&self, session: &NewSession) -> Union {
        Union::of(session, &self.policies.bound(session))
    }

    /// Whose rules hold where there is no session: `~` is the daemon's own.
    pub(super) fn nobody(&self) -> SessionAgent {
        let home = self.own_env.iter().find(|(name, _)| name == "HOME");
        let home = home.map_or_else(|| "/".to_owned(), |(_, home)| home.clone());
        SessionAgent { home, ..SessionAgent::default() }
    }
}
