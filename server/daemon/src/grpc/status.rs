//! The one mapping from the answers of the use cases to gRPC statuses.
#![deny(clippy::wildcard_enum_match_arm)]

use std::collections::HashMap;
use std::time::Duration;

use codeplane_core::{CannotDecide, Violations};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tracing::error;

use crate::app::{Error, Missing, PolicyProblem};

/// Domain of every `ErrorInfo`.
const DOMAIN: &str = "codeplane";

/// Turns an answer into a status with its details.
pub(super) fn status(answer: Error) -> Status {
    let message = clipped(&answer.to_string());
    let (code, reason) = code_and_reason(&answer);
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, metadata(&answer));
    match answer {
        Error::SessionNotFound(name) => {
            details.set_resource_info("session", clipped(&name), "", "see ListSessions");
        }
        Error::AttachmentNotFound(id) => {
            details.set_resource_info("attachment", id.to_string(), "", "attach first");
        }
        Error::NameTaken { name, by } => {
            details.set_resource_info("session", name, "", format!("the name of session {by}"));
        }
        Error::Policy(problem) => add_policy(&mut details, problem),
        Error::Invalid(violations) | Error::CannotRun { violations, .. } => {
            add_violations(&mut details, &violations);
        }
        Error::WrongState { session, is, wanted } => {
            details.add_precondition_failure_violation(
                "STATE",
                session.to_string(),
                format!("{is}: {wanted}"),
            );
        }
        Error::ControlTaken { session, holder } => {
            details.add_precondition_failure_violation(
                "CONTROL",
                session.to_string(),
                format!("held by {holder}"),
            );
        }
        Error::Quota { subject, description } => {
            details.add_quota_failure_violation(subject, description);
        }
        Error::Busy | Error::Stopping => {
            details.set_retry_info(Some(Duration::from_millis(200)));
        }
        Error::Internal(cause) => {
            let request = uuid();
            error!(request, cause = chain(cause.as_ref()), "internal error, request {request}");
            let message = format!("internal error: see the daemon's log for request {request}");
            let id = HashMap::from([("request".to_owned(), request.clone())]);
            details.set_error_info(reason, DOMAIN, id);
            return Status::with_error_details(code, message, details);
        }
        Error::NoSuch { what, name } => {
            details.set_resource_info(what, clipped(&name), "", "list them");
        }
        Error::CannotDecide(_) | Error::NotGrantable(_) | Error::EditedDenied(_) => {
            details.add_precondition_failure_violation("APPROVAL", "", message.clone());
        }
        Error::AmbiguousSession { .. }
        | Error::Ambiguous { .. }
        | Error::Over(_)
        | Error::BadToken
        | Error::ReportReused(_)
        | Error::RequestReused(_)
        | Error::Stale { .. }
        | Error::Draining
        | Error::BeyondEnd { .. }
        | Error::EventsGone { .. }
        | Error::TimedOut(_)
        | Error::FileExists(_)
        | Error::Denied(_)
        | Error::DiskFull(_) => {}
    }
    Status::with_error_details(code, message, details)
}

/// A status travels in headers, of which clients take 8 KiB: what is said of input that was far too
/// long must not be.
const MOST_BYTES: usize = 800;

fn clipped(text: &str) -> String {
    if text.len() <= MOST_BYTES {
        return text.to_owned();
    }
    let end = (0..=MOST_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &text[..end])
}

fn code_and_reason(answer: &Error) -> (Code, &'static str) {
    match answer {
        Error::SessionNotFound(_) => (Code::NotFound, "SESSION_NOT_FOUND"),
        Error::AmbiguousSession { .. } => (Code::InvalidArgument, "SESSION_AMBIGUOUS"),
        Error::AttachmentNotFound(_) => (Code::NotFound, "ATTACHMENT_NOT_FOUND"),
        Error::NameTaken { .. } => (Code::AlreadyExists, "NAME_TAKEN"),
        Error::RequestReused(_) => (Code::AlreadyExists, "REQUEST_REUSED"),
        Error::Invalid(_) => (Code::InvalidArgument, "INVALID"),
        Error::CannotRun { missing: Missing::NotFound(_), .. } => {
            (Code::InvalidArgument, "COMMAND_NOT_FOUND")
        }
        Error::CannotRun { missing: Missing::NotExecutable(_), .. } => {
            (Code::InvalidArgument, "COMMAND_NOT_EXECUTABLE")
        }
        Error::WrongState { .. } => (Code::FailedPrecondition, "WRONG_STATE"),
        Error::ControlTaken { .. } => (Code::FailedPrecondition, "CONTROL_TAKEN"),
        Error::Stale { .. } => (Code::Aborted, "STALE_ETAG"),
        Error::Policy(problem) => policy_code_and_reason(problem),
        Error::Quota { .. } => (Code::ResourceExhausted, "QUOTA_EXCEEDED"),
        Error::Draining => (Code::Unavailable, "DRAINING"),
        Error::Stopping => (Code::Unavailable, "STOPPING"),
        Error::BeyondEnd { .. } => (Code::OutOfRange, "BEYOND_END"),
        Error::EventsGone { .. } => (Code::OutOfRange, "EVENTS_GONE"),
        Error::TimedOut(_) => (Code::DeadlineExceeded, "TIMED_OUT"),
        Error::FileExists(_) => (Code::AlreadyExists, "FILE_EXISTS"),
        Error::Denied(_) => (Code::PermissionDenied, "DENIED"),
        Error::NoSuch { .. } => (Code::NotFound, "NOT_FOUND"),
        Error::Ambiguous { .. } => (Code::InvalidArgument, "AMBIGUOUS"),
        Error::Over(_) => (Code::FailedPrecondition, "OVER"),
        Error::CannotDecide(CannotDecide::Over(_)) => {
            (Code::FailedPrecondition, "APPROVAL_DECIDED")
        }
        Error::CannotDecide(CannotDecide::OtherRequest) => {
            (Code::FailedPrecondition, "REQUEST_HASH_MISMATCH")
        }
        Error::CannotDecide(CannotDecide::FourEyes(_)) => (Code::FailedPrecondition, "FOUR_EYES"),
        Error::CannotDecide(CannotDecide::Agent) => (Code::PermissionDenied, "DENIED"),
        Error::NotGrantable(_) => (Code::FailedPrecondition, "NOT_GRANTABLE"),
        Error::EditedDenied(_) => (Code::FailedPrecondition, "EDITED_INPUT_DENIED"),
        Error::BadToken => (Code::Unauthenticated, "BAD_TOKEN"),
        Error::ReportReused(_) => (Code::AlreadyExists, "REPORT_REUSED"),
        Error::DiskFull(_) => (Code::ResourceExhausted, "DISK_FULL"),
        Error::Busy => (Code::Unavailable, "BUSY"),
        Error::Internal(_) => (Code::Internal, "INTERNAL"),
    }
}

/// What a program needs of the message, as data.
fn metadata(answer: &Error) -> HashMap<String, String> {
    let pairs = |list: &[(&str, String)]| {
        list.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    };
    match answer {
        Error::AmbiguousSession { text, count } => {
            pairs(&[("text", text.clone()), ("count", count.to_string())])
        }
        Error::WrongState { session, is, .. } => {
            pairs(&[("session", session.to_string()), ("state", is.to_string())])
        }
        Error::ControlTaken { session, holder } => {
            pairs(&[("session", session.to_string()), ("holder", holder.to_string())])
        }
        Error::Stale { session, current } => {
            pairs(&[("session", session.to_string()), ("etag", current.clone())])
        }
        Error::Policy(PolicyProblem::Stale { policy, current }) => {
            pairs(&[("policy", policy.clone()), ("etag", current.to_string())])
        }
        Error::NameTaken { name, by } => {
            pairs(&[("name", name.clone()), ("session", by.to_string())])
        }
        Error::BeyondEnd { asked, end } => pairs(&[("asked", asked.clone()), ("end", end.clone())]),
        Error::EventsGone { oldest } => pairs(&[("oldest_revision", oldest.to_string())]),
        Error::CannotDecide(CannotDecide::Over(state)) => {
            pairs(&[("state", state.as_str().to_owned())])
        }
        Error::SessionNotFound(_)
        | Error::NoSuch { .. }
        | Error::Ambiguous { .. }
        | Error::Over(_)
        | Error::CannotDecide(
            CannotDecide::OtherRequest | CannotDecide::FourEyes(_) | CannotDecide::Agent,
        )
        | Error::NotGrantable(_)
        | Error::EditedDenied(_)
        | Error::BadToken
        | Error::ReportReused(_)
        | Error::AttachmentNotFound(_)
        | Error::RequestReused(_)
        | Error::Invalid(_)
        | Error::CannotRun { .. }
        | Error::Policy(
            PolicyProblem::NotFound(_)
            | PolicyProblem::RevisionNotFound { .. }
            | PolicyProblem::Bound { .. }
            | PolicyProblem::NotBound { .. },
        )
        | Error::Quota { .. }
        | Error::Draining
        | Error::Stopping
        | Error::TimedOut(_)
        | Error::FileExists(_)
        | Error::Denied(_)
        | Error::DiskFull(_)
        | Error::Busy
        | Error::Internal(_) => HashMap::new(),
    }
}

fn policy_code_and_reason(problem: &PolicyProblem) -> (Code, &'static str) {
    match problem {
        PolicyProblem::NotFound(_) => (Code::NotFound, "POLICY_NOT_FOUND"),
        PolicyProblem::RevisionNotFound { .. } => (Code::NotFound, "POLICY_REVISION_NOT_FOUND"),
        PolicyProblem::Stale { .. } => (Code::Aborted, "STALE_ETAG"),
        PolicyProblem::Bound { .. } => (Code::FailedPrecondition, "POLICY_BOUND"),
        PolicyProblem::NotBound { .. } => (Code::NotFound, "POLICY_NOT_BOUND"),
    }
}

fn add_policy(details: &mut ErrorDetails, problem: PolicyProblem) {
    match problem {
        PolicyProblem::NotFound(name) => {
            details.set_resource_info("policy", clipped(&name), "", "see ListPolicies");
        }
        PolicyProblem::RevisionNotFound { policy, revision } => {
            let name = format!("{policy}/{revision}");
            details.set_resource_info("policy revision", name, "", "see ListPolicyRevisions");
        }
        PolicyProblem::NotBound { policy, target } => {
            details.set_resource_info("policy binding", policy, "", clipped(&target));
        }
        PolicyProblem::Bound { policy, bindings } => {
            let times = format!("bound {bindings} times");
            details.add_precondition_failure_violation("BOUND", policy, times);
        }
        PolicyProblem::Stale { .. } => {}
    }
}

fn add_violations(details: &mut ErrorDetails, violations: &Violations) {
    let mut room = 2 * MOST_BYTES;
    for violation in violations.as_slice() {
        let (field, description) = (clipped(&violation.field), clipped(&violation.description));
        let bytes = field.len() + description.len();
        if bytes > room {
            break;
        }
        room -= bytes;
        details.add_bad_request_violation(field, description);
    }
}

/// An error with its causes, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn uuid() -> String {
    codeplane_core::RequestId::random().short()
}
