//! The kit with a daemon: it answers, comes back after SIGKILL, and leaves nothing behind.

use std::fs;

use codeplane_client::v1::{CreateSessionRequest, SessionState};
use codeplane_tests::{
    DaemonOptions, Ended, PATIENCE, TestDaemon, binary, processes::Family, sha256, stream,
    wait_until_async,
};

fn scripted(commands: &[&str]) -> CreateSessionRequest {
    let mut command = vec![binary("scripted-agent").display().to_string()];
    command.extend(commands.iter().map(|&command| command.to_owned()));
    CreateSessionRequest { command, ..CreateSessionRequest::default() }
}

#[tokio::test]
async fn a_session_outlives_the_daemon_and_tells_its_exit_code_to_the_next_one() {
    let mut daemon = TestDaemon::start();
    let go = daemon.home().join("go");
    let script = scripted(&[&format!("await {}", go.display()), "exit 7"]);
    let session = daemon.client().await.create_session(script).await.unwrap();

    daemon.kill_hard();
    assert_eq!(daemon.shims().len(), 1);
    fs::write(&go, "").unwrap();
    daemon.launch();

    let client = daemon.client().await;
    let ended = wait_until_async("the session to end", PATIENCE, async || {
        let session = client.get_session(&session.id).await.unwrap();
        if session.state() == SessionState::Exited { Ok(session) } else { Err(session) }
    })
    .await;
    let status = ended.exit_status.unwrap().status.unwrap();
    assert_eq!(status, codeplane_client::v1::exit_status::Status::Code(7));
}

#[tokio::test]
async fn a_dropped_daemon_leaves_no_process_and_no_file() {
    let mut daemon = TestDaemon::start();
    let directory = daemon.directory().to_path_buf();
    let client = daemon.client().await;
    let left = daemon.home().join("left");
    let script = scripted(&["ignore TERM", &format!("daemonise {}", left.display()), "forever"]);
    client.create_session(script).await.unwrap();
    wait_until_async("the grandchild", PATIENCE, async || left.exists()).await;
    let before = daemon.processes();
    assert!(before.len() >= 4, "daemon, shim, agent and grandchild: {before:?}");
    daemon.kill_hard();

    drop(daemon);

    assert!(before.iter().all(|process| !process.is_alive()));
    assert!(!directory.exists());
    let family = Family { tag: "none".into(), directories: vec![directory] };
    assert_eq!(family.members(), []);
}

#[tokio::test]
async fn the_output_of_a_session_is_read_from_its_log() {
    let daemon = TestDaemon::start();
    let client = daemon.client().await;
    let script = scripted(&["raw", "print 3000000 5", "forever"]);
    let session = client.create_session(script).await.unwrap();
    let expected = String::from_utf8(stream(5, 3_000_000)).unwrap().replace('\n', "\r\n");

    let output = wait_until_async("all of the output", PATIENCE, async || {
        let output = daemon.output(&session.id).await;
        if output.len() >= expected.len() { Ok(output) } else { Err(output.len()) }
    })
    .await;

    assert_eq!(sha256(output), sha256(expected));
}

#[test]
#[should_panic(expected = "the daemon ended with")]
fn a_daemon_that_cannot_start_fails_the_test_with_its_log() {
    let config = Some("no such = setting".to_owned());

    drop(TestDaemon::start_with(DaemonOptions { config, ..DaemonOptions::default() }));
}

#[test]
fn a_person_at_a_terminal_runs_a_session_and_leaves_it() {
    let daemon = TestDaemon::start();
    let agent = binary("scripted-agent").display().to_string();

    let mut tty = daemon.tty(["run", "--name", "talk", "--", &agent, "say ready", "serve"]);
    tty.expect("ready");
    tty.expect("serving");
    tty.send("size\n");
    tty.expect("size 80x24");
    // The keys that detach.
    tty.send([0x1c, 4]);

    assert_eq!(tty.wait(), Ended::Code(0));
    let listed = daemon.cpctl(["ls", "-o", "jsonl"]).success();
    assert!(listed.contains("\"talk\""), "{listed}");
    let missing = daemon.cpctl(["get", "nothing"]).failure(3);
    assert!(missing.contains("nothing"), "{missing}");
}

#[test]
fn an_attached_terminal_sees_the_exit_code_of_its_session_across_a_restart() {
    let mut daemon = TestDaemon::start();
    let agent = binary("scripted-agent").display().to_string();
    let mut tty = daemon.tty(["run", "--name", "talk", "--", &agent, "serve"]);
    tty.expect("serving");

    daemon.restart();

    tty.send("say again\n");
    tty.expect("again\r\nagain");
    tty.send("exit 9\n");
    assert_eq!(tty.wait(), Ended::Code(9));
}
