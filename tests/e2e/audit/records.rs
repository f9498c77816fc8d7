//! What is recorded, and how it is shown.

use std::time::Duration;

use codeplane_client::v1::{AcquireControlRequest, SendInputRequest};
use codeplane_tests::{
    PATIENCE, TestDaemon, attached::control, attached::observe, wait_until, wait_until_async,
};

use super::{kinds, log};

#[tokio::test]
async fn what_somebody_does_to_a_session_is_recorded_with_who_and_where() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["say hello", "serve"]).await;
    daemon.printed(&session.id, "hello").await;

    drop(daemon.cpctl(["rename", &session.id, "web"]).success());
    drop(daemon.cpctl(["label", "web", "team=a"]).success());
    drop(daemon.cpctl(["stop", "web"]).success());
    drop(daemon.cpctl(["wait", "web"]).success());
    drop(daemon.cpctl(["rm", "web"]).success());

    let expected = [
        "session.created",
        "session.started",
        "session.updated",
        "session.updated",
        "session.stopped",
        "session.ended",
        "session.deleted",
    ];
    wait_until("every record", PATIENCE, || kinds(&daemon, &session.id) == expected);
    let log = log(&daemon);
    let own = format!("uid:{}", nix::unistd::geteuid());
    for record in &log {
        let by_daemon = ["session.started", "session.ended", "daemon.started", "checkpoint.key"];
        let principal = if by_daemon.contains(&record["kind"].as_str().unwrap()) {
            "daemon"
        } else {
            own.as_str()
        };
        assert_eq!(record["principal"], principal, "{record}");
    }
    let renamed = log.iter().find(|record| record["kind"] == "session.updated").unwrap();
    assert_eq!(renamed["detail"][0]["value"], "web");
    assert!(renamed["position"]["offset"].as_u64().unwrap() >= 5, "{renamed}");
    // Records outlive their session.
    for reference in [session.id.as_str(), &session.id[..8], "web"] {
        let of_session = daemon.cpctl(["audit", "ls", "--session", reference]).success();
        assert_eq!(of_session.lines().count(), 1 + expected.len(), "{reference}: {of_session}");
        assert!(of_session.lines().skip(1).all(|line| line.contains(" web ")), "{of_session}");
    }
    let missing = daemon.cpctl(["audit", "ls", "--session", "webs"]).failure(3);
    assert!(missing.contains("no session 'webs'"), "{missing}");
}

#[tokio::test]
async fn every_time_somebody_has_the_keyboard_is_recorded() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;
    let first = daemon.attach(control(&session.id)).await;
    let second = daemon.attach(control(&session.id)).await;
    let watcher = daemon.attach(observe(&session.id)).await;
    let control = || -> Vec<String> {
        let all = kinds(&daemon, &session.id);
        all.into_iter().filter(|kind| kind.starts_with("control.")).collect()
    };
    let (taken, released) = ("control.taken", "control.released");
    // First; second in its place; first again; nobody.
    let expected = [taken, released, taken, released, taken, released];
    wait_until_async("the second to have control", PATIENCE, async || control() == expected[..3])
        .await;
    drop(second);
    wait_until_async("the first to have it again", PATIENCE, async || control() == expected[..5])
        .await;
    drop(first);
    wait_until_async("nobody to have it", PATIENCE, async || control() == expected).await;
    drop(watcher);
    let position = |record: &serde_json::Value| record["position"]["offset"].is_u64();
    let log = log(&daemon);
    let of_control = |record: &&serde_json::Value| {
        record["kind"].as_str().is_some_and(|kind| kind.starts_with("control."))
    };
    assert!(log.iter().filter(of_control).all(position));
}

#[tokio::test]
async fn control_that_is_asked_for_by_a_call_is_recorded_as_well() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;
    let mut attached = daemon.attach(observe(&session.id)).await;
    attached.settle().await;

    let request = AcquireControlRequest {
        session: session.id.clone(),
        attachment_id: attached.first.attachment_id.clone(),
        ..AcquireControlRequest::default()
    };
    daemon.raw_terminals().await.acquire_control(request).await.unwrap();

    wait_until("the record", PATIENCE, || {
        kinds(&daemon, &session.id).contains(&"control.taken".to_owned())
    });
}

#[tokio::test]
async fn the_keyboard_of_ones_own_attachment_is_no_force() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;
    let _attached = daemon.attach(control(&session.id)).await;

    let input = SendInputRequest {
        session: session.id.clone(),
        data: b"say typed\n".to_vec().into(),
        force: true,
        ..SendInputRequest::default()
    };
    daemon.client().await.send_input(input).await.unwrap();
    daemon.printed(&session.id, "typed").await;

    wait_until("the record of control", PATIENCE, || {
        kinds(&daemon, &session.id).contains(&"control.taken".to_owned())
    });
    assert!(!kinds(&daemon, &session.id).contains(&"input.forced".to_owned()));
}

#[tokio::test]
async fn a_signal_is_recorded_with_its_name() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;

    drop(daemon.cpctl(["kill", "--signal", "USR1", &session.id]).success());

    let log = log(&daemon);
    let killed = log.iter().find(|record| record["kind"] == "session.killed").unwrap();
    assert!(killed["detail"].to_string().contains("USR1"), "{killed}");
}

#[test]
fn secrets_are_masked_and_nothing_acts_on_the_terminal_of_who_reads() {
    let daemon = TestDaemon::start();
    let label = "x\u{1b}]0;owned\u{7}\u{202e}";
    let command = ["run", "-d", "--", "sh", "-c", "true --token hunter2; exit", label];
    drop(daemon.cpctl(command).success());

    let table = daemon.cpctl(["audit", "ls"]).success();
    let created = log(&daemon);
    let created = created.iter().find(|record| record["kind"] == "session.created").unwrap();
    let seq = created["seq"].to_string();
    let shown = daemon.cpctl(["audit", "show", &seq]).success();
    let json = daemon.cpctl(["audit", "show", &seq, "-o", "json"]).success();

    for text in [&table, &shown, &json] {
        assert!(text.contains("--token [masked]") && !text.contains("hunter2"), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    }
    let missing = daemon.cpctl(["audit", "show", "9999"]).failure(3);
    assert!(missing.contains("no record 9999"), "{missing}");
}

#[test]
fn records_are_found_by_kind_principal_and_time() {
    let daemon = TestDaemon::start();
    for _ in 0..3 {
        drop(daemon.cpctl(["run", "-d", "--", "true"]).success());
    }
    let found = |more: &[&str]| {
        let listed = daemon.cpctl(["audit", "ls", "-o", "jsonl"].iter().chain(more)).success();
        listed.lines().count()
    };

    assert_eq!(found(&["--kind", "session.created"]), 3);
    assert_eq!(found(&["--kind", "session.created", "--limit", "2"]), 2);
    assert_eq!(found(&["--principal", "uid:4294967295"]), 0);
    assert_eq!(found(&["--kind", "daemon.started", "--since", "1h"]), 1);
    assert_eq!(found(&["--kind", "daemon.started", "--until", "1h"]), 0);
    let wrong = daemon.cpctl(["audit", "ls", "--kind", "daemon.gone"]).failure(2);
    assert!(wrong.contains("daemon.gone") && wrong.contains("daemon.started"), "{wrong}");
    let wrong = daemon.cpctl(["audit", "ls", "--since", "yesterday"]).failure(2);
    assert!(wrong.contains("is not a time"), "{wrong}");
}

#[tokio::test]
async fn an_idle_daemon_writes_nothing() {
    let daemon = TestDaemon::start();
    daemon.create(&["serve"]).await;
    wait_until_async("the start to be recorded", PATIENCE, async || {
        log(&daemon).iter().any(|record| record["kind"] == "session.started")
    })
    .await;
    let before = log(&daemon).len();

    // As long as it takes for another daemon to come and go.
    let other = TestDaemon::start();
    tokio::time::timeout(Duration::from_secs(60), other.client()).await.unwrap();

    assert_eq!(log(&daemon).len(), before);
}
