//! What a daemon answers when it does not do what it was asked.

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A refused call: everything in it that a client can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Canonical code.
    pub code: Code,
    /// Reason of its `ErrorInfo`.
    pub reason: String,
    /// Fields of its `BadRequest`, in order.
    pub fields: Vec<String>,
    /// Text for people, with what is said of the fields.
    pub message: String,
}

impl Refusal {
    /// Reads the details of `status`.
    ///
    /// # Panics
    /// If they lack what every refusal must have: a text, and a reason in our domain.
    #[track_caller]
    #[must_use]
    pub fn of(status: &Status) -> Self {
        let info = status.get_details_error_info();
        let info = info.unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
        assert_eq!(info.domain, "codeplane", "{status:?}");
        let request = status.get_details_bad_request();
        let violations = request.map(|bad| bad.field_violations).unwrap_or_default();
        assert!(!status.message().is_empty(), "{status:?}");
        let described = violations.iter().map(|violation| violation.description.as_str());
        Self {
            code: status.code(),
            reason: info.reason,
            message: std::iter::once(status.message())
                .chain(described)
                .collect::<Vec<_>>()
                .join("; "),
            fields: violations.iter().map(|violation| violation.field.clone()).collect(),
        }
    }

    /// Code, reason and fields, for a comparison in one line.
    #[must_use]
    pub fn facts(&self) -> (Code, &str, Vec<&str>) {
        (self.code, &self.reason, self.fields.iter().map(String::as_str).collect())
    }
}

/// The refusal of a call that must have been refused.
///
/// # Panics
/// If it was carried out.
#[track_caller]
#[must_use]
pub fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) -> Refusal {
    match answer {
        Ok(done) => panic!("this was to be refused and was done: {done:?}"),
        Err(status) => Refusal::of(&status),
    }
}
