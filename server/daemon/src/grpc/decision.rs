//! Decisions: those methods of `PolicyService` that look back.

use std::pin::Pin;

use codeplane_core::policy::{ESCALATION_VERSION, Effect, Verdict};
use codeplane_core::secret::mask;
use codeplane_core::{Decision, Outcome, Settled};
use codeplane_proto::v1;
use codeplane_proto::v1::diff_policy_response::Item;
use tokio_stream::Stream;
use tonic::Status;

use super::convert::{policy_reference, timestamp};
use super::status::status;
use super::{agent, page, policy, policy_convert};
use crate::app::{
    App, ChangedAnswer, Compared, DECISION_FILTER_FIELDS, DecisionView, DiffRequest, DiffStep,
    Error, Explained, PolicyDiff, shortened, subject, subject_of,
};

/// Largest page: a decision may be 10 KiB.
const PAGE: usize = 200;

/// Calls that are compared if nobody says how many.
const LAST: usize = 1000;

/// A page of decisions.
pub(super) async fn list(
    app: &App,
    request: v1::ListDecisionsRequest,
) -> Result<v1::ListDecisionsResponse, Error> {
    let size = page::size(request.page_size)?.min(PAGE);
    let filter = page::filter(&request.filter, &DECISION_FILTER_FIELDS)?;
    let after = page::cursor(page::DECISIONS, &request.page_token, &filter)?;
    let list = app.list_decisions(&filter, size, after).await?;
    let next = list.next.map(|cursor| page::token(page::DECISIONS, cursor, &filter));
    Ok(v1::ListDecisionsResponse {
        decisions: list.decisions.into_iter().map(decision).collect(),
        next_page_token: next.unwrap_or_default(),
    })
}

/// All that is known of a decision.
pub(super) async fn explain(
    app: &App,
    request: v1::ExplainDecisionRequest,
) -> Result<v1::ExplainDecisionResponse, Error> {
    Ok(explanation(app.explain_decision(&request.decision).await?))
}

/// What a revision of a policy answers otherwise than another.
pub(super) type Differences =
    Pin<Box<dyn Stream<Item = Result<v1::DiffPolicyResponse, Status>> + Send>>;

/// Compares two revisions by what was recorded.
pub(super) async fn diff(app: &App, request: v1::DiffPolicyRequest) -> Result<Differences, Error> {
    let diff = app.diff_policy(diff_request(request)?).await?;
    Ok(Box::pin(steps(diff, app.clone())))
}

fn diff_request(request: v1::DiffPolicyRequest) -> Result<DiffRequest, Error> {
    let last = usize::try_from(request.last);
    let last = last.map_err(|_| Error::invalid("last", "must not be negative"))?;
    Ok(DiffRequest {
        policy: request.policy,
        from: policy::revision(request.from_revision)?,
        to: policy::revision(request.to_revision)?,
        last: if last == 0 { LAST } else { last },
    })
}

/// A comparison as a stream: it ends with its first error, and with whoever wanted it.
fn steps(diff: PolicyDiff, app: App) -> impl Stream<Item = Result<v1::DiffPolicyResponse, Status>> {
    let step = move |diff: Option<PolicyDiff>| {
        let app = app.clone();
        async move {
            let mut diff = diff?;
            let item = match diff.next().await {
                Ok(Some(DiffStep::Changed(found))) => Item::Changed(changed(*found, &app)),
                Ok(Some(DiffStep::Done(compared))) => Item::Summary(summary(compared)),
                Ok(None) => return None,
                Err(error) => return Some((Err(status(error)), None)),
            };
            Some((Ok(v1::DiffPolicyResponse { item: Some(item) }), Some(diff)))
        }
    };
    futures_util::stream::unfold(Some(diff), step)
}

fn changed(found: ChangedAnswer, app: &App) -> v1::ChangedAnswer {
    v1::ChangedAnswer {
        decision: Some(decision(app.decision_view(found.decision))),
        before: Some(judged(found.before)),
        after: Some(judged(found.after)),
    }
}

fn summary(compared: Compared) -> v1::PolicyDiffSummary {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    v1::PolicyDiffSummary {
        judged: count(compared.judged),
        changed: count(compared.changed),
        left_out: count(compared.left_out),
    }
}

fn masked(text: &str) -> String {
    mask(text).into_owned()
}

fn decision(view: DecisionView) -> v1::Decision {
    let DecisionView { decision, session_name } = view;
    let updated_subject = masked(&shortened(&updated_subject(&decision).unwrap_or_default()));
    let subject = masked(&shortened(&subject(&decision)));
    let request = decision.request;
    let mut message = v1::Decision {
        id: decision.id.to_string(),
        session_id: decision.session.to_string(),
        session_name,
        incarnation: decision.incarnation.0,
        provider: request.provider,
        subagent: masked(&request.subagent.unwrap_or_default()),
        tool: masked(&request.tool),
        subject,
        updated_subject,
        cwd: masked(&request.cwd.unwrap_or_default()),
        tool_use_id: masked(&request.tool_use_id.unwrap_or_default()),
        request_hash: decision.digest.to_string(),
        policies: decision.policies.into_iter().map(policy_reference).collect(),
        create_time: Some(timestamp(decision.asked_at)),
        ..v1::Decision::default()
    };
    if let Some(settled) = decision.settled {
        settle(&mut message, settled);
    }
    message
}

/// What a person made of a call. Answers to questions are no other call.
fn updated_subject(decision: &Decision) -> Option<String> {
    let input = decision.settled.as_ref()?.updated_input.as_ref()?;
    let value: serde_json::Value = serde_json::from_str(input).unwrap_or_default();
    value["questions"].is_null().then(|| subject_of(decision, input))
}

fn settle(message: &mut v1::Decision, settled: Settled) {
    message.set_outcome(match settled.outcome {
        Outcome::Allowed => v1::DecisionOutcome::Allowed,
        Outcome::Denied => v1::DecisionOutcome::Denied,
    });
    message.source = settled.source.as_str().to_owned();
    message.source_id = settled.source.subject().unwrap_or_default();
    message.reason = masked(&shortened(&settled.reason));
    message.decided_by = settled.by;
    message.decide_time = Some(timestamp(settled.at));
}

fn explanation(explained: Explained) -> v1::ExplainDecisionResponse {
    let Explained { view, approval, record, again, options } = explained;
    let settled = view.decision.settled.as_ref();
    let updated = settled.and_then(|settled| settled.updated_input.as_deref());
    let mut message = v1::ExplainDecisionResponse {
        input: masked(&view.decision.request.input),
        updated_input: masked(updated.unwrap_or_default()),
        recorded: recorded(&view.decision.verdict),
        approval: approval.map(agent::approval).map(masked_approval),
        audit_seq: record.map_or(0, |seq| seq.0),
        options_version: options,
        current_options_version: ESCALATION_VERSION,
        ..v1::ExplainDecisionResponse::default()
    };
    match again {
        Ok(again) => {
            message.repeats = again.repeats;
            message.again = Some(judged(again.verdict));
        }
        Err(why) => message.again_problem = why,
    }
    message.decision = Some(decision(view));
    message
}

fn masked_approval(approval: v1::Approval) -> v1::Approval {
    v1::Approval {
        input: masked(&approval.input),
        cwd: masked(&approval.cwd),
        subject: masked(&approval.subject),
        units: approval.units.into_iter().map(masked_unit).collect(),
        reasons: approval.reasons.iter().map(|reason| masked(reason)).collect(),
        grant_patterns: approval.grant_patterns.iter().map(|pattern| masked(pattern)).collect(),
        message: masked(&approval.message),
        ..approval
    }
}

fn masked_unit(unit: v1::JudgedUnit) -> v1::JudgedUnit {
    v1::JudgedUnit {
        text: masked(&unit.text),
        reasons: unit.reasons.iter().map(|reason| masked(reason)).collect(),
        paths: unit.paths.iter().map(|path| masked(path)).collect(),
        ..unit
    }
}

/// A verdict from the JSON that was kept of it; none if the call was not judged.
fn recorded(verdict: &str) -> Option<v1::JudgedRequest> {
    let verdict: serde_json::Value = serde_json::from_str(verdict).ok()?;
    let effect = Effect::of_name(verdict["decision"].as_str()?)?;
    Some(v1::JudgedRequest {
        decision: policy_convert::effect(effect).into(),
        units: agent::units(&verdict["units"]).into_iter().map(masked_unit).collect(),
        rules: agent::texts(&verdict["rules"]),
        reasons: agent::texts(&verdict["reasons"]).iter().map(|reason| masked(reason)).collect(),
    })
}

fn judged(verdict: Verdict) -> v1::JudgedRequest {
    let units = verdict.units.into_iter().map(policy_convert::unit).map(masked_unit);
    v1::JudgedRequest {
        decision: policy_convert::effect(verdict.decision).into(),
        units: units.collect(),
        rules: verdict.rules,
        reasons: verdict.reasons.iter().map(|reason| masked(reason)).collect(),
    }
}
