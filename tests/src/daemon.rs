//! A daemon of a test's own.

mod clients;
mod sessions;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

pub use sessions::{Traces, scripted};
use tempfile::TempDir;

use crate::{
    PATIENCE,
    processes::{Family, Process, Signal},
    wait_until,
};

/// Numbers the daemons of one test process.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// What a test's daemon is to be like.
#[derive(Clone, Debug, Default)]
pub struct DaemonOptions {
    /// Text of its configuration file; without any it has none.
    pub config: Option<String>,
    /// Where its state is to be, for a test that brings a file system of its own. Not removed.
    pub state_dir: Option<PathBuf>,
    /// Environment of the daemon and of all that is run through it, beside the usual one.
    pub env: Vec<(String, String)>,
}

/// A daemon with private directories. Dropped: the daemon, its shims, their sessions and every
/// terminal opened through it are ended, and the directories removed.
#[derive(Debug)]
pub struct TestDaemon {
    child: Option<Child>,
    family: Family,
    options: DaemonOptions,
    // Last: removed when all that wrote there is gone.
    directory: TempDir,
}

impl TestDaemon {
    /// Starts a daemon and waits until it answers.
    ///
    /// # Panics
    /// If it does not, with its log.
    #[must_use]
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with(DaemonOptions::default())
    }

    /// As [`Self::start`], with a configuration or environment of its own.
    ///
    /// # Panics
    /// If it does not answer, with its log.
    #[must_use]
    #[track_caller]
    pub fn start_with(options: DaemonOptions) -> Self {
        let mut daemon = Self::prepare(options);
        daemon.launch();
        daemon
    }

    /// Makes the directories and starts nothing.
    ///
    /// # Panics
    /// If the directories cannot be made.
    #[must_use]
    pub fn prepare(options: DaemonOptions) -> Self {
        // Sockets lie below it and their paths are at most 107 bytes: not in a deep TMPDIR.
        let directory = tempfile::Builder::new().prefix("cp").tempdir_in("/tmp").unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let tag = format!("{}-{number}", std::process::id());
        let mut directories = vec![directory.path().to_path_buf()];
        directories.extend(options.state_dir.clone());
        let family = Family { tag, directories };
        let daemon = Self { child: None, family, options, directory };
        for path in [daemon.state_dir(), daemon.home()] {
            fs::create_dir_all(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        }
        if let Some(config) = &daemon.options.config {
            fs::write(daemon.config_path(), config).unwrap();
        }
        daemon
    }

    /// Starts the daemon on its directories and waits until it answers.
    ///
    /// # Panics
    /// If it ends or does not answer, with its log.
    #[track_caller]
    pub fn launch(&mut self) {
        self.spawn();
        self.wait_until_it_answers();
    }

    /// Starts the daemon and does not wait.
    ///
    /// # Panics
    /// If the executable cannot be run.
    pub fn spawn(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = self.command("cpd");
        if self.options.config.is_some() {
            command.arg("--config").arg(self.config_path());
        }
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().expect("the daemon can be run"));
    }

    /// Waits until the daemon that was started last serves: all shims are adopted then.
    ///
    /// # Panics
    /// If it ends or does not answer, with its log.
    #[track_caller]
    pub fn wait_until_it_answers(&mut self) {
        let pid = self.pid();
        wait_until("the daemon to answer", PATIENCE, || {
            if let Ok(Some(status)) = self.child.as_mut().expect("it was started").try_wait() {
                panic!("the daemon ended with {status}:\n{}", self.log());
            }
            match self.ask_for_pid() {
                // Not one that was killed a moment ago.
                Ok(answered) if answered == pid => Ok(()),
                other => Err(format!("{other:?}; its log:\n{}", self.log())),
            }
        });
    }

    /// Process id of the daemon.
    ///
    /// # Panics
    /// If none was started.
    #[must_use]
    pub fn pid(&self) -> i32 {
        let child = self.child.as_ref().expect("the daemon was started");
        i32::try_from(child.id()).unwrap()
    }

    /// Kills the daemon with SIGKILL, in the middle of whatever it is doing.
    ///
    /// # Panics
    /// If none was started.
    pub fn kill_hard(&mut self) {
        let child = self.child.as_mut().expect("the daemon was started");
        child.kill().expect("it is our child");
        child.wait().expect("it is our child");
        self.child = None;
    }

    /// Kills the daemon with SIGKILL and starts it again.
    ///
    /// # Panics
    /// If it does not answer again.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill_hard();
        self.launch();
    }

    /// Asks the daemon to end, as a supervisor does, and returns its exit code.
    ///
    /// # Panics
    /// If it has not ended after [`PATIENCE`].
    #[track_caller]
    pub fn stop(&mut self) -> Option<i32> {
        Process::read(self.pid()).expect("the daemon lives").signal(Signal::TERM);
        let code = self.wait_for_end(PATIENCE);
        self.child = None;
        code
    }

    /// Waits until the daemon has ended by itself, and returns its exit code.
    ///
    /// # Panics
    /// At the deadline, with its log.
    #[track_caller]
    pub fn wait_for_end(&mut self, deadline: Duration) -> Option<i32> {
        wait_until("the daemon to end", deadline, || {
            let child = self.child.as_mut().expect("the daemon was started");
            let status = child.try_wait().expect("it is our child");
            status.map(|status| status.code()).ok_or_else(|| self.log())
        })
    }

    /// Everything that runs on its behalf: daemon, shims, sessions, terminals. Not the shim that
    /// gets ready for the next session, which comes and goes.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let mut all = self.family.members();
        all.retain(|process| !process.arguments().iter().any(|one| one == "stand-by"));
        all
    }

    /// The shims that are ready for the next session.
    #[must_use]
    pub fn spare_shims(&self) -> Vec<Process> {
        let mut all = self.family.members();
        all.retain(|process| process.arguments().iter().any(|one| one == "stand-by"));
        all
    }

    /// The shims of sessions that live.
    #[must_use]
    pub fn shims(&self) -> Vec<Process> {
        let is_shim = |process: &Process| {
            let arguments = process.arguments();
            process.name == "cpd-shim" || arguments.get(1).is_some_and(|first| first == "shim")
        };
        self.processes().into_iter().filter(is_shim).collect()
    }

    /// Where its state is.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        let own = || self.directory.path().join("state");
        self.options.state_dir.clone().unwrap_or_else(own)
    }

    /// Where its sockets are.
    #[must_use]
    pub fn runtime_dir(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    /// The socket of the operators.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime_dir().join("op/cpd.sock")
    }

    /// The home directory of its user; a place for a test's own files.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// What the daemon has written to its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("daemon.log")
    }

    fn config_path(&self) -> PathBuf {
        self.directory.path().join("config.toml")
    }

    /// The directory that holds all others.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for TestDaemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
        self.family.end();
    }
}
