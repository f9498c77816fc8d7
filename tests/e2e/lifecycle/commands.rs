//! What scripts meet who call `cpctl`.

use std::fs;

use codeplane_client::v1::{Session, SessionState};
use codeplane_tests::{PATIENCE, TestDaemon, binary, run};

async fn sessions(daemon: &TestDaemon) -> Vec<Session> {
    daemon.client().await.all_sessions("").await.unwrap()
}

#[tokio::test]
async fn the_last_lines_are_as_many_as_were_asked_for() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["count 60000 0", "forever"]).await;
    daemon.printed(&session.id, "59999").await;
    let tail = |lines: &str| daemon.cpctl(["tail", "-n", lines, &session.id]);

    let many = tail("50000").success();
    let few = tail("3").success();
    let all = tail("1000000").success();

    assert_eq!(many.lines().count(), 50_000);
    assert_eq!(few.lines().count(), 3);
    assert!(many.ends_with(&few) && all.ends_with(&many));
    assert!(all.lines().count() >= 60_000);
}

#[tokio::test]
async fn a_command_whose_output_nobody_reads_any_more_goes_on_and_that_is_said() {
    let daemon = TestDaemon::start();
    let cpctl = binary("cpctl");
    let agent = binary("scripted-agent");
    let script = format!("{} run -- {} 'flood 1' | head -c 1", cpctl.display(), agent.display());

    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).env_clear().envs(daemon.environment());
    let said = run(&mut shell, b"", PATIENCE).stderr;

    assert!(said.starts_with("cpctl: standard output was closed;"), "{said}");
    assert!(said.contains("goes on: cpctl attach "), "{said}");
    let [session] = &sessions(&daemon).await[..] else { panic!("one session") };
    assert_eq!(session.state(), SessionState::Running);
}

#[tokio::test]
async fn nothing_is_run_whose_result_cannot_be_written() {
    let daemon = TestDaemon::start();
    let ran = daemon.home().join("ran");

    let done =
        daemon.cpctl(["run", "--result", "/nowhere/result", "--", "touch", &ran.to_string_lossy()]);

    let said = done.failure(125);
    assert!(said.contains("cannot write /nowhere/result"), "{said}");
    assert!(!ran.exists());
    assert_eq!(sessions(&daemon).await.len(), 0);
}

#[tokio::test]
async fn the_result_tells_a_signal_from_a_code() {
    let daemon = TestDaemon::start();
    let result = daemon.home().join("result");
    let path = result.to_string_lossy().into_owned();
    let end_with = |script: &str| {
        daemon.cpctl(["run", "--result", &path, "--", "sh", "-c", script]);
        fs::read_to_string(&result).unwrap()
    };

    assert_eq!(end_with("exit 137"), "{\"code\":137,\"outcome\":\"exited\",\"signal\":null}\n");
    assert_eq!(end_with("kill -9 $$"), "{\"code\":137,\"outcome\":\"exited\",\"signal\":9}\n");
}

#[tokio::test]
async fn a_name_that_means_another_session_already_is_refused() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;
    let short = &session.id[..8];

    let done = daemon.cpctl(["run", "-d", "--name", short, "--", "true"]);

    let said = done.failure(5);
    assert!(said.contains(&format!("the name '{short}' means session {}", session.id)), "{said}");
}

#[tokio::test]
async fn a_detached_run_fails_with_the_codes_of_all_other_commands() {
    let daemon = TestDaemon::start();

    let usage = daemon.cpctl(["run", "-d", "--name", "not a name!", "--", "true"]);
    let taken = || daemon.cpctl(["run", "-d", "--name", "web", "--", "sleep", "100"]).code;

    assert_eq!(usage.code, 2);
    assert_eq!((taken(), taken()), (0, 5));
}

#[tokio::test]
async fn a_beginning_of_an_id_that_is_too_short_is_explained() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;

    let short = daemon.cpctl(["get", &session.id[..3]]);
    let enough = daemon.cpctl(["get", &session.id[..4]]);

    assert_eq!((short.code, enough.code), (3, 0));
    assert!(short.stderr.contains("4 digits"), "{short:?}");
}

#[tokio::test]
async fn who_follows_is_told_that_the_daemon_was_stopped_and_goes_on_with_the_next() {
    let mut daemon = TestDaemon::start();
    let session = daemon.create(&["say before", "forever"]).await;
    let mut tail = daemon.tty(["tail", "-f", &session.id]);
    let mut events = daemon.tty(["events", "-f", "--type", "session.updated"]);
    tail.expect("before");
    // The watch is there once it shows what has happened.
    assert_eq!(daemon.cpctl(["rename", &session.id, "first"]).code, 0);
    events.expect("session.updated");

    daemon.stop();

    tail.expect("the daemon was stopped; waiting: see 'cpctl daemon start'");
    events.expect("the daemon was stopped; waiting: see 'cpctl daemon start'");
    daemon.launch();
    assert_eq!(daemon.cpctl(["rename", &session.id, "second"]).code, 0);
    events.expect("session.updated");
}
