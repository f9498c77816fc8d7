//! The daemon has no descriptor left.

use std::fs;

use codeplane_client::v1::{CreateSessionRequest, SessionState};
use codeplane_tests::{PATIENCE, TestDaemon, attached::control, scripted, wait_until_async};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::net::UnixStream;

fn descriptors(daemon: &TestDaemon) -> u64 {
    fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap().count() as u64
}

/// Lowers the soft limit.
fn limit(daemon: &TestDaemon, most: u64) {
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let hard = line.split_whitespace().nth(4).unwrap().parse().unwrap();
    let new = Rlimit { current: Some(most), maximum: Some(hard) };
    prlimit(Pid::from_raw(daemon.pid()), Resource::Nofile, new).expect("it may be lowered");
}

#[tokio::test]
async fn a_daemon_without_descriptors_serves_who_is_there_and_later_everybody_again() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;
    let mut attached = daemon.attach(control(&session.id)).await;
    attached.expect("serving").await;
    let client = daemon.client().await;
    client.server_info().await.unwrap();
    let before = daemon.traces().await;
    limit(&daemon, descriptors(&daemon) + 6);

    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(UnixStream::connect(daemon.socket()).await);
    }
    attached.type_text("say still here\n").await;
    attached.expect("\nstill here").await;
    // Cleanly refused, or carried out: nothing in between.
    let request = CreateSessionRequest { name: "late".into(), ..scripted(&["forever"]) };
    let created = client.create_session(request).await;
    drop(crowd);

    wait_until_async(
        "new connections to be served",
        PATIENCE,
        async || match tokio::time::timeout(PATIENCE, daemon.client()).await {
            Ok(client) => client.server_info().await.map(drop).map_err(|error| error.to_string()),
            Err(_) => Err("no connection".to_owned()),
        },
    )
    .await;
    if created.as_ref().is_ok_and(|late| late.state() == SessionState::Running) {
        assert_eq!(daemon.session("late").await.state(), SessionState::Running);
    } else {
        let now = daemon.traces().await;
        assert_eq!(now.sockets, before.sockets, "{created:?}");
        assert_eq!(daemon.shims().len(), 1, "{created:?}");
    }
    attached.type_text("say and after\n").await;
    attached.expect("\nand after").await;
}

#[tokio::test]
async fn connections_that_never_say_anything_are_no_burden() {
    let mut daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(UnixStream::connect(daemon.socket()).await.unwrap());
    }

    daemon.type_text(&session.id, "say served\n").await;
    daemon.printed(&session.id, "\nserved").await;

    assert_eq!(daemon.stop(), Some(0));
    drop(silent);
}
