//! The only place that enters the daemon's crate: this executable is also a daemon and a shim, so
//! that one `cargo run` is all a new user needs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) use codeplane_server::entry::AuditVerdict;
use codeplane_server::entry::{self, DaemonArgs, Mode, Simulated};

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

fn arguments(Settings { config, set }: Settings, Places { state, runtime }: Places) -> DaemonArgs {
    DaemonArgs { config, state_dir: state, runtime_dir: runtime, set }
}
