//! The daemon is killed, or its disk is full.

use std::collections::BTreeSet;
use std::time::Duration;

use codeplane_client::v1::CreateSessionRequest;
use codeplane_tests::{Stream, TestDaemon, rounds, scripted};
use tokio::{task::JoinSet, time::sleep};

use super::{log, verify};

#[tokio::test]
async fn a_kill_at_any_moment_leaves_a_whole_chain_and_no_session_without_its_record() {
    let mut daemon = TestDaemon::start();
    let mut random = Stream::new(7);
    let mut acknowledged = BTreeSet::new();
    for round in 0..rounds(6, 100) {
        let mut calls = JoinSet::new();
        for number in 0..4 {
            let name = format!("s{round}-{number}");
            let request = CreateSessionRequest { name, ..scripted(&["exit 0"]) };
            let mut sessions = daemon.raw_sessions().await;
            calls.spawn(async move { sessions.create_session(request).await });
        }
        sleep(Duration::from_millis(random.below(40) as u64)).await;
        daemon.kill_hard();
        for answer in calls.join_all().await.into_iter().flatten() {
            acknowledged.insert(answer.into_inner().session.unwrap().id);
        }

        let (code, verified) = verify(&daemon, &[]);
        assert_eq!(code, 0, "round {round}: {verified}");
        daemon.launch();
    }

    let recorded: BTreeSet<String> = log(&daemon)
        .iter()
        .filter(|record| record["kind"] == "session.created")
        .map(|record| record["session_id"].as_str().unwrap().to_owned())
        .collect();
    let without: Vec<_> = acknowledged.difference(&recorded).collect();
    assert!(without.is_empty(), "{without:?}");
    let rows = daemon.client().await.all_sessions("").await.unwrap();
    assert!(rows.iter().all(|session| recorded.contains(&session.id)));
}
