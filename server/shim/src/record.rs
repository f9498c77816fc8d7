//! The two small text files of an incarnation: who owns it, and how it ended.
//!
//! One `name value` a line; unknown names are skipped, so that later versions may add some.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use codeplane_core::{ExitStatus, Offset, SessionId, Timestamp};

use crate::fault::{StartFault, StartStep};
use crate::os::{self, Identity};

/// How an incarnation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitRecord {
    /// The end itself.
    pub outcome: Outcome,
    /// The end of the output when the program ended. Processes that outlived it may have printed
    /// more, which the log has.
    pub end: Offset,
    /// When.
    pub at: Timestamp,
}

/// The two ways an incarnation ends that leave a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The program ended.
    Exited(ExitStatus),
    /// It could not be started.
    Failed(StartFault),
}

impl ExitRecord {
    pub(crate) fn to_text(&self) -> String {
        let mut text = match &self.outcome {
            Outcome::Exited(status) => format!("exited {status}\n"),
            Outcome::Failed(fault) => {
                // Names of files may contain line breaks.
                let message = fault.message.replace(['\n', '\r'], " ");
                format!("failed {}\nerrno {}\nmessage {message}\n", fault.step, fault.errno)
            }
        };
        lines(&mut text, &[("end", &self.end.0), ("time_us", &self.at.as_micros())]);
        text
    }

    pub(crate) fn parse(content: &[u8]) -> io::Result<Self> {
        Self::from_fields(&Fields::new(content))
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an exit record"))
    }

    fn from_fields(fields: &Fields<'_>) -> Option<Self> {
        let outcome = match (fields.get("exited"), fields.get("failed")) {
            (Some(status), _) => {
                let (kind, number) = status.split_once(' ')?;
                match kind {
                    "code" => Outcome::Exited(ExitStatus::Code(number.parse().ok()?)),
                    "signal" => Outcome::Exited(ExitStatus::Signal(number.parse().ok()?)),
                    _ => return None,
                }
            }
            (None, Some(step)) => Outcome::Failed(StartFault {
                step: StartStep::parse(step).unwrap_or(StartStep::Spawn),
                errno: fields.number("errno").unwrap_or(0),
                message: fields.get("message").unwrap_or_default().to_owned(),
            }),
            (None, None) => return None,
        };
        let at = Timestamp::from_micros(fields.number("time_us")?);
        Some(Self { outcome, end: Offset(fields.number("end")?), at })
    }
}

/// Which process owns an incarnation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShimRecord {
    /// Its process id; another process may have it by now, see [`Self::is_running`].
    pub pid: u32,
    /// When it started, in clock ticks since the machine did.
    pub start_time: u64,
    /// Which start of the machine it ran in.
    pub boot_id: String,
    /// What it was built from.
    pub build: String,
    /// The protocol it speaks.
    pub protocol: u16,
    /// The control group of the session's processes, where it could make one.
    pub cgroup: Option<PathBuf>,
}

impl ShimRecord {
    pub(crate) fn of(identity: Identity, build: &str, protocol: u16) -> Self {
        let Identity { pid, start_time, boot_id } = identity;
        Self { pid, start_time, boot_id, build: build.to_owned(), protocol, cgroup: None }
    }

    /// Whether that very process still runs: same machine start, same number, same start time.
    #[must_use]
    pub fn is_running(&self) -> bool {
        os::boot_id().is_ok_and(|boot_id| boot_id == self.boot_id)
            && os::start_time(self.pid).is_ok_and(|time| time == self.start_time)
    }

    /// Asks the shim to listen at its path again, where the socket's name was removed while no
    /// daemon was connected. One that is gone is not asked, nor is whoever has its number now.
    pub fn ask_to_listen(&self) {
        let Some(process) = i32::try_from(self.pid).ok().and_then(|pid| os::PidFd::open(pid).ok())
        else {
            return;
        };
        // Asked after the descriptor is held: the number cannot have changed hands since.
        if self.is_running() {
            process.send(libc::SIGUSR1).ok();
        }
    }

    /// Kills the shim, and with it what does not mind losing its terminal. For one that does not
    /// answer; one that does is told to shut down.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when it does not run; else those of sending a signal.
    pub fn kill(&self) -> io::Result<()> {
        let process = os::PidFd::open(i32::try_from(self.pid).map_err(io::Error::other)?)?;
        // Asked after the descriptor is held: the number cannot have changed hands since.
        if !self.is_running() {
            return Err(io::ErrorKind::NotFound.into());
        }
        process.send(libc::SIGKILL)
    }

    /// Kills what a dead shim may have left: everything in its control group, which is removed, or
    /// where there was none every process that was started with the mark of its session, the
    /// variable `CODEPLANE_SESSION`.
    ///
    /// A shim that ends takes everything with it; one that was itself killed cannot, and a program
    /// that ignores the hang-up of its terminal lives on. Returns whether all is gone, which takes a
    /// moment after the first call.
    #[must_use]
    pub fn reap_leftovers(&self, session: SessionId) -> bool {
        if self.is_running() || !os::boot_id().is_ok_and(|boot_id| boot_id == self.boot_id) {
            return !self.is_running();
        }
        let Some(group) = self.cgroup.as_deref() else {
            return os::kill_marked(&format!("CODEPLANE_SESSION={session}")) == 0;
        };
        if os::kill_cgroup(group).is_ok() {
            os::remove_cgroup(group).ok();
        }
        !group.exists()
    }

    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        let fields: [(&str, &dyn std::fmt::Display); 5] = [
            ("pid", &self.pid),
            ("start_time", &self.start_time),
            ("boot_id", &self.boot_id),
            ("build", &self.build),
            ("protocol", &self.protocol),
        ];
        lines(&mut text, &fields);
        if let Some(group) = &self.cgroup {
            lines(&mut text, &[("cgroup", &group.display())]);
        }
        text
    }

    pub(crate) fn parse(content: &[u8]) -> Option<Self> {
        let fields = Fields::new(content);
        Some(Self {
            pid: fields.number("pid")?,
            start_time: fields.number("start_time")?,
            boot_id: fields.get("boot_id")?.to_owned(),
            build: fields.get("build").unwrap_or_default().to_owned(),
            protocol: fields.number("protocol").unwrap_or(0),
            cgroup: fields.get("cgroup").map(PathBuf::from),
        })
    }
}

/// The identity of the running kernel: another one means that no process of before is left.
///
/// # Errors
/// Those of reading `/proc`.
pub fn host_boot_id() -> io::Result<String> {
    os::boot_id()
}

fn lines(text: &mut String, fields: &[(&str, &dyn std::fmt::Display)]) {
    for (name, value) in fields {
        // Writing to a string does not fail.
        writeln!(text, "{name} {value}").ok();
    }
}

struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn new(content: &'a [u8]) -> Self {
        Self(str::from_utf8(content).unwrap_or_default())
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ExitRecord, ExitStatus, Identity, Offset, Outcome, ShimRecord, StartFault, StartStep,
        Timestamp,
    };

    #[test]
    fn the_text_of_an_exit_stays_as_it_is() {
        let record = ExitRecord {
            outcome: Outcome::Exited(ExitStatus::Signal(9)),
            end: Offset(1234),
            at: Timestamp::from_micros(1_700_000_000_000_000),
        };

        assert_eq!(record.to_text(), "exited signal 9\nend 1234\ntime_us 1700000000000000\n");
        assert_eq!(ExitRecord::parse(record.to_text().as_bytes()).unwrap(), record);
    }

    #[test]
    fn a_failed_start_keeps_its_reason_on_one_line() {
        let fault = StartFault {
            step: StartStep::Exec,
            errno: 2,
            message: "'a\nb': no such file".to_owned(),
        };
        let record = ExitRecord {
            outcome: Outcome::Failed(fault),
            end: Offset(0),
            at: Timestamp::from_micros(1),
        };

        let read = ExitRecord::parse(record.to_text().as_bytes()).unwrap();

        let Outcome::Failed(fault) = read.outcome else { panic!("{read:?}") };
        assert_eq!((fault.step, fault.errno), (StartStep::Exec, 2));
        assert_eq!(fault.message, "'a b': no such file");
    }

    #[test]
    fn fields_of_a_later_version_are_skipped() {
        let text = b"exited code 3\nmood good\nend 5\ntime_us 6\nlast word\n";

        let record = ExitRecord::parse(text).unwrap();

        assert_eq!(record.outcome, Outcome::Exited(ExitStatus::Code(3)));
    }

    #[test]
    fn half_a_file_is_an_error_and_not_an_exit() {
        assert!(ExitRecord::parse(b"").is_err());
        assert!(ExitRecord::parse(b"exited code 3\n").is_err());
    }

    #[test]
    fn a_process_is_told_from_another_with_its_number() {
        let own = ShimRecord::of(Identity::own().unwrap(), "b", 1);
        let other_start = ShimRecord { start_time: own.start_time + 1, ..own.clone() };
        let other_boot = ShimRecord { boot_id: "x".to_owned(), ..own.clone() };

        assert_eq!(ShimRecord::parse(own.to_text().as_bytes()).as_ref(), Some(&own));
        assert!(own.is_running());
        assert!(!other_start.is_running());
        assert!(!other_boot.is_running());
    }
}
