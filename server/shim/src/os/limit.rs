//! What a program of a session bears and cannot take off: a hard limit, which only goes down.
//!
//! A process can leave its parents (by killing them), its environment, its control group and its
//! session of processes. What it inherits through every fork and exec, and only root raises, also
//! from within a user namespace, is a hard limit (setrlimit(2), capabilities(7)). That of file locks
//! limits nothing since Linux 2.4.25.

use std::fs;
use std::io;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

/// What programs of sessions get. No administrator writes such a number.
const MOST: rlim_t = 1 << 62;

/// The hard limit of file locks that the programs of sessions bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimit(rlim_t);

impl SessionLimit {
    /// That of the sessions which this process starts, itself being in none. `None` where this
    /// process has the lowest limit there is: then its sessions cannot be told by theirs.
    ///
    /// # Errors
    /// Those of asking for the limits of this process.
    pub fn below_own() -> io::Result<Option<Self>> {
        let (_, hard) = getrlimit(Resource::RLIMIT_LOCKS)?;
        Ok(Self::below(hard))
    }

    /// Whether a process bears it; `None` when it is gone or invisible.
    ///
    /// One that an administrator gave a lower limit than the daemon's looks the same.
    #[must_use]
    pub fn is_borne_by(self, pid: i32) -> Option<bool> {
        Some(hard_limit(&fs::read_to_string(format!("/proc/{pid}/limits")).ok()?)? <= self.0)
    }

    /// Whether this very process was started in a session of whichever daemon: any finite limit says so, because what a
    /// session's program lowered further is not told from what an administrator set.
    #[must_use]
    pub fn marks_this_process() -> bool {
        getrlimit(Resource::RLIMIT_LOCKS).is_ok_and(|(_, hard)| hard <= MOST)
    }

    /// Makes this process, a shim, and all that it starts bear it.
    pub(crate) fn put_on() -> io::Result<()> {
        if let Some(Self(most)) = Self::below_own()? {
            setrlimit(Resource::RLIMIT_LOCKS, most, most)?;
        }
        Ok(())
    }

    /// The one this process, a shim, bears itself.
    pub(crate) fn worn() -> Option<Self> {
        let (_, hard) = getrlimit(Resource::RLIMIT_LOCKS).ok()?;
        (1..=MOST).contains(&hard).then_some(Self(hard))
    }

    const fn below(hard: rlim_t) -> Option<Self> {
        match hard {
            0 => None,
            1..=MOST => Some(Self(hard - 1)),
            _ => Some(Self(MOST)),
        }
    }
}

/// The hard limit of file locks in what `/proc/PID/limits` says.
fn hard_limit(limits: &str) -> Option<rlim_t> {
    let locks = limits.lines().find_map(|line| line.strip_prefix("Max file locks"))?;
    let hard = locks.split_ascii_whitespace().nth(1)?;
    if hard == "unlimited" { Some(rlim_t::MAX) } else { hard.parse().ok() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A shell with this hard limit that does what `script` says and then waits.
    fn limited(to: rlim_t, script: &str, uid: Option<u32>) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{script}; echo ready; read line")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(uid) = uid {
            command.uid(uid).current_dir("/");
        }
        // SAFETY: only a system call.
        unsafe {
            command.pre_exec(move || Ok(setrlimit(Resource::RLIMIT_LOCKS, to, to)?));
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut said = io::BufReader::new(child.stdout.take().unwrap());
        io::BufRead::read_line(&mut said, &mut line).unwrap();
        assert_eq!(line, "ready\n");
        child
    }

    fn is_marked(mut child: Child) -> Option<bool> {
        let limit = SessionLimit::below(rlim_t::MAX).unwrap();
        let found = limit.is_borne_by(i32::try_from(child.id()).unwrap());
        drop(child.stdin.take());
        child.wait().unwrap();
        found
    }

    #[test]
    fn who_was_never_in_a_session_does_not_bear_it() {
        let own = i32::try_from(std::process::id()).unwrap();

        assert_eq!(SessionLimit::below_own().unwrap().unwrap().is_borne_by(own), Some(false));
        assert!(!SessionLimit::marks_this_process());
    }

    #[test]
    fn who_was_bears_it_also_after_lowering_it() {
        assert_eq!(is_marked(limited(MOST, ":", None)), Some(true));
        assert_eq!(is_marked(limited(7, ":", None)), Some(true));
    }

    #[test]
    fn nobody_but_root_takes_it_off() {
        if !nix::unistd::geteuid().is_root() {
            eprintln!("skipped: only root can become another user");
            return;
        }
        let raise = "prlimit --pid $$ --locks=unlimited:unlimited 2>/dev/null; \
                     unshare -Ur prlimit --pid $$ --locks=unlimited:unlimited 2>/dev/null";

        assert_eq!(is_marked(limited(MOST, raise, Some(65534))), Some(true));
    }

    #[test]
    fn a_daemon_with_a_limit_of_its_own_gives_its_sessions_a_lower_one() {
        assert_eq!(SessionLimit::below(1000), Some(SessionLimit(999)));
        assert_eq!(SessionLimit::below(MOST), Some(SessionLimit(MOST - 1)));
        assert_eq!(SessionLimit::below(0), None);
    }

    #[test]
    fn the_limit_is_read_from_its_line() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max address space         5                    6                    bytes     \n\
            Max file locks            7                    8                    locks     \n";

        assert_eq!(hard_limit(text), Some(8));
        assert_eq!(hard_limit(&text.replace("8 ", "unlimited ")), Some(rlim_t::MAX));
        assert_eq!(hard_limit("Max processes 1 2 processes"), None);
    }
}
