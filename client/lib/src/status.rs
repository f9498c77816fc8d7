//! From a gRPC status to an [`Error`]: the inverse of the daemon's one mapping.

use std::error::Error as _;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{Error, Undecidable, Violation};

/// Domain of the daemon's `ErrorInfo`, which it attaches to every refusal of its own.
const DOMAIN: &str = "codeplane";

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let said_by_daemon = details.error_info().is_some_and(|info| info.domain == DOMAIN);
        if !said_by_daemon && is_cut(&status) {
            return Self::Transport(words_of(&status).into());
        }
        from_daemon(&status, &details)
    }
}

/// What happened to the connection, without the frame in which a status shows itself.
fn words_of(status: &Status) -> String {
    match status.message() {
        "" => status.code().description().to_owned(),
        message => message.to_owned(),
    }
}

/// Whether the status was made on this side, or by HTTP/2, because the connection broke.
fn is_cut(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled => true,
        // HTTP/2's ENHANCE_YOUR_CALM. Only a status made on this side has a source, so that what
        // another server or a proxy refuses for its own reasons stays a refusal.
        Code::ResourceExhausted => status.source().is_some(),
        Code::Ok
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => false,
    }
}

fn from_daemon(status: &Status, details: &ErrorDetails) -> Error {
    let message = status.message().to_owned();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let metadata =
        |key: &str| details.error_info().and_then(|info| info.metadata.get(key)).cloned();
    match status.code() {
        Code::NotFound => Error::NotFound { resource: resource(details), message },
        Code::AlreadyExists => Error::AlreadyExists { resource: resource(details), message },
        Code::FailedPrecondition if reason == "CONTROL_TAKEN" => Error::ControlTaken { message },
        Code::FailedPrecondition => match Undecidable::from_reason(&reason) {
            Some(why) => Error::Undecidable { why, message },
            None => Error::WrongState { reason, message },
        },
        Code::Aborted => Error::Conflict { message },
        Code::InvalidArgument => {
            Error::Invalid { reason, violations: violations(details), message }
        }
        Code::PermissionDenied | Code::Unauthenticated => {
            Error::PermissionDenied { reason, message }
        }
        Code::ResourceExhausted => Error::QuotaExceeded { subject: subject(details), message },
        Code::Unavailable => {
            let retry_after = details.retry_info().and_then(|info| info.retry_delay);
            Error::Unavailable { reason, retry_after, message }
        }
        Code::DeadlineExceeded => Error::Timeout { message },
        Code::OutOfRange => Error::OutOfRange { oldest: metadata("oldest_revision"), message },
        Code::Unimplemented => Error::Unimplemented { message },
        Code::Ok | Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss => {
            Error::Internal { request_id: metadata("request"), message }
        }
    }
}

fn resource(details: &ErrorDetails) -> String {
    details
        .resource_info()
        .map(|info| format!("{} {}", info.resource_type, info.resource_name))
        .unwrap_or_default()
}

fn subject(details: &ErrorDetails) -> String {
    details
        .quota_failure()
        .and_then(|failure| failure.violations.first())
        .map(|violation| violation.subject.clone())
        .unwrap_or_default()
}

fn violations(details: &ErrorDetails) -> Vec<Violation> {
    let listed = details.bad_request().map(|bad| bad.field_violations.as_slice());
    listed
        .unwrap_or_default()
        .iter()
        .map(|violation| Violation {
            field: violation.field.clone(),
            description: violation.description.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn refusal(code: Code, reason: &str, with: impl FnOnce(&mut ErrorDetails)) -> Error {
        let mut details = ErrorDetails::with_error_info(
            reason,
            DOMAIN,
            HashMap::from([("oldest_revision".into(), "7".into())]),
        );
        with(&mut details);
        Status::with_error_details(code, "what happened: what to do", details).into()
    }

    #[test]
    fn the_reason_and_the_details_are_kept() {
        let missing = refusal(Code::NotFound, "SESSION_NOT_FOUND", |details| {
            details.set_resource_info("session", "web", "", "");
        });
        let invalid = refusal(Code::InvalidArgument, "INVALID", |details| {
            details.add_bad_request_violation("size", "too large");
            details.add_bad_request_violation("name", "too long");
        });

        assert!(
            matches!(missing, Error::NotFound { ref resource, .. } if resource == "session web")
        );
        assert!(matches!(invalid, Error::Invalid { ref violations, .. } if violations.len() == 2));
    }

    #[test]
    fn control_is_told_from_other_wrong_states() {
        let taken = refusal(Code::FailedPrecondition, "CONTROL_TAKEN", |_| {});
        let ended = refusal(Code::FailedPrecondition, "WRONG_STATE", |_| {});

        assert!(matches!(taken, Error::ControlTaken { .. }));
        assert!(matches!(ended, Error::WrongState { ref reason, .. } if reason == "WRONG_STATE"));
    }

    #[test]
    fn each_reason_why_an_approval_is_not_decided_is_a_kind_of_its_own() {
        for (reason, expected) in [
            ("APPROVAL_DECIDED", Undecidable::Decided),
            ("REQUEST_HASH_MISMATCH", Undecidable::OtherRequest),
            ("FOUR_EYES", Undecidable::FourEyes),
            ("NOT_GRANTABLE", Undecidable::NotGrantable),
            ("EDITED_INPUT_DENIED", Undecidable::EditedInputDenied),
        ] {
            let error = refusal(Code::FailedPrecondition, reason, |_| {});

            assert!(matches!(error, Error::Undecidable { why, .. } if why == expected), "{reason}");
        }
    }

    #[test]
    fn the_oldest_revision_comes_with_out_of_range() {
        let error = refusal(Code::OutOfRange, "EVENTS_GONE", |_| {});

        assert!(
            matches!(error, Error::OutOfRange { oldest: Some(ref oldest), .. } if oldest == "7")
        );
    }

    #[test]
    fn a_status_that_the_daemon_did_not_write_is_a_cut() {
        for code in [Code::Unavailable, Code::Unknown, Code::Internal, Code::Cancelled] {
            let error = Error::from(Status::new(code, "h2 protocol error"));

            assert!(matches!(error, Error::Transport(_)), "{code:?}");
            assert!(error.is_retryable(), "{code:?}");
        }
    }

    #[test]
    fn being_told_by_http2_to_calm_down_is_a_cut() {
        let mut calm = Status::resource_exhausted("h2 protocol error: http2 error");
        calm.set_source(std::sync::Arc::new(std::io::Error::other("ENHANCE_YOUR_CALM")));

        let error = Error::from(calm);

        assert!(matches!(error, Error::Transport(_)), "{error:?}");
        assert!(error.is_retryable());
    }

    #[test]
    fn a_quota_is_no_cut() {
        let ours = refusal(Code::ResourceExhausted, "QUOTA_EXCEEDED", |_| {});
        let others = Error::from(Status::resource_exhausted("too many requests"));

        assert!(matches!(ours, Error::QuotaExceeded { .. }));
        assert!(matches!(others, Error::QuotaExceeded { .. }));
    }

    #[test]
    fn an_internal_error_of_the_daemon_is_no_cut() {
        let error = refusal(Code::Internal, "INTERNAL", |_| {});

        assert!(matches!(error, Error::Internal { .. }));
    }

    #[test]
    fn an_unknown_call_means_an_old_daemon() {
        let error = Error::from(Status::unimplemented("codeplane.v1.X"));

        assert!(error.to_string().contains("update"), "{error}");
    }
}
