//! Waiting for something to be true of a session.

use std::time::{Duration, Instant};

use codeplane_client::{
    Error,
    v1::{
        OutputPosition, SessionState, WaitForExit, WaitForOutput, WaitSessionRequest,
        WaitSessionResponse, exit_status::Status, wait_session_request::Condition,
    },
};
use codeplane_tests::{PATIENCE, TestDaemon};

async fn wait_within(
    daemon: &TestDaemon,
    id: &str,
    condition: Condition,
    timeout: Duration,
) -> Result<WaitSessionResponse, Error> {
    let request = WaitSessionRequest {
        session: id.to_owned(),
        condition: Some(condition),
        timeout: timeout.try_into().ok(),
    };
    daemon.client().await.wait_session(request).await
}

async fn wait(
    daemon: &TestDaemon,
    id: &str,
    condition: Condition,
) -> Result<WaitSessionResponse, Error> {
    wait_within(daemon, id, condition, PATIENCE).await
}

fn output(regex: &str) -> Condition {
    Condition::Output(WaitForOutput { regex: regex.into(), from: None })
}

const EXIT: Condition = Condition::Exit(WaitForExit {});
const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn the_end_is_waited_for_and_told_with_its_status() {
    let daemon = TestDaemon::start();
    let go = daemon.home().join("go");
    let session = daemon.create(&[&format!("await {}", go.display()), "exit 9"]).await;

    let (waited, ()) = tokio::join!(wait(&daemon, &session.id, EXIT), async {
        std::fs::write(&go, "").unwrap();
    });

    let ended = waited.unwrap().session.unwrap();
    assert_eq!(ended.state(), SessionState::Exited);
    assert_eq!(ended.exit_status.unwrap().status, Some(Status::Code(9)));
    let again = wait(&daemon, &session.id, EXIT).await.unwrap();
    assert_eq!(again.session.unwrap().state(), SessionState::Exited, "also when it is over");
}

#[tokio::test]
async fn every_wait_ends_at_its_deadline() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["flood 1"]).await;

    for condition in [
        EXIT,
        output("never this"),
        Condition::State(SessionState::Exited.into()),
        Condition::Quiet(Duration::from_secs(60).try_into().unwrap()),
    ] {
        let begun = Instant::now();
        let error = wait_within(&daemon, &session.id, condition, SHORT).await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        assert!(begun.elapsed() >= SHORT);
    }
}

#[tokio::test]
async fn quiet_is_a_time_without_output() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["count 5 100", "say done", "forever"]).await;
    let quiet = Duration::from_millis(400);
    let begun = Instant::now();

    let waited = wait(&daemon, &session.id, Condition::Quiet(quiet.try_into().unwrap())).await;

    assert!(begun.elapsed() >= quiet);
    let length = daemon.output(&session.id).await.len() as u64;
    assert_eq!(waited.unwrap().position, Some(OutputPosition { incarnation: 1, offset: length }));
    assert!(daemon.output(&session.id).await.ends_with(b"done"));
}

#[tokio::test]
async fn text_is_found_without_its_escapes_and_across_lines() {
    let daemon = TestDaemon::start();
    let script = [r"say \e[1;31mBu\e[0mild \e]0;title\asuccee\e[Kded\r\nin 3 s\r\n", "forever"];
    let session = daemon.create(&script).await;

    let one = wait(&daemon, &session.id, output("Build succeeded")).await.unwrap();
    let lines = wait(&daemon, &session.id, output(r"succeeded\nin \d s$")).await.unwrap();
    let start = wait(&daemon, &session.id, output("^in")).await.unwrap();

    assert_eq!(one.matched, "Build succeeded");
    assert_eq!(lines.matched, "succeeded\nin 3 s");
    assert_eq!(start.matched, "in");
    assert!(!one.matched.contains("title"));
}

#[tokio::test]
async fn text_is_looked_for_from_a_position_on() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;
    daemon.type_text(&session.id, "say mark-one\n").await;
    // The echo of what is typed has the text in it; what the program says, alone in its line.
    let first = wait(&daemon, &session.id, output("(?s)mark-one.*mark-one")).await.unwrap();

    let from = first.position;
    let again = Condition::Output(WaitForOutput { regex: "mark-one".into(), from });
    let error = wait_within(&daemon, &session.id, again.clone(), SHORT).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    daemon.type_text(&session.id, "say mark-one\n").await;
    let second = wait(&daemon, &session.id, again).await.unwrap();

    assert!(second.position.unwrap().offset > from.unwrap().offset);
}

#[tokio::test]
async fn text_that_can_no_longer_come_is_not_waited_for() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["say over", "exit 0"]).await;

    let found = wait(&daemon, &session.id, output("over")).await.unwrap();
    let never = wait(&daemon, &session.id, output("never this")).await.unwrap_err();
    let state = Condition::State(SessionState::Running.into());
    wait(&daemon, &session.id, EXIT).await.unwrap();
    let state = wait(&daemon, &session.id, state).await.unwrap_err();

    assert_eq!(found.matched, "over");
    assert!(matches!(never, Error::WrongState { .. }), "{never:?}");
    assert!(matches!(state, Error::WrongState { .. }), "{state:?}");
}

#[tokio::test]
async fn a_state_is_waited_for() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["exit 0"]).await;

    let exited = wait(&daemon, &session.id, Condition::State(SessionState::Exited.into())).await;

    assert_eq!(exited.unwrap().session.unwrap().state(), SessionState::Exited);
}

#[tokio::test]
async fn a_wait_goes_on_through_a_restart_of_the_daemon() {
    let mut daemon = TestDaemon::start();
    let go = daemon.home().join("go");
    let session = daemon.create(&[&format!("await {}", go.display()), "exit 9"]).await;
    let client = daemon.client().await;
    let request = WaitSessionRequest {
        session: session.id.clone(),
        condition: Some(EXIT),
        timeout: PATIENCE.try_into().ok(),
    };
    let waiting = tokio::task::LocalSet::new();
    let wait = waiting.spawn_local(async move { client.wait_session(request).await });

    let waited = waiting
        .run_until(async {
            tokio::task::yield_now().await;
            daemon.restart();
            std::fs::write(&go, "").unwrap();
            wait.await.unwrap()
        })
        .await;

    assert_eq!(waited.unwrap().session.unwrap().state(), SessionState::Exited);
}
