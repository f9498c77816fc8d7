//! The program that agents start as their hook: `hook-entry/main.rs`, built by `build.rs` and carried along.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// What is in the file.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hook-entry"));

/// Puts the program at `path`, in place of another daemon's. Agents that start it meanwhile find the one or the other.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn install(path: &Path) -> io::Result<()> {
    let next = path.with_extension("next");
    match fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(&next)?;
    file.write_all(PROGRAM)?;
    // Later it would be busy: whoever is forked in between has it open for writing.
    drop(file);
    fs::rename(&next, path)
}

/// Which file lies there, and when it was changed last: nobody but the kernel sets that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(u64, u64, i64, i64);

impl Identity {
    /// Of what is at `path`; none if there is nothing.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let found = fs::symlink_metadata(path).ok()?;
        Some(Self(found.dev(), found.ino(), found.ctime(), found.ctime_nsec()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Output, Stdio};

    use super::*;

    struct Lab {
        directory: tempfile::TempDir,
    }

    impl Lab {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            install(&directory.path().join("entry")).unwrap();
            Self { directory }
        }

        fn run(&self, env: &[(&str, &str)], words: &[&str]) -> Output {
            let mut entry = Command::new(self.directory.path().join("entry"));
            entry.args(words).env_clear().envs(env.iter().copied()).stdin(Stdio::null());
            entry.output().unwrap()
        }
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn no_variable_of_the_loader_keeps_it_from_running_or_reaches_what_it_runs() {
        let lab = Lab::new();
        for variable in ["LD_TRACE_LOADED_OBJECTS", "LD_DEBUG", "LD_PRELOAD", "LD_LIBRARY_PATH"] {
            let env = [(variable, "help"), ("CODEPLANE_X", "kept"), ("PATH", "/nowhere")];

            let output = lab.run(&env, &["/usr/bin/env"]);

            assert_eq!(text(&output.stdout), "CODEPLANE_X=kept\n", "{variable}");
            assert!(output.status.success(), "{variable}: {output:?}");
        }
    }

    #[test]
    fn what_it_runs_has_its_arguments_and_its_end() {
        let output = Lab::new().run(&[], &["/bin/sh", "-c", "echo \"$1\"; exit 7", "x", "a b"]);

        assert_eq!((text(&output.stdout), output.status.code()), ("a b\n", Some(7)));
    }

    #[test]
    fn what_cannot_be_run_is_a_refusal() {
        let lab = Lab::new();
        for words in [&["/nowhere/cpctl", "hook"][..], &[]] {
            let output = lab.run(&[], words);

            assert_eq!(output.status.code(), Some(2), "{words:?}");
            assert!(text(&output.stderr).ends_with(": denied, because nothing can be asked\n"));
            assert_eq!(output.status.signal(), None);
        }
    }

    #[test]
    fn it_is_put_in_place_of_an_older_one_and_of_one_that_was_not_finished() {
        let lab = Lab::new();
        let path = lab.directory.path().join("entry");
        fs::write(&path, "old").unwrap();
        fs::write(path.with_extension("next"), "half").unwrap();

        install(&path).unwrap();

        assert_eq!(fs::read(&path).unwrap(), PROGRAM);
    }
}
