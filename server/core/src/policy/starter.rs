//! Policies to begin with, as files that people copy and change.

/// The starter policies: name and text (YAML), the strictest first.
#[must_use]
pub const fn all() -> [(&'static str, &'static str); 3] {
    [
        ("read-only", include_str!("../../../../deploy/policies/read-only.yaml")),
        ("ci", include_str!("../../../../deploy/policies/ci.yaml")),
        ("developer", include_str!("../../../../deploy/policies/developer.yaml")),
    ]
}
