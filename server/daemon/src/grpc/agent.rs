//! Values around agents as messages.

use codeplane_core::secret::mask;
use codeplane_core::{
    ActivityName, ActivitySource, AgentEvent, ApprovalKind, ApprovalState, Gate, GateMode, Grant,
    GrantScope, GrantTarget, SessionAgent,
};
use codeplane_proto::v1;
use serde_json::Value;

use super::convert::timestamp;
use crate::app::ApprovalView;

pub(super) fn payload(event: AgentEvent) -> v1::event::Payload {
    use v1::event::Payload;
    match event {
        AgentEvent::HookReported { report, provider, name, tool, tool_use_id } => {
            let report_id = report.to_string();
            Payload::HookReported(v1::HookReported { report_id, provider, name, tool, tool_use_id })
        }
        AgentEvent::DecisionMade { decision, tool, outcome, source, by, reason } => {
            Payload::DecisionMade(v1::DecisionMade {
                decision_id: decision.to_string(),
                tool,
                outcome: outcome.as_str().to_owned(),
                source,
                decided_by: by,
                reason: mask(&reason).into_owned(),
            })
        }
        AgentEvent::ApprovalRequested { approval, tool, subject, expires_at } => {
            let (approval_id, expire_time) = (approval.to_string(), Some(timestamp(expires_at)));
            let subject = mask(&subject).into_owned();
            Payload::ApprovalRequested(v1::ApprovalRequested {
                approval_id,
                tool,
                subject,
                expire_time,
            })
        }
        AgentEvent::ApprovalResolved { approval, state, by } => {
            Payload::ApprovalResolved(v1::ApprovalResolved {
                approval_id: approval.to_string(),
                state: state.as_str().to_owned(),
                decided_by: by,
            })
        }
        AgentEvent::GrantCreated { grant, subject, by } => {
            let (grant_id, created_by) = (grant.to_string(), by);
            let subject = mask(&subject).into_owned();
            Payload::GrantCreated(v1::GrantCreated { grant_id, subject, created_by })
        }
        AgentEvent::GrantRevoked { grant, by } => {
            Payload::GrantRevoked(v1::GrantRevoked { grant_id: grant.to_string(), revoked_by: by })
        }
        AgentEvent::GateChanged { gate, reason } => {
            Payload::GateChanged(v1::GateChanged { gate, reason })
        }
        AgentEvent::ActivityChanged { activity, source } => {
            Payload::ActivityChanged(v1::ActivityChanged {
                activity: activity.as_str().to_owned(),
                source: source.as_str().to_owned(),
            })
        }
        AgentEvent::Violation { tool_use_id, tool, problem } => {
            Payload::Violation(v1::Violation { tool_use_id, tool, problem })
        }
        AgentEvent::HooksEdited { path, change } => {
            Payload::HooksEdited(v1::HooksEdited { path, change })
        }
    }
}

pub(super) const fn gate(gate: &Gate) -> v1::Gate {
    match gate {
        Gate::None => v1::Gate::None,
        Gate::Unproven => v1::Gate::Unproven,
        Gate::Gated => v1::Gate::Gated,
        Gate::Ungated { .. } => v1::Gate::Ungated,
    }
}

pub(super) const fn activity(name: ActivityName) -> v1::Activity {
    match name {
        ActivityName::Unknown => v1::Activity::Unknown,
        ActivityName::Working => v1::Activity::Working,
        ActivityName::Idle => v1::Activity::Idle,
        ActivityName::WaitingForInput => v1::Activity::WaitingForInput,
        ActivityName::WaitingForApproval => v1::Activity::WaitingForApproval,
        ActivityName::RateLimited => v1::Activity::RateLimited,
    }
}

pub(super) const fn activity_name(activity: v1::Activity) -> Option<ActivityName> {
    match activity {
        v1::Activity::Unspecified => None,
        v1::Activity::Unknown => Some(ActivityName::Unknown),
        v1::Activity::Working => Some(ActivityName::Working),
        v1::Activity::Idle => Some(ActivityName::Idle),
        v1::Activity::WaitingForInput => Some(ActivityName::WaitingForInput),
        v1::Activity::WaitingForApproval => Some(ActivityName::WaitingForApproval),
        v1::Activity::RateLimited => Some(ActivityName::RateLimited),
    }
}

/// Writes what is known of an agent into its session's message.
pub(super) fn describe(message: &mut v1::Session, known: SessionAgent) {
    message.set_gate(gate(&known.gate));
    if let Gate::Ungated { reason } = known.gate {
        message.gate_reason = reason;
    }
    message.set_activity(v1::Activity::Unknown);
    if let Some(now) = known.activity {
        message.set_activity(activity(now.name));
        message.set_activity_source(match now.source {
            ActivitySource::Hook => v1::ActivitySource::Hook,
            ActivitySource::ProgramStatus => v1::ActivitySource::ProgramStatus,
            ActivitySource::Daemon => v1::ActivitySource::Daemon,
        });
        message.activity_time = Some(timestamp(now.since));
    }
    message.owner = known.owner;
    message.workspace = known.workspace;
    message.conversation_id = known.conversation.unwrap_or_default();
}

pub(super) fn approval(view: ApprovalView) -> v1::Approval {
    let ApprovalView { approval, decision, session_name, questions, answers, updated_subject } =
        view;
    let (state, asked) = (approval.state(), approval.asked);
    let mut message = v1::Approval {
        id: asked.id.to_string(),
        session_id: asked.session.to_string(),
        session_name,
        incarnation: asked.incarnation.0,
        decision_id: asked.decision.to_string(),
        request_hash: asked.digest.to_string(),
        subject: asked.subject,
        questions: questions.into_iter().map(question).collect(),
        answers: answers.into_iter().map(answered).collect(),
        updated_subject: updated_subject.unwrap_or_default(),
        grant_patterns: asked.patterns,
        not_grantable: asked.not_grantable.unwrap_or_default(),
        four_eyes: asked.four_eyes,
        create_time: Some(timestamp(asked.asked_at)),
        expire_time: Some(timestamp(asked.expires_at)),
        deliver_time: approval.delivered_at.map(timestamp),
        in_dialog: asked.mode == GateMode::AgentDialog,
        ..v1::Approval::default()
    };
    message.set_kind(match asked.kind {
        ApprovalKind::ToolCall => v1::ApprovalKind::ToolCall,
        ApprovalKind::Question => v1::ApprovalKind::Question,
        ApprovalKind::Plan => v1::ApprovalKind::Plan,
    });
    message.set_state(approval_state(state));
    if let Some(end) = approval.resolution {
        message.decide_time = Some(timestamp(end.at));
        message.decided_by = end.by;
        message.message = end.message;
        // The answers say what else there would be to say.
        if message.answers.is_empty() {
            message.updated_input = end.updated_input.unwrap_or_default();
        }
    }
    if let Some(decision) = decision {
        let verdict: Value = serde_json::from_str(&decision.verdict).unwrap_or_default();
        message.units = units(&verdict["units"]);
        message.rules = texts(&verdict["rules"]);
        message.reasons = texts(&verdict["reasons"]);
        message.provider = decision.request.provider;
        message.tool = decision.request.tool;
        message.input = decision.request.input;
        message.cwd = decision.request.cwd.unwrap_or_default();
        message.subagent = decision.request.subagent.unwrap_or_default();
    }
    message
}

const fn approval_state(state: ApprovalState) -> v1::ApprovalState {
    match state {
        ApprovalState::Pending => v1::ApprovalState::Pending,
        ApprovalState::Allowed => v1::ApprovalState::Allowed,
        ApprovalState::Denied => v1::ApprovalState::Denied,
        ApprovalState::Expired => v1::ApprovalState::Expired,
        ApprovalState::Cancelled => v1::ApprovalState::Cancelled,
    }
}

fn question(question: crate::app::Question) -> v1::Question {
    let option = |choice: crate::app::Choice| v1::QuestionOption {
        label: choice.label,
        description: choice.description,
    };
    v1::Question {
        text: question.text,
        header: question.header,
        options: question.options.into_iter().map(option).collect(),
        multi_select: question.multi_select,
    }
}

fn answered((question, answer): (String, String)) -> v1::QuestionAnswer {
    v1::QuestionAnswer { question, answers: vec![answer] }
}

/// The units of a verdict, from the JSON that was kept of it.
pub(super) fn units(units: &Value) -> Vec<v1::JudgedUnit> {
    let one = |unit: &Value| {
        let text = |field: &str| unit[field].as_str().unwrap_or_default().to_owned();
        v1::JudgedUnit {
            tool: text("tool"),
            text: text("text"),
            decision: text("decision"),
            rules: texts(&unit["rules"]),
            reasons: texts(&unit["reasons"]),
            paths: texts(&unit["paths"]),
        }
    };
    units.as_array().map(|units| units.iter().map(one).collect()).unwrap_or_default()
}

pub(super) fn texts(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn grant(grant: Grant) -> v1::Grant {
    let (request_hash, pattern) = match grant.target {
        GrantTarget::Request(digest) => (digest.to_string(), String::new()),
        GrantTarget::Pattern(pattern) => (String::new(), pattern),
    };
    let (revoked_by, revoke_time) = grant.revoked.unzip();
    let mut message = v1::Grant {
        id: grant.id.to_string(),
        scope_value: grant.scope.value(),
        tool: grant.tool,
        request_hash,
        pattern,
        subject: grant.subject,
        created_by: grant.created_by,
        create_time: Some(timestamp(grant.created_at)),
        approval_id: grant.approval.to_string(),
        expire_time: grant.expires_at.map(timestamp),
        revoke_time: revoke_time.map(timestamp),
        revoked_by: revoked_by.unwrap_or_default(),
        ..v1::Grant::default()
    };
    message.set_scope(match grant.scope {
        GrantScope::Session(_) => v1::GrantScope::Session,
        GrantScope::Workspace(_) => v1::GrantScope::Workspace,
    });
    message
}
