//! The daemon is killed inside create, and sessions come and go.

use std::{fs, time::Duration};

use codeplane_client::{
    Error,
    v1::{
        CreateSessionRequest, DeleteSessionRequest, KillSessionRequest, Session, SessionState,
        StopSessionRequest,
    },
};
use codeplane_tests::{
    PATIENCE, Stream, TestDaemon, Traces, processes::Process, rounds, scripted, wait_until_async,
};
use tokio::{
    task::{JoinSet, yield_now},
    time::sleep,
};

async fn delete(daemon: &TestDaemon, session: &str) {
    let request =
        DeleteSessionRequest { session: session.to_owned(), force: true, ..Default::default() };
    daemon.client().await.delete_session(request).await.unwrap();
}

/// Every row is true, and there is nothing without a row.
async fn is_consistent(daemon: &TestDaemon) -> Result<Vec<Session>, (Traces, Vec<Session>)> {
    let traces = daemon.traces().await;
    let sessions = daemon.client().await.all_sessions("").await.unwrap();
    let running: Vec<_> =
        sessions.iter().filter(|one| one.state() == SessionState::Running).collect();
    let has_process = |session: &&Session| Process::read(session.pid).is_some();
    let settled = sessions.iter().all(|one| one.state() != SessionState::Starting);
    let is_true = settled
        && running.iter().all(has_process)
        && traces.bundles.is_subset(&traces.rows)
        && traces.sockets.len() == running.len()
        && daemon.shims().len() == running.len();
    if is_true { Ok(sessions) } else { Err((traces, sessions)) }
}

#[tokio::test]
async fn a_kill_inside_create_leaves_a_whole_session_or_an_ended_one_or_none() {
    let mut daemon = TestDaemon::start();
    let before = daemon.traces().await;
    let mut random = Stream::new(11);
    let mut outcomes = [0; 2];
    for round in 0..rounds(25, 500) {
        let request = CreateSessionRequest {
            request_id: format!("00000000-0000-4000-8000-{round:012}"),
            name: format!("s{round}"),
            ..scripted(&["forever"])
        };
        let mut calls = daemon.raw_sessions().await;
        let (mut under_way, sent) = (JoinSet::new(), request.clone());
        under_way.spawn(async move { calls.create_session(sent).await });
        // From before the arrival of the call to a little after its usual answer.
        match round % 2 {
            0 => sleep(Duration::from_millis(random.below(12) as u64)).await,
            _ => turns(random.below(60)).await,
        }
        daemon.kill_hard();
        daemon.launch();

        let found =
            wait_until_async("rows, bundles and processes to agree", PATIENCE, async || {
                is_consistent(&daemon).await
            })
            .await;
        let there = found.iter().any(|session| session.name == request.name);
        outcomes[usize::from(there)] += 1;
        let again = daemon.client().await.create_session(request.clone()).await.unwrap();
        let named = format!("name={}", request.name);
        assert_eq!(daemon.client().await.all_sessions(&named).await.unwrap().len(), 1);
        assert_eq!(daemon.session(&request.name).await.id, again.id);
        delete(&daemon, &again.id).await;
        assert!(daemon.endings(&again.id).await.len() == 1, "{again:?}");
    }

    assert!(outcomes.iter().all(|count| *count > 0), "always the same: {outcomes:?}");
    wait_until_async("nothing to be left", PATIENCE, async || is_as_before(&daemon, &before).await)
        .await;
}

/// Lets the other tasks run so many times.
async fn turns(count: usize) {
    for _ in 0..count {
        yield_now().await;
    }
}

/// As before but for the daemon itself, which is another one.
async fn is_as_before(daemon: &TestDaemon, before: &Traces) -> Result<(), Traces> {
    let now = daemon.traces().await;
    let same = now.rows == before.rows
        && now.bundles == before.bundles
        && now.sockets == before.sockets
        && now.processes.len() == before.processes.len();
    if same { Ok(()) } else { Err(now) }
}

#[tokio::test]
async fn sessions_that_come_and_go_in_every_way_leave_nothing_behind() {
    let mut daemon = TestDaemon::start();
    let warm_up = daemon.create(&["exit 0"]).await;
    delete(&daemon, &warm_up.id).await;
    let before = daemon.traces().await;
    let mut random = Stream::new(5);
    for round in 0..rounds(50, 10_000) {
        let left = daemon.home().join(format!("left-{round}"));
        let daemonise = format!("daemonise {}", left.display());
        let script: &[&str] = match random.below(4) {
            0 => &["forever"],
            1 => &["say something", "exit 3"],
            2 => &["ignore HUP", "ignore TERM", "flood 1"],
            _ => &[&daemonise, "forever"],
        };
        let session = daemon.create(script).await.id;
        end(&daemon, &session, random.below(4)).await;
        if random.below(10) == 0 {
            daemon.restart();
        }
        delete(&daemon, &session).await;
        assert_eq!(daemon.endings(&session).await.len(), 1);
    }

    let fresh = descriptors_of_a_fresh_daemon(&mut daemon, &before).await;
    for _ in 0..10 {
        let session = daemon.create(&["forever"]).await.id;
        delete(&daemon, &session).await;
    }
    wait_until_async("its descriptors to be closed", PATIENCE, async || {
        let now = descriptors(&daemon);
        if now <= fresh { Ok(()) } else { Err((fresh, now)) }
    })
    .await;
}

async fn descriptors_of_a_fresh_daemon(daemon: &mut TestDaemon, before: &Traces) -> usize {
    wait_until_async("nothing to be left", PATIENCE, async || is_as_before(daemon, before).await)
        .await;
    daemon.restart();
    let warm_up = daemon.create(&["exit 0"]).await;
    delete(daemon, &warm_up.id).await;
    descriptors(daemon)
}

fn descriptors(daemon: &TestDaemon) -> usize {
    fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap().count()
}

/// Begins to end a session in one of the ways; it may have ended by itself.
async fn end(daemon: &TestDaemon, session: &str, way: usize) {
    let client = daemon.client().await;
    let session = session.to_owned();
    let ended = match way {
        0 => client.stop_session(StopSessionRequest { session, ..Default::default() }).await,
        1 => client.kill_session(KillSessionRequest { session, ..Default::default() }).await,
        2 => {
            let signal = "TERM".to_owned();
            let request = KillSessionRequest { session, signal, ..Default::default() };
            client.kill_session(request).await
        }
        _ => return,
    };
    if let Err(error) = ended {
        assert!(matches!(error, Error::WrongState { .. }), "{error:?}");
    }
}
