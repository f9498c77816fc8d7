//! A person decides.

use codeplane_core::policy::{Effect, Value};
use codeplane_core::{
    Approval, ApprovalKind, ApprovalState, CannotDecide, Decision, DecisionSource, Grant, GrantId,
    GrantScope, GrantTarget, RequestDigest,
};
use codeplane_store::{Resolved, Trail};

use super::super::hooks::{Asked, grant_digest, request_digest};
use super::super::request::Mutation;
use super::super::{App, Caller, Error};
use super::end::Ending;
use super::list::ApprovalView;
use crate::agents::{Agent, Interaction, Question, ToolCall};

/// Longest message to an agent, in bytes.
const MESSAGE_BYTES: usize = 4096;

/// What somebody decides.
#[derive(Clone, Debug)]
pub(crate) struct DecideRequest {
    /// Which approval: an id or the beginning of one.
    pub approval: String,
    /// The hash of what was shown.
    pub seen: RequestDigest,
    /// The answer.
    pub answer: DecideAnswer,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) enum DecideAnswer {
    /// Make the call.
    Allow {
        /// Other input, JSON.
        updated_input: Option<String>,
        /// What is to be remembered.
        grant: Option<GrantWish>,
    },
    /// Do not.
    Deny {
        /// For the agent.
        message: String,
    },
    /// What the agent asked: question and answers.
    Answers(Vec<(String, Vec<String>)>),
}

/// What is to be remembered of an answer.
#[derive(Clone, Debug)]
pub(crate) struct GrantWish {
    /// How far.
    pub reach: Reach,
    /// Which of the approval's patterns; none: the exact request.
    pub patterns: Vec<String>,
}

/// How far an answer is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// In this session.
    Session,
    /// In every session of its workspace.
    Workspace,
}

/// An approval as it is now, and the grants that were made.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    /// The approval.
    pub approval: ApprovalView,
    /// The grants.
    pub grants: Vec<Grant>,
}

impl App {
    /// Decides an approval, exactly once.
    ///
    /// # Errors
    /// [`Error::NoSuch`], [`Error::Ambiguous`]; [`Error::CannotDecide`]; [`Error::NotGrantable`];
    /// [`Error::EditedDenied`]; [`Error::Invalid`] for an answer that is none; those of the store.
    ///
    /// # Cancel safety
    /// Once begun it is carried out, whether or not anybody waits.
    pub(crate) async fn decide(
        &self,
        caller: &Caller,
        request: DecideRequest,
        mutation: Option<Mutation>,
    ) -> Result<Decided, Error> {
        let (app, caller) = (self.clone(), caller.clone());
        let work = async move {
            let once = Box::pin(app.decide_once(&caller, request, mutation));
            app.requests.in_turn(mutation, once).await
        };
        self.shutdown.spawn(work).await.map_err(Error::internal)?
    }

    async fn decide_once(
        &self,
        caller: &Caller,
        request: DecideRequest,
        mutation: Option<Mutation>,
    ) -> Result<Decided, Error> {
        let approval = self.find_approval(&request.approval).await?;
        if let Some(mutation) = mutation
            && self.answered_before("DecideApproval", mutation).await?.is_some()
        {
            return Ok(Decided { approval: self.view_of(approval).await?, grants: Vec::new() });
        }
        let allowed = approval.may_decide(&caller.principal, request.seen, self.clock.now());
        allowed.map_err(Error::CannotDecide)?;
        let decision = self.store.decision(approval.asked.decision).await;
        let decision = decision.map_err(|error| self.store_error(error))?.ok_or_else(|| {
            Error::internal(format!("approval {} has no decision", approval.asked.id))
        })?;
        let ending = self.ending(caller, &approval, &decision, request.answer).await?;
        let grants = ending.grants.clone();
        let id = approval.asked.id.to_string();
        let recorded = mutation.map(|one| self.recorded(one, "DecideApproval", id));
        let trail = Trail::from(recorded);
        match self.end(&approval.asked, ending, trail).await? {
            Resolved::Now(approval) => {
                Ok(Decided { approval: self.view_of(approval).await?, grants })
            }
            Resolved::Before(approval) => {
                Err(Error::CannotDecide(CannotDecide::Over(approval.state())))
            }
        }
    }

    async fn ending(
        &self,
        caller: &Caller,
        approval: &Approval,
        decision: &Decision,
        answer: DecideAnswer,
    ) -> Result<Ending, Error> {
        let ending = Ending {
            state: ApprovalState::Allowed,
            source: DecisionSource::Person(approval.asked.id),
            by: caller.principal.clone(),
            reason: String::new(),
            updated_input: None,
            grants: Vec::new(),
        };
        match (answer, approval.asked.kind) {
            (DecideAnswer::Deny { message }, _) => denied(ending, message),
            (DecideAnswer::Allow { .. }, ApprovalKind::Question) => {
                Err(Error::invalid("allow", "the agent asks a question: answer it, or deny"))
            }
            (
                DecideAnswer::Allow { updated_input, grant },
                ApprovalKind::ToolCall | ApprovalKind::Plan,
            ) => {
                if let Some(input) = &updated_input {
                    self.judge_edited(caller, approval, decision, input).await?;
                }
                let grants = match grant {
                    None => Vec::new(),
                    Some(_) if updated_input.is_some() => {
                        let what = "edited input is not remembered";
                        return Err(Error::invalid("allow.grant_scope", what));
                    }
                    Some(wish) => self.new_grants(caller, approval, decision, wish)?,
                };
                Ok(Ending { updated_input, grants, ..ending })
            }
            (DecideAnswer::Answers(answers), ApprovalKind::Question) => {
                let agent = agent_of(decision)?;
                let input = agent.answer_questions(&tool_call(decision, None), &answers);
                let input = input.map_err(|problem| Error::invalid("answers", problem))?;
                Ok(Ending { updated_input: Some(input), ..ending })
            }
            (DecideAnswer::Answers(_), ApprovalKind::ToolCall | ApprovalKind::Plan) => {
                Err(Error::invalid("answers", "the agent asks no question: allow or deny"))
            }
        }
    }

    /// Input that a person edited is judged like any other: a rule that denies it holds, and one that wants somebody else to
    /// decide.
    async fn judge_edited(
        &self,
        caller: &Caller,
        approval: &Approval,
        decision: &Decision,
        input: &str,
    ) -> Result<(), Error> {
        let live = self.registry.get(approval.asked.session);
        let live =
            live.ok_or_else(|| Error::SessionNotFound(approval.asked.session.to_string()))?;
        let tool = tool_call(decision, Some(input));
        if let Err(problem) = &tool.input {
            return Err(Error::invalid("allow.updated_input", problem));
        }
        let agent = agent_of(decision)?;
        let asked = Asked { agent, tool: &tool, cwd: decision.request.cwd.as_deref() };
        let judged = self.judge(&live, asked).await?;
        let owner = &approval.asked.owner;
        if judged.verdict.four_eyes && caller.principal == *owner {
            return Err(Error::CannotDecide(CannotDecide::FourEyes(owner.clone())));
        }
        match judged.verdict.decision {
            Effect::Allow | Effect::Ask => {
                tracing::info!(
                    approval = %approval.asked.id, asked = %decision.digest, edited = %request_digest(&asked),
                    "the input of approval {} was edited", approval.asked.id
                );
                Ok(())
            }
            Effect::Deny => Err(Error::EditedDenied(judged.verdict.reasons.join("; "))),
        }
    }

    fn new_grants(
        &self,
        caller: &Caller,
        approval: &Approval,
        decision: &Decision,
        wish: GrantWish,
    ) -> Result<Vec<Grant>, Error> {
        if let Some(why) = &approval.asked.not_grantable {
            return Err(Error::NotGrantable(why.clone()));
        }
        let strange = wish.patterns.iter().find(|one| !approval.asked.patterns.contains(one));
        if let Some(strange) = strange {
            let shown = strange.escape_debug();
            return Err(Error::invalid(
                "allow.grant_patterns",
                format!("'{shown}' was not offered: {}", offered(&approval.asked.patterns)),
            ));
        }
        let scope = match wish.reach {
            Reach::Session => GrantScope::Session(approval.asked.session),
            Reach::Workspace => {
                let live = self.registry.get(approval.asked.session);
                let workspace = live.map(|live| live.agent().workspace).unwrap_or_default();
                GrantScope::Workspace(workspace)
            }
        };
        let grant = |target, subject| Grant {
            id: GrantId::random(),
            scope: scope.clone(),
            tool: decision.request.tool.clone(),
            target,
            subject,
            created_by: caller.principal.clone(),
            created_at: self.clock.now(),
            approval: approval.asked.id,
            expires_at: None,
            revoked: None,
        };
        if wish.patterns.is_empty() {
            let agent = agent_of(decision)?;
            let tool = tool_call(decision, None);
            let cwd = decision.request.cwd.as_deref();
            let digest = grant_digest(&Asked { agent, tool: &tool, cwd });
            let subject = format!("exactly: {}", approval.asked.subject);
            return Ok(vec![grant(GrantTarget::Request(digest), subject)]);
        }
        let patterns = wish.patterns.into_iter();
        Ok(patterns.map(|one| grant(GrantTarget::Pattern(one.clone()), one)).collect())
    }
}

fn denied(ending: Ending, message: String) -> Result<Ending, Error> {
    if message.len() > MESSAGE_BYTES {
        return Err(Error::invalid("deny.message", "has more than 4 KiB"));
    }
    let reason = if message.is_empty() { format!("{} denied it", ending.by) } else { message };
    Ok(Ending { state: ApprovalState::Denied, reason, ..ending })
}

fn offered(patterns: &[String]) -> String {
    match patterns {
        [] => "only the exact request was".to_owned(),
        [_, ..] => patterns.join(", ").escape_debug().to_string(),
    }
}

fn agent_of(decision: &Decision) -> Result<Agent, Error> {
    Agent::named(&decision.request.provider)
        .ok_or_else(|| Error::internal(format!("'{}' is no adapter", decision.request.provider)))
}

/// The call of a decision, or the same with other input.
pub(in crate::app) fn tool_call(decision: &Decision, input: Option<&str>) -> ToolCall {
    let text = input.unwrap_or(&decision.request.input);
    ToolCall {
        tool: decision.request.tool.clone(),
        input: Value::parse(text.as_bytes()),
        input_text: text.as_bytes().to_vec(),
        tool_use_id: decision.request.tool_use_id.clone(),
    }
}

/// What was answered to the questions of a call, from the input that has the answers.
pub(super) fn answers(decision: &Decision, input: &str) -> Vec<(String, String)> {
    let agent = agent_of(decision);
    agent.map(|agent| agent.given_answers(&tool_call(decision, Some(input)))).unwrap_or_default()
}

/// The hash of a call with other input.
pub(super) fn edited_digest(decision: &Decision, input: &str) -> Option<RequestDigest> {
    let (agent, tool) = (agent_of(decision).ok()?, tool_call(decision, Some(input)));
    let cwd = decision.request.cwd.as_deref();
    Some(request_digest(&Asked { agent, tool: &tool, cwd }))
}

/// The questions of a call that asks some.
pub(super) fn questions(decision: &Decision) -> Vec<Question> {
    let Ok(agent) = agent_of(decision) else { return Vec::new() };
    match agent.interaction(&tool_call(decision, None)) {
        Interaction::Question(questions) => questions,
        Interaction::Call | Interaction::Plan { .. } => Vec::new(),
    }
}
