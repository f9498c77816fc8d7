//! How a program starts, and how it does not.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use codeplane_core::{ExitStatus, Timestamp};
use codeplane_shim::{
    Bundle, ExitRecord, FromShim, GivenUp, LaunchSpec, Launched, Outcome, ShimBinary, StartFault,
    StartStep, Started, ToShim, probe,
};
use nix::sys::signal::{Signal, kill};
use tempfile::TempDir;

use crate::kit::{DEADLINE, TestShim, binary, eventually, spec};

/// The fault of a start that fails; also checks that it is on disk and that the shim goes.
fn fault_of(mut shim: TestShim) -> StartFault {
    let started = shim.socket.wait_started(DEADLINE).unwrap();
    let Started::Failed(fault) = started else { panic!("it started: {started:?}") };
    shim.until_gone();
    assert_eq!(shim.until_exit().outcome, Outcome::Failed(fault.clone()));
    assert!(!shim.spec.socket.exists(), "the socket is left over");
    fault
}

#[test]
fn what_is_typed_comes_back_and_the_code_is_kept() {
    let mut shim = TestShim::run("read line; echo \"got $line\"; exit 3");
    shim.register();

    shim.type_(1, b"hello\n");

    let (status, end) = shim.until(|message| match message {
        FromShim::Exited { status, end } => Some((*status, *end)),
        _ => None,
    });
    assert_eq!(status, ExitStatus::Code(3));
    assert_eq!(String::from_utf8(shim.output()).unwrap(), "hello\r\ngot hello\r\n");
    assert_eq!(end.0, shim.output().len() as u64);
}

#[test]
fn a_command_that_does_not_exist_is_not_found() {
    let fault = fault_of(TestShim::run_command(&["no-such-command"]));

    assert_eq!((fault.step, fault.errno), (StartStep::Exec, libc::ENOENT));
    assert_eq!(fault.message, "'no-such-command': not found in PATH");
    assert_eq!(fault.shell_code(), 127);
}

#[test]
fn a_file_that_is_not_executable_is_named() {
    let shim = TestShim::run_with("", |spec| {
        let file = spec.cwd.join("plain");
        fs::write(&file, "text").unwrap();
        spec.command = vec![file.into()];
    });

    let fault = fault_of(shim);

    assert_eq!((fault.step, fault.errno), (StartStep::Exec, libc::EACCES));
    assert!(fault.message.contains("plain': permission denied"), "{fault}");
    assert_eq!(fault.shell_code(), 126);
}

#[test]
fn text_without_an_interpreter_is_no_program() {
    let shim = TestShim::run_with("", |spec| {
        let file = spec.cwd.join("script");
        fs::write(&file, "echo never\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        spec.command = vec!["./script".into()];
    });

    let fault = fault_of(shim);

    assert_eq!((fault.step, fault.errno), (StartStep::Exec, libc::ENOEXEC));
}

#[test]
fn a_script_whose_interpreter_is_missing_says_so() {
    let shim = TestShim::run_with("", |spec| {
        let file = spec.cwd.join("script");
        fs::write(&file, "#!/no/such/interpreter\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        spec.command = vec!["./script".into()];
    });

    let fault = fault_of(shim);

    assert_eq!(fault.message, "'./script': its interpreter does not exist");
    assert_eq!(fault.shell_code(), 126);
}

#[test]
fn a_directory_that_is_missing_or_a_file_is_named() {
    let missing = fault_of(TestShim::run_with("true", |spec| spec.cwd.push("nowhere")));
    let file = fault_of(TestShim::run_with("true", |spec| {
        spec.cwd.push("file");
        fs::write(&spec.cwd, "").unwrap();
    }));

    assert_eq!((missing.step, missing.errno), (StartStep::Cwd, libc::ENOENT));
    assert!(missing.message.contains("nowhere"), "{missing}");
    assert_eq!((file.step, file.errno), (StartStep::Cwd, libc::ENOTDIR));
}

#[test]
fn a_socket_that_cannot_be_made_fails_the_start() {
    let shim = TestShim::run_with("true", |spec| spec.socket = spec.cwd.join("nowhere/s"));

    assert_eq!(fault_of(shim).step, StartStep::Listen);
}

#[test]
fn a_nul_byte_fails_the_start() {
    let shim = TestShim::run_with("true", |spec| spec.env.push(("A".into(), "b\0c".into())));

    assert_eq!(fault_of(shim).step, StartStep::Spec);
}

#[test]
fn the_program_gets_its_environment_its_directory_and_nothing_else() {
    let script = "env; pwd; umask; ulimit -c; ls /proc/self/fd | tr '\\n' ' '; echo; \
                  grep -E 'Sig(Ign|Blk)' /proc/self/status";
    let mut shim = TestShim::run_with(script, |spec| {
        spec.env.push(("ONE".into(), "1".into()));
        spec.open_files = Some(99);
    });
    shim.until_status();
    shim.until_gone();

    let output = String::from_utf8(shim.output()).unwrap();

    assert!(output.contains("ONE=1\r\n"), "{output}");
    assert!(!output.contains("CARGO"), "{output}");
    let cwd = fs::canonicalize(shim.dir.path()).unwrap();
    assert!(output.contains(cwd.to_str().unwrap()), "{output}");
    // `ls` itself has one more, for the directory it reads.
    assert!(output.contains("0 1 2 3 \r\n"), "{output}");
    assert_eq!(output.matches("0000000000000000").count(), 2, "{output}");
    let own = std::process::Command::new("sh").args(["-c", "umask; ulimit -c"]).output().unwrap();
    let own = String::from_utf8(own.stdout).unwrap().replace('\n', "\r\n");
    assert!(output.contains(&own), "{output} lacks {own}");
}

#[test]
fn the_terminal_is_the_controlling_one_and_sane() {
    let mut shim = TestShim::run("tty < /dev/tty; stty -a; ps -o sid=,pgid=,tpgid= -p $$");
    shim.until_status();
    shim.until_gone();

    let output = String::from_utf8(shim.output()).unwrap();

    let flags: Vec<_> = output.split_whitespace().collect();
    for flag in ["icrnl", "ixon", "iutf8", "opost", "onlcr", "isig", "icanon", "iexten", "echo"] {
        assert!(flags.contains(&flag), "{flag} in {output}");
    }
    assert!(output.contains("rows 24; columns 80"), "{output}");
    let ids: Vec<_> = output.lines().last().unwrap().split_whitespace().collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn no_value_of_the_environment_is_in_argv_or_environ_of_the_shim() {
    let shim = TestShim::run_with("sleep 100", |spec| {
        spec.env.push(("SECRET".into(), "hunter2".into()));
    });
    shim.socket.wait_started(DEADLINE).unwrap();

    let read = |name: &str| fs::read(format!("/proc/{}/{name}", shim.process.id())).unwrap();
    let argv = String::from_utf8(read("cmdline")).unwrap();

    assert_eq!(argv, format!("cpd-shim\0{}\0", shim.spec.session.short()));
    // Only root may look at all.
    if let Ok(environ) = fs::read(format!("/proc/{}/environ", shim.process.id())) {
        assert_eq!(environ, b"");
    }
    assert_eq!(String::from_utf8(read("comm")).unwrap(), "cpd-shim\n");
}

#[test]
fn the_shim_keeps_no_directory_of_its_starter_busy() {
    let shim = TestShim::run("sleep 100");
    shim.socket.wait_started(DEADLINE).unwrap();

    assert_ne!(std::env::current_dir().unwrap().to_str(), Some("/"));
    // Only root may look.
    if let Ok(cwd) = fs::read_link(format!("/proc/{}/cwd", shim.process.id())) {
        assert_eq!(cwd.to_str(), Some("/"));
    }
}

#[test]
fn the_shim_says_in_the_bundle_who_it_is_before_the_program_runs() {
    let mut shim = TestShim::run("cat bundle/incarnation-1/shim; sleep 100");

    let output = shim.until_output("protocol");

    let record = shim.files().read_shim().unwrap().unwrap();
    assert!(output.contains(&format!("pid {}\r\n", shim.process.id())), "{output}");
    assert!(record.is_running());
    assert_eq!(record.build, codeplane_shim::BUILD_ID);
    let hello = probe(&shim.spec.socket, DEADLINE).unwrap();
    assert_eq!(hello.session, shim.spec.session);
    assert_eq!(hello.shim_pid, record.pid);
    shim.process.kill().unwrap();
    shim.until_gone();
    assert!(!record.is_running());
}

#[test]
fn files_are_private() {
    let shim = TestShim::run("echo x; sleep 100");
    shim.until_output("x");

    let files = shim.files();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;

    for dir in [shim.spec.bundle.as_path(), files.dir(), &files.output()] {
        assert_eq!(mode(dir), 0o700, "{dir:?}");
    }
    for file in [files.index(), files.shim(), shim.spec.socket.clone()] {
        assert_eq!(mode(&file), 0o600, "{file:?}");
    }
    for segment in codeplane_shim::segments(&files.output()).unwrap() {
        assert_eq!(mode(&segment.path), 0o600);
    }
}

#[test]
fn an_incarnation_that_has_a_shim_gets_no_second_one() {
    let mut shim = TestShim::run("read line; exit 3");
    shim.socket.wait_started(DEADLINE).unwrap();

    let mut second = binary().spawn().unwrap().launch(&shim.spec).unwrap();
    let started = second.socket.wait_started(DEADLINE).unwrap();
    second.child.wait().unwrap();

    let Started::Failed(fault) = started else { panic!("it started") };
    assert_eq!((fault.step, fault.errno), (StartStep::Bundle, libc::EEXIST));
    assert_eq!(shim.files().read_exit().unwrap(), None);
    let record = shim.files().read_shim().unwrap().unwrap();
    assert_eq!(record.pid, shim.process.id());
    shim.register();
    shim.type_(1, b"\n");
    assert_eq!(shim.until_status(), ExitStatus::Code(3));
}

#[test]
fn the_small_binary_is_taken_only_if_it_is_of_this_build() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = dir.path().join("cpd");
    let small = dir.path().join("cpd-shim");

    assert!(ShimBinary::beside(&daemon).is_none());
    fs::write(&small, "#!/bin/sh\necho 0.0.0-other\n").unwrap();
    fs::set_permissions(&small, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(ShimBinary::beside(&daemon).is_none());
    fs::remove_file(&small).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_cpd-shim"), &small).unwrap();

    assert!(ShimBinary::beside(&daemon).is_some_and(|binary| binary.is_small()));
}

#[test]
fn an_upgrade_of_the_file_does_not_change_what_is_started() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cpd-shim");
    fs::copy(env!("CARGO_BIN_EXE_cpd-shim"), &path).unwrap();
    let binary = ShimBinary::at(&path).unwrap();

    fs::remove_file(&path).unwrap();
    fs::write(&path, "something else").unwrap();

    let spec = spec(&dir, "exit 4");
    let mut launched = binary.spawn().unwrap().launch(&spec).unwrap();
    assert!(matches!(launched.socket.wait_started(DEADLINE).unwrap(), Started::Running { .. }));
    launched.socket.try_send(&ToShim::Shutdown).unwrap();
    launched.child.wait().unwrap();
}

#[test]
#[cfg(target_arch = "x86_64")]
fn an_idle_shim_sleeps_without_a_timer() {
    let shim = TestShim::run("echo hello; sleep 100");
    shim.until_output("hello");

    // The system call it is in and its arguments: poll (7), and for ever as the third.
    let path = format!("/proc/{}/syscall", shim.process.id());
    if fs::read_to_string(&path).is_err() {
        eprintln!("skipped: only root may look");
        return;
    }
    eventually("sleep without end", || {
        let call = fs::read_to_string(&path).unwrap();
        let fields: Vec<_> = call.split_whitespace().collect();
        let tasks = fs::read_dir(format!("/proc/{}/task", shim.process.id())).unwrap().count();
        (fields.first() == Some(&"7") && fields[3].ends_with("ffffffff") && tasks == 1)
            .then_some(())
    });
}

/// A shim that was told to make a file, and is stopped before it has read that.
fn late(dir: &TempDir) -> (Launched, LaunchSpec) {
    let spec = spec(dir, "touch ran; exec sleep 100");
    let newborn = binary().spawn().unwrap();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(newborn.id()).unwrap());
    eventually("wait for its word", || {
        let wchan = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        wchan.contains(" S ").then_some(())
    });
    kill(pid, Signal::SIGSTOP).unwrap();
    eventually("stop", || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.contains(" T ").then_some(())
    });
    (newborn.launch(&spec).unwrap(), spec)
}

fn go_on(child: &std::process::Child) {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, Signal::SIGCONT).unwrap();
}

#[test]
fn a_shim_that_finds_its_daemon_gone_starts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (Launched { socket, mut child }, spec) = late(&dir);
    drop(socket);

    go_on(&child);
    child.wait().unwrap();

    assert!(!dir.path().join("ran").exists());
    let files = Bundle::new(&spec.bundle).incarnation(spec.incarnation);
    assert_eq!(files.read_shim().unwrap(), None);
}

#[test]
fn a_shim_whose_start_was_given_up_starts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut launched, spec) = late(&dir);
    let files = Bundle::new(&spec.bundle).incarnation(spec.incarnation);
    let given_up = files.give_up("no daemon waits for it", Timestamp::from_micros(1)).unwrap();

    go_on(&launched.child);
    let started = launched.socket.wait_started(DEADLINE).unwrap();
    launched.child.wait().unwrap();

    assert_eq!(given_up, GivenUp::InTime);
    assert!(matches!(started, Started::Failed(_)), "{started:?}");
    assert!(!dir.path().join("ran").exists());
    let Some(ExitRecord { outcome: Outcome::Failed(fault), .. }) = files.read_exit().unwrap()
    else {
        panic!("what was written stays")
    };
    assert_eq!(fault.message, "no daemon waits for it");
}

#[test]
fn a_start_cannot_be_given_up_once_a_shim_owns_it() {
    let shim = TestShim::run("echo here; sleep 100");
    shim.until_output("here");

    let given_up = shim.files().give_up("too late", Timestamp::from_micros(1)).unwrap();

    assert_eq!(given_up, GivenUp::TooLate);
}

#[test]
fn a_shim_whose_directory_was_removed_makes_no_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let (mut launched, spec) = late(&dir);
    fs::remove_dir_all(&spec.bundle).unwrap();

    go_on(&launched.child);
    launched.child.wait().unwrap();

    assert!(!spec.bundle.exists());
    assert!(!dir.path().join("ran").exists());
}
