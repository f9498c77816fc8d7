//! What every decision has in common.

use codeplane_client::{Client, v1};
use v1::decide_approval_request::Answer;

use crate::exit::Failure;
use crate::{approval, output, text};

/// Decides `approval` as it was fetched, or as whoever knows `hash` has seen it, and says so in a line.
pub(super) async fn decide(
    client: &Client,
    approval: v1::Approval,
    hash: Option<String>,
    answer: Answer,
) -> Result<(), Failure> {
    let done = match &answer {
        Answer::Allow(_) => "allowed",
        Answer::Deny(_) => "denied",
        Answer::Answers(_) => "answered",
    };
    let request = v1::DecideApprovalRequest {
        request_id: String::new(),
        request_hash: hash.unwrap_or_else(|| approval.request_hash.clone()),
        approval: approval.id.clone(),
        answer: Some(answer),
    };
    let about = |call| Failure::About { what: text::short(&approval.id).to_owned(), call };
    let decided = client.decide_approval(request).await.map_err(about)?;
    // As it was decided: with the input that runs, with the answers.
    let approval = decided.approval.unwrap_or(approval);
    let granted = decided.grants.iter().map(|grant| {
        let what = match grant.pattern.as_str() {
            "" => "this request".to_owned(),
            pattern => text::printable(pattern),
        };
        let scope = approval::scope(grant.scope());
        format!("; granted {what} to the {scope} ({})", text::short(&grant.id))
    });
    let granted: String = granted.collect();
    output::line(&format!("{done} {}{granted}", approval::called(&approval)))
}
