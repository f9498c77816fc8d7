//! The data of what happens around agents, as JSON. The names of its fields are on disk: they never
//! change.

use codeplane_core::{ActivityName, ActivitySource, AgentEvent, ApprovalState, Outcome, Timestamp};
use serde_json::{Value, json};

use super::kind::text;

/// What is written.
pub(super) fn payload(event: &AgentEvent) -> Value {
    match event {
        AgentEvent::HookReported { report, provider, name, tool, tool_use_id } => json!({
            "report": report.to_string(), "provider": provider, "name": name, "tool": tool,
            "tool_use_id": tool_use_id,
        }),
        AgentEvent::DecisionMade { decision, tool, outcome, source, by, reason } => json!({
            "decision": decision.to_string(), "tool": tool, "outcome": outcome.as_str(),
            "source": source, "by": by, "reason": reason,
        }),
        AgentEvent::ApprovalRequested { approval, tool, subject, expires_at } => json!({
            "approval": approval.to_string(), "tool": tool, "subject": subject,
            "expires_at": expires_at.as_micros(),
        }),
        AgentEvent::ApprovalResolved { approval, state, by } => {
            json!({"approval": approval.to_string(), "state": state.as_str(), "by": by})
        }
        AgentEvent::GrantCreated { grant, subject, by } => {
            json!({"grant": grant.to_string(), "subject": subject, "by": by})
        }
        AgentEvent::GrantRevoked { grant, by } => json!({"grant": grant.to_string(), "by": by}),
        AgentEvent::GateChanged { gate, reason } => json!({"gate": gate, "reason": reason}),
        AgentEvent::ActivityChanged { activity, source } => {
            json!({"activity": activity.as_str(), "source": source.as_str()})
        }
        AgentEvent::Violation { tool_use_id, tool, problem } => {
            json!({"tool_use_id": tool_use_id, "tool": tool, "problem": problem})
        }
        AgentEvent::HooksEdited { path, change } => json!({"path": path, "change": change}),
    }
}

/// What is read.
pub(super) fn kind(type_name: &str, payload: &Value) -> Result<AgentEvent, String> {
    let text = |field: &str| text(payload, field);
    Ok(match type_name {
        "hook.reported" => AgentEvent::HookReported {
            report: id(payload, "report")?,
            provider: text("provider")?,
            name: text("name")?,
            tool: text("tool")?,
            tool_use_id: text("tool_use_id")?,
        },
        "decision.made" => AgentEvent::DecisionMade {
            decision: id(payload, "decision")?,
            tool: text("tool")?,
            outcome: word(payload, "outcome", Outcome::parse)?,
            source: text("source")?,
            by: text("by")?,
            reason: text("reason")?,
        },
        "approval.requested" => AgentEvent::ApprovalRequested {
            approval: id(payload, "approval")?,
            tool: text("tool")?,
            subject: text("subject")?,
            expires_at: payload["expires_at"]
                .as_i64()
                .map(Timestamp::from_micros)
                .ok_or("no time 'expires_at'")?,
        },
        "approval.resolved" => AgentEvent::ApprovalResolved {
            approval: id(payload, "approval")?,
            state: word(payload, "state", ApprovalState::parse)?,
            by: text("by")?,
        },
        "grant.created" => AgentEvent::GrantCreated {
            grant: id(payload, "grant")?,
            subject: text("subject")?,
            by: text("by")?,
        },
        "grant.revoked" => {
            AgentEvent::GrantRevoked { grant: id(payload, "grant")?, by: text("by")? }
        }
        "gate.changed" => AgentEvent::GateChanged { gate: text("gate")?, reason: text("reason")? },
        "activity.changed" => AgentEvent::ActivityChanged {
            activity: word(payload, "activity", ActivityName::parse)?,
            source: word(payload, "source", ActivitySource::parse)?,
        },
        "violation" => AgentEvent::Violation {
            tool_use_id: text("tool_use_id")?,
            tool: text("tool")?,
            problem: text("problem")?,
        },
        "hooks.edited" => AgentEvent::HooksEdited { path: text("path")?, change: text("change")? },
        other => return Err(format!("'{other}' is not a type of event")),
    })
}

fn id<T: std::str::FromStr>(payload: &Value, field: &str) -> Result<T, String> {
    let id = text(payload, field)?;
    id.parse().map_err(|_| format!("'{field}' is not an id"))
}

fn word<T>(payload: &Value, field: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    let word = text(payload, field)?;
    parse(&word).ok_or_else(|| format!("'{field}' is not a word that is written here"))
}
