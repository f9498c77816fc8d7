//! Everything that can go wrong ends in a refusal that the agent understands.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::scene::{ASKS, Said, Scene, Step, answer, said, waiting};
use crate::fake::wait_until;

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[test]
fn no_daemon_means_no() {
    let scene = Scene::without_daemon();

    let said = scene.hook(&["claude", "--event", "PreToolUse"], ASKS);

    assert!(said.denied().starts_with("the codeplane daemon does not answer"), "{said:?}");
    assert!(said.stderr.contains("cpctl daemon start"), "{said:?}");
}

#[test]
fn a_dead_socket_means_no_in_every_dialect() {
    let scene = Scene::without_daemon();
    drop(std::os::unix::net::UnixListener::bind(scene.directory.path().join("hook.sock")).unwrap());
    let start = |args: &[&str]| scene.start_hook(args, b"{}");
    let codex = start(&["codex", "--event", "PermissionRequest"]);
    let generic = start(&["generic", "--event", "tool_requested"]);
    let dialog = start(&["claude", "--event", "PermissionRequest"]);
    let telling = start(&["claude", "--event", "PostToolUse"]);

    assert!(said(codex).denied().contains("does not answer"));
    let generic = said(generic);
    assert!(generic.stdout.starts_with(r#"{"decision":"deny","reason":"denied: "#), "{generic:?}");
    assert_eq!(generic.code, Some(2));
    let dialog = said(dialog);
    assert!(dialog.stdout.contains(r#""behavior":"deny""#), "{dialog:?}");
    assert_eq!((dialog.stderr.as_str(), dialog.code), ("", Some(0)));
    let nothing = Said { stdout: String::new(), stderr: String::new(), code: Some(0) };
    assert_eq!(said(telling), nothing);
}

#[test]
fn a_daemon_that_says_nothing_means_no() {
    let scene = Scene::with([vec![Step::Hang]]);

    let said = scene.hook(&["claude"], ASKS);

    assert!(said.denied().contains("said nothing within 10s"), "{said:?}");
    assert_eq!(scene.reports().len(), 1);
}

#[test]
fn something_that_accepts_and_says_nothing_means_no() {
    let scene = Scene::without_daemon();
    let socket = scene.directory.path().join("hook.sock");
    let _listener = std::os::unix::net::UnixListener::bind(socket).unwrap();

    assert!(scene.hook(&["claude"], ASKS).denied().contains("said nothing within 10s"));
}

#[test]
fn a_daemon_that_dies_between_event_and_answer_and_stays_away_means_no() {
    let mut scene = Scene::with([vec![Step::Hang]]);
    let hook = scene.start_hook(&["claude"], ASKS.as_bytes());
    wait_until("it is reported", || scene.reports().len() == 1);

    scene.kill();

    assert!(said(hook).denied().starts_with("the codeplane daemon does not answer"));
}

#[test]
fn a_daemon_that_is_killed_while_a_person_decides_may_come_back() {
    let scripts = [vec![waiting(), Step::Hang], vec![waiting(), answer("yes", "", 0)]];
    let mut scene = Scene::with(scripts);
    let hook = scene.start_hook(&["claude"], ASKS.as_bytes());
    wait_until("it is reported", || scene.reports().len() == 1);

    scene.kill();
    scene.start();

    assert_eq!(said(hook).stdout, "yes");
    let reports = scene.reports();
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0], reports[1]);
}

#[test]
fn a_signal_while_it_waits_is_answered_with_no() {
    for deadly in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT] {
        let scene = Scene::with([vec![waiting(), Step::Hang]]);
        let hook = scene.start_hook(&["claude", "--event", "PermissionRequest"], b"{}");
        wait_until("it is reported", || scene.reports().len() == 1);

        signal(&hook, deadly);

        let said = said(hook);
        assert!(said.stdout.contains(r#""behavior":"deny""#), "{deadly}: {said:?}");
        assert_eq!(said.code, Some(0), "{deadly}: {said:?}");
    }
}

#[test]
fn a_signal_before_the_event_is_there_is_answered_with_no() {
    let scene = Scene::without_daemon();
    let hook = scene.command(&["claude"]).spawn().unwrap();
    let status = || std::fs::read_to_string(format!("/proc/{}/status", hook.id())).unwrap();
    let term = 1_u64 << (Signal::SIGTERM as u32 - 1);
    wait_until("it has a handler", || {
        let status = status();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & term != 0
    });

    signal(&hook, Signal::SIGTERM);

    assert!(said(hook).denied().contains("signal"));
}

#[test]
fn nonsense_on_the_command_line_means_no() {
    let scene = Scene::with([vec![answer("yes", "", 0)]]);
    for args in
        [&[][..], &["cluade"], &["claude", "--bogus"], &["claude", "--event"], &["--version"]]
    {
        let said = scene.hook(args, ASKS);

        assert!(said.denied().contains("cpctl hook claude|codex|generic"), "{args:?}: {said:?}");
    }
    assert!(scene.reports().is_empty());
}

#[test]
fn an_event_that_does_not_end_means_no() {
    let scene = Scene::with([vec![answer("yes", "", 0)]]);
    let mut hook = scene.command(&["claude"]).spawn().unwrap();
    let _held = hook.stdin.take();

    assert!(said(hook).denied().contains("did not end in time"));
    assert!(scene.reports().is_empty());
}

#[test]
fn malformed_events_are_for_the_daemon_to_judge_and_else_mean_no() {
    let scene = Scene::without_daemon();
    let hooks: Vec<_> = ["", "{", "null", r#"{"hook_event_name":"Stop","hook_event_name":"Stop"}"#]
        .map(|event| scene.start_hook(&["claude"], event.as_bytes()))
        .into();
    for hook in hooks {
        said(hook).denied();
    }
}

#[test]
fn an_answer_that_nobody_can_read_is_no_permission() {
    let scene = Scene::with([vec![answer("yes", "", 0)]]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let null = File::options().write(true).open("/dev/null").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let shut = Stdio::from(writer);
    for stdout in [full.into(), null.into(), shut] {
        let mut hook = scene.command(&["claude"]);

        let status = hook.stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null()).status();

        assert_eq!(status.unwrap().code(), Some(2));
    }
}

#[test]
fn a_process_without_any_descriptor_says_no() {
    let scene = Scene::with([vec![answer("yes", "", 0)]]);
    let hook = format!("'{}' hook claude <&- >&- 2>&-", env!("CARGO_BIN_EXE_cpctl"));
    let mut shell = std::process::Command::new("/bin/sh");

    let status = shell.args(["-c", &hook]).env("CODEPLANE_HOOK_TOKEN_FILE", scene.token()).status();

    assert_eq!(status.unwrap().code(), Some(2));
}

#[test]
fn a_hook_whose_agent_is_gone_does_not_wait_for_a_person() {
    let scene = Scene::with([vec![waiting(), Step::Hang]]);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut hook = scene.command(&["claude"]);
    let mut hook = hook
        .stdin(Stdio::null())
        .stdout(writer.as_fd().try_clone_to_owned().unwrap())
        .spawn()
        .unwrap();
    drop(writer);
    wait_until("it is reported", || scene.reports().len() == 1);

    drop(reader);

    assert_eq!(hook.wait().unwrap().code(), Some(2));
}

#[test]
fn no_daemon_is_started_for_a_hook() {
    let scene = Scene::without_daemon();
    let state = scene.directory.path().join("state");
    let mut hook = scene.command(&["claude", "--event", "StatusLine"]);

    let output = hook.env("CODEPLANE_STATE_DIR", &state).stdin(Stdio::null()).output().unwrap();

    assert_eq!(output.stdout, b"\n");
    assert!(!state.exists());
}
