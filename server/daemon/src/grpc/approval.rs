//! `ApprovalService`.

use codeplane_core::RequestDigest;
use codeplane_proto::v1;
use codeplane_proto::v1::approval_service_server::ApprovalService;
use codeplane_proto::v1::decide_approval_request::Answer;
use tonic::{Request, Response, Status};

use super::auth::caller;
use super::status::status;
use super::{agent, fields, page};
use crate::app::{
    APPROVAL_FILTER_FIELDS, App, DecideAnswer, DecideRequest, Ended, Error, GrantWish, Reach,
};

/// The service.
pub(super) struct ApprovalsService {
    app: App,
}

impl ApprovalsService {
    pub(super) const fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl ApprovalService for ApprovalsService {
    async fn get_approval(
        &self,
        request: Request<v1::GetApprovalRequest>,
    ) -> Result<Response<v1::GetApprovalResponse>, Status> {
        let view = self.app.approval(&request.into_inner().approval).await.map_err(status)?;
        Ok(Response::new(v1::GetApprovalResponse { approval: Some(agent::approval(view)) }))
    }

    async fn list_approvals(
        &self,
        request: Request<v1::ListApprovalsRequest>,
    ) -> Result<Response<v1::ListApprovalsResponse>, Status> {
        let request = request.into_inner();
        let size = page::size(request.page_size).map_err(status)?;
        let filter = page::filter(&request.filter, &APPROVAL_FILTER_FIELDS).map_err(status)?;
        let after = page::cursor(page::APPROVALS, &request.page_token, &filter).map_err(status)?;
        let list = self.app.list_approvals(&filter, size, after).await.map_err(status)?;
        let next = list.next.map(|cursor| page::token(page::APPROVALS, cursor, &filter));
        Ok(Response::new(v1::ListApprovalsResponse {
            approvals: list.approvals.into_iter().map(agent::approval).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn decide_approval(
        &self,
        request: Request<v1::DecideApprovalRequest>,
    ) -> Result<Response<v1::DecideApprovalResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let (id, request) = (
            request.request_id.clone(),
            v1::DecideApprovalRequest { request_id: String::new(), ..request },
        );
        let mutation = fields::mutation("DecideApproval", &id, &request).map_err(status)?;
        let decide = decide(request).map_err(status)?;
        let decided = self.app.decide(&caller, decide, mutation).await.map_err(status)?;
        Ok(Response::new(v1::DecideApprovalResponse {
            approval: Some(agent::approval(decided.approval)),
            grants: decided.grants.into_iter().map(agent::grant).collect(),
        }))
    }

    async fn list_grants(
        &self,
        request: Request<v1::ListGrantsRequest>,
    ) -> Result<Response<v1::ListGrantsResponse>, Status> {
        let request = request.into_inner();
        let size = page::size(request.page_size).map_err(status)?;
        // The token of the one list is not one of the other.
        let (ended, query) =
            if request.show_ended { (Ended::Shown, "ended=shown") } else { (Ended::LeftOut, "") };
        let query = page::filter(query, &["ended"]).map_err(status)?;
        let after = page::cursor(page::GRANTS, &request.page_token, &query).map_err(status)?;
        let list = self.app.list_grants(ended, size, after).await.map_err(status)?;
        let next = list.next.map(|cursor| page::token(page::GRANTS, cursor, &query));
        Ok(Response::new(v1::ListGrantsResponse {
            grants: list.grants.into_iter().map(agent::grant).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn revoke_grant(
        &self,
        request: Request<v1::RevokeGrantRequest>,
    ) -> Result<Response<v1::RevokeGrantResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let (id, request) = (
            request.request_id.clone(),
            v1::RevokeGrantRequest { request_id: String::new(), ..request },
        );
        let mutation = fields::mutation("RevokeGrant", &id, &request).map_err(status)?;
        let revoked = self.app.revoke_grant(&caller, &request.grant, mutation).await;
        let grant = Some(agent::grant(revoked.map_err(status)?));
        Ok(Response::new(v1::RevokeGrantResponse { grant }))
    }
}

fn decide(request: v1::DecideApprovalRequest) -> Result<DecideRequest, Error> {
    let seen: Result<RequestDigest, _> = request.request_hash.parse();
    let given = |text: String| (!text.is_empty()).then_some(text);
    let answer = match request.answer {
        None => return Err(Error::invalid("answer", "give allow, deny or answers")),
        Some(Answer::Allow(allow)) => {
            let reach = v1::GrantScope::try_from(allow.grant_scope);
            let reach = match reach {
                Ok(v1::GrantScope::Unspecified) => None,
                Ok(v1::GrantScope::Session) => Some(Reach::Session),
                Ok(v1::GrantScope::Workspace) => Some(Reach::Workspace),
                Err(_) => return Err(Error::invalid("allow.grant_scope", "is not known")),
            };
            if reach.is_none() && !allow.grant_patterns.is_empty() {
                return Err(Error::invalid("allow.grant_scope", "says how far the patterns reach"));
            }
            let grant = reach.map(|reach| GrantWish { reach, patterns: allow.grant_patterns });
            DecideAnswer::Allow { updated_input: given(allow.updated_input), grant }
        }
        Some(Answer::Deny(deny)) => DecideAnswer::Deny { message: deny.message },
        Some(Answer::Answers(answers)) => DecideAnswer::Answers(
            answers.answers.into_iter().map(|one| (one.question, one.answers)).collect(),
        ),
    };
    Ok(DecideRequest {
        approval: request.approval,
        seen: seen.map_err(|error| Error::invalid("request_hash", error))?,
        answer,
    })
}
