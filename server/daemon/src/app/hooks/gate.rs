//! The gate: a tool call is judged before it is made.

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::policy::{Effect, Grantable};
use codeplane_core::{
    ActivityName, ActivitySource, AgentEvent, ApprovalId, ApprovalKind, Asks, Decision,
    DecisionSource, EventKind, GateMode, NewApproval, Outcome, Settled, Timestamp,
};
use codeplane_store::Reported as Stored;

use super::call::{Follows, Told, shortened};
use super::judge::{Asked, Judged, key_of};
use super::open_calls::OpenCall;
use super::{App, Error, HEAD_BYTES, Held, Incoming, Reply, Reported};
use crate::agents::{Answer, HookReport, Interaction, TRIAL_TOOL, ToolCall};
use crate::app::approvals::Room;

/// What becomes of a call that was judged.
enum Ruling {
    /// It has its answer.
    Settled(Settled),
    /// A person is asked, for this.
    Ask(ApprovalKind),
}

impl App {
    /// Judges a call, writes down what follows and answers, or has it wait for a person.
    pub(super) async fn gate(
        &self,
        incoming: Incoming,
        report: &HookReport,
        tool: &ToolCall,
        reply: Reply,
    ) -> Result<Reported, Error> {
        if tool.tool == TRIAL_TOOL {
            return Box::pin(self.refuse_trial(incoming, report, tool, reply)).await;
        }
        let asked = Asked { agent: incoming.agent, tool, cwd: report.cwd.as_deref() };
        let judged = match self.judge(&incoming.live, asked).await {
            Ok(judged) => judged,
            Err(error) => {
                tracing::error!(%error, "a call could not be judged: refused");
                return Ok(Reported::Answered(reply.deny("codeplane could not judge the call")));
            }
        };
        let decision = self.new_decision(&incoming, report, tool, Some(&judged));
        match self.rule(&incoming, &judged, tool) {
            Ruling::Settled(settled) => {
                self.answer_at_once(
                    incoming,
                    report,
                    Decision { settled: Some(settled), ..decision },
                    reply,
                )
                .await
            }
            Ruling::Ask(kind) => self.ask(incoming, report, (decision, &judged, kind), reply).await,
        }
    }

    fn rule(&self, incoming: &Incoming, judged: &Judged, tool: &ToolCall) -> Ruling {
        let verdict = &judged.verdict;
        let because = verdict.reasons.join("; ");
        let settled =
            |outcome, source, reason| Ruling::Settled(self.own_answer(outcome, source, reason));
        match verdict.decision {
            Effect::Allow => {
                let grant = verdict.grants.first().and_then(|id| id.parse().ok());
                let source = grant.map_or(DecisionSource::Rules, DecisionSource::Grant);
                settled(Outcome::Allowed, source, because)
            }
            Effect::Deny
                if verdict.reasons.iter().any(|reason| reason.starts_with("MALFORMED")) =>
            {
                settled(Outcome::Denied, DecisionSource::Malformed, because)
            }
            Effect::Deny if verdict.rules.is_empty() => {
                settled(Outcome::Denied, DecisionSource::Default, because)
            }
            Effect::Deny => settled(Outcome::Denied, DecisionSource::Rules, because),
            Effect::Ask if judged.asks == Asks::Denied => {
                let why = format!("nobody is there to ask: the session is unattended ({because})");
                settled(Outcome::Denied, DecisionSource::Unattended, why)
            }
            Effect::Ask if judged.asks == Asks::Allowed => {
                settled(Outcome::Allowed, DecisionSource::Dangerous, because)
            }
            Effect::Ask => {
                let kind = match incoming.agent.interaction(tool) {
                    Interaction::Call => ApprovalKind::ToolCall,
                    Interaction::Question(_) => ApprovalKind::Question,
                    Interaction::Plan { .. } => ApprovalKind::Plan,
                };
                Ruling::Ask(kind)
            }
        }
    }

    /// Writes and gives an answer that needs nobody.
    async fn answer_at_once(
        &self,
        incoming: Incoming,
        report: &HookReport,
        decision: Decision,
        reply: Reply,
    ) -> Result<Reported, Error> {
        let mut follows = Follows {
            events: vec![self.reported(&incoming, reply.call.as_ref())],
            ..Follows::default()
        };
        let (event, audit) = self.decided(&decision);
        follows.events.push(event);
        follows.audit.push(audit);
        let working = (ActivityName::Working, ActivitySource::Hook);
        let working = report.subagent.is_none().then_some(working);
        self.learn(&incoming, Some(report), &Told::judged(working), &mut follows);
        follows.decision = Some(decision.clone());
        match self.write_report(&incoming, follows).await {
            Ok(Stored::New) => {
                self.opened(&decision);
                Ok(Reported::Answered(reply.with(&settled_answer(&decision))))
            }
            Ok(Stored::Before(known)) => self.reported_before(&incoming, &known, reply).await,
            // A refusal needs no record to be given; an allow does.
            Err(error) => Ok(Reported::Answered(reply.deny(format!(
                "codeplane cannot write its decision down ({error}), so nothing is allowed"
            )))),
        }
    }

    /// Has a call wait for a person: durable before anybody is told.
    async fn ask(
        &self,
        incoming: Incoming,
        report: &HookReport,
        (decision, judged, kind): (Decision, &Judged, ApprovalKind),
        reply: Reply,
    ) -> Result<Reported, Error> {
        let room = self.approvals.room(incoming.live.id());
        if let Room::None(why) = room {
            let settled = self.own_answer(Outcome::Denied, DecisionSource::TooManyPending, why);
            let decision = Decision { settled: Some(settled), ..decision };
            return Box::pin(self.answer_at_once(incoming, report, decision, reply)).await;
        }
        let approval = self.new_approval(&incoming, &decision, judged, kind);
        let mut follows = Follows {
            events: vec![
                self.reported(&incoming, reply.call.as_ref()),
                self.asked_event(&approval, &decision),
            ],
            audit: vec![self.asked_audit(&approval, &decision)],
            ..Follows::default()
        };
        let activity = match kind {
            ApprovalKind::ToolCall | ApprovalKind::Plan => ActivityName::WaitingForApproval,
            ApprovalKind::Question => ActivityName::WaitingForInput,
        };
        incoming.live.outdate_program_status();
        let told = Told::judged(Some((activity, ActivitySource::Daemon)));
        self.learn(&incoming, Some(report), &told, &mut follows);
        follows.decision = Some(decision.clone());
        follows.approval = Some(approval.clone());
        match self.write_report(&incoming, follows).await {
            Ok(Stored::New) => {
                self.opened(&decision);
                self.approvals.opened(&approval);
                incoming.live.set_pending(self.approvals.count(approval.session));
                self.watch_expiry(&approval);
                Ok(self.hold_or_hand_over(&approval, judged, reply))
            }
            Ok(Stored::Before(known)) => self.reported_before(&incoming, &known, reply).await,
            Err(error) => Ok(Reported::Answered(reply.deny(format!(
                "codeplane cannot write the question down ({error}), so nothing is allowed"
            )))),
        }
    }

    /// Where the agent has a dialog and shall use it, that asks; elsewhere the hook waits.
    fn hold_or_hand_over(&self, approval: &NewApproval, judged: &Judged, reply: Reply) -> Reported {
        match approval.mode {
            GateMode::Held => self.held(approval.id, approval.expires_at, reply),
            GateMode::AgentDialog => {
                let because = judged.verdict.reasons.join("; ");
                let reason =
                    format!("codeplane asks ({because}): {}", shortened(&approval.subject));
                Reported::Answered(reply.with(&Answer::AskInDialog { reason }))
            }
        }
    }

    /// Has a hook wait for an approval.
    pub(super) fn held(&self, id: ApprovalId, expires_at: Timestamp, reply: Reply) -> Reported {
        let wait = self.approvals.wait(id);
        Reported::Waits(Box::new(Held { wait, expires_at, reply }))
    }

    /// The answer of a decision that was made before.
    pub(super) async fn answer_decided(
        &self,
        decision: Decision,
        reply: Reply,
    ) -> Result<Reported, Error> {
        if decision.settled.is_some() {
            let approval = self.approval_of(&decision).await?;
            if let Some(approval) = approval.filter(|one| one.is_void(self.clock.now())) {
                return Ok(Reported::Answered(reply.with(&self.void(&approval).await)));
            }
            return Ok(Reported::Answered(reply.with(&settled_answer(&decision))));
        }
        match self.approval_of(&decision).await? {
            Some(approval) => Ok(self.held(approval.asked.id, approval.asked.expires_at, reply)),
            None => Ok(Reported::Answered(reply.deny("codeplane lost the question"))),
        }
    }

    fn opened(&self, decision: &Decision) {
        // Without an id it was asked about at the second net, and there is no third.
        if decision.request.tool_use_id.is_none() {
            return;
        }
        let Some(digest) = key_of(decision) else { return };
        let call = OpenCall {
            decision: decision.id,
            digest,
            tool_use_id: decision.request.tool_use_id.clone(),
            subagent: decision.request.subagent.clone(),
            asked_again: false,
        };
        self.open_calls.open(decision.session, call);
    }

    fn new_approval(
        &self,
        incoming: &Incoming,
        decision: &Decision,
        judged: &Judged,
        kind: ApprovalKind,
    ) -> NewApproval {
        let agent = incoming.live.agent();
        let verdict = &judged.verdict;
        let lifetime =
            i64::try_from(self.config.approvals.timeout.0.as_micros()).unwrap_or(i64::MAX);
        let now = self.clock.now();
        let not_grantable = match (&verdict.grantable, kind) {
            (Grantable::No(why), _) => Some(why.clone()),
            // What is kept of it is not what another call would be compared with.
            _ if decision.request.input.len() >= HEAD_BYTES => {
                Some("its input is longer than 256 KiB".to_owned())
            }
            (_, ApprovalKind::Question) => Some("it is a question".to_owned()),
            (_, ApprovalKind::Plan) => Some("it is a plan".to_owned()),
            (Grantable::Yes | Grantable::ExactOnly(_), ApprovalKind::ToolCall) => None,
        };
        let patterns = match &not_grantable {
            Some(_) => Vec::new(),
            None => judged.patterns.clone(),
        };
        NewApproval {
            id: ApprovalId::random(),
            decision: decision.id,
            session: decision.session,
            incarnation: decision.incarnation,
            kind,
            digest: decision.digest,
            subject: subject(decision),
            owner: agent.owner,
            four_eyes: verdict.four_eyes,
            not_grantable,
            patterns,
            mode: agent.mode,
            asked_at: now,
            expires_at: Timestamp::from_micros(now.as_micros().saturating_add(lifetime)),
        }
    }

    fn asked_event(&self, approval: &NewApproval, decision: &Decision) -> codeplane_core::NewEvent {
        let event = AgentEvent::ApprovalRequested {
            approval: approval.id,
            tool: shortened(&decision.request.tool),
            subject: shortened(&approval.subject),
            expires_at: approval.expires_at,
        };
        self.event(approval.session, EventKind::Agent(event))
    }

    fn asked_audit(&self, approval: &NewApproval, decision: &Decision) -> NewAudit {
        let who = format!("{}{}", codeplane_core::AGENT_PREFIX, approval.session);
        let about = (approval.session, approval.incarnation);
        self.audit_about(&who, AuditKind::ApprovalRequested, about)
            .with("approval", approval.id.to_string())
            .with("decision", decision.id.to_string())
            .with("request_hash", approval.digest.to_string())
            .with("tool", decision.request.tool.clone())
            .with("subject", shortened(&approval.subject))
    }
}

/// What a decision says to the agent. That its dialog allowed a call is only what the agent told: no answer follows from
/// it.
pub(in crate::app) fn settled_answer(decision: &Decision) -> Answer {
    match &decision.settled {
        Some(Settled { outcome: Outcome::Allowed, source: DecisionSource::Dialog(_), .. }) => {
            Answer::AskInDialog { reason: "its dialog is said to have been answered".to_owned() }
        }
        Some(Settled { outcome: Outcome::Allowed, updated_input, .. }) => {
            Answer::Allow { updated_input: updated_input.clone() }
        }
        Some(Settled { outcome: Outcome::Denied, reason, .. }) => {
            Answer::Deny { reason: reason.clone() }
        }
        None => Answer::Deny { reason: "codeplane has not decided".to_owned() },
    }
}

/// What is asked, whole, for people: the command, the path, the address; else what was judged, or the
/// tool and its input.
pub(crate) fn subject(decision: &Decision) -> String {
    let request = &decision.request;
    let input: serde_json::Value = serde_json::from_str(&request.input).unwrap_or_default();
    if let Some(text) = named(&input) {
        return text.to_owned();
    }
    let verdict: serde_json::Value = serde_json::from_str(&decision.verdict).unwrap_or_default();
    match verdict["units"][0]["text"].as_str() {
        Some(text) if input["questions"].is_null() => text.to_owned(),
        Some(_) | None => format!("{} {}", request.tool, shortened(&request.input)),
    }
}

/// The same of a call with other input.
pub(crate) fn subject_of(decision: &Decision, input: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(input).unwrap_or_default();
    match named(&value) {
        Some(text) => text.to_owned(),
        None => format!("{} {}", decision.request.tool, shortened(input)),
    }
}

fn named(input: &serde_json::Value) -> Option<&str> {
    let fields = ["command", "file_path", "notebook_path", "url", "path", "plan"];
    fields.into_iter().find_map(|field| input[field].as_str())
}
