//! Judging a recorded call again: by the revisions that were bound then, with what was known then.

use std::collections::BTreeMap;

use codeplane_core::policy::{
    FileFacts, FileKind, GrantSet, PathFacts, Places, Request, Resolution, RuleSet, RulesAt,
    Verdict, analyse, evaluate_with_grants,
};
use codeplane_core::{Decision, Grant, PolicyName, PolicyRef};
use codeplane_store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bound::{Union, tell_unbound};
use super::catalogue::{Read, read};
use super::files::Files;
use crate::agents::{Agent, Asked as Part};
use crate::app::approvals::tool_call;
use crate::app::hooks::{Asked, answers, grant_digest, request_digest};
use crate::app::{App, Error};

/// What a call was judged in, beside its paths. It is kept with them: sessions change and go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::app) struct JudgedIn {
    /// When, in milliseconds since 1970.
    pub(in crate::app) at_ms: i64,
    /// Whose session.
    pub(in crate::app) user: String,
    /// The directory the call is made in.
    pub(in crate::app) cwd: String,
    /// The session's directory.
    pub(in crate::app) workspace: String,
    /// What `~` stands for.
    pub(in crate::app) home: String,
    /// The session's labels.
    pub(in crate::app) labels: BTreeMap<String, String>,
    /// Directories that are protected in it.
    pub(in crate::app) settings: Vec<String>,
    /// Rules of its own that allow.
    pub(in crate::app) allow: Vec<String>,
    /// The grants that answered.
    pub(in crate::app) grants: Vec<String>,
    /// Version of the table of options that escalate; 0 where that was not kept.
    #[serde(default)]
    pub(in crate::app) options: u32,
}

impl JudgedIn {
    /// What is judged of one part of a call.
    pub(in crate::app) fn request(&self, provider: &str, part: Part) -> Request {
        Request {
            provider: Some(provider.to_owned()),
            user: Some(self.user.clone()),
            tool: part.tool,
            input: Some(part.input),
            cwd: Some(self.cwd.clone()),
            labels: Some(self.labels.clone()),
            workspace: Some(self.workspace.clone()),
            home: self.home.clone(),
        }
    }

    pub(in crate::app) fn places(&self) -> Places {
        Places { home: self.home.clone(), workspace: Some(self.workspace.clone()) }
    }
}

/// A call as it was recorded, ready to be judged.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) within: JudgedIn,
    requests: Vec<Request>,
    exact: String,
    facts: Resolution,
}

impl Recorded {
    /// Reads it from the row of its decision.
    ///
    /// # Errors
    /// Why it cannot be judged again.
    pub(super) fn read(decision: &Decision) -> Result<Self, String> {
        let provider = &decision.request.provider;
        let agent =
            Agent::named(provider).ok_or_else(|| format!("no adapter is called '{provider}'"))?;
        let known: Value = serde_json::from_str(&decision.facts).map_err(|e| e.to_string())?;
        let within = known.get("judged_in").ok_or("it was not judged by rules")?;
        let within = JudgedIn::deserialize(within).map_err(|error| error.to_string())?;
        let tool = tool_call(decision, None);
        let asked = Asked { agent, tool: &tool, cwd: decision.request.cwd.as_deref() };
        if request_digest(&asked) != decision.digest {
            return Err("its input was kept in part only".to_owned());
        }
        let parts = agent.asked(&tool).into_iter();
        let requests = parts.map(|part| within.request(agent.name(), part)).collect();
        let (exact, facts) = (grant_digest(&asked).to_string(), facts(&known));
        Ok(Self { within, requests, exact, facts })
    }

    /// What rules and grants say of it, with the facts of then.
    pub(super) fn verdict(&self, rules: RulesAt<'_>, grants: &GrantSet) -> Verdict {
        let judged = self.requests.iter().map(|request| {
            let (analysis, call) = (analyse(request), (request, self.exact.as_str()));
            evaluate_with_grants(rules, call, &analysis, &self.facts, grants)
        });
        Verdict::of_all(judged.collect())
    }
}

/// What was known then; of what nobody asked about then, this machine knows.
struct Then<'a>(&'a Resolution);

impl FileFacts for Then<'_> {
    fn path(&self, path: &str) -> PathFacts {
        self.0.paths().get(path).cloned().unwrap_or_else(|| Files.path(path))
    }

    fn expand(&self, glob: &str) -> Option<Vec<String>> {
        self.0.globs().get(glob).cloned().unwrap_or_else(|| Files.expand(glob))
    }
}

/// By which table of options a call was judged; 0 if that was not kept.
pub(in crate::app) fn options_version(decision: &Decision) -> u32 {
    Recorded::read(decision).map_or(0, |recorded| recorded.within.options)
}

/// Reads what was kept of paths; what cannot be read is unknown, and asks.
fn facts(known: &Value) -> Resolution {
    let members = |name: &str| known[name].as_object().cloned().unwrap_or_default().into_iter();
    let path = |(path, facts): (String, Value)| {
        let kind = facts["kind"].as_str().and_then(FileKind::parse)?;
        Some((path, PathFacts { resolved: facts["resolved"].as_str().map(str::to_owned), kind }))
    };
    let glob = |(glob, found): (String, Value)| {
        let paths = found.as_array().map(|paths| {
            paths.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        });
        (glob, paths)
    };
    Resolution::of(
        members("paths").filter_map(path).collect(),
        members("globs").map(glob).collect(),
    )
}

impl App {
    /// What the revisions that were bound then say of a recorded call, with what was known then; or why
    /// it cannot be judged again.
    ///
    /// # Errors
    /// Those of the store.
    pub(in crate::app) async fn judge_again(
        &self,
        decision: &Decision,
    ) -> Result<Result<Verdict, String>, Error> {
        let recorded = match Recorded::read(decision) {
            Ok(recorded) => recorded,
            Err(why) => return Ok(Err(why)),
        };
        let mut documents = Vec::with_capacity(decision.policies.len());
        for policy in &decision.policies {
            match self.revision(policy).await? {
                Ok(document) => documents.push(document),
                Err(why) => return Ok(Err(why)),
            }
        }
        let (policies, bound) = (decision.policies.clone(), decision.policies.clone());
        let read = documents.iter().map(Option::as_ref);
        let union = Union::join(policies, read, &recorded.within.allow);
        let grants = self.grants_called(&recorded.within.grants).await?;
        let app = self.clone();
        let judging = move || {
            let places = recorded.within.places();
            let (rules, then) = ((union.rules, union.default), Then(&recorded.facts));
            let rules = app.rule_set(rules, &places, &recorded.within.settings, &then);
            let answered = grants.into_iter().filter_map(answers).collect();
            let grants = GrantSet::new(answered, &places, &then);
            let mut verdict = recorded.verdict(rules.at(recorded.within.at_ms), &grants);
            tell_unbound(&mut verdict, &bound);
            verdict
        };
        self.shutdown.spawn_blocking(judging).await.map(Ok).map_err(Error::internal)
    }

    /// What a revision says; none if this program cannot read it. Or why there is none.
    pub(super) async fn revision(
        &self,
        policy: &PolicyRef,
    ) -> Result<Result<Option<Read>, String>, Error> {
        let gone = || format!("policy '{}' has no revision {}", policy.name, policy.revision);
        let Ok(name) = PolicyName::new(&policy.name) else { return Ok(Err(gone())) };
        match self.store.policy_revision(name, policy.revision).await {
            Ok(found) => Ok(Ok(read(&found.document, &policy.name).ok())),
            Err(StoreError::UnknownPolicy(_) | StoreError::UnknownRevision { .. }) => {
                Ok(Err(gone()))
            }
            Err(error) => Err(self.store_error(error)),
        }
    }

    /// Grants that there were, whether or not they still hold.
    async fn grants_called(&self, ids: &[String]) -> Result<Vec<Grant>, Error> {
        let mut grants = Vec::with_capacity(ids.len());
        for id in ids {
            let found = self.store.grants_with_prefix(id.clone()).await;
            grants.extend(found.map_err(|error| self.store_error(error))?);
        }
        Ok(grants)
    }

    /// Rules of recorded calls, by what this machine's files are now.
    pub(super) fn rules_within(&self, union: Union, within: &JudgedIn) -> RuleSet {
        let rules = (union.rules, union.default);
        self.rule_set(rules, &within.places(), &within.settings, &Files)
    }
}
