//! Finding and starting the program.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::fault::{StartFault, StartStep};
use crate::os::{self, Program, SpawnFault, SpawnStep};
use crate::spec::LaunchSpec;

/// Where a program without a `PATH` is looked for, as in the C library.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// What the shim changed for itself and the program gets back.
#[derive(Clone, Copy)]
pub(super) struct Inherited {
    pub(super) umask: libc::mode_t,
    pub(super) core_limit: libc::rlimit,
}

/// Starts the program of `spec` on the terminal with this number. Returns its process id.
pub(super) fn start(
    spec: &LaunchSpec,
    inherited: Inherited,
    terminal: i32,
    cgroup: Option<&os::Cgroup>,
) -> Result<i32, StartFault> {
    let name = spec.command.first().map_or(OsStr::new(""), OsString::as_os_str);
    let candidates = candidates(name, search_path(&spec.env));
    let environment = spec.env.iter().map(|(name, value)| {
        let mut pair = name.clone();
        pair.push("=");
        pair.push(value);
        pair
    });
    let files = c_strings(candidates.iter().map(|path| path.as_os_str()))?;
    let program = Program {
        candidates: &files,
        arguments: &c_strings(spec.command.iter())?,
        environment: &c_strings(environment)?,
        directory: &c_strings([spec.cwd.as_os_str()])?[0],
        terminal,
        cgroup: cgroup.map(std::os::fd::AsFd::as_fd),
        umask: inherited.umask,
        core_limit: inherited.core_limit,
        open_files: spec.open_files,
    };
    os::spawn(&program).map_err(|fault| explain(fault, spec, name, &candidates))
}

/// The value of the last `PATH`, which is the one a program sees.
fn search_path(env: &[(OsString, OsString)]) -> &OsStr {
    let path = env.iter().rfind(|(name, _)| name == "PATH");
    path.map_or(OsStr::new(DEFAULT_PATH), |(_, value)| value)
}

/// The files a command may mean, in order.
fn candidates(name: &OsStr, path: &OsStr) -> Vec<PathBuf> {
    if name.is_empty() || name.as_bytes().contains(&b'/') {
        return vec![PathBuf::from(name)];
    }
    // An empty entry is the current directory, also by POSIX.
    path.as_bytes().split(|byte| *byte == b':').map(|dir| directory(dir).join(name)).collect()
}

fn directory(entry: &[u8]) -> PathBuf {
    let entry = if entry.is_empty() { b"." } else { entry };
    PathBuf::from(OsString::from_vec(entry.to_vec()))
}

fn c_strings<S: AsRef<OsStr>>(
    strings: impl IntoIterator<Item = S>,
) -> Result<Vec<CString>, StartFault> {
    let nul = || StartFault {
        step: StartStep::Spec,
        errno: libc::EINVAL,
        message: "a NUL byte in the command, its environment or its directory".to_owned(),
    };
    let c_string = |s: S| os::c_string(s.as_ref().as_bytes()).ok_or_else(nul);
    strings.into_iter().map(c_string).collect()
}

fn explain(
    fault: SpawnFault,
    spec: &LaunchSpec,
    name: &OsStr,
    candidates: &[PathBuf],
) -> StartFault {
    let error = io::Error::from_raw_os_error(fault.errno);
    let fault_of =
        |step, what: &Path| StartFault::new(step, format_args!("'{}'", what.display()), &error);
    match fault.step {
        SpawnStep::Process => StartFault::new(StartStep::Spawn, "new process", &error),
        SpawnStep::Terminal => StartFault::new(StartStep::Terminal, "controlling terminal", &error),
        SpawnStep::Directory => fault_of(StartStep::Cwd, &spec.cwd),
        SpawnStep::Execute if fault.errno == libc::ENOENT => {
            explain_missing(spec, name, candidates)
        }
        // A directory of the search path that may not be entered hides nothing anybody meant.
        SpawnStep::Execute
            if fault.errno == libc::EACCES
                && candidates.len() > 1
                && !candidates.iter().any(|file| exists(spec, file)) =>
        {
            explain_missing(spec, name, candidates)
        }
        SpawnStep::Execute => fault_of(StartStep::Exec, Path::new(name)),
    }
}

/// Whether there is such a file, as far as the shim may see.
fn exists(spec: &LaunchSpec, file: &Path) -> bool {
    spec.cwd.join(file).exists()
}

/// The kernel says "no such file" also of a script whose interpreter is missing.
fn explain_missing(spec: &LaunchSpec, name: &OsStr, candidates: &[PathBuf]) -> StartFault {
    let shown = Path::new(name).display();
    if candidates.iter().any(|file| exists(spec, file)) {
        let message = format!("'{shown}': its interpreter does not exist");
        return StartFault { step: StartStep::Exec, errno: libc::ENOEXEC, message };
    }
    let message = if name.as_bytes().contains(&b'/') {
        format!("'{shown}': no such file")
    } else {
        format!("'{shown}': not found in PATH")
    };
    StartFault { step: StartStep::Exec, errno: libc::ENOENT, message }
}

#[cfg(test)]
mod tests {
    use super::{OsStr, Path, candidates, search_path};

    #[test]
    fn a_name_is_looked_up_and_a_path_is_taken_as_it_is() {
        let of = |name: &str, path: &str| candidates(OsStr::new(name), OsStr::new(path));

        assert_eq!(of("vi", "/a:/b"), [Path::new("/a/vi"), Path::new("/b/vi")]);
        assert_eq!(of("vi", ":/b"), [Path::new("./vi"), Path::new("/b/vi")]);
        assert_eq!(of("./vi", "/a"), [Path::new("./vi")]);
        assert_eq!(of("", "/a"), [Path::new("")]);
    }

    #[test]
    fn the_path_is_that_of_the_program() {
        let env = [("A".into(), "1".into()), ("PATH".into(), "/x".into())];

        assert_eq!(search_path(&env), "/x");
        assert_eq!(search_path(&env[..1]), "/bin:/usr/bin");
    }
}
