//! Why a program could not be started.

use std::fmt;
use std::io;

/// What the shim was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StartStep {
    /// Receiving or reading what to start.
    Spec,
    /// Making the directories and files of the incarnation.
    Bundle,
    /// Listening on its socket.
    Listen,
    /// Opening the terminal.
    Terminal,
    /// Making a process.
    Spawn,
    /// Entering the directory.
    Cwd,
    /// Executing the command.
    Exec,
}

impl StartStep {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Spec,
        Self::Bundle,
        Self::Listen,
        Self::Terminal,
        Self::Spawn,
        Self::Cwd,
        Self::Exec,
    ];

    /// The name that the state FAILED shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Bundle => "bundle",
            Self::Listen => "listen",
            Self::Terminal => "terminal",
            Self::Spawn => "spawn",
            Self::Cwd => "cwd",
            Self::Exec => "exec",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }
}

impl fmt::Display for StartStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a program could not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {message}")]
pub struct StartFault {
    /// Where it failed.
    pub step: StartStep,
    /// The system's error number; 0 where there is none.
    pub errno: i32,
    /// What happened, for people: one line that names the file.
    pub message: String,
}

impl StartFault {
    /// The fault of a step that failed with `error`; `what` names the thing it failed for.
    pub(crate) fn new(step: StartStep, what: impl fmt::Display, error: &io::Error) -> Self {
        let message = format!("{what}: {}", describe(error));
        Self { step, errno: error.raw_os_error().unwrap_or(0), message }
    }

    /// What a shell returns for it: 127 when the command does not exist, 126 when it could not be
    /// run for another reason.
    #[must_use]
    pub const fn shell_code(&self) -> i32 {
        match self.step {
            StartStep::Exec if self.errno == libc::ENOENT => 127,
            StartStep::Spec
            | StartStep::Bundle
            | StartStep::Listen
            | StartStep::Terminal
            | StartStep::Spawn
            | StartStep::Cwd
            | StartStep::Exec => 126,
        }
    }
}

/// The error's text without the number that `std` appends.
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{StartFault, StartStep};
    use std::io;

    #[test]
    fn a_missing_command_is_127_and_one_that_cannot_run_is_126() {
        let fault = |step, errno| {
            StartFault::new(step, "nope", &io::Error::from_raw_os_error(errno)).shell_code()
        };

        assert_eq!(fault(StartStep::Exec, libc::ENOENT), 127);
        assert_eq!(fault(StartStep::Exec, libc::EACCES), 126);
        assert_eq!(fault(StartStep::Exec, libc::ENOEXEC), 126);
        assert_eq!(fault(StartStep::Cwd, libc::ENOENT), 126);
    }

    #[test]
    fn the_message_names_the_thing_and_not_the_number() {
        let fault =
            StartFault::new(StartStep::Exec, "'nope'", &io::Error::from_raw_os_error(libc::ENOENT));

        assert_eq!(fault.to_string(), "exec: 'nope': no such file or directory");
    }

    #[test]
    fn every_step_has_a_name_that_reads_back() {
        for step in StartStep::ALL {
            assert_eq!(StartStep::parse(step.as_str()), Some(step));
        }
    }
}
