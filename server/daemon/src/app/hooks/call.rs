//! A tool call, what was decided about it, and everything that is written with that.

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{
    Activity, ActivityName, ActivitySource, AgentEvent, Decision, DecisionId, DecisionSource,
    EventKind, Gate, GateEvidence, NewApproval, NewEvent, Outcome, SessionAgent, Settled,
    ToolRequest,
};
use codeplane_store::{Found, Reported as Stored};

use super::judge::{Asked, Judged, request_digest};
use super::{App, Error, Incoming, Reply, Reported};
use crate::agents::{HookReport, ToolCall};
use crate::app::activity::note_activity;
use crate::session::Live;

/// So much of a call's input is kept with its decision, in bytes.
const INPUT_BYTES: usize = 256 << 10;

/// So many of the rules that count go into the audit log; all of them are in the decision.
const RULES: usize = 16;

/// Why a gating report was refused without being judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    TooLarge,
    Malformed,
}

/// What follows from a report, to be written with it.
#[derive(Debug, Default)]
pub(in crate::app) struct Follows {
    pub(in crate::app) decision: Option<Decision>,
    pub(in crate::app) approval: Option<NewApproval>,
    pub(in crate::app) violation: Option<Box<Found>>,
    pub(in crate::app) agent: Option<SessionAgent>,
    pub(in crate::app) events: Vec<NewEvent>,
    pub(in crate::app) audit: Vec<NewAudit>,
}

/// What a report tells of the agent.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) activity: Option<(ActivityName, ActivitySource)>,
    pub(super) evidence: Option<GateEvidence>,
}

impl Told {
    /// A call was judged, while the agent did this.
    pub(super) const fn judged(activity: Option<(ActivityName, ActivitySource)>) -> Self {
        Self { activity, evidence: Some(GateEvidence::Judged) }
    }
}

impl App {
    /// Writes a report with what follows from it.
    ///
    /// # Errors
    /// Those of the store; nothing is written then.
    pub(super) async fn write_report(
        &self,
        incoming: &Incoming,
        follows: Follows,
    ) -> Result<Stored, Error> {
        let live = &incoming.live;
        let judges = follows.decision.as_ref().is_some_and(is_judgement);
        let breach = follows.violation.as_ref().map(|found| found.breach.clone());
        let report = codeplane_store::Report {
            record: incoming.record.clone(),
            decision: follows.decision,
            approval: follows.approval,
            agent: follows.agent,
            violation: follows.violation.map(|found| *found),
            events: follows.events,
            audit: follows.audit,
        };
        // On the heap: it is kilobytes, and part of every answer.
        let stored = Box::pin(self.store.report(report)).await;
        let stored = stored.map_err(|error| self.store_error(error))?;
        if stored == Stored::New {
            if judges {
                live.count_judged();
            }
            breach.iter().for_each(|breach| self.count_breach(live, breach));
        }
        Ok(stored)
    }

    /// The decision about a call, as far as it is known now.
    pub(super) fn new_decision(
        &self,
        incoming: &Incoming,
        report: &HookReport,
        tool: &ToolCall,
        judged: Option<&Judged>,
    ) -> Decision {
        let asked = Asked { agent: incoming.agent, tool, cwd: report.cwd.as_deref() };
        Decision {
            id: DecisionId::random(),
            session: incoming.live.id(),
            incarnation: incoming.incarnation(),
            event: incoming.record.id,
            request: ToolRequest {
                provider: incoming.agent.name().to_owned(),
                tool: tool.tool.clone(),
                input: head(&tool.input_text),
                tool_use_id: tool.tool_use_id.clone(),
                cwd: report.cwd.clone(),
                subagent: report.subagent.clone(),
            },
            digest: request_digest(&asked),
            verdict: judged.map_or_else(|| "{}".to_owned(), |judged| judged.verdict_text.clone()),
            policies: judged.map(|judged| judged.policies.clone()).unwrap_or_default(),
            facts: judged.map_or_else(|| "{}".to_owned(), |judged| judged.facts.clone()),
            asked_at: incoming.record.reported_at,
            settled: None,
        }
    }

    /// The final answer of the daemon itself.
    pub(in crate::app) fn own_answer(
        &self,
        outcome: Outcome,
        source: DecisionSource,
        reason: impl Into<String>,
    ) -> Settled {
        Settled {
            outcome,
            source,
            by: NewAudit::DAEMON.to_owned(),
            reason: reason.into(),
            updated_input: None,
            at: self.clock.now(),
        }
    }

    /// The event that an agent reported.
    pub(super) fn reported(&self, incoming: &Incoming, tool: Option<&ToolCall>) -> NewEvent {
        let kind = AgentEvent::HookReported {
            report: incoming.record.id,
            provider: incoming.agent.name().to_owned(),
            name: shortened(&incoming.record.name),
            tool: tool.map(|tool| shortened(&tool.tool)).unwrap_or_default(),
            tool_use_id: tool.and_then(|tool| tool.tool_use_id.clone()).unwrap_or_default(),
        };
        self.event(incoming.live.id(), EventKind::Agent(kind))
    }

    /// Event and audit record of a decision that has its answer.
    pub(in crate::app) fn decided(&self, decision: &Decision) -> (NewEvent, NewAudit) {
        let (outcome, source, by, reason) = match &decision.settled {
            Some(end) => (end.outcome, end.source.as_str(), end.by.clone(), end.reason.clone()),
            None => (Outcome::Denied, "pending", String::new(), String::new()),
        };
        let event = AgentEvent::DecisionMade {
            decision: decision.id,
            tool: shortened(&decision.request.tool),
            outcome,
            source: source.to_owned(),
            by: by.clone(),
            reason: shortened(&reason),
        };
        let mut audit = NewAudit::by(by, self.clock.now(), AuditKind::DecisionMade)
            .about(decision.session, Some(decision.incarnation))
            .with("decision", decision.id.to_string())
            .with("outcome", outcome.as_str())
            .with("source", source)
            .with("request_hash", decision.digest.to_string());
        audit = requested(audit, &decision.request).with("reason", shortened(&reason));
        if let Some(input) = decision.settled.as_ref().and_then(|end| end.updated_input.as_ref()) {
            audit = audit.with("updated_input", shortened(input));
        }
        for policy in &decision.policies {
            audit = audit.with("policy", format!("{}@{}", policy.name, policy.revision));
        }
        audit = ruled(audit, decision);
        if let Some(live) = self.registry.get(decision.session) {
            audit = audit.at(live.end_position());
        }
        (self.event(decision.session, EventKind::Agent(event)), audit)
    }

    /// What is new about a session's agent: its activity, whether it is gated, where it writes.
    pub(super) fn learn(
        &self,
        incoming: &Incoming,
        report: Option<&HookReport>,
        told: &Told,
        follows: &mut Follows,
    ) {
        let Told { activity, evidence } = told;
        let (live, now) = (&incoming.live, self.clock.now());
        let (before, circumstances) = (live.agent(), self.circumstances(live));
        let changed = live.change_agent(|agent| {
            if let Some(report) = report {
                if report.subagent.is_none() && report.conversation.is_some() {
                    agent.conversation.clone_from(&report.conversation);
                }
                if let Some(path) = &report.transcript {
                    self.receipts.told(live.id(), path);
                }
                if let (None, Some(path)) = (&report.subagent, &report.transcript) {
                    agent.transcript = path.to_str().map(str::to_owned);
                }
            }
            if let Some(gate) = evidence.as_ref().and_then(|evidence| agent.gate.after(evidence)) {
                agent.gate = gate;
            }
            if let Some((name, source)) = *activity {
                note_activity(agent, Activity { name, source, since: now }, circumstances);
            }
        });
        let Some(agent) = changed else { return };
        self.tell_of(live, &before, &agent, follows);
        follows.agent = Some(agent);
    }

    /// Whether the calls of a session are judged, after something that tells of it.
    pub(in crate::app) fn learn_gate(
        &self,
        live: &Live,
        evidence: &GateEvidence,
        follows: &mut Follows,
    ) {
        let before = live.agent();
        let changed = live.change_agent(|agent| {
            if let Some(gate) = agent.gate.after(evidence) {
                agent.gate = gate;
            }
        });
        let Some(agent) = changed else { return };
        self.tell_of(live, &before, &agent, follows);
        follows.agent = Some(agent);
    }

    fn tell_of(
        &self,
        live: &Live,
        before: &SessionAgent,
        agent: &SessionAgent,
        follows: &mut Follows,
    ) {
        if agent.gate != before.gate {
            let (kind, reason) = match &agent.gate {
                Gate::Ungated { reason } => (AuditKind::SessionUngated, reason.clone()),
                Gate::None | Gate::Unproven | Gate::Gated => {
                    (AuditKind::SessionGated, String::new())
                }
            };
            let gate = agent.gate.as_str().to_owned();
            let event = AgentEvent::GateChanged { gate: gate.clone(), reason: reason.clone() };
            follows.events.push(self.event(live.id(), EventKind::Agent(event)));
            let audit = self.audit_of(NewAudit::DAEMON, kind, live);
            follows.audit.push(audit.with("gate", gate).with("reason", reason));
        }
        if let Some(now) = agent.activity
            && before.activity.is_none_or(|before| before.name != now.name)
        {
            let event = AgentEvent::ActivityChanged { activity: now.name, source: now.source };
            follows.events.push(self.event(live.id(), EventKind::Agent(event)));
        }
    }

    /// Refuses what cannot be judged; what asks for nothing is only written down.
    pub(super) async fn refuse_unread(
        &self,
        mut incoming: Incoming,
        event: String,
        gating: Option<Unread>,
        why: String,
    ) -> Result<Reported, Error> {
        if incoming.record.name.is_empty() {
            incoming.record.name = "?".to_owned();
        }
        let event = match gating {
            // Silence would be leave.
            Some(_) if !incoming.agent.is_gating(&event) => incoming.agent.gate().to_owned(),
            Some(_) | None => event,
        };
        let reply = Reply { agent: incoming.agent, event, call: None };
        let mut follows =
            Follows { events: vec![self.reported(&incoming, None)], ..Follows::default() };
        let Some(unread) = gating else {
            self.write_report(&incoming, follows).await?;
            return Ok(Reported::Answered(reply.with(&crate::agents::Answer::NoOpinion)));
        };
        let source = match unread {
            Unread::TooLarge => DecisionSource::TooLarge,
            Unread::Malformed => DecisionSource::Malformed,
        };
        let mut decision = self.unread_decision(&incoming);
        decision.settled = Some(self.own_answer(Outcome::Denied, source, why.clone()));
        let (event, audit) = self.decided(&decision);
        follows.events.push(event);
        follows.audit.push(audit);
        self.learn(&incoming, None, &Told::judged(None), &mut follows);
        follows.decision = Some(decision);
        match self.write_report(&incoming, follows).await? {
            Stored::New => Ok(Reported::Answered(reply.deny(why))),
            Stored::Before(known) => self.reported_before(&incoming, &known, reply).await,
        }
    }

    fn unread_decision(&self, incoming: &Incoming) -> Decision {
        let tool = ToolCall {
            tool: "?".to_owned(),
            input: Err("unread".to_owned()),
            input_text: incoming.record.body.clone(),
            tool_use_id: None,
        };
        let report = HookReport {
            name: incoming.record.name.clone(),
            kind: crate::agents::HookKind::Other,
            conversation: None,
            transcript: None,
            cwd: None,
            subagent: None,
            permission_mode: None,
        };
        let mut decision = self.new_decision(incoming, &report, &tool, None);
        decision.digest = codeplane_core::RequestDigest::from_bytes(incoming.record.body_hash);
        decision
    }
}

/// Whether a decision is about a call that an agent made. (What is undecided waits for a person.)
fn is_judgement(decision: &Decision) -> bool {
    decision.settled.as_ref().is_none_or(|settled| settled.source != DecisionSource::Trial)
}

/// By what it was decided, for the audit log: the rules that count, and the approval or grant.
fn ruled(audit: NewAudit, decision: &Decision) -> NewAudit {
    let verdict: serde_json::Value = serde_json::from_str(&decision.verdict).unwrap_or_default();
    let rules = verdict["rules"].as_array().into_iter().flatten();
    let audit = rules
        .filter_map(serde_json::Value::as_str)
        .take(RULES)
        .fold(audit, |audit, rule| audit.with("rule", shortened(rule)));
    let Some(source) = decision.settled.as_ref().map(|settled| settled.source) else {
        return audit;
    };
    let name = match source {
        DecisionSource::Person(_)
        | DecisionSource::Dialog(_)
        | DecisionSource::Expired(_)
        | DecisionSource::Cancelled(_) => "approval",
        DecisionSource::Grant(_) => "grant",
        DecisionSource::Repeated(_) => "repeats",
        DecisionSource::Rules
        | DecisionSource::Default
        | DecisionSource::Unattended
        | DecisionSource::Dangerous
        | DecisionSource::Malformed
        | DecisionSource::TooLarge
        | DecisionSource::TooManyPending
        | DecisionSource::Failed
        | DecisionSource::Trial => return audit,
    };
    source.subject().into_iter().fold(audit, |audit, id| audit.with(name, id))
}

/// What was asked, for the audit log: names and hashes in full, input shortened.
fn requested(audit: NewAudit, request: &ToolRequest) -> NewAudit {
    let mut audit = audit
        .with("provider", request.provider.clone())
        .with("tool", shortened(&request.tool))
        .with("input", shortened(&request.input));
    for (name, value) in [
        ("tool_use_id", &request.tool_use_id),
        ("cwd", &request.cwd),
        ("subagent", &request.subagent),
    ] {
        if let Some(value) = value {
            audit = audit.with(name, shortened(value));
        }
    }
    audit
}

/// What of a text goes into events and records.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 4096;
    if text.len() <= MOST {
        return text.to_owned();
    }
    let end = (0..=MOST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &text[..end])
}

fn head(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(INPUT_BYTES)]).into_owned()
}
