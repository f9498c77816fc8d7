//! The daemon looks at itself: info, doctor, backup, drain.

use std::path::Path;
use std::sync::atomic::Ordering;

use codeplane_core::{EventKind, HostId, Timestamp};

use super::App;
use super::error::Error;
use crate::os;

/// Descriptors a live session may need: its shim's socket and the log of a reader or two.
const FILES_PER_SESSION: u64 = 4;

/// What the daemon is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Info {
    /// Version.
    pub version: &'static str,
    /// Id of its state directory.
    pub host: HostId,
    /// When it started.
    pub started_at: Timestamp,
    /// Where its state is.
    pub state_dir: String,
    /// Where its sockets are.
    pub runtime_dir: String,
    /// Sessions that run.
    pub live: usize,
    /// Sessions that exist.
    pub sessions: usize,
    /// The cap on them.
    pub max_sessions: u32,
    /// Most bytes of one unary input.
    pub max_input: u64,
    /// Whether it takes new sessions.
    pub drain: Drain,
    /// What shims are started from.
    pub shim: String,
}

/// Whether the daemon takes new sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drain {
    /// It does not.
    Draining,
    /// It does.
    Open,
}

/// One examination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// What was examined.
    pub name: &'static str,
    /// How it is.
    pub severity: Severity,
    /// What was found.
    pub finding: String,
    /// What to do; empty if nothing.
    pub remedy: String,
}

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// As it should be.
    Ok,
    /// Works, but look at it.
    Warning,
    /// Does not work.
    Error,
}

impl Check {
    fn ok(name: &'static str, finding: impl Into<String>) -> Self {
        Self { name, severity: Severity::Ok, finding: finding.into(), remedy: String::new() }
    }

    fn bad(name: &'static str, severity: Severity, finding: String, remedy: &str) -> Self {
        Self { name, severity, finding, remedy: remedy.to_owned() }
    }
}

impl App {
    /// What the daemon is.
    #[must_use]
    pub(crate) fn info(&self) -> Info {
        let all = self.registry.all();
        Info {
            version: env!("CARGO_PKG_VERSION"),
            host: self.host,
            started_at: self.started_at,
            state_dir: self.directories.state.display().to_string(),
            runtime_dir: self.directories.runtime.display().to_string(),
            live: all.iter().filter(|live| live.state().is_live()).count(),
            sessions: all.len(),
            max_sessions: self.config.sessions.max,
            max_input: self.config.input.max.0,
            drain: if self.is_draining() { Drain::Draining } else { Drain::Open },
            shim: self.shim_name(),
        }
    }

    fn shim_name(&self) -> String {
        let name = if self.shims.are_small() { "cpd-shim" } else { "self" };
        name.to_owned()
    }

    /// Takes no new sessions and ends the streams there are, or takes sessions again. Sessions go on,
    /// and can be attached to.
    ///
    /// # Errors
    /// Those of writing the fact.
    pub(crate) async fn drain(&self, drain: Drain) -> Result<Info, Error> {
        let wanted = drain == Drain::Draining;
        let before = self.draining.swap(wanted, Ordering::AcqRel);
        if wanted && !before {
            self.surroundings.drain();
            let event = self.own_event(EventKind::DaemonDraining);
            let written = self.store.append_events(vec![event]).await;
            written.map_err(|error| self.store_error(error))?;
            self.registry.wake_all();
        }
        Ok(self.info())
    }

    /// Copies the database while everything goes on. Answers the size of the copy.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a relative path, [`Error::FileExists`], [`Error::DiskFull`].
    pub(crate) async fn backup(&self, path: &str) -> Result<u64, Error> {
        let path = Path::new(path);
        if !path.is_absolute() {
            return Err(Error::invalid("path", "must be an absolute path on the daemon's machine"));
        }
        if !path.parent().is_some_and(Path::is_dir) {
            return Err(Error::invalid("path", "its directory does not exist"));
        }
        self.store.backup(path).await.map_err(|error| self.store_error(error))?;
        Ok(std::fs::metadata(path).map_or(0, |facts| facts.len()))
    }

    /// Examines the daemon's surroundings.
    pub(crate) async fn doctor(&self) -> Vec<Check> {
        let mut checks = vec![self.check_store().await, self.check_limits(), self.check_shim()];
        checks.push(self.check_disk().await);
        checks.push(self.check_logs());
        checks
    }

    async fn check_store(&self) -> Check {
        match self.store.check().await {
            Ok(check) => match check.problems.as_slice() {
                [] => Check::ok("database", format!("{} bytes, no damage", check.database_bytes)),
                damage => Check::bad(
                    "database",
                    Severity::Error,
                    damage.join("; "),
                    "stop the daemon and restore a backup",
                ),
            },
            Err(error) => {
                Check::bad("database", Severity::Error, error.to_string(), "see the daemon's log")
            }
        }
    }

    fn check_limits(&self) -> Check {
        let files = os::open_files();
        let needed = u64::from(self.config.sessions.max) * FILES_PER_SESSION;
        if files >= needed {
            return Check::ok("open files", format!("{files} allowed"));
        }
        Check::bad(
            "open files",
            Severity::Warning,
            format!("{files} allowed; {} sessions may need {needed}", self.config.sessions.max),
            "raise the hard limit on open files (LimitNOFILE in the service unit)",
        )
    }

    fn check_shim(&self) -> Check {
        if !self.shims.are_small() {
            return Check::bad(
                "shim",
                Severity::Warning,
                "sessions use the daemon's own executable as their shim".to_owned(),
                "install cpd-shim of the same build beside cpd: sessions then need less memory",
            );
        }
        Check::ok("shim", "a small binary of the same build")
    }

    async fn check_disk(&self) -> Check {
        let state = self.directories.state.clone();
        let free = self.shutdown.spawn_blocking(move || nix::sys::statvfs::statvfs(&state)).await;
        match free {
            Ok(Ok(facts)) => {
                let free = facts.blocks_available().saturating_mul(facts.fragment_size());
                if free >= self.config.output.session_limit.0 {
                    return Check::ok("disk", format!("{} MiB free", free >> 20));
                }
                Check::bad(
                    "disk",
                    Severity::Warning,
                    format!("{} MiB free: less than one session may print", free >> 20),
                    "make room, or lower output.session_limit and output.total_limit",
                )
            }
            Ok(Err(error)) => Check::bad(
                "disk",
                Severity::Error,
                error.to_string(),
                "look at the state directory",
            ),
            Err(error) => Check::bad("disk", Severity::Error, error.to_string(), ""),
        }
    }

    fn check_logs(&self) -> Check {
        use crate::session::LogHealth;
        let all = self.registry.all();
        let degraded: Vec<String> = all
            .iter()
            .filter(|live| live.view().log == LogHealth::Degraded)
            .map(|live| live.id().short())
            .collect();
        if degraded.is_empty() {
            return Check::ok("output", "all sessions' output is kept");
        }
        Check::bad(
            "output",
            Severity::Error,
            format!("the output of {} is not kept: the disk is full", degraded.join(", ")),
            "make room; it goes on by itself",
        )
    }
}
