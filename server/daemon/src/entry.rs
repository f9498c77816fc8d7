//! The ways into this crate: a daemon, a shim, a look at the settings. Used by `cpd` and by `cpctl`.

mod policies;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use codeplane_core::audit::{Finding, Verified};

pub use policies::{
    CheckedPolicies, PolicyFinding, PolicyProblem, StarterPolicy, check_policies, starter_policies,
};

use crate::app::{self, VerifyError};
use crate::clock::Clock;
use crate::config::{self, ConfigError, Sources};
use crate::directories::{Directories, DirectoryError};
use crate::serve::{ServeError, Served, serve};
use crate::{os, telemetry};

/// Exit code: the command line or the settings are wrong (`EX_CONFIG`).
const EXIT_CONFIG: u8 = 78;
/// Exit code: another daemon is there (`EX_TEMPFAIL`).
const EXIT_LOCKED: u8 = 75;
/// Exit code: the disk refused (`EX_IOERR`).
const EXIT_IO: u8 = 74;

/// How to run a daemon, as its command line says.
#[derive(Clone, Debug, Default)]
pub struct DaemonArgs {
    /// The configuration file; none: `CODEPLANE_CONFIG`, or no file.
    pub config: Option<PathBuf>,
    /// Where the state is.
    pub state_dir: Option<PathBuf>,
    /// Where the sockets are.
    pub runtime_dir: Option<PathBuf>,
    /// Settings as `section.key=value`.
    pub set: Vec<String>,
}

/// Runs a daemon until it is told to stop (SIGTERM, SIGINT).
///
/// Exit codes: 0 stopped, 74 the disk refused a write, 75 another daemon is there, 78 settings or
/// directories cannot be used, 1 anything else.
#[must_use]
pub fn run_daemon(args: &DaemonArgs) -> ExitCode {
    match try_daemon(args) {
        Ok(Served::Stopped) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Reads the settings and says whether they can be used.
#[must_use]
pub fn check_config(args: &DaemonArgs) -> ExitCode {
    let checked = config::load(&sources(args))
        .map_err(Failure::Config)
        .and_then(|_| resolve(args).map_err(Failure::Directory));
    match checked {
        Ok(directories) => {
            complain(&format!(
                "the configuration can be used; state in {}, sockets in {}",
                directories.state.display(),
                directories.runtime.display()
            ));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

/// What a simulated tool call comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Simulated {
    /// The verdict, as one JSON document.
    Verdict(String),
    /// Why the document with rules and request cannot be judged.
    Unreadable(String),
}

/// Judges a tool call by the rules beside it in `document` and by this machine's files. Needs no
/// daemon; `HOME` is the home.
#[must_use]
pub fn simulate_policy(document: &[u8]) -> Simulated {
    let home = std::env::var("HOME").unwrap_or_default();
    match app::simulate(document, &home, Clock::System.now().as_micros() / 1000) {
        app::Simulated::Verdict(json) => Simulated::Verdict(json),
        app::Simulated::Unreadable(problem) => Simulated::Unreadable(problem),
    }
}

/// What became of looking through an audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Everything is as it was written.
    Sound {
        /// How many records.
        records: u64,
        /// The first of them; 0 if there is none.
        first: u64,
        /// The last.
        last: u64,
        /// The last that a checkpoint signs.
        signed_through: u64,
        /// The hash after the last, as 64 hexadecimal digits.
        hash: String,
    },
    /// This is the first record that is not as it was written.
    Tampered {
        /// Its number.
        seq: u64,
        /// What is wrong.
        problem: String,
    },
    /// It cannot be read: why.
    Unreadable(String),
}

/// Goes through the audit log of a state directory, read only: a daemon may go on with it.
///
/// `public_key` is a file of keys to trust in place of the directory's own; `checkpoints` is one of
/// checkpoints that were kept elsewhere (`audit.checkpoint_file`).
#[must_use]
pub fn verify_audit_state(
    state: &Path,
    public_key: Option<&Path>,
    checkpoints: Option<&Path>,
) -> AuditVerdict {
    let measure = app::Measure {
        public_key: public_key.map(Path::to_owned),
        checkpoints: checkpoints.map(Path::to_owned),
    };
    audit_verdict(app::verify_state(state, &measure))
}

/// Goes through a file that `cpctl audit export` wrote, with the keys of another file.
#[must_use]
pub fn verify_audit_export(export: &Path, public_key: &Path) -> AuditVerdict {
    audit_verdict(app::verify_export(export, public_key))
}

fn audit_verdict(verified: Result<Result<Verified, Finding>, VerifyError>) -> AuditVerdict {
    match verified {
        Ok(Ok(verified)) => AuditVerdict::Sound {
            records: verified.records,
            first: verified.first.0,
            last: verified.last.0,
            signed_through: verified.signed_through.0,
            hash: verified.hash.to_string(),
        },
        Ok(Err(finding)) => {
            AuditVerdict::Tampered { seq: finding.seq.0, problem: finding.flaw.to_string() }
        }
        Err(error) => AuditVerdict::Unreadable(error.to_string()),
    }
}

/// Whether the process was started as a shim: its first argument says so.
#[must_use]
pub fn is_shim(mut args: impl Iterator<Item = OsString>) -> Mode {
    match args.nth(1) {
        Some(mode) if mode == "shim" => Mode::Shim,
        Some(_) | None => Mode::Other,
    }
}

/// What a process was started as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A shim, told what to do on its standard input.
    Shim,
    /// Something else.
    Other,
}

/// Becomes a shim; must come before anything that starts a thread.
#[must_use]
pub fn run_shim() -> ExitCode {
    codeplane_shim::run_from_inherited_socket()
}

/// The command line of `cpd`: `serve` (default) or `check-config`, with the settings' flags.
#[must_use]
pub fn run_cpd(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    if is_shim(args.iter().cloned()) == Mode::Shim {
        return run_shim();
    }
    match parse(&args) {
        Ok((Verb::Serve, args)) => run_daemon(&args),
        Ok((Verb::CheckConfig, args)) => check_config(&args),
        Ok((Verb::Version, _)) => {
            complain(&format!("cpd {}", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
        Err(problem) => {
            complain(&format!("{problem}; {USAGE}"));
            ExitCode::from(2)
        }
    }
}

const USAGE: &str = "usage: cpd [serve|check-config|version] [--config FILE] [--state-dir DIR] \
                     [--runtime-dir DIR] [--set SECTION.KEY=VALUE]…";

enum Verb {
    Serve,
    CheckConfig,
    Version,
}

fn parse(args: &[OsString]) -> Result<(Verb, DaemonArgs), String> {
    let mut verb = Verb::Serve;
    let mut parsed = DaemonArgs::default();
    let mut rest = args.iter().skip(1);
    while let Some(arg) = rest.next() {
        let mut value = || rest.next().ok_or_else(|| format!("{} needs a value", arg.display()));
        match arg.to_str() {
            Some("serve") => verb = Verb::Serve,
            Some("check-config") => verb = Verb::CheckConfig,
            Some("version" | "--version") => verb = Verb::Version,
            Some("--config") => parsed.config = Some(value()?.into()),
            Some("--state-dir") => parsed.state_dir = Some(value()?.into()),
            Some("--runtime-dir") => parsed.runtime_dir = Some(value()?.into()),
            Some("--set") => parsed.set.push(value()?.to_string_lossy().into_owned()),
            Some(_) | None => return Err(format!("unknown argument '{}'", arg.display())),
        }
    }
    Ok((verb, parsed))
}

/// Why there is no daemon (any more).
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(ConfigError),
    #[error(transparent)]
    Directory(DirectoryError),
    #[error(transparent)]
    Serve(ServeError),
    #[error("cannot start the runtime: {0}")]
    Runtime(io::Error),
    #[error("a daemon cannot be started inside session {0}")]
    InSession(String),
}

impl Failure {
    const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => EXIT_CONFIG,
            Self::Directory(DirectoryError::Locked { .. }) => EXIT_LOCKED,
            Self::Directory(_) => EXIT_CONFIG,
            Self::Serve(ServeError::Disk(_)) => EXIT_IO,
            Self::Serve(
                ServeError::Open(_) | ServeError::AuditKey(_) | ServeError::Listen { .. },
            ) => EXIT_CONFIG,
            Self::Serve(_) | Self::Runtime(_) | Self::InSession(_) => 1,
        }
    }
}

fn try_daemon(args: &DaemonArgs) -> Result<Served, Failure> {
    // Its own environment may have been wiped; that of the process that started it was not.
    let limited = || {
        codeplane_shim::SessionLimit::marks_this_process().then(|| {
            "of an ancestor (its limit of file locks is finite: see ulimit -Hx)".to_owned()
        })
    };
    if let Some(session) = os::inherited_mark().or_else(limited) {
        return Err(Failure::InSession(session));
    }
    let config = config::load(&sources(args)).map_err(Failure::Config)?;
    let directories = resolve(args).map_err(Failure::Directory)?;
    let locks = directories.prepare().map_err(Failure::Directory)?;
    telemetry::start(&config.log);
    // One thread carries all terminal traffic: more of them make a keystroke slower. What blocks
    // has threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .build()
        .map_err(Failure::Runtime)?;
    let served = runtime.block_on(serve(config, directories)).map_err(Failure::Serve);
    // Whatever still blocks must not hold up the end.
    runtime.shutdown_background();
    drop(locks);
    served
}

fn sources(args: &DaemonArgs) -> Sources {
    let file = args.config.clone().or_else(|| std::env::var_os("CODEPLANE_CONFIG").map(Into::into));
    Sources { file, env: std::env::vars().collect(), flags: args.set.clone() }
}

fn resolve(args: &DaemonArgs) -> Result<Directories, DirectoryError> {
    Directories::resolve(args.state_dir.clone(), args.runtime_dir.clone(), |name| {
        std::env::var_os(name).map(Into::into)
    })
}

/// One line for whoever started the process. Nobody may be there to read it.
fn complain(text: &str) {
    drop(writeln!(io::stderr(), "cpd: {text}"));
}
