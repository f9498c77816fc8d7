//! Judging a tool call that nobody makes, by what real ones are judged by.

use codeplane_core::policy::{Effect, Places, Request, RulesAt, Value, Verdict, analyse, evaluate};
use codeplane_core::{Asks, NewSession, PolicyName, PolicyRef};

use super::bound::{Union, settle};
use super::catalogue::read;
use super::files::Files;
use super::simulate;
use super::values::named;
use crate::app::{App, Error};

/// Longest request, in bytes: that of a message.
const REQUEST_BYTES: usize = 1 << 20;

/// What to judge, and by what; all that is given counts together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SimulateRequest {
    /// The tool call, JSON.
    pub(crate) request: String,
    /// A session: id, prefix or name.
    pub(crate) session: Option<String>,
    /// Policies; without a revision the newest.
    pub(crate) policies: Vec<(String, Option<i64>)>,
    /// A JSON list of rules.
    pub(crate) rules: Option<String>,
    /// What becomes of that which no rule fits.
    pub(crate) default: Option<Effect>,
}

/// A verdict, and what it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JudgedCall {
    /// The verdict of the rules.
    pub(crate) verdict: Verdict,
    /// What it comes to.
    pub(crate) decision: Effect,
    /// The policies.
    pub(crate) policies: Vec<PolicyRef>,
}

impl App {
    /// Judges a tool call that nobody makes. Nothing is recorded.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a request or rules that cannot be read, [`Error::SessionNotFound`],
    /// [`Error::Policy`] for a policy or revision that does not exist.
    pub(crate) async fn simulate_policy(
        &self,
        request: SimulateRequest,
    ) -> Result<JudgedCall, Error> {
        let session = request.session.as_deref().map(|one| self.find(one)).transpose()?;
        let agent = session.as_ref().map_or_else(|| self.nobody(), |live| live.agent());
        let session = session.map(|live| live.session().spec);
        let now_ms = self.clock.now().as_micros() / 1000;
        let call = tool_call(&request.request, session.as_ref(), &agent.home)?;
        let has_more = !request.policies.is_empty() || request.rules.is_some();
        match session {
            // Just as a real call of it is judged.
            Some(session) if !has_more && request.default.is_none() => {
                let (app, policies) = (self.clone(), self.policies_of(&session));
                let asks = session.mandate.asks;
                let judging = move || {
                    let bound = app.bound_rules(&session, &agent);
                    verdict(&call, bound.rules.at(now_ms))
                };
                self.judged(judging, asks, policies).await
            }
            None if !has_more => {
                Err(Error::invalid("session", "give a session, policies or rules to judge by"))
            }
            session => {
                let mut union = self.union_for(&request, session.as_ref()).await?;
                let policies = std::mem::take(&mut union.policies);
                let asks = session.map_or(Asks::Person, |session| session.mandate.asks);
                let app = self.clone();
                let judging = move || {
                    let places = Places { home: agent.home, workspace: call.workspace.clone() };
                    let rules = (union.rules, union.default);
                    let set = app.rule_set(rules, &places, &agent.settings, &Files);
                    verdict(&call, set.at(now_ms))
                };
                self.judged(judging, asks, policies).await
            }
        }
    }

    /// Judges where blocking is allowed.
    async fn judged(
        &self,
        judging: impl FnOnce() -> Verdict + Send + 'static,
        asks: Asks,
        policies: Vec<PolicyRef>,
    ) -> Result<JudgedCall, Error> {
        let verdict = self.shutdown.spawn_blocking(judging).await.map_err(Error::internal)?;
        Ok(JudgedCall { decision: settle(asks, verdict.decision), verdict, policies })
    }

    /// The rules of a session, of policies and of the request together.
    async fn union_for(
        &self,
        request: &SimulateRequest,
        session: Option<&NewSession>,
    ) -> Result<Union, Error> {
        let mut union = match session {
            Some(session) => self.union_of(session),
            None => Union::default(),
        };
        union.default = union.default.max(request.default.unwrap_or(Effect::Ask));
        for (name, revision) in &request.policies {
            self.add_policy(&mut union, &named(name)?, *revision).await?;
        }
        if let Some(rules) = &request.rules {
            let list = Value::parse(rules.as_bytes());
            let rules = list.and_then(|list| simulate::rules(Some(&list)));
            union.rules.extend(rules.map_err(|problem| Error::invalid("rules", problem))?);
        }
        Ok(union)
    }

    async fn add_policy(
        &self,
        union: &mut Union,
        name: &PolicyName,
        revision: Option<i64>,
    ) -> Result<(), Error> {
        let view = self.policy(name.as_str(), revision).await?.revision;
        let document = read(&view.document, name.as_str()).map_err(Error::internal)?;
        union.policies.push(PolicyRef { name: name.to_string(), revision: view.revision });
        union.default = union.default.max(document.default);
        union.rules.extend(document.rules);
        Ok(())
    }
}

/// The tool call of a request; what a session knows of itself need not be said.
fn tool_call(text: &str, session: Option<&NewSession>, home: &str) -> Result<Request, Error> {
    if text.len() > REQUEST_BYTES {
        let what = format!("has {} bytes: at most {REQUEST_BYTES}", text.len());
        return Err(Error::invalid("request", what));
    }
    let value = Value::parse(text.as_bytes());
    let call = value.and_then(|value| simulate::request(&value, home));
    let mut call = call.map_err(|problem| Error::invalid("request", problem))?;
    if let Some(session) = session {
        let labels = || {
            session.labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        };
        call.provider.get_or_insert_with(|| session.provider.clone());
        call.cwd.get_or_insert_with(|| session.cwd.clone());
        call.workspace = Some(session.mandate.directory.clone());
        call.labels.get_or_insert_with(labels);
    }
    Ok(call)
}

/// Looks at files; blocks.
fn verdict(call: &Request, rules: RulesAt<'_>) -> Verdict {
    let analysis = analyse(call);
    let facts = analysis.questions().answer_for(rules, &Files);
    evaluate(rules, call, &analysis, &facts)
}
