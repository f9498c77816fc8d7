//! `PolicyService`.

use std::collections::BTreeMap;

use codeplane_proto::v1;
use codeplane_proto::v1::policy_service_server::PolicyService;
use tonic::{Request, Response, Status};

use super::auth::caller;
use super::policy_convert as convert;
use super::status::status;
use super::{decision, fields, page};
use crate::app::{App, ApplyMode, ApplyRequest, Error, IfBound, RollbackRequest, SimulateRequest};

/// The service.
pub(super) struct Policies {
    app: App,
}

impl Policies {
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl PolicyService for Policies {
    async fn apply_policies(
        &self,
        request: Request<v1::ApplyPoliciesRequest>,
    ) -> Result<Response<v1::ApplyPoliciesResponse>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let id = std::mem::take(&mut request.request_id);
        let mutation = fields::mutation("ApplyPolicies", &id, &request).map_err(status)?;
        let apply = apply(request).map_err(status)?;
        let applied = self.app.apply_policies(&caller, apply, mutation).await.map_err(status)?;
        Ok(Response::new(v1::ApplyPoliciesResponse {
            policies: applied.policies.into_iter().map(convert::applied).collect(),
            findings: applied.findings.into_iter().map(convert::finding).collect(),
        }))
    }

    async fn get_policy(
        &self,
        request: Request<v1::GetPolicyRequest>,
    ) -> Result<Response<v1::GetPolicyResponse>, Status> {
        let request = request.into_inner();
        let revision = revision(request.revision).map_err(status)?;
        let policy = self.app.policy(&request.policy, revision).await.map_err(status)?;
        Ok(Response::new(v1::GetPolicyResponse { policy: Some(convert::policy(policy)) }))
    }

    async fn list_policies(
        &self,
        request: Request<v1::ListPoliciesRequest>,
    ) -> Result<Response<v1::ListPoliciesResponse>, Status> {
        const LIST: &str = "policies";
        let request = request.into_inner();
        let size = page::size(request.page_size).map_err(status)?;
        let after: Option<String> =
            page::policy_cursor(&request.page_token, LIST).map_err(status)?;
        let found = self.app.list_policies(size, after.as_deref());
        Ok(Response::new(v1::ListPoliciesResponse {
            policies: found.items.into_iter().map(convert::listed).collect(),
            next_page_token: token(LIST, found.next),
        }))
    }

    async fn delete_policy(
        &self,
        request: Request<v1::DeletePolicyRequest>,
    ) -> Result<Response<v1::DeletePolicyResponse>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let id = std::mem::take(&mut request.request_id);
        let mutation = fields::mutation("DeletePolicy", &id, &request).map_err(status)?;
        let expected = fields::etag(&request.etag).map_err(status)?;
        let if_bound = if request.force { IfBound::Unbind } else { IfBound::Refuse };
        let target = (request.policy.as_str(), if_bound);
        self.app.delete_policy(&caller, target, expected, mutation).await.map_err(status)?;
        Ok(Response::new(v1::DeletePolicyResponse {}))
    }

    async fn list_policy_revisions(
        &self,
        request: Request<v1::ListPolicyRevisionsRequest>,
    ) -> Result<Response<v1::ListPolicyRevisionsResponse>, Status> {
        let request = request.into_inner();
        let list = format!("history {}", request.policy);
        let size = page::size(request.page_size).map_err(status)?;
        let before = page::policy_cursor(&request.page_token, &list).map_err(status)?;
        let found = self.app.policy_history(&request.policy, size, before).await;
        let found = found.map_err(status)?;
        Ok(Response::new(v1::ListPolicyRevisionsResponse {
            revisions: found.items.into_iter().map(convert::listed).collect(),
            next_page_token: token(&list, found.next),
        }))
    }

    async fn rollback_policy(
        &self,
        request: Request<v1::RollbackPolicyRequest>,
    ) -> Result<Response<v1::RollbackPolicyResponse>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let id = std::mem::take(&mut request.request_id);
        let mutation = fields::mutation("RollbackPolicy", &id, &request).map_err(status)?;
        let rollback = RollbackRequest {
            revision: revision(request.revision).map_err(status)?,
            expected: fields::etag(&request.etag).map_err(status)?,
            policy: request.policy,
            note: request.note,
        };
        let back = self.app.roll_back_policy(&caller, rollback, mutation).await;
        let policy = Some(convert::applied(back.map_err(status)?));
        Ok(Response::new(v1::RollbackPolicyResponse { policy }))
    }

    async fn bind_policy(
        &self,
        request: Request<v1::BindPolicyRequest>,
    ) -> Result<Response<v1::BindPolicyResponse>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let id = std::mem::take(&mut request.request_id);
        let mutation = fields::mutation("BindPolicy", &id, &request).map_err(status)?;
        let target = convert::target(request.target).map_err(status)?;
        let bound = self.app.bind_policy(&caller, (&request.policy, target), mutation).await;
        let binding = Some(convert::binding(bound.map_err(status)?));
        Ok(Response::new(v1::BindPolicyResponse { binding }))
    }

    async fn unbind_policy(
        &self,
        request: Request<v1::UnbindPolicyRequest>,
    ) -> Result<Response<v1::UnbindPolicyResponse>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        let id = std::mem::take(&mut request.request_id);
        let mutation = fields::mutation("UnbindPolicy", &id, &request).map_err(status)?;
        let target = convert::target(request.target).map_err(status)?;
        let unbound = self.app.unbind_policy(&caller, (&request.policy, target), mutation).await;
        unbound.map_err(status)?;
        Ok(Response::new(v1::UnbindPolicyResponse {}))
    }

    async fn list_policy_bindings(
        &self,
        request: Request<v1::ListPolicyBindingsRequest>,
    ) -> Result<Response<v1::ListPolicyBindingsResponse>, Status> {
        let request = request.into_inner();
        let list = format!("bindings {}", request.policy);
        let size = page::size(request.page_size).map_err(status)?;
        let skip = page::policy_cursor(&request.page_token, &list).map_err(status)?;
        let policy = Some(request.policy.as_str()).filter(|name| !name.is_empty());
        let found = self.app.list_bindings(policy, size, skip.unwrap_or(0)).map_err(status)?;
        Ok(Response::new(v1::ListPolicyBindingsResponse {
            bindings: found.items.into_iter().map(convert::binding).collect(),
            next_page_token: token(&list, found.next),
        }))
    }

    async fn simulate_policy(
        &self,
        request: Request<v1::SimulatePolicyRequest>,
    ) -> Result<Response<v1::SimulatePolicyResponse>, Status> {
        let simulate = simulate(request.into_inner()).map_err(status)?;
        let judged = self.app.simulate_policy(simulate).await.map_err(status)?;
        Ok(Response::new(convert::judged(judged)))
    }

    async fn lint_policy(
        &self,
        request: Request<v1::LintPolicyRequest>,
    ) -> Result<Response<v1::LintPolicyResponse>, Status> {
        let request = request.into_inner();
        let found = if request.policy.is_empty() {
            let file = convert::file(request.text, request.format, request.file_name);
            self.app.lint_file(file.map_err(status)?).await
        } else {
            let revision = revision(request.revision).map_err(status)?;
            self.app.lint_policy(&request.policy, revision).await
        };
        let findings = found.map_err(status)?.into_iter().map(convert::finding).collect();
        Ok(Response::new(v1::LintPolicyResponse { findings }))
    }

    async fn list_decisions(
        &self,
        request: Request<v1::ListDecisionsRequest>,
    ) -> Result<Response<v1::ListDecisionsResponse>, Status> {
        let listed = decision::list(&self.app, request.into_inner()).await;
        listed.map(Response::new).map_err(status)
    }

    async fn explain_decision(
        &self,
        request: Request<v1::ExplainDecisionRequest>,
    ) -> Result<Response<v1::ExplainDecisionResponse>, Status> {
        let explained = decision::explain(&self.app, request.into_inner()).await;
        explained.map(Response::new).map_err(status)
    }

    type DiffPolicyStream = decision::Differences;

    async fn diff_policy(
        &self,
        request: Request<v1::DiffPolicyRequest>,
    ) -> Result<Response<Self::DiffPolicyStream>, Status> {
        let diff = decision::diff(&self.app, request.into_inner()).await;
        diff.map(Response::new).map_err(status)
    }
}

fn apply(request: v1::ApplyPoliciesRequest) -> Result<ApplyRequest, Error> {
    let mut expected = BTreeMap::new();
    for (name, etag) in request.etags {
        let version = fields::etag(&etag)?
            .ok_or_else(|| Error::invalid("etags", "an etag is not empty: 0 is that of none"))?;
        expected.insert(name, version);
    }
    Ok(ApplyRequest {
        file: convert::file(request.text, request.format, request.file_name)?,
        mode: if request.dry_run { ApplyMode::DryRun } else { ApplyMode::Write },
        note: request.note,
        expected,
    })
}

fn simulate(request: v1::SimulatePolicyRequest) -> Result<SimulateRequest, Error> {
    let given = |text: String| (!text.is_empty()).then_some(text);
    let policies = request.policies.into_iter();
    let policies = policies.map(|policy| Ok((policy.name, revision(policy.revision)?)));
    Ok(SimulateRequest {
        default: convert::default_effect(request.default_effect)?,
        request: request.request,
        session: given(request.session),
        policies: policies.collect::<Result<_, Error>>()?,
        rules: given(request.rules),
    })
}

/// A revision; none if it is 0.
pub(super) fn revision(number: i64) -> Result<Option<i64>, Error> {
    match number {
        0 => Ok(None),
        1.. => Ok(Some(number)),
        _ => Err(Error::invalid("revision", "counts from 1")),
    }
}

fn token(list: &str, next: Option<impl std::fmt::Display>) -> String {
    next.map(|place| page::policy_token(list, &place)).unwrap_or_default()
}
