//! Sessions that cannot be made.

use std::{collections::HashMap, fs, os::unix::fs::PermissionsExt};

use codeplane_client::v1::{
    CreateSessionRequest, EnvVar, Session, SessionState, TerminalSize, UpdateSessionRequest,
};
use codeplane_tests::{Refusal, TestDaemon, refused, scripted};
use tonic::{Code, Status};

/// Asks for a session.
async fn create(daemon: &TestDaemon, request: CreateSessionRequest) -> Result<Session, Status> {
    let answer = daemon.raw_sessions().await.create_session(request).await?;
    Ok(answer.into_inner().session.expect("the answer has a session"))
}

/// Asks for a session that must be refused without leaving anything behind.
async fn refusal(daemon: &TestDaemon, request: CreateSessionRequest) -> Refusal {
    let before = daemon.traces().await;
    let events = daemon.events("").await.len();

    let refusal = refused(create(daemon, request).await);

    assert_eq!(daemon.traces().await, before);
    assert_eq!(daemon.events("").await.len(), events);
    refusal
}

fn program(path: &str) -> CreateSessionRequest {
    CreateSessionRequest { command: vec![path.into()], ..CreateSessionRequest::default() }
}

fn sized(cols: u32, rows: u32) -> CreateSessionRequest {
    CreateSessionRequest { size: Some(TerminalSize { cols, rows }), ..scripted(&["forever"]) }
}

fn var(name: &str, value: &str) -> EnvVar {
    EnvVar { name: name.into(), value: value.into() }
}

#[tokio::test]
async fn an_unknown_command_is_told_from_one_that_cannot_be_executed() {
    let daemon = TestDaemon::start();
    let plain = daemon.home().join("plain");
    fs::write(&plain, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();

    let unknown = refusal(&daemon, program("no-such-program")).await;
    let missing = refusal(&daemon, program("/no/such/program")).await;
    let not_executable = refusal(&daemon, program(plain.to_str().unwrap())).await;
    let directory = refusal(&daemon, program("/etc")).await;
    let nothing = refusal(&daemon, program("")).await;
    let empty = refusal(&daemon, CreateSessionRequest::default()).await;

    let command = vec!["command[0]"];
    let not_found = (Code::InvalidArgument, "COMMAND_NOT_FOUND", command.clone());
    let cannot_run = (Code::InvalidArgument, "COMMAND_NOT_EXECUTABLE", command.clone());
    assert_eq!(unknown.facts(), not_found);
    assert!(unknown.message.contains("no-such-program"), "{}", unknown.message);
    assert_eq!(missing.facts(), not_found);
    assert_eq!(not_executable.facts(), cannot_run);
    assert!(not_executable.message.contains("chmod +x"), "{}", not_executable.message);
    assert_eq!(directory.facts(), cannot_run);
    assert_eq!(nothing.facts(), (Code::InvalidArgument, "INVALID", command));
    assert_eq!(empty.facts(), (Code::InvalidArgument, "INVALID", vec!["command"]));
}

#[tokio::test]
async fn a_program_that_the_kernel_refuses_leaves_a_failed_session_and_no_process() {
    let daemon = TestDaemon::start();
    let before = daemon.traces().await.processes;
    let nonsense = daemon.home().join("nonsense");
    fs::write(&nonsense, "\x7fELF and then nothing").unwrap();
    fs::set_permissions(&nonsense, fs::Permissions::from_mode(0o755)).unwrap();

    let session = create(&daemon, program(nonsense.to_str().unwrap())).await.unwrap();

    assert_eq!(session.state(), SessionState::Failed);
    assert_eq!(session.failed_step, "exec");
    assert!(!session.message.is_empty());
    assert_eq!(daemon.endings(&session.id).await, ["session.failed"]);
    codeplane_tests::wait_until("its shim to end", codeplane_tests::PATIENCE, || {
        let now: Vec<_> = daemon.processes().iter().map(|process| process.pid).collect();
        if now.iter().all(|pid| before.contains(pid)) { Ok(()) } else { Err(now) }
    });
}

#[tokio::test]
async fn a_directory_to_start_in_must_be_one() {
    let daemon = TestDaemon::start();
    let file = daemon.home().join("file");
    fs::write(&file, "").unwrap();

    for (cwd, said) in [
        ("/no/such/directory", "no such file or directory"),
        (file.to_str().unwrap(), "not a directory"),
        ("relative", "not an absolute path"),
        ("/tmp\0", "NUL"),
    ] {
        let request = CreateSessionRequest { cwd: cwd.into(), ..scripted(&["forever"]) };
        let refusal = refusal(&daemon, request).await;
        assert_eq!(refusal.facts(), (Code::InvalidArgument, "INVALID", vec!["cwd"]));
        assert!(refusal.message.contains(said), "{cwd:?}: {}", refusal.message);
    }
}

#[tokio::test]
async fn a_size_has_limits_and_none_at_all_is_80_by_24() {
    let daemon = TestDaemon::start();

    for (cols, rows) in
        [(1, 24), (1001, 24), (80, 501), (80, 0), (0, 24), (u32::MAX, u32::MAX), (65536 + 80, 24)]
    {
        let refusal = refusal(&daemon, sized(cols, rows)).await;
        assert_eq!(refusal.facts(), (Code::InvalidArgument, "INVALID", vec!["size"]));
        assert!(refusal.message.contains("2 to 1000"), "{}", refusal.message);
    }

    let default = TerminalSize { cols: 80, rows: 24 };
    for (request, expected) in [
        (scripted(&["size"]), default),
        (sized(0, 0), default),
        (sized(2, 1), TerminalSize { cols: 2, rows: 1 }),
        (sized(1000, 500), TerminalSize { cols: 1000, rows: 500 }),
    ] {
        let session = create(&daemon, request).await.unwrap();
        assert_eq!(session.size, Some(expected));
    }
}

#[tokio::test]
async fn the_program_sees_80_by_24_when_the_client_reports_no_size() {
    let daemon = TestDaemon::start();
    let request = CreateSessionRequest {
        size: Some(TerminalSize { cols: 0, rows: 0 }),
        ..scripted(&["size", "forever"])
    };

    let session = create(&daemon, request).await.unwrap();

    assert_eq!(daemon.printed(&session.id, r"size \d+x\d+").await, "size 80x24");
}

#[tokio::test]
async fn nul_and_other_impossible_strings_are_refused_by_field() {
    let daemon = TestDaemon::start();
    let mut request = scripted(&["fine", "not\0fine"]);
    request.env = vec![var("GOOD", "1"), var("", "x"), var("A=B", "x"), var("A\0", "x")];
    request.env.push(var("C", "\0"));
    request.client_env = vec![var("PATH", "/bin\0")];

    let refusal = refusal(&daemon, request).await;

    let fields = vec![
        "command[2]",
        "env[1].name",
        "env[2].name",
        "env[3].name",
        "env[4].value",
        "client_env[0].value",
    ];
    assert_eq!(refusal.facts(), (Code::InvalidArgument, "INVALID", fields));
}

#[tokio::test]
async fn arguments_and_environment_have_a_limit_that_is_named() {
    let daemon = TestDaemon::start();
    let long = "x".repeat(200 << 10);
    let mut arguments = scripted(&["forever"]);
    arguments.command.push(long.clone());
    let mut environment = scripted(&["forever"]);
    environment.env = vec![var("LONG", &long)];

    let arguments = refusal(&daemon, arguments).await;
    let environment = refusal(&daemon, environment).await;

    assert_eq!(arguments.facts(), (Code::InvalidArgument, "INVALID", vec!["command"]));
    assert!(arguments.message.contains("at most 131072"), "{}", arguments.message);
    assert_eq!(environment.facts(), (Code::InvalidArgument, "INVALID", vec!["env"]));
}

#[tokio::test]
async fn names_and_labels_have_limits() {
    let daemon = TestDaemon::start();

    for name in ["a b", "-dash", ".dot", "a/b", "ü", "a\0", "a\n", "\u{1b}[31m", &"n".repeat(129)]
    {
        let request = CreateSessionRequest { name: name.into(), ..scripted(&["forever"]) };
        let refusal = refusal(&daemon, request).await;
        assert_eq!(refusal.facts(), (Code::InvalidArgument, "INVALID", vec!["name"]), "{name:?}");
    }
    for (labels, field) in [
        (HashMap::from([(String::new(), "v".into())]), "labels[]"),
        (HashMap::from([("a b".into(), "v".into())]), "labels[a b]"),
        (HashMap::from([("k".into(), "v".repeat(257))]), "labels[k]"),
        (HashMap::from([("k".into(), "a\nb".into())]), "labels[k]"),
        ((0..33).map(|i| (format!("k{i}"), String::new())).collect(), "labels"),
    ] {
        let request = CreateSessionRequest { labels, ..scripted(&["forever"]) };
        let refusal = refusal(&daemon, request).await;
        assert_eq!(refusal.facts(), (Code::InvalidArgument, "INVALID", vec![field]));
    }
}

#[tokio::test]
async fn a_name_that_is_taken_names_its_owner() {
    let daemon = TestDaemon::start();
    let named = CreateSessionRequest { name: "web".into(), ..scripted(&["forever"]) };
    let owner = create(&daemon, named.clone()).await.unwrap();
    let other = create(&daemon, scripted(&["forever"])).await.unwrap();

    let refusal = refusal(&daemon, named).await;
    let rename = UpdateSessionRequest {
        session: other.id.clone(),
        name: Some("web".into()),
        ..UpdateSessionRequest::default()
    };
    let renamed = refused(daemon.raw_sessions().await.update_session(rename).await);

    assert_eq!(refusal.facts(), (Code::AlreadyExists, "NAME_TAKEN", vec![]));
    assert!(refusal.message.contains(&owner.id), "{}", refusal.message);
    assert_eq!(renamed.facts(), (Code::AlreadyExists, "NAME_TAKEN", vec![]));
    assert_eq!(daemon.session(&other.id).await.name, "");
}

#[tokio::test]
async fn all_violations_are_told_at_once() {
    let daemon = TestDaemon::start();
    let request = CreateSessionRequest {
        command: vec!["no-such-program".into(), "a\0b".into()],
        cwd: "/".into(),
        env: vec![var("A=B", "")],
        size: Some(TerminalSize { cols: 1, rows: 1 }),
        name: "a b".into(),
        labels: HashMap::from([("k".into(), "\u{7}".into())]),
        ..CreateSessionRequest::default()
    };

    let refusal = refusal(&daemon, request).await;

    let fields = vec!["command[1]", "env[0].name", "size", "name", "labels[k]", "command[0]"];
    assert_eq!(refusal.facts(), (Code::InvalidArgument, "COMMAND_NOT_FOUND", fields));
}

#[tokio::test]
async fn a_parent_must_exist_and_a_request_id_must_be_one() {
    let daemon = TestDaemon::start();
    let orphan = CreateSessionRequest { parent: "nobody".into(), ..scripted(&["forever"]) };
    let unnamed = CreateSessionRequest { request_id: "seven".into(), ..scripted(&["forever"]) };

    let orphan = refusal(&daemon, orphan).await;
    let unnamed = refusal(&daemon, unnamed).await;

    assert_eq!(orphan.facts(), (Code::NotFound, "SESSION_NOT_FOUND", vec![]));
    assert!(orphan.message.contains("nobody"), "{}", orphan.message);
    assert_eq!(unnamed.facts(), (Code::InvalidArgument, "INVALID", vec!["request_id"]));
}
