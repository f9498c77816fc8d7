//! All policies and bindings in memory, and the rules of sessions ready to judge.
//!
//! The rows are the truth; every change answers with all there is after it, and the newest wins.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codeplane_core::policy::{Document, Effect, Format, Rule};
use codeplane_core::{NewSession, PolicyBinding, PolicyName, PolicyRef, SessionId};
use codeplane_store::{PolicySnapshot, PolicySummary};
use tracing::error;

use super::bound::{BoundRules, Key};

/// Rule sets that are kept ready. Sessions under the same policies in the same directory share one.
const READY: usize = 256;

/// What all sessions are judged by.
#[derive(Debug, Default)]
pub(crate) struct Catalogue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    generation: i64,
    policies: BTreeMap<PolicyName, Arc<Known>>,
    bindings: Arc<Vec<PolicyBinding>>,
    ready: HashMap<Key, Arc<BoundRules>>,
}

/// A policy that exists.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Its newest revision.
    pub(crate) summary: PolicySummary,
    /// What it says; none if this program cannot read it.
    pub(super) document: Option<Read>,
}

/// A document that was read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) description: String,
    pub(super) default: Effect,
    /// Called `policy/rule`: two policies may have a rule of the same name.
    pub(super) rules: Vec<Rule>,
}

/// What one session is judged by, at one moment.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) generation: i64,
    pub(super) policies: Vec<Arc<Known>>,
}

impl Known {
    fn read(summary: PolicySummary) -> Self {
        let current = &summary.current;
        let document = match read(&current.document, current.name.as_str()) {
            Ok(document) => Some(document),
            Err(problem) => {
                let (name, revision) = (&current.name, current.revision);
                error!(policy = %name, revision, "policy {name} cannot be read, what it judges is denied: {problem}");
                None
            }
        };
        Self { summary, document }
    }

    /// Its name and revision.
    pub(super) fn reference(&self) -> PolicyRef {
        let current = &self.summary.current;
        PolicyRef { name: current.name.to_string(), revision: current.revision }
    }
}

/// Reads a stored document.
pub(super) fn read(document: &str, name: &str) -> Result<Read, String> {
    let documents = Document::read_all(document, Format::Json, name).map_err(|problems| {
        problems.first().map_or_else(String::new, |problem| problem.message.clone())
    })?;
    let Ok([document]) = <[Document; 1]>::try_from(documents) else {
        return Err("it is not one document".to_owned());
    };
    let called = |rule: Rule| {
        let id = format!("{name}/{}", rule.id());
        rule.named(id)
    };
    Ok(Read {
        description: document.description.unwrap_or_default(),
        default: document.default,
        rules: document.rules.into_iter().map(called).collect(),
    })
}

impl Catalogue {
    /// Takes over what a change left, unless a later one was taken over before.
    pub(crate) fn adopt(&self, snapshot: PolicySnapshot) {
        let before = self.state().policies.clone();
        let policies = snapshot.policies.into_iter().map(|summary| {
            let name = summary.current.name.clone();
            let same = before.get(&name).filter(|known| known.summary == summary);
            let known = same.cloned().unwrap_or_else(|| Arc::new(Known::read(summary)));
            (name, known)
        });
        let policies = policies.collect();
        let mut state = self.state();
        if snapshot.generation < state.generation {
            return;
        }
        *state = State {
            generation: snapshot.generation,
            policies,
            bindings: Arc::new(snapshot.bindings),
            ready: HashMap::new(),
        };
    }

    /// Forgets what was bound to a session that is gone.
    pub(crate) fn forget(&self, session: SessionId) {
        let mut state = self.state();
        let is_its = |binding: &PolicyBinding| {
            binding.target == codeplane_core::BindingTarget::Session(session)
        };
        if state.bindings.iter().any(is_its) {
            Arc::make_mut(&mut state.bindings).retain(|binding| !is_its(binding));
        }
    }

    /// The policy of that name.
    pub(crate) fn get(&self, name: &PolicyName) -> Option<Arc<Known>> {
        self.state().policies.get(name).cloned()
    }

    /// All policies in the order of their names, and all bindings.
    pub(crate) fn all(&self) -> (Vec<Arc<Known>>, Arc<Vec<PolicyBinding>>) {
        let state = self.state();
        (state.policies.values().cloned().collect(), Arc::clone(&state.bindings))
    }

    /// The policies that judge a session now.
    pub(super) fn bound(&self, session: &NewSession) -> Bound {
        let state = self.state();
        let mut names: Vec<&PolicyName> = state
            .bindings
            .iter()
            .filter(|binding| binding.target.holds(session))
            .map(|binding| &binding.policy)
            .collect();
        names.sort_unstable();
        names.dedup();
        let policies = names.into_iter().filter_map(|name| state.policies.get(name).cloned());
        Bound { generation: state.generation, policies: policies.collect() }
    }

    /// Rules that are ready.
    pub(super) fn ready(&self, key: &Key) -> Option<Arc<BoundRules>> {
        self.state().ready.get(key).cloned()
    }

    /// Keeps rules ready. False if policies changed since they were looked up: look again.
    #[must_use]
    pub(super) fn keep_ready(&self, generation: i64, key: Key, rules: &Arc<BoundRules>) -> bool {
        let mut state = self.state();
        if state.generation != generation {
            return false;
        }
        if state.ready.len() >= READY {
            state.ready.clear();
        }
        state.ready.insert(key, Arc::clone(rules));
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
