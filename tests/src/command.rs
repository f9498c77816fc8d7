//! Programs that are run to their end.

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::pause;

/// What a program left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its exit code, or 128 plus the signal that ended it.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Finished {
    /// The output of a program that must have succeeded.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    #[must_use]
    pub fn success(self) -> String {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self.stdout
    }

    /// The complaint of a program that must have failed with `code`.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    #[must_use]
    pub fn failure(self, code: i32) -> String {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self.stderr
    }
}

/// Runs `command` to its end, with `input` on its standard input.
///
/// # Panics
/// If it cannot be run, or has not ended at the deadline; it is killed then.
#[track_caller]
pub fn run(command: &mut Command, input: &[u8], deadline: Duration) -> Finished {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    let stdout = read_all(child.stdout.take().expect("it is piped"));
    let stderr = read_all(child.stderr.take().expect("it is piped"));
    let input = input.to_vec();
    // A program that does not read its input is none of our business.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let end = Instant::now() + deadline;
    let status = loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            break status;
        }
        if Instant::now() > end {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
            panic!("{command:?} has not ended after {deadline:?}");
        }
        pause(Duration::from_millis(2));
    };
    drop(writer.join());
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    Finished {
        code: status.code().unwrap_or_else(|| 128 + signal.unwrap_or_default()),
        stdout: stdout.join().expect("it only reads"),
        stderr: stderr.join().expect("it only reads"),
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read until an error is what there is.
        drop(from.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PATIENCE;

    #[test]
    fn a_program_is_told_by_its_code_and_what_it_printed() {
        let mut command = Command::new("sh");
        command.args(["-c", "cat; echo complaint >&2; exit 3"]);

        let finished = run(&mut command, b"input", PATIENCE);

        assert_eq!(finished.stdout, "input");
        assert_eq!(finished.failure(3), "complaint\n");
    }

    #[test]
    #[should_panic(expected = "has not ended")]
    fn a_program_that_hangs_fails_the_test() {
        run(Command::new("sleep").arg("600"), b"", Duration::from_millis(50));
    }
}
