//! Decisions: those calls of `PolicyService` that look back.

use tonic::Streaming;

use crate::client::{Repeat, policies};
use crate::{Client, Error, v1};

/// A comparison of two revisions of a policy as it comes.
#[derive(Debug)]
pub struct PolicyDiff(Streaming<v1::DiffPolicyResponse>);

impl Client {
    /// Reads one page of decisions, newest first.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a filter or page token that is none; [`Error::PermissionDenied`].
    pub async fn list_decisions(
        &self,
        request: v1::ListDecisionsRequest,
    ) -> Result<v1::ListDecisionsResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            policies(channel).list_decisions(request).await
        })
        .await
    }

    /// Reads all that is known of a decision, by id or prefix, and has its request judged again.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] if the prefix fits several; [`Error::PermissionDenied`].
    pub async fn explain_decision(&self, id: &str) -> Result<v1::ExplainDecisionResponse, Error> {
        let request = v1::ExplainDecisionRequest { decision: id.to_owned() };
        self.call(Repeat::Safe, request, |channel, request| async move {
            policies(channel).explain_decision(request).await
        })
        .await
    }

    /// Begins to compare what two revisions of a policy say of recorded calls.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] for too many calls; [`Error::PermissionDenied`].
    pub async fn diff_policy(&self, request: v1::DiffPolicyRequest) -> Result<PolicyDiff, Error> {
        let diff = self.call(Repeat::Safe, request, |channel, mut request| async move {
            // The stream itself has no time limit, only its beginning.
            request.metadata_mut().remove("grpc-timeout");
            policies(channel).diff_policy(request).await
        });
        diff.await.map(PolicyDiff)
    }
}

impl PolicyDiff {
    /// The next call that gets another answer, and at last how many were judged; then none.
    ///
    /// # Errors
    /// Those of the connection. Nothing follows then.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing is lost.
    pub async fn next(&mut self) -> Result<Option<v1::diff_policy_response::Item>, Error> {
        Ok(self.0.message().await?.and_then(|message| message.item))
    }
}
