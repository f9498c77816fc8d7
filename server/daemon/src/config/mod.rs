//! The daemon's settings: plain data, read once, checked, with the only copy of every default.

mod load;
mod roles;
mod units;

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use tracing::level_filters::LevelFilter;

pub(crate) use load::{ConfigError, Sources, load};
pub(crate) use roles::{RoleTable, RolesConfig};
pub(crate) use units::{Bytes, Span};

/// Every setting.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The file it was read from; none: there was none.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// How it logs.
    pub log: LogConfig,
    /// How many sessions, and how they end.
    pub sessions: SessionsConfig,
    /// How much output is kept.
    pub output: OutputConfig,
    /// How much may be typed.
    pub input: InputConfig,
    /// How many events are kept.
    pub events: EventsConfig,
    /// How long people may take.
    pub approvals: ApprovalsConfig,
    /// How much of the audit log is kept, and where its checkpoints go.
    pub audit: AuditConfig,
    /// What other users may do.
    pub roles: RolesConfig,
    /// How the daemon listens and ends.
    pub server: ServerConfig,
}

/// Settings of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// The least important messages that are written.
    pub level: LogLevel,
    /// How they are written.
    pub format: LogFormat,
}

/// Importance of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    /// Somebody must act.
    Error,
    /// The daemon coped.
    Warn,
    /// Life cycle.
    #[default]
    Info,
    /// For finding faults.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    pub(crate) const fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// Form of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Settings of sessions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SessionsConfig {
    /// Most sessions that exist at a time, ended ones included.
    pub max: u32,
    /// Ended sessions are deleted after this time; none: they stay until `rm`.
    pub ended_age: Option<Span>,
    /// Stop: time between SIGHUP and SIGTERM.
    pub hangup_grace: Span,
    /// Stop: time between SIGTERM and SIGKILL.
    pub terminate_grace: Span,
    /// What outlives the natural end of a command is killed after this time.
    pub leftover_grace: Span,
    /// Names of environment variables taken from a local client; a final `*` matches any rest.
    pub env_allow: Vec<String>,
}

impl Default for SessionsConfig {
    fn default() -> Self {
        Self {
            max: 1000,
            ended_age: None,
            hangup_grace: Span(Duration::from_secs(2)),
            terminate_grace: Span(Duration::from_secs(8)),
            leftover_grace: Span(Duration::from_secs(10)),
            env_allow: ENV_ALLOW.map(str::to_owned).to_vec(),
        }
    }
}

/// What a program in a terminal expects of its user's environment, and nothing that is a secret by
/// its purpose.
const ENV_ALLOW: [&str; 25] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "LESS",
    "MANPATH",
    "XDG_*",
    "SSH_AUTH_SOCK",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NO_COLOR",
    "LS_COLORS",
];

/// Settings of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OutputConfig {
    /// Most bytes kept of one session's output.
    pub session_limit: Bytes,
    /// Most bytes kept of all sessions' output together.
    pub total_limit: Bytes,
    /// Size of the files output is removed by.
    pub segment_size: Bytes,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self {
            session_limit: Bytes(256 << 20),
            total_limit: Bytes(20 << 30),
            segment_size: Bytes(16 << 20),
        }
    }
}

/// Settings of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InputConfig {
    /// Most bytes of one call.
    pub max: Bytes,
}

impl Default for InputConfig {
    fn default() -> Self {
        Self { max: Bytes(1 << 20) }
    }
}

/// Settings of approvals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ApprovalsConfig {
    /// A call that nobody decides about is denied after this time.
    pub timeout: Span,
    /// A call whose hook has lost its connection is cancelled after this time, or up to twice as long; one whose
    /// hook's process has ended, at once.
    pub rejoin_grace: Span,
    /// An agent whose hooks have reported nothing after this time is told of: it may wait at a dialog of its own.
    pub first_report: Span,
    /// Reports, decisions and approvals are deleted after this time; audit records stay.
    pub keep: Span,
}

impl Default for ApprovalsConfig {
    fn default() -> Self {
        Self {
            timeout: Span(Duration::from_secs(3600)),
            rejoin_grace: Span(Duration::from_secs(15)),
            first_report: Span(Duration::from_secs(60)),
            keep: Span(Duration::from_secs(90 * 86_400)),
        }
    }
}

/// Settings of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EventsConfig {
    /// Most events kept; the oldest go first.
    pub max: u64,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self { max: 1_000_000 }
    }
}

/// Settings of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuditConfig {
    /// Most records kept; the oldest go first.
    pub max: u64,
    /// Records go after this time; none: only when they are too many.
    pub age: Option<Span>,
    /// Checkpoints are appended to this file as well, so that they can be kept elsewhere.
    pub checkpoint_file: Option<PathBuf>,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { max: 5_000_000, age: None, checkpoint_file: None }
    }
}

/// Settings of the daemon itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerConfig {
    /// How long the end of the daemon waits for calls that are under way.
    pub shutdown_grace: Span,
    /// Use the shim binary at this path; none: the one beside the daemon.
    pub shim: Option<PathBuf>,
    /// Agents' hooks are this `cpctl`; none: the one beside the daemon.
    pub hook: Option<PathBuf>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { shutdown_grace: Span(Duration::from_secs(5)), shim: None, hook: None }
    }
}

impl Config {
    /// What is wrong with the values, one line each; empty if nothing.
    #[must_use]
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut require = |holds: Check, text: &str| match holds {
            Check::Holds => {}
            Check::Broken => problems.push(text.to_owned()),
        };
        let output = &self.output;
        require(
            Check::of((1..=100_000).contains(&self.sessions.max)),
            "sessions.max: must be 1 to 100000",
        );
        require(
            Check::of((64 << 10..=1 << 30).contains(&output.segment_size.0)),
            "output.segment_size: must be 64KiB to 1GiB",
        );
        require(
            Check::of(output.session_limit.0 >= 2 * output.segment_size.0),
            "output.session_limit: must be at least two segments (output.segment_size)",
        );
        require(
            Check::of(output.total_limit.0 >= output.session_limit.0),
            "output.total_limit: must be at least output.session_limit",
        );
        require(
            Check::of((1..=16 << 20).contains(&self.input.max.0)),
            "input.max: must be 1B to 16MiB",
        );
        require(
            Check::of((1..=86_400).contains(&self.approvals.timeout.0.as_secs())),
            "approvals.timeout: must be 1s to 24h",
        );
        require(
            Check::of((1..=300).contains(&self.approvals.rejoin_grace.0.as_secs())),
            "approvals.rejoin_grace: must be 1s to 5m",
        );
        require(
            Check::of((1..=3600).contains(&self.approvals.first_report.0.as_secs())),
            "approvals.first_report: must be 1s to 1h",
        );
        require(Check::of(self.events.max >= 1000), "events.max: must be at least 1000");
        let audit = &self.audit;
        require(Check::of(audit.max >= 10_000), "audit.max: must be at least 10000");
        require(
            Check::of(audit.checkpoint_file.as_ref().is_none_or(|path| path.is_absolute())),
            "audit.checkpoint_file: must be an absolute path",
        );
        problems.extend(self.roles.problems(crate::os::user_id));
        problems
    }
}

/// Whether a condition on a setting holds.
enum Check {
    Holds,
    Broken,
}

impl Check {
    #[expect(
        clippy::fn_params_excessive_bools,
        reason = "turns the outcome of a comparison into a name"
    )]
    const fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Broken }
    }
}
