//! One tool call before the rules.

use std::sync::Arc;

use codeplane_core::policy::{
    ESCALATION_VERSION, Effect, Grant as Answered, GrantScope as Answers, GrantSet, Request,
    Resolution, Rule, Value, Verdict, analyse, evaluate_with_grants, suggest,
};
use codeplane_core::{Asks, Decision, Grant, GrantTarget, PolicyRef, RequestDigest};
use sha2::{Digest, Sha256};

use super::super::App;
use super::super::error::Error;
use super::super::policy::{Files, JudgedIn, facts_json, tell_unbound, verdict_json};
use crate::agents::{Agent, ToolCall};
use crate::session::Live;

/// A call, judged.
#[derive(Debug)]
pub(crate) struct Judged {
    /// What the rules and grants say.
    pub verdict: Verdict,
    /// The same as JSON.
    pub verdict_text: String,
    /// What the paths of the call were and what else it was judged in, as JSON.
    pub facts: String,
    /// The policies that were bound.
    pub policies: Vec<PolicyRef>,
    /// What becomes of it where it would be asked about.
    pub asks: Asks,
    /// What may be granted instead of the exact request.
    pub patterns: Vec<String>,
}

/// A call and where it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// Whose call.
    pub agent: Agent,
    /// The call.
    pub tool: &'a ToolCall,
    /// The directory it is made in.
    pub cwd: Option<&'a str>,
}

/// A call, ready to be judged.
struct Call {
    requests: Vec<Request>,
    exact: String,
    grants: Vec<Grant>,
    within: JudgedIn,
}

/// The hash that binds an answer to exactly this request: dialect, tool, directory and input, byte by
/// byte.
#[must_use]
pub(crate) fn request_digest(asked: &Asked<'_>) -> RequestDigest {
    let cwd = asked.cwd.unwrap_or_default();
    let parts: [&[u8]; 4] = [
        asked.agent.name().as_bytes(),
        asked.tool.tool.as_bytes(),
        cwd.as_bytes(),
        &asked.tool.input_text,
    ];
    digest("codeplane-request-1", &parts)
}

/// The hash by which a grant knows the same request again: of all that it does.
#[must_use]
pub(crate) fn grant_digest(asked: &Asked<'_>) -> RequestDigest {
    let cwd = asked.cwd.unwrap_or_default();
    let input = &asked.tool.input_text;
    let done = match (&asked.tool.input, asked.tool.tool.as_str()) {
        (Ok(Value::Map(members)), "Bash") => done_by(members),
        (Ok(_) | Err(_), _) => None,
    };
    let subject = done.as_ref().map_or(input.as_slice(), String::as_bytes);
    let parts: [&[u8]; 4] =
        [asked.agent.name().as_bytes(), asked.tool.tool.as_bytes(), cwd.as_bytes(), subject];
    digest("codeplane-grant-2", &parts)
}

/// What a command's input does, in one form; none if it cannot be trusted. An agent words the description of a command
/// anew each time, and leaves out or writes what is not the case.
fn done_by(members: &[(String, Value)]) -> Option<String> {
    if Value::Map(members.to_vec()).flaw().is_some() {
        return None;
    }
    let says_nothing = |name: &str, value: &Value| {
        matches!(name, "description" | "timeout")
            || matches!(value, Value::Null | Value::Bool(false))
    };
    let mut done: Vec<_> =
        members.iter().filter(|(name, value)| !says_nothing(name, value)).collect();
    done.sort_by(|one, other| one.0.cmp(&other.0));
    Some(format!("{done:?}"))
}

/// Each part with its length, so that no two lists of parts read the same.
fn digest(purpose: &str, parts: &[&[u8]]) -> RequestDigest {
    let mut hash = Sha256::new_with_prefix(purpose);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    RequestDigest::from_bytes(hash.finalize().into())
}

impl App {
    /// Judges a call of a session by the policies that are bound to it, by its grants, and by the files
    /// of this machine.
    ///
    /// # Errors
    /// If the daemon ends meanwhile, or judging breaks: the call must be refused then.
    pub(in crate::app) async fn judge(
        &self,
        live: &Arc<Live>,
        asked: Asked<'_>,
    ) -> Result<Judged, Error> {
        let within = self.judged_in(live, &asked);
        let parts = asked.agent.asked(asked.tool).into_iter();
        let provider = asked.agent.name();
        let call = Call {
            requests: parts.map(|part| within.request(provider, part)).collect(),
            exact: grant_digest(&asked).to_string(),
            grants: self.grants.of(live, self.clock.now()),
            within,
        };
        let (app, live) = (self.clone(), Arc::clone(live));
        let judged = self.shutdown.spawn_blocking(move || app.judge_now(&live, call));
        judged.await.map_err(Error::internal)
    }

    fn judged_in(&self, live: &Live, asked: &Asked<'_>) -> JudgedIn {
        let (spec, agent) = (live.session().spec, live.agent());
        let labels = spec.labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
        JudgedIn {
            at_ms: self.clock.now().as_micros() / 1000,
            user: agent.owner,
            cwd: asked.cwd.map_or_else(|| spec.cwd.clone(), str::to_owned),
            workspace: spec.mandate.directory,
            home: agent.home,
            labels: labels.collect(),
            settings: agent.settings,
            allow: spec.mandate.allow,
            grants: Vec::new(),
            options: ESCALATION_VERSION,
        }
    }

    /// Looks at files: blocks for as long as they take.
    fn judge_now(&self, live: &Live, call: Call) -> Judged {
        let Call { requests, exact, grants, within } = call;
        let session = live.session().spec;
        let bound = self.bound_rules(&session, &live.agent());
        let answered = grants.into_iter().filter_map(answers).collect();
        let grants = GrantSet::new(answered, &within.places(), &Files);
        let rules = bound.rules.at(within.at_ms);
        let (mut verdicts, mut facts, mut patterns) =
            (Vec::new(), Resolution::default(), Vec::new());
        for request in &requests {
            let analysis = analyse(request);
            let known = analysis.questions().answer_for(rules, &Files);
            let verdict =
                evaluate_with_grants(rules, (request, &exact), &analysis, &known, &grants);
            patterns.extend(suggest(&analysis, &verdict).into_iter().map(|one| one.rule));
            verdicts.push(verdict);
            facts.extend(known);
        }
        let mut verdict = Verdict::of_all(verdicts);
        if verdict.decision != Effect::Ask {
            patterns.clear();
        }
        tell_unbound(&mut verdict, &bound.policies);
        let within = JudgedIn { grants: verdict.grants.clone(), ..within };
        Judged {
            verdict_text: verdict_json(&verdict),
            facts: facts_json(&facts, &within),
            policies: bound.policies.clone(),
            asks: session.mandate.asks,
            patterns,
            verdict,
        }
    }
}

/// The hash by which the call of a decision is known again.
#[must_use]
pub(crate) fn key_of(decision: &Decision) -> Option<RequestDigest> {
    let request = &decision.request;
    let tool = ToolCall {
        tool: request.tool.clone(),
        input: Value::parse(request.input.as_bytes()),
        input_text: request.input.as_bytes().to_vec(),
        tool_use_id: None,
    };
    let agent = Agent::named(&request.provider)?;
    Some(grant_digest(&Asked { agent, tool: &tool, cwd: request.cwd.as_deref() }))
}

/// A grant as rules are written.
pub(in crate::app) fn answers(grant: Grant) -> Option<Answered> {
    let scope = match grant.target {
        GrantTarget::Request(digest) => Answers::Exact(digest.to_string()),
        GrantTarget::Pattern(pattern) => {
            Answers::Pattern(Box::new(Rule::of_shorthand(Effect::Allow, &pattern, 0).ok()?))
        }
    };
    Some(Answered { id: grant.id.to_string(), scope })
}
