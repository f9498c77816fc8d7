//! Policies as messages.

use codeplane_core::policy::{Effect, Format, UnitVerdict};
use codeplane_core::{BindingTarget, PolicyBinding};
use codeplane_proto::v1;
use codeplane_proto::v1::policy_target::Target;

use super::convert::{policy_reference, timestamp};
use crate::app::{
    AppliedView, Change, Error, FoundIn, JudgedCall, PolicyFile, PolicyView, TargetRequest,
};

pub(super) fn policy(view: PolicyView) -> v1::Policy {
    let text = view.revision.source.clone();
    let document = view.revision.document.clone();
    v1::Policy { text, document, ..listed(view) }
}

/// Without its text.
pub(super) fn listed(view: PolicyView) -> v1::Policy {
    let revision = view.revision;
    v1::Policy {
        name: revision.name.to_string(),
        revision: revision.revision,
        description: view.description,
        default_effect: effect(view.default).into(),
        rule_count: u32::try_from(view.rules).unwrap_or(u32::MAX),
        text: String::new(),
        format: format(revision.format).into(),
        document: String::new(),
        sha256: revision.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
        create_time: view.created_at.map(timestamp),
        revise_time: Some(timestamp(revision.author.at)),
        principal: revision.author.principal,
        note: revision.author.note,
        etag: revision.revision.to_string(),
        binding_count: u32::try_from(view.bindings).unwrap_or(u32::MAX),
    }
}

pub(super) fn applied(view: AppliedView) -> v1::AppliedPolicy {
    let change = match view.applied {
        Change::Created => v1::PolicyChange::Created,
        Change::Changed => v1::PolicyChange::Changed,
        Change::Unchanged => v1::PolicyChange::Unchanged,
    };
    v1::AppliedPolicy { policy: Some(policy(view.policy)), change: change.into() }
}

pub(super) fn finding(found: FoundIn) -> v1::PolicyFinding {
    let FoundIn { policy, finding } = found;
    v1::PolicyFinding {
        policy,
        rule: finding.rule,
        line: u32::try_from(finding.line).unwrap_or(u32::MAX),
        code: finding.code.to_owned(),
        message: finding.message,
    }
}

pub(super) fn binding(binding: PolicyBinding) -> v1::PolicyBinding {
    let mut workspace_identity = String::new();
    let target = match binding.target {
        BindingTarget::Default => Target::Default(v1::PolicyDefaultTarget {}),
        BindingTarget::Workspace { identity, directory } => {
            workspace_identity = identity;
            Target::Workspace(directory)
        }
        BindingTarget::Label { key, value } => Target::Label(v1::PolicyLabelTarget { key, value }),
        BindingTarget::Session(id) => Target::Session(id.to_string()),
    };
    v1::PolicyBinding {
        policy: binding.policy.to_string(),
        target: Some(v1::PolicyTarget { target: Some(target) }),
        workspace_identity,
        principal: binding.principal,
        bind_time: Some(timestamp(binding.bound_at)),
    }
}

pub(super) fn target(target: Option<v1::PolicyTarget>) -> Result<TargetRequest, Error> {
    match target.and_then(|target| target.target) {
        Some(Target::Default(_)) => Ok(TargetRequest::Default),
        Some(Target::Workspace(path)) => Ok(TargetRequest::Workspace(path)),
        Some(Target::Label(v1::PolicyLabelTarget { key, value })) => {
            Ok(TargetRequest::Label { key, value })
        }
        Some(Target::Session(reference)) => Ok(TargetRequest::Session(reference)),
        None => Err(Error::invalid("target", "must be default, a workspace, a label or a session")),
    }
}

pub(super) fn judged(judged: JudgedCall) -> v1::SimulatePolicyResponse {
    let verdict = judged.verdict;
    v1::SimulatePolicyResponse {
        decision: effect(judged.decision).into(),
        units: verdict.units.into_iter().map(unit).collect(),
        rules: verdict.rules,
        reasons: verdict.reasons,
        policies: judged.policies.into_iter().map(policy_reference).collect(),
    }
}

pub(super) fn unit(unit: UnitVerdict) -> v1::JudgedUnit {
    v1::JudgedUnit {
        tool: unit.tool,
        text: unit.text,
        decision: unit.decision.name().to_owned(),
        rules: unit.rules,
        reasons: unit.reasons,
        paths: unit.paths.into_iter().filter_map(|path| path.resolved).collect(),
    }
}

/// A file as a request has it.
pub(super) fn file(text: String, format: i32, name: String) -> Result<PolicyFile, Error> {
    let format = match v1::PolicyFormat::try_from(format) {
        Ok(v1::PolicyFormat::Unspecified) => None,
        Ok(v1::PolicyFormat::Yaml) => Some(Format::Yaml),
        Ok(v1::PolicyFormat::Toml) => Some(Format::Toml),
        Ok(v1::PolicyFormat::Json) => Some(Format::Json),
        Err(_) => return Err(Error::invalid("format", "must be YAML, TOML or JSON")),
    };
    Ok(PolicyFile { text, format, name })
}

/// The default of a request; none if it is not set.
pub(super) fn default_effect(number: i32) -> Result<Option<Effect>, Error> {
    match v1::PolicyEffect::try_from(number) {
        Ok(v1::PolicyEffect::Unspecified) => Ok(None),
        Ok(v1::PolicyEffect::Ask) => Ok(Some(Effect::Ask)),
        Ok(v1::PolicyEffect::Deny) => Ok(Some(Effect::Deny)),
        Ok(v1::PolicyEffect::Allow) | Err(_) => {
            Err(Error::invalid("default_effect", "must be ASK or DENY"))
        }
    }
}

pub(super) const fn effect(effect: Effect) -> v1::PolicyEffect {
    match effect {
        Effect::Allow => v1::PolicyEffect::Allow,
        Effect::Ask => v1::PolicyEffect::Ask,
        Effect::Deny => v1::PolicyEffect::Deny,
    }
}

const fn format(format: Format) -> v1::PolicyFormat {
    match format {
        Format::Yaml => v1::PolicyFormat::Yaml,
        Format::Toml => v1::PolicyFormat::Toml,
        Format::Json => v1::PolicyFormat::Json,
    }
}
