//! The process that owns a session is killed.

use codeplane_client::v1::{EndReason, SessionState, terminal_frame::Frame};
use codeplane_tests::{
    PATIENCE, TestDaemon,
    attached::observe,
    processes::{Process, Signal},
    wait_until,
};

/// The shim of a session whose program is `pid`.
fn shim_of(pid: i32) -> Process {
    let program = Process::read(pid).expect("the program lives");
    Process::read(program.parent).expect("its shim lives")
}

#[tokio::test]
async fn a_session_whose_shim_is_killed_is_lost_and_says_so_and_nobody_else_is_hurt() {
    let mut daemon = TestDaemon::start();
    let session = daemon.create(&["say before", "forever"]).await;
    let other = daemon.create(&["serve"]).await;
    daemon.printed(&session.id, "before").await;
    let mut attached = daemon.attach(observe(&session.id)).await;
    let program = Process::read(session.pid).unwrap();

    shim_of(session.pid).signal(Signal::KILL);

    assert_eq!(attached.read_to_end().await, EndReason::SessionEnded);
    assert_eq!(attached.output, b"before");
    let exited = attached.seen.iter().find_map(|frame| match frame {
        Frame::Exited(exited) => Some(exited),
        _ => None,
    });
    let exited = exited.expect("it is told how it ended");
    assert_eq!((exited.state(), exited.status), (SessionState::Lost, None));
    assert!(exited.message.contains("killed"), "{}", exited.message);
    let lost = daemon.reaches(&session.id, SessionState::Lost).await;
    assert!(lost.message.contains("shim"), "{}", lost.message);
    assert_eq!(daemon.output(&session.id).await, b"before");
    assert_eq!(daemon.endings(&session.id).await, ["session.lost"]);
    wait_until("its program to end with its terminal", PATIENCE, || !program.is_alive());
    daemon.type_text(&other.id, "say unhurt\n").await;
    daemon.printed(&other.id, "unhurt").await;

    daemon.restart();

    assert_eq!(daemon.session(&session.id).await.state(), SessionState::Lost);
    assert_eq!(daemon.endings(&session.id).await, ["session.lost"]);
    assert_eq!(daemon.session(&other.id).await.state(), SessionState::Running);
}

#[tokio::test]
async fn what_was_printed_last_before_the_kill_is_kept() {
    let daemon = TestDaemon::start();
    for _ in 0..5 {
        let session = daemon.create(&["raw", "flood 3"]).await;
        daemon.printed(&session.id, "0000001000 ").await;

        shim_of(session.pid).signal(Signal::KILL);

        let lost = daemon.reaches(&session.id, SessionState::Lost).await;
        let directory = daemon.state_dir().join("sessions").join(&session.id);
        let log = directory.join("incarnation-1");
        let segments = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
        let segments = segments.filter(|path| path.extension().is_some_and(|one| one == "log"));
        let written: u64 = segments.map(|path| path.metadata().unwrap().len()).sum();
        assert_eq!(lost.output_end.unwrap().offset, written);
        assert_eq!(daemon.output(&session.id).await.len() as u64, written);
    }
}

#[tokio::test]
async fn a_lost_session_can_be_deleted_and_leaves_nothing() {
    let mut daemon = TestDaemon::start();
    let before = daemon.traces().await;
    let seen = daemon.create(&["forever"]).await;
    let unseen = daemon.create(&["forever"]).await;
    shim_of(seen.pid).signal(Signal::KILL);
    daemon.reaches(&seen.id, SessionState::Lost).await;
    let shim = shim_of(unseen.pid);
    daemon.kill_hard();
    shim.signal(Signal::KILL);
    daemon.launch();
    let lost = daemon.reaches(&unseen.id, SessionState::Lost).await;
    assert!(lost.message.contains("its shim was killed"), "{}", lost.message);

    for session in [seen.id, unseen.id] {
        let request = codeplane_client::v1::DeleteSessionRequest { session, ..Default::default() };
        daemon.client().await.delete_session(request).await.unwrap();
    }

    let now = daemon.traces().await;
    assert_eq!((now.rows, now.bundles, now.sockets), (before.rows, before.bundles, before.sockets));
}

/// The one shim that waits for the next session.
fn spare(daemon: &TestDaemon) -> Process {
    wait_until("a shim to be ready", PATIENCE, || {
        let mut spares = daemon.spare_shims();
        // A process that has just been made is its parent's picture.
        spares.retain(|spare| spare.name == "cpd-shim");
        if spares.len() == 1 { Ok(spares.remove(0)) } else { Err(spares) }
    })
}

#[tokio::test]
async fn a_shim_is_ready_for_the_next_session_and_then_bears_its_name() {
    let daemon = TestDaemon::start();
    for _ in 0..3 {
        let ready = spare(&daemon);

        let session = daemon.create(&["forever"]).await;

        let shims = daemon.shims();
        let its = shims.iter().find(|shim| shim.pid == ready.pid).expect("it took the session");
        assert!(its.arguments().iter().any(|one| *one == session.id[..8]), "{its:?}");
    }
}

#[tokio::test]
async fn a_session_starts_although_the_shim_that_was_ready_was_ended() {
    let daemon = TestDaemon::start();
    for signal in [Signal::KILL, Signal::TERM] {
        spare(&daemon).signal(signal);

        let session = daemon.create(&["say here", "forever"]).await;

        daemon.printed(&session.id, "here").await;
    }
}

#[tokio::test]
async fn the_shim_that_was_ready_ends_with_its_daemon_however_that_ends() {
    let mut daemon = TestDaemon::start();
    let ready = spare(&daemon);

    daemon.kill_hard();

    wait_until("it to end", PATIENCE, || !ready.is_alive());
    daemon.launch();
    let ready = spare(&daemon);
    daemon.stop();
    wait_until("it to end", PATIENCE, || !ready.is_alive());
}
