//! Calls about sessions and events that cannot be answered.

use codeplane_client::v1::{
    self, DeleteSessionRequest, DrainRequest, GetSessionRequest, KillSessionRequest,
    ListEventsRequest, ListSessionsRequest, SessionState, StopSessionRequest, UpdateSessionRequest,
    WaitForExit, WaitForOutput, WaitSessionRequest, wait_session_request::Condition,
};
use codeplane_proto::v1::{
    event_service_client::EventServiceClient, server_service_client::ServerServiceClient,
};
use codeplane_tests::{Refusal, TestDaemon, refused, scripted};
use tonic::Code;

const INVALID: Code = Code::InvalidArgument;

async fn wait(daemon: &TestDaemon, id: &str, condition: Option<Condition>) -> Refusal {
    let request = WaitSessionRequest { session: id.into(), condition, timeout: None };
    refused(daemon.raw_sessions().await.wait_session(request).await)
}

fn output(regex: &str) -> Option<Condition> {
    Some(Condition::Output(WaitForOutput { regex: regex.into(), from: None }))
}

#[tokio::test]
async fn a_session_that_does_not_exist_is_not_found_by_any_call() {
    let daemon = TestDaemon::start();
    let mut calls = daemon.raw_sessions().await;

    for session in ["nobody", "0000", "00000000-0000-4000-8000-000000000000", "\u{1b}[31m"] {
        let session = session.to_owned();
        let refusals = [
            refused(calls.get_session(GetSessionRequest { session: session.clone() }).await),
            refused(
                calls
                    .update_session(UpdateSessionRequest {
                        session: session.clone(),
                        ..UpdateSessionRequest::default()
                    })
                    .await,
            ),
            refused(
                calls
                    .stop_session(StopSessionRequest {
                        session: session.clone(),
                        ..StopSessionRequest::default()
                    })
                    .await,
            ),
            refused(
                calls
                    .kill_session(KillSessionRequest {
                        session: session.clone(),
                        ..KillSessionRequest::default()
                    })
                    .await,
            ),
            refused(
                calls
                    .delete_session(DeleteSessionRequest {
                        session: session.clone(),
                        ..DeleteSessionRequest::default()
                    })
                    .await,
            ),
            wait(&daemon, &session, Some(Condition::Exit(WaitForExit {}))).await,
        ];
        for refusal in refusals {
            assert_eq!(refusal.facts(), (Code::NotFound, "SESSION_NOT_FOUND", vec![]));
            assert!(!refusal.message.contains('\u{1b}'), "{:?}", refusal.message);
        }
    }
}

#[tokio::test]
async fn a_regular_expression_that_is_none_says_what_is_wrong_with_it() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;

    for (regex, said) in
        [("(", "unclosed group"), ("", "1 to 4096"), ("a{1000000}{100}", ""), ("[z-a]", "range")]
    {
        let refusal = wait(&daemon, &session.id, output(regex)).await;
        assert_eq!(refusal.facts(), (INVALID, "INVALID", vec!["output.regex"]), "{regex}");
        assert!(refusal.message.contains(said), "{regex}: {}", refusal.message);
    }
    let long = wait(&daemon, &session.id, output(&"x".repeat(4097))).await;
    assert_eq!(long.facts(), (INVALID, "INVALID", vec!["output.regex"]));
}

#[tokio::test]
async fn a_wait_must_have_a_condition_that_can_hold() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;
    let negative = prost_duration(-1);

    let none = wait(&daemon, &session.id, None).await;
    let no_state = wait(&daemon, &session.id, Some(Condition::State(99))).await;
    let unspecified = SessionState::Unspecified.into();
    let unspecified = wait(&daemon, &session.id, Some(Condition::State(unspecified))).await;
    let quiet = wait(&daemon, &session.id, Some(Condition::Quiet(negative))).await;

    assert_eq!(none.facts(), (INVALID, "INVALID", vec!["condition"]));
    assert_eq!(no_state.facts(), (INVALID, "INVALID", vec!["state"]));
    assert_eq!(unspecified.facts(), (INVALID, "INVALID", vec!["state"]));
    assert_eq!(quiet.facts(), (INVALID, "INVALID", vec!["quiet"]));
}

const fn prost_duration(seconds: i64) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos: 0 }
}

#[tokio::test]
async fn a_page_token_belongs_to_its_query() {
    let daemon = TestDaemon::start();
    for _ in 0..2 {
        daemon.create(&["forever"]).await;
    }
    let mut calls = daemon.raw_sessions().await;
    let mut events = EventServiceClient::new(daemon.channel().await);
    let sessions = |filter: &str, page_token: &str| ListSessionsRequest {
        page_size: 1,
        filter: filter.into(),
        page_token: page_token.into(),
    };
    let history = |filter: &str, page_token: &str| ListEventsRequest {
        page_size: 1,
        filter: filter.into(),
        page_token: page_token.into(),
        after_revision: 0,
    };
    let token = calls.list_sessions(sessions("", "")).await.unwrap().into_inner().next_page_token;
    let of_events = events.list_events(history("", "")).await.unwrap().into_inner().next_page_token;
    assert!(!token.is_empty() && !of_events.is_empty());

    let refusals = [
        refused(calls.list_sessions(sessions("state=running", &token)).await),
        refused(calls.list_sessions(sessions("", &of_events)).await),
        refused(calls.list_sessions(sessions("", "nonsense")).await),
        refused(events.list_events(history("type=session.created", &of_events)).await),
        refused(events.list_events(history("", &token)).await),
    ];

    for refusal in refusals {
        assert_eq!(refusal.facts(), (INVALID, "INVALID", vec!["page_token"]));
    }
    assert!(calls.list_sessions(sessions("", &token)).await.is_ok());
}

#[tokio::test]
async fn filters_and_page_sizes_are_checked() {
    let daemon = TestDaemon::start();
    let mut calls = daemon.raw_sessions().await;
    let mut events = EventServiceClient::new(daemon.channel().await);

    for filter in ["colour=red", "state", "state=running OR state=exited", "name=\"open", "AND"] {
        let request = ListSessionsRequest { filter: filter.into(), ..Default::default() };
        let refusal = refused(calls.list_sessions(request).await);
        assert_eq!(refusal.facts(), (INVALID, "INVALID", vec!["filter"]), "{filter}");
    }
    for filter in ["type=session.vanished", "name=web"] {
        let request = ListEventsRequest { filter: filter.into(), ..Default::default() };
        let refusal = refused(events.list_events(request).await);
        assert_eq!(refusal.facts(), (INVALID, "INVALID", vec!["filter"]), "{filter}");
    }
    let request = ListSessionsRequest { page_size: -1, ..Default::default() };
    let refusal = refused(calls.list_sessions(request).await);
    assert_eq!(refusal.facts(), (INVALID, "INVALID", vec!["page_size"]));
}

#[tokio::test]
async fn a_state_that_is_none_cannot_be_filtered_on() {
    let daemon = TestDaemon::start();

    let request = ListSessionsRequest { filter: "state=dancing".into(), ..Default::default() };
    let refusal = refused(daemon.raw_sessions().await.list_sessions(request).await);

    assert_eq!(refusal.facts(), (INVALID, "INVALID", vec!["filter"]));
}

#[tokio::test]
async fn signals_etags_and_graces_that_are_none_are_refused_and_nothing_happens() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;
    let mut calls = daemon.raw_sessions().await;
    let id = session.id.clone();

    let kill =
        KillSessionRequest { session: id.clone(), signal: "SIGDANCE".into(), ..Default::default() };
    let kill = refused(calls.kill_session(kill).await);
    let stop = StopSessionRequest {
        session: id.clone(),
        terminate_grace: Some(prost_duration(-1)),
        ..Default::default()
    };
    let stop = refused(calls.stop_session(stop).await);
    let no_etag = DeleteSessionRequest {
        session: id.clone(),
        force: true,
        etag: "x".into(),
        ..Default::default()
    };
    let no_etag = refused(calls.delete_session(no_etag).await);
    let stale = DeleteSessionRequest {
        session: id.clone(),
        force: true,
        etag: "999".into(),
        ..Default::default()
    };
    let stale = refused(calls.delete_session(stale).await);
    let update = UpdateSessionRequest {
        session: id.clone(),
        name: Some("x".into()),
        etag: "999".into(),
        ..Default::default()
    };
    let update = refused(calls.update_session(update).await);

    assert_eq!(kill.facts(), (INVALID, "INVALID", vec!["signal"]));
    assert!(kill.message.contains("SIGDANCE"), "{}", kill.message);
    assert_eq!(stop.facts(), (INVALID, "INVALID", vec!["terminate_grace"]));
    assert_eq!(no_etag.facts(), (INVALID, "INVALID", vec!["etag"]));
    assert_eq!(stale.facts(), (Code::Aborted, "STALE_ETAG", vec![]));
    assert_eq!(update.facts(), (Code::Aborted, "STALE_ETAG", vec![]));
    let now = daemon.session(&id).await;
    assert_eq!((now.state(), now.name.as_str()), (SessionState::Running, ""));
}

#[tokio::test]
async fn an_ended_session_cannot_be_stopped_or_killed_and_a_running_one_not_deleted() {
    let daemon = TestDaemon::start();
    let ended = daemon.create(&["exit 0"]).await;
    daemon.reaches(&ended.id, SessionState::Exited).await;
    let running = daemon.create(&["forever"]).await;
    let mut calls = daemon.raw_sessions().await;

    let stop = StopSessionRequest { session: ended.id.clone(), ..Default::default() };
    let stop = refused(calls.stop_session(stop).await);
    let kill = KillSessionRequest { session: ended.id.clone(), ..Default::default() };
    let kill = refused(calls.kill_session(kill).await);
    let delete = DeleteSessionRequest { session: running.id.clone(), ..Default::default() };
    let delete = refused(calls.delete_session(delete).await);

    for refusal in [stop, kill, delete] {
        assert_eq!(refusal.facts(), (Code::FailedPrecondition, "WRONG_STATE", vec![]));
    }
    assert_eq!(daemon.session(&running.id).await.state(), SessionState::Running);
}

#[tokio::test]
async fn an_update_is_made_completely_or_not_at_all() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;
    let update = UpdateSessionRequest {
        session: session.id.clone(),
        name: Some("fine".into()),
        set_labels: [("not fine".to_owned(), "v".to_owned())].into(),
        ..UpdateSessionRequest::default()
    };

    let refusal = refused(daemon.raw_sessions().await.update_session(update).await);

    assert_eq!(refusal.facts(), (INVALID, "INVALID", vec!["labels[not fine]"]));
    assert_eq!(daemon.session(&session.id).await.name, "");
    let named = v1::CreateSessionRequest { name: "fine".into(), ..scripted(&["forever"]) };
    assert!(daemon.raw_sessions().await.create_session(named).await.is_ok(), "the name is free");
}

#[tokio::test]
async fn a_backup_needs_a_place_of_its_own() {
    let daemon = TestDaemon::start();
    let mut server = ServerServiceClient::new(daemon.channel().await);
    let there = daemon.home().join("there.db");
    std::fs::write(&there, "precious").unwrap();
    let backup = |path: &str| v1::BackupRequest { path: path.into() };

    let exists = refused(server.backup(backup(there.to_str().unwrap())).await);
    let relative = refused(server.backup(backup("copy.db")).await);
    let nowhere = refused(server.backup(backup("/no/such/directory/copy.db")).await);

    assert_eq!(exists.facts(), (Code::AlreadyExists, "FILE_EXISTS", vec![]));
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "precious");
    assert_eq!(relative.facts(), (INVALID, "INVALID", vec!["path"]));
    assert_eq!(nowhere.facts(), (INVALID, "INVALID", vec!["path"]));
}

#[tokio::test]
async fn a_draining_daemon_takes_no_sessions_and_says_so() {
    let daemon = TestDaemon::start();
    let before = daemon.traces().await;
    let mut server = ServerServiceClient::new(daemon.channel().await);
    server.drain(DrainRequest { undo: false }).await.unwrap();

    let refusal = refused(daemon.raw_sessions().await.create_session(scripted(&["forever"])).await);

    assert_eq!(refusal.facts(), (Code::Unavailable, "DRAINING", vec![]));
    assert_eq!(daemon.traces().await, before);
}
