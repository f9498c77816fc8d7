//! What every peer has: a private directory, an environment, and processes that are its own.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use super::Result;
use crate::processes::{Family, Process, TAG};

/// Numbers the homes of one driver.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// What is larger is emptied when its measurement is over.
const BIG_BYTES: u64 = 1 << 20;

/// Names of executables that are programs of users, not part of a peer.
const PROGRAMS: [&str; 2] = ["sleep", "sh"];

/// The place where a peer lives for one measurement. Dropped: all its processes are ended.
#[derive(Debug)]
pub struct Home {
    directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
    family: Family,
}

impl Home {
    /// Makes a directory for peer `name` below `scratch`. Its path is short, for sockets.
    ///
    /// # Errors
    /// Those of making it.
    pub fn create(scratch: &Path, name: &str) -> Result<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = scratch.join(format!("{name}{number}"));
        fs::create_dir_all(&directory)?;
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o700))?;
        let tag = format!("{name}-{}-{number}", std::process::id());
        let environment = [
            ("PATH", env::var_os("PATH").unwrap_or_default()),
            ("HOME", directory.clone().into()),
            ("LANG", "C.UTF-8".into()),
            ("LC_ALL", "C.UTF-8".into()),
            ("TERM", "xterm-256color".into()),
            ("SHELL", "/bin/sh".into()),
            (TAG, tag.clone().into()),
        ];
        let environment = environment.map(|(name, value)| (name.into(), value)).into();
        let family = Family { tag, directories: vec![directory.clone()] };
        Ok(Self { directory, environment, family })
    }

    /// Sets a variable for everything that is started here.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.push((name.into(), value.into()));
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A path in the directory, as text.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    /// The environment of all that is started here.
    #[must_use]
    pub fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment
    }

    /// A command with this home's environment, its output in the home's log.
    ///
    /// # Errors
    /// If the log cannot be opened.
    pub fn command<A: AsRef<OsStr>>(&self, argv: &[A]) -> Result<Command> {
        let (program, arguments) = argv.split_first().ok_or("no program")?;
        let log = fs::File::options().create(true).append(true).open(self.path("log"))?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// If it cannot be run or fails, with the end of the log.
    pub fn run<A: AsRef<OsStr>>(&self, argv: &[A]) -> Result<()> {
        let status = self.command(argv)?.status()?;
        if status.success() {
            return Ok(());
        }
        let shown: Vec<_> =
            argv.iter().map(|argument| argument.as_ref().to_string_lossy()).collect();
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let tail = log.lines().last().unwrap_or_default();
        Err(format!("{} ended with {status}: {tail}", shown.join(" ")).into())
    }

    /// Starts a command that stays, in a process group of its own.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn spawn<A: AsRef<OsStr>>(&self, argv: &[A]) -> Result<Child> {
        Ok(self.command(argv)?.process_group(0).spawn()?)
    }

    /// The peer's own processes: daemon and helpers, neither the users' programs nor the probe
    /// and the attach clients below it.
    #[must_use]
    pub fn helpers(&self) -> Vec<Process> {
        let all = self.family.members();
        let is_client = |process: &Process| {
            let mut at = Some(process);
            while let Some(process) = at {
                if process.name.starts_with("codeplane-bench") {
                    return true;
                }
                at = all.iter().find(|other| other.pid == process.parent);
            }
            false
        };
        let is_program = |process: &Process| {
            let is_benchprog = || process.arguments().get(1).is_some_and(|mode| mode == "run");
            PROGRAMS.contains(&process.name.as_str())
                || process.name == "benchprog" && is_benchprog()
        };
        let helpers = all.iter().filter(|process| !is_client(process) && !is_program(process));
        helpers.cloned().collect()
    }

    /// Processor time of the helpers so far, in seconds.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        let ticks: u64 = self.helpers().iter().map(|process| process.cpu_ticks).sum();
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64
    }

    /// Memory of the helpers in KiB.
    #[must_use]
    pub fn memory_kb(&self) -> u64 {
        self.helpers().iter().map(Process::memory_kb).sum()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.family.end();
        // The directory goes with the scratch directory, when all is measured: for some minutes
        // after files were removed ext4 is slow to make new ones, at the cost of whoever is
        // measured next.
        empty_big_files(&self.directory);
    }
}

/// Gives back the space of what a measurement has left.
fn empty_big_files(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => empty_big_files(&entry.path()),
            Ok(metadata) if metadata.is_file() && metadata.len() > BIG_BYTES => {
                drop(fs::File::create(entry.path()));
            }
            Ok(_) | Err(_) => {}
        }
    }
}
