//! `ApprovalService`.

use crate::client::{Repeat, approvals, fill_request_id};
use crate::{Client, Error, v1};

/// Approvals read at once: each may have a quarter of a megabyte of input.
const APPROVALS_PAGE: i32 = 100;

impl Client {
    /// Reads one approval by id or prefix.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if the prefix fits several.
    pub async fn get_approval(&self, id: &str) -> Result<v1::Approval, Error> {
        let request = v1::GetApprovalRequest { approval: id.to_owned() };
        let answer = self
            .call(Repeat::Safe, request, |channel, request| async move {
                approvals(channel).get_approval(request).await
            })
            .await?;
        answer.approval.ok_or_else(|| Error::missing("approval"))
    }

    /// Reads one page of approvals, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter or page token that is none.
    pub async fn list_approvals(
        &self,
        request: v1::ListApprovalsRequest,
    ) -> Result<v1::ListApprovalsResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            approvals(channel).list_approvals(request).await
        })
        .await
    }

    /// Reads all approvals that `filter` lets pass, newest first; an empty filter is all.
    ///
    /// # Errors
    /// As [`Client::list_approvals`].
    pub async fn all_approvals(&self, filter: &str) -> Result<Vec<v1::Approval>, Error> {
        let mut all = Vec::new();
        let mut request = v1::ListApprovalsRequest {
            page_size: APPROVALS_PAGE,
            page_token: String::new(),
            filter: filter.to_owned(),
        };
        loop {
            let page = self.list_approvals(request.clone()).await?;
            all.extend(page.approvals);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Decides an approval, exactly once. `request_hash` has to be that of the request as it was
    /// shown to whoever decides.
    ///
    /// # Errors
    /// [`Error::Undecidable`] with the reason; [`Error::NotFound`]; [`Error::Invalid`] for an answer
    /// that is none; [`Error::PermissionDenied`].
    pub async fn decide_approval(
        &self,
        mut request: v1::DecideApprovalRequest,
    ) -> Result<v1::DecideApprovalResponse, Error> {
        fill_request_id(&mut request.request_id);
        self.call(Repeat::Safe, request, |channel, request| async move {
            approvals(channel).decide_approval(request).await
        })
        .await
    }

    /// Reads one page of remembered answers, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page token that is none.
    pub async fn list_grants(
        &self,
        request: v1::ListGrantsRequest,
    ) -> Result<v1::ListGrantsResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            approvals(channel).list_grants(request).await
        })
        .await
    }

    /// Reads all remembered answers, newest first, from the page of `request` on.
    ///
    /// # Errors
    /// As [`Client::list_grants`].
    pub async fn all_grants(
        &self,
        mut request: v1::ListGrantsRequest,
    ) -> Result<Vec<v1::Grant>, Error> {
        let mut all = Vec::new();
        loop {
            let page = self.list_grants(request.clone()).await?;
            all.extend(page.grants);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Forgets a remembered answer, by id or prefix.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if the prefix fits several.
    pub async fn revoke_grant(
        &self,
        mut request: v1::RevokeGrantRequest,
    ) -> Result<v1::Grant, Error> {
        fill_request_id(&mut request.request_id);
        let answer = self
            .call(Repeat::Safe, request, |channel, request| async move {
                approvals(channel).revoke_grant(request).await
            })
            .await?;
        answer.grant.ok_or_else(|| Error::missing("grant"))
    }
}
