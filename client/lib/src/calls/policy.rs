//! `PolicyService`.

use crate::client::{Repeat, fill_request_id, policies};
use crate::{Client, Error, v1};

impl Client {
    /// Makes each document of a file the newest revision of its policy: all of them or none.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every problem of the file, `FILE:LINE:COLUMN` as its field;
    /// [`Error::Conflict`] if an etag is not the current one; [`Error::QuotaExceeded`].
    pub async fn apply_policies(
        &self,
        mut request: v1::ApplyPoliciesRequest,
    ) -> Result<v1::ApplyPoliciesResponse, Error> {
        fill_request_id(&mut request.request_id);
        self.call(Repeat::Safe, request, |channel, request| async move {
            policies(channel).apply_policies(request).await
        })
        .await
    }

    /// Reads a policy, or one of its revisions; 0 is the newest.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_policy(&self, name: &str, revision: i64) -> Result<v1::Policy, Error> {
        let request = v1::GetPolicyRequest { policy: name.to_owned(), revision };
        let answer = self
            .call(Repeat::Safe, request, |channel, request| async move {
                policies(channel).get_policy(request).await
            })
            .await?;
        answer.policy.ok_or_else(|| Error::missing("policy"))
    }

    /// Reads one page of policies by their names, without their text.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a page token that is none.
    pub async fn list_policies(
        &self,
        request: v1::ListPoliciesRequest,
    ) -> Result<v1::ListPoliciesResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            policies(channel).list_policies(request).await
        })
        .await
    }

    /// Reads all policies by their names, without their text.
    ///
    /// # Errors
    /// As [`Client::list_policies`].
    pub async fn all_policies(&self) -> Result<Vec<v1::Policy>, Error> {
        let mut all = Vec::new();
        let mut request = v1::ListPoliciesRequest { page_size: 1000, page_token: String::new() };
        loop {
            let page = self.list_policies(request.clone()).await?;
            all.extend(page.policies);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Deletes a policy; its history stays.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::WrongState`] while it is bound, unless forced;
    /// [`Error::Conflict`] if the etag is not the current one.
    pub async fn delete_policy(&self, mut request: v1::DeletePolicyRequest) -> Result<(), Error> {
        fill_request_id(&mut request.request_id);
        let v1::DeletePolicyResponse {} = self
            .call(Repeat::Safe, request, |channel, request| async move {
                policies(channel).delete_policy(request).await
            })
            .await?;
        Ok(())
    }

    /// Reads one page of a policy's history, newest first, without its text.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a name that never was one.
    pub async fn list_policy_revisions(
        &self,
        request: v1::ListPolicyRevisionsRequest,
    ) -> Result<v1::ListPolicyRevisionsResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            policies(channel).list_policy_revisions(request).await
        })
        .await
    }

    /// Makes a new revision with the content of an older one.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] if the etag is not the current one.
    pub async fn rollback_policy(
        &self,
        mut request: v1::RollbackPolicyRequest,
    ) -> Result<v1::AppliedPolicy, Error> {
        fill_request_id(&mut request.request_id);
        let answer = self
            .call(Repeat::Safe, request, |channel, request| async move {
                policies(channel).rollback_policy(request).await
            })
            .await?;
        answer.policy.ok_or_else(|| Error::missing("policy"))
    }

    /// Binds a policy.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the policy or the session; [`Error::Invalid`] for a directory or label
    /// that is none.
    pub async fn bind_policy(
        &self,
        mut request: v1::BindPolicyRequest,
    ) -> Result<v1::PolicyBinding, Error> {
        fill_request_id(&mut request.request_id);
        let answer = self
            .call(Repeat::Safe, request, |channel, request| async move {
                policies(channel).bind_policy(request).await
            })
            .await?;
        answer.binding.ok_or_else(|| Error::missing("binding"))
    }

    /// Takes a binding away.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the policy is not bound so.
    pub async fn unbind_policy(&self, mut request: v1::UnbindPolicyRequest) -> Result<(), Error> {
        fill_request_id(&mut request.request_id);
        let v1::UnbindPolicyResponse {} = self
            .call(Repeat::Safe, request, |channel, request| async move {
                policies(channel).unbind_policy(request).await
            })
            .await?;
        Ok(())
    }

    /// Reads one page of bindings.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a policy that does not exist.
    pub async fn list_policy_bindings(
        &self,
        request: v1::ListPolicyBindingsRequest,
    ) -> Result<v1::ListPolicyBindingsResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            policies(channel).list_policy_bindings(request).await
        })
        .await
    }

    /// Reads all bindings of a policy, or all there are for an empty name.
    ///
    /// # Errors
    /// As [`Client::list_policy_bindings`].
    pub async fn all_policy_bindings(&self, policy: &str) -> Result<Vec<v1::PolicyBinding>, Error> {
        let mut all = Vec::new();
        let mut request = v1::ListPolicyBindingsRequest {
            policy: policy.to_owned(),
            page_size: 1000,
            page_token: String::new(),
        };
        loop {
            let page = self.list_policy_bindings(request.clone()).await?;
            all.extend(page.bindings);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Judges a tool call that nobody makes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a request or rules that cannot be read; [`Error::NotFound`].
    pub async fn simulate_policy(
        &self,
        request: v1::SimulatePolicyRequest,
    ) -> Result<v1::SimulatePolicyResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            policies(channel).simulate_policy(request).await
        })
        .await
    }

    /// Looks for rules that allow more than their words say and for rules that change nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every problem of a file; [`Error::NotFound`].
    pub async fn lint_policy(
        &self,
        request: v1::LintPolicyRequest,
    ) -> Result<Vec<v1::PolicyFinding>, Error> {
        let answer = self
            .call(Repeat::Safe, request, |channel, request| async move {
                policies(channel).lint_policy(request).await
            })
            .await?;
        Ok(answer.findings)
    }
}
