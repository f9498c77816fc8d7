//! Starting a daemon when none answers.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use codeplane_client::{Client, Directories, Endpoint, Error};
use tokio::time::{Instant, sleep};

use crate::exit::Failure;
use crate::os;

/// How long a daemon may take to answer: recovery of a thousand sessions on a slow disk.
const START_LIMIT: Duration = Duration::from_secs(10);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(5);
/// How long to leave another daemon that is about to end alone.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Exit code of a daemon that found another one on its directories.
const ANOTHER_IS_THERE: i32 = 75;
/// From this size on, the log of the daemons before is put aside.
const LOG_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
/// How much of the log's end is read for an error message.
const LOG_TAIL_BYTES: usize = 4096;

/// Whether a daemon may be started when none answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Autostart {
    Allowed,
    /// By flag or environment.
    Forbidden,
    /// Nothing inside a session starts a daemon: it would be the session's.
    InsideSession,
    /// Another daemon was named explicitly: it is not ours to start.
    ForeignDaemon,
}

impl Autostart {
    /// Why none is started, and what to do.
    pub(crate) fn refusal(self, error: Error) -> Failure {
        match self {
            Self::Allowed | Self::Forbidden => Failure::Call(error),
            Self::InsideSession => Failure::Daemon(
                "no daemon answers, and none is started inside a session, where an agent is no operator: \
                 detach first, or use cpctl outside of it"
                    .to_owned(),
            ),
            Self::ForeignDaemon => Failure::Daemon(
                "no daemon answers on the endpoint that was named: start it there, or leave out \
                 --endpoint"
                    .to_owned(),
            ),
        }
    }
}

/// Starts a daemon and waits until it answers. When several clients do this at once, one starts it
/// and all of them wait.
pub(crate) async fn start(directories: &Directories) -> Result<Client, Failure> {
    make_private(&directories.state)?;
    let endpoint = Endpoint::unix(directories.operator_socket());
    let lock_path = directories.state.join("autostart.lock");
    let deadline = Instant::now() + START_LIMIT;
    let mut turn = None;
    let mut daemon = Attempt::default();
    loop {
        if let Some(client) = answering(&endpoint).await? {
            return Ok(client);
        }
        if turn.is_none() {
            turn = os::try_lock(&lock_path)
                .map_err(Failure::system(format!("cannot lock {}", lock_path.display())))?;
        } else {
            // Asked once since it is our turn: the one before us has not just succeeded.
            daemon.go_on(directories)?;
        }
        if Instant::now() >= deadline {
            return Err(Failure::Daemon(format!(
                "the daemon does not answer after {START_LIMIT:?}: see {}",
                directories.daemon_log().display()
            )));
        }
        sleep(ASK_EVERY).await;
    }
}

/// A daemon that is being started.
#[derive(Debug, Default)]
struct Attempt {
    daemon: Option<Child>,
    not_before: Option<Instant>,
}

impl Attempt {
    /// Sees to it that one is being started. Another daemon that has the directories and does not
    /// answer is about to end: ours is started again until that has happened.
    fn go_on(&mut self, directories: &Directories) -> Result<(), Failure> {
        let Some(daemon) = &mut self.daemon else {
            if self.not_before.is_none_or(|time| Instant::now() >= time) {
                self.daemon = Some(spawn(directories)?);
            }
            return Ok(());
        };
        let ended = daemon.try_wait().map_err(Failure::system("cannot watch the daemon start"))?;
        match ended {
            None => Ok(()),
            Some(status) if status.code() == Some(ANOTHER_IS_THERE) => {
                self.daemon = None;
                self.not_before = Some(Instant::now() + AGAIN_AFTER);
                Ok(())
            }
            Some(status) => Err(died(status, directories)),
        }
    }
}

async fn answering(endpoint: &Endpoint) -> Result<Option<Client>, Failure> {
    match Client::connect(endpoint).await {
        Ok(client) => Ok(Some(client)),
        Err(Error::NoDaemon { .. } | Error::Transport(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// This executable, by what it is and not by a path that an upgrade may have replaced. It inherits
/// nothing of the terminal.
fn spawn(directories: &Directories) -> Result<Child, Failure> {
    let log = open_log(&directories.daemon_log())
        .map_err(Failure::system(format!("cannot write {}", directories.daemon_log().display())))?;
    let errors = log.try_clone().map_err(Failure::system("cannot start a daemon"))?;
    Command::new("/proc/self/exe")
        .args(["daemon", "run", "--detached", "--state-dir"])
        .arg(&directories.state)
        .arg("--runtime-dir")
        .arg(&directories.runtime)
        .env_remove("CODEPLANE_ENDPOINT")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(Failure::system("cannot start a daemon"))
}

/// Appends; a log that has grown large is put aside, over the one that was put aside before.
fn open_log(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|facts| facts.len() > LOG_LIMIT_BYTES) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    File::options().create(true).append(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)
}

/// Insists, before anything is written there, on what the daemon will insist on.
fn make_private(directory: &Path) -> Result<(), Failure> {
    let shown = directory.display();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(Failure::system(format!("cannot make {shown}: choose another --state-dir")))?;
    let facts =
        fs::metadata(directory).map_err(Failure::system(format!("cannot examine {shown}")))?;
    let problem = if facts.uid() != nix::unistd::geteuid().as_raw() {
        "belongs to another user: choose another --state-dir"
    } else if facts.mode() & 0o022 != 0 {
        "can be written to by other users: run chmod go-w on it"
    } else {
        return Ok(());
    };
    Err(Failure::Daemon(format!("no daemon is started: {shown} {problem}")))
}

fn died(status: ExitStatus, directories: &Directories) -> Failure {
    let log = directories.daemon_log();
    let last = last_line(&log).unwrap_or_default();
    let said = if last.is_empty() { String::new() } else { format!(": {last}") };
    Failure::Daemon(format!("the daemon ended at once ({status}){said} (see {})", log.display()))
}

/// The last line of a file that says anything.
fn last_line(path: &Path) -> io::Result<String> {
    let bytes = fs::read(path)?;
    let tail = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LOG_TAIL_BYTES)..]);
    let last = tail.lines().rev().find(|line| !line.trim().is_empty());
    Ok(codeplane_client::visible(last.unwrap_or_default().trim()).into_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn nothing_is_written_where_others_can_write() {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");

        assert!(make_private(&state).is_ok());
        fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();

        assert!(matches!(make_private(&state), Err(Failure::Daemon(_))));
    }

    #[test]
    fn a_large_log_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("daemon.log");
        File::create(&log).unwrap().set_len(LOG_LIMIT_BYTES + 1).unwrap();

        drop(open_log(&log).unwrap());

        assert_eq!(fs::metadata(&log).unwrap().len(), 0);
        assert!(directory.path().join("daemon.log.old").exists());
    }

    #[test]
    fn the_last_line_of_the_log_is_the_cause() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("daemon.log");
        fs::write(&log, "first\ncpd: it is \x1b[31mbroken\n\n").unwrap();

        assert_eq!(last_line(&log).unwrap(), "cpd: it is \\x1b[31mbroken");
    }
}
