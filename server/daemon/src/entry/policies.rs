//! Policy files, looked at without a daemon.

use codeplane_core::policy::{Document, Format, Problem, starter};

use crate::app;
use crate::clock::Clock;

/// A policy file, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckedPolicies {
    /// Name and number of rules of each policy in it.
    pub policies: Vec<(String, usize)>,
    /// What is worth a second look; nothing of it is an error.
    pub findings: Vec<PolicyFinding>,
}

/// A policy that comes with Codeplane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterPolicy {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The file, YAML.
    pub text: String,
}

/// The policies that come with Codeplane, the strictest first.
#[must_use]
pub fn starter_policies() -> Vec<StarterPolicy> {
    let told = |(name, text): (&str, &str)| {
        let documents = Document::read_all(text, Format::Yaml, name).unwrap_or_default();
        let description = documents.into_iter().next().and_then(|document| document.description);
        StarterPolicy {
            name: name.to_owned(),
            description: description.unwrap_or_default(),
            text: text.to_owned(),
        }
    };
    starter::all().into_iter().map(told).collect()
}

/// Something in a policy that is worth a second look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFinding {
    /// The policy.
    pub policy: String,
    /// The rule's id.
    pub rule: String,
    /// The line on which the rule begins, from 1.
    pub line: usize,
    /// What kind of finding, for programs.
    pub code: String,
    /// What was found and what to do, in one line.
    pub message: String,
}

/// Something wrong in a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProblem {
    /// `FILE:LINE:COLUMN`.
    pub place: String,
    /// What is wrong, in one line.
    pub message: String,
}

/// Reads a policy file as a daemon would, tries the examples of its rules and looks for findings. Needs no
/// daemon. `format` is `yaml`, `toml` or `json`; none: as the file's name says.
///
/// # Errors
/// Every problem of the file.
pub fn check_policies(
    text: &str,
    format: Option<&str>,
    file_name: &str,
) -> Result<CheckedPolicies, Vec<PolicyProblem>> {
    let now_ms = Clock::System.now().as_micros() / 1000;
    let format = format.and_then(|format| match format {
        "yaml" => Some(Format::Yaml),
        "toml" => Some(Format::Toml),
        "json" => Some(Format::Json),
        _ => None,
    });
    let checked = app::check_file(text, format, file_name, now_ms).map_err(|problems| {
        let told = |problem: Problem| PolicyProblem {
            place: format!("{}:{}:{}", problem.file, problem.line, problem.column),
            message: problem.message,
        };
        problems.into_iter().map(told).collect::<Vec<_>>()
    })?;
    let findings = checked.findings.into_iter().map(|found| PolicyFinding {
        policy: found.policy,
        rule: found.finding.rule,
        line: found.finding.line,
        code: found.finding.code.to_owned(),
        message: found.finding.message,
    });
    Ok(CheckedPolicies { policies: checked.policies, findings: findings.collect() })
}
