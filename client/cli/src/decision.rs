//! Decisions as people see them.

use codeplane_client::{v1, visible};
use jiff::Timestamp;

use crate::approval::{Details, Line, Tone};
use crate::text;

/// The answer in one word.
pub(crate) const fn outcome(outcome: v1::DecisionOutcome) -> &'static str {
    match outcome {
        v1::DecisionOutcome::Unspecified => "pending",
        v1::DecisionOutcome::Allowed => "allowed",
        v1::DecisionOutcome::Denied => "denied",
    }
}

/// What rules say, in one word.
pub(crate) const fn effect(effect: v1::PolicyEffect) -> &'static str {
    match effect {
        v1::PolicyEffect::Unspecified => "nothing",
        v1::PolicyEffect::Allow => "allow",
        v1::PolicyEffect::Ask => "ask",
        v1::PolicyEffect::Deny => "deny",
    }
}

/// What the session is called.
pub(crate) fn session(decision: &v1::Decision) -> String {
    match decision.session_name.as_str() {
        "" => text::short(&decision.session_id).to_owned(),
        name => visible(name).into_owned(),
    }
}

/// All that is known of a decision.
pub(crate) fn explanation(told: &v1::ExplainDecisionResponse, now: Timestamp) -> Vec<Line> {
    let mut details = Details::default();
    let decision = told.decision.clone().unwrap_or_default();
    head(&mut details, &decision, now);
    details.call((&decision.tool, &decision.subject), &told.input);
    if !told.updated_input.is_empty() {
        details.block("changed to", &told.updated_input);
    }
    if let Some(recorded) = &told.recorded {
        judged(&mut details, recorded);
    }
    details.list("policies", &policies(&decision));
    if let Some(approval) = &told.approval {
        details.fact("approval", text::short(&approval.id));
    }
    if told.audit_seq > 0 {
        details.fact("audit", &format!("record {}", told.audit_seq));
    }
    again(&mut details, told);
    details.fact("hash", &decision.request_hash);
    details.lines
}

fn head(details: &mut Details, decision: &v1::Decision, now: Timestamp) {
    let (id, said) = (text::short(&decision.id), outcome(decision.outcome()));
    let tone = match decision.outcome() {
        v1::DecisionOutcome::Unspecified => Tone::Heading,
        v1::DecisionOutcome::Allowed => Tone::Allow,
        v1::DecisionOutcome::Denied => Tone::Deny,
    };
    let from = match (decision.source.as_str(), text::short(&decision.source_id)) {
        ("", _) => String::new(),
        (source, "") => format!(" ({})", visible(source)),
        (source, id) => format!(" ({} {id})", visible(source)),
    };
    let time = decision.decide_time.or(decision.create_time);
    details.push(tone, format!("{id} {said}{from} {}", text::ago(time, now)));
    details.fact("by", &decision.decided_by);
    details.fact("said", &decision.reason);
    let (name, short) = (session(decision), text::short(&decision.session_id));
    let named = if name == short { name } else { format!("{name} ({short})") };
    details.fact("session", &format!("{named}, run {}", decision.incarnation));
    let subagent = match decision.subagent.as_str() {
        "" => String::new(),
        subagent => format!(", subagent {subagent}"),
    };
    details.fact("agent", &format!("{}{subagent}", decision.provider));
    details.fact("in", &decision.cwd);
}

fn judged(details: &mut Details, judged: &v1::JudgedRequest) {
    details.fact("verdict", effect(judged.decision()));
    details.units(&judged.units);
    details.list("rules", &judged.rules);
    details.list("because", &judged.reasons);
}

fn policies(decision: &v1::Decision) -> Vec<String> {
    let called = |one: &v1::PolicyReference| format!("{} revision {}", one.name, one.revision);
    decision.policies.iter().map(called).collect()
}

fn again(details: &mut Details, told: &v1::ExplainDecisionResponse) {
    let Some(again) = &told.again else {
        return details.fact("again", &format!("not judged again: {}", told.again_problem));
    };
    if told.repeats {
        return details.fact("again", "the same revisions say the same of it");
    }
    let text = "Judged again by the same revisions the verdict is another one:";
    details.push(Tone::Warning, text.to_owned());
    let (then, now) = (told.options_version, told.current_options_version);
    if then != now && then != 0 {
        let table = format!("what options of programs do is judged by table {now}, it was {then}");
        details.fact("since then", &table);
    }
    judged(details, again);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> v1::ExplainDecisionResponse {
        let judged = v1::JudgedRequest {
            decision: v1::PolicyEffect::Deny.into(),
            units: vec![v1::JudgedUnit {
                tool: "Bash".into(),
                text: "rm x\u{1b}[2J".into(),
                decision: "deny".into(),
                ..Default::default()
            }],
            rules: vec!["team/no-rm".into()],
            reasons: vec!["rule team/no-rm denies".into()],
        };
        v1::ExplainDecisionResponse {
            decision: Some(v1::Decision {
                id: "3f2a0000-0000-4000-8000-000000000000".into(),
                session_id: "6f1c0000-0000-4000-8000-000000000000".into(),
                session_name: "web".into(),
                incarnation: 1,
                provider: "claude".into(),
                tool: "Bash".into(),
                subject: "rm x\u{1b}[2J".into(),
                cwd: "/w".into(),
                outcome: v1::DecisionOutcome::Denied.into(),
                source: "rules".into(),
                decided_by: "daemon".into(),
                reason: "rule team/no-rm denies".into(),
                policies: vec![v1::PolicyReference { name: "team".into(), revision: 3 }],
                request_hash: "ab".repeat(32),
                ..Default::default()
            }),
            input: serde_json::json!({ "command": "rm x\u{1b}[2J" }).to_string(),
            recorded: Some(judged.clone()),
            audit_seq: 17,
            again: Some(judged),
            repeats: true,
            ..Default::default()
        }
    }

    fn shown(told: &v1::ExplainDecisionResponse) -> String {
        let lines = explanation(told, Timestamp::UNIX_EPOCH);
        lines.iter().map(|line| format!("{}\n", line.text)).collect()
    }

    #[test]
    fn a_decision_is_told_whole_and_nothing_in_it_acts_on_a_terminal() {
        let shown = shown(&told());

        for part in [
            "3f2a0000 denied (rules)",
            "session     web (6f1c0000), run 1",
            "verdict     deny",
            "deny        Bash rm x\\x1b[2J",
            "rules       team/no-rm",
            "policies    team revision 3",
            "audit       record 17",
            "again       the same revisions say the same of it",
        ] {
            assert!(shown.contains(part), "{part} is not in\n{shown}");
        }
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    }

    #[test]
    fn a_verdict_that_is_not_repeated_is_warned_of() {
        let mut told = told();
        told.repeats = false;
        (told.options_version, told.current_options_version) = (2, 3);
        let warned = explanation(&told, Timestamp::UNIX_EPOCH);

        assert!(
            warned.iter().any(|line| line.tone == Tone::Warning && line.text.contains("again"))
        );
        assert!(shown(&told).contains("by table 3, it was 2"));
        told.again = None;
        told.again_problem = "policy 'team' has no revision 3".into();
        assert!(shown(&told).contains("not judged again: policy 'team' has no revision 3"));
    }
}
