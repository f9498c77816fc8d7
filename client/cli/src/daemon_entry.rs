//! The only place that enters the daemon's crate: this executable is also a daemon and a shim, so
//! that one `cargo run` is all a new user needs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use codeplane_client::v1;
pub(crate) use codeplane_server::entry::AuditVerdict;
use codeplane_server::entry::{self, DaemonArgs, Mode, Simulated};

use crate::exit::Failure;
use crate::policy_file::PolicyText;

/// Whether this process was started as a shim. Must be asked before anything else.
pub(crate) fn is_shim() -> bool {
    entry::is_shim(std::env::args_os()) == Mode::Shim
}

/// Becomes a shim.
pub(crate) fn shim() -> ExitCode {
    entry::run_shim()
}

/// Settings of a daemon on the command line.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Settings {
    /// The configuration file; default `CODEPLANE_CONFIG`, or none.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A setting that wins over the file.
    #[arg(long, value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// Where a daemon is to work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) state: Option<PathBuf>,
    pub(crate) runtime: Option<PathBuf>,
}

/// Becomes a daemon, until it is told to stop.
pub(crate) fn daemon(settings: Settings, places: Places) -> ExitCode {
    entry::run_daemon(&arguments(settings, places))
}

/// Says whether the settings can be used.
pub(crate) fn check_config(settings: Settings, places: Places) -> ExitCode {
    entry::check_config(&arguments(settings, places))
}

/// Judges a tool call without a daemon: the verdict as JSON.
pub(crate) fn simulate_policy(document: &[u8]) -> Result<String, String> {
    match entry::simulate_policy(document) {
        Simulated::Verdict(json) => Ok(json),
        Simulated::Unreadable(problem) => Err(problem),
    }
}

/// Goes through the audit log of a state directory.
pub(crate) fn verify_audit_state(
    state: &Path,
    public_key: Option<&Path>,
    checkpoints: Option<&Path>,
) -> AuditVerdict {
    entry::verify_audit_state(state, public_key, checkpoints)
}

/// Goes through an exported audit log.
pub(crate) fn verify_audit_export(export: &Path, public_key: &Path) -> AuditVerdict {
    entry::verify_audit_export(export, public_key)
}

/// A policy file, checked without a daemon.
pub(crate) struct Checked {
    /// Name and number of rules of each policy in it.
    pub(crate) policies: Vec<(String, usize)>,
    pub(crate) findings: Vec<Finding>,
}

/// Something in a policy that is worth a second look.
pub(crate) struct Finding {
    pub(crate) policy: String,
    pub(crate) rule: String,
    pub(crate) line: usize,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl From<v1::PolicyFinding> for Finding {
    fn from(found: v1::PolicyFinding) -> Self {
        let v1::PolicyFinding { policy, rule, line, code, message } = found;
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        Self { policy, rule, line, code, message }
    }
}

/// Something wrong in a policy file.
pub(crate) struct Problem {
    /// `FILE:LINE:COLUMN`.
    pub(crate) place: String,
    pub(crate) message: String,
}

/// Reads a policy file as a daemon would, tries its examples and looks for findings.
pub(crate) fn check_policies(
    text: &str,
    format: Option<&str>,
    file_name: &str,
) -> Result<Checked, Vec<Problem>> {
    let checked = entry::check_policies(text, format, file_name).map_err(|problems| {
        let told = |problem: entry::PolicyProblem| Problem {
            place: problem.place,
            message: problem.message,
        };
        problems.into_iter().map(told).collect::<Vec<_>>()
    })?;
    let findings = checked.findings.into_iter().map(|found| {
        let entry::PolicyFinding { policy, rule, line, code, message } = found;
        Finding { policy, rule, line, code, message }
    });
    Ok(Checked { policies: checked.policies, findings: findings.collect() })
}

/// Name and description of the policies that come with Codeplane.
pub(crate) fn starter_policies() -> Vec<(String, String)> {
    entry::starter_policies().into_iter().map(|one| (one.name, one.description)).collect()
}

/// The text of a policy that comes with Codeplane.
pub(crate) fn starter_policy(name: &str) -> Result<PolicyText, Failure> {
    let starters = entry::starter_policies();
    let names: Vec<&str> = starters.iter().map(|one| one.name.as_str()).collect();
    let known = names.join(", ");
    let found = starters.iter().find(|one| one.name == name);
    let found = found.ok_or_else(|| {
        Failure::Usage(format!("'{name}' is no starter policy: those are {known}"))
    })?;
    Ok(PolicyText { text: found.text.clone(), name: format!("{name}.yaml") })
}

fn arguments(Settings { config, set }: Settings, Places { state, runtime }: Places) -> DaemonArgs {
    DaemonArgs { config, state_dir: state, runtime_dir: runtime, set }
}
