//! Create, find, list, change, delete.

use std::collections::HashMap;

use codeplane_client::{
    Error,
    v1::{
        CreateSessionRequest, DeleteSessionRequest, GetSessionRequest, ListSessionsRequest,
        Session, SessionState, StopSessionRequest, UpdateSessionRequest,
    },
};
use codeplane_tests::{DaemonOptions, TestDaemon, refused, scripted};
use tokio::task::JoinSet;
use tonic::Code;

const REQUEST: &str = "11111111-2222-4333-8444-555555555555";

fn named(name: &str) -> CreateSessionRequest {
    CreateSessionRequest { name: name.into(), ..scripted(&["forever"]) }
}

fn requested(commands: &[&str]) -> CreateSessionRequest {
    CreateSessionRequest { request_id: REQUEST.into(), ..scripted(commands) }
}

fn ids(sessions: &[Session]) -> Vec<&str> {
    sessions.iter().map(|session| session.id.as_str()).collect()
}

#[tokio::test]
async fn a_session_leaves_only_its_events_behind() {
    let daemon = TestDaemon::start();
    let before = daemon.traces().await;
    let client = daemon.client().await;
    let session = daemon.create(&["say hello", "exit 3"]).await;
    assert_eq!((session.state(), session.incarnation), (SessionState::Running, 1));
    assert!(session.pid > 0);
    daemon.reaches(&session.id, SessionState::Exited).await;

    let request = DeleteSessionRequest { session: session.id.clone(), ..Default::default() };
    client.delete_session(request).await.unwrap();

    let gone = client.get_session(&session.id).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound { .. }), "{gone:?}");
    daemon.leaves_only(&before).await;
    let expected = ["session.created", "session.started", "session.exited", "session.deleted"];
    assert_eq!(daemon.event_types(&session.id).await, expected);
}

#[tokio::test]
async fn what_was_asked_for_is_what_get_says() {
    let daemon = TestDaemon::start();
    let client = daemon.client().await;
    let parent = daemon.create(&["forever"]).await;
    let request = CreateSessionRequest {
        cwd: "/tmp".into(),
        name: "child".into(),
        labels: HashMap::from([("team".into(), "a b".into()), ("empty".into(), String::new())]),
        parent: parent.id.clone(),
        keep: true,
        source: "workflow".into(),
        ..scripted(&["cwd", "forever"])
    };

    let created = client.create_session(request.clone()).await.unwrap();

    assert_eq!(daemon.printed(&created.id, "/.*").await, "/tmp");
    let session = daemon.session(&created.id).await;
    assert_eq!(session.command, request.command);
    assert_eq!((session.cwd.as_str(), session.name.as_str()), ("/tmp", "child"));
    assert_eq!(session.labels, request.labels);
    assert_eq!((session.parent_id, session.keep), (parent.id, true));
    assert_eq!((session.source.as_str(), session.provider.as_str()), ("workflow", "generic"));
    assert_eq!(session.host_id, client.server_info().await.unwrap().host_id);
    assert!(session.create_time.is_some() && session.start_time.is_some());
    assert_eq!(session.end_time, None);
}

#[tokio::test]
async fn a_session_is_found_by_id_by_prefix_and_by_name() {
    let daemon = TestDaemon::start();
    let client = daemon.client().await;
    let session = client.create_session(named("web")).await.unwrap();

    for reference in [&session.id, &session.id[..8], &session.id[..4], "web"] {
        assert_eq!(client.get_session(reference).await.unwrap().id, session.id, "{reference}");
    }
    let short = client.get_session(&session.id[..3]).await.unwrap_err();
    assert!(matches!(short, Error::NotFound { .. }), "{short:?}");
}

#[tokio::test]
async fn a_name_changes_hands_when_its_owner_is_renamed_or_deleted() {
    let daemon = TestDaemon::start();
    let client = daemon.client().await;
    let first = client.create_session(named("web")).await.unwrap();
    let rename = UpdateSessionRequest {
        session: "web".into(),
        name: Some("old".into()),
        ..Default::default()
    };

    let renamed = client.update_session(rename).await.unwrap();
    let second = client.create_session(named("web")).await.unwrap();
    let delete = DeleteSessionRequest { session: "web".into(), force: true, ..Default::default() };
    client.delete_session(delete).await.unwrap();
    let third = client.create_session(named("web")).await.unwrap();

    assert_eq!((renamed.id.as_str(), renamed.name.as_str()), (first.id.as_str(), "old"));
    assert_ne!(renamed.etag, first.etag);
    assert_ne!(second.id, third.id);
    assert_eq!(client.get_session("web").await.unwrap().id, third.id);
    assert_eq!(client.get_session("old").await.unwrap().id, first.id);
}

#[tokio::test]
async fn names_labels_and_etags_survive_a_killed_daemon() {
    let mut daemon = TestDaemon::start();
    let client = daemon.client().await;
    let session = client.create_session(named("web")).await.unwrap();
    let update = UpdateSessionRequest {
        session: session.id.clone(),
        name: Some("shop".into()),
        set_labels: HashMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]),
        etag: daemon.session(&session.id).await.etag,
        ..Default::default()
    };
    client.update_session(update).await.unwrap();
    let remove = UpdateSessionRequest {
        session: session.id.clone(),
        remove_labels: vec!["a".into()],
        ..Default::default()
    };
    let before = client.update_session(remove).await.unwrap();

    daemon.restart();

    let after = daemon.session("shop").await;
    assert_eq!((after.id, after.labels, after.etag), (before.id, before.labels, before.etag));
}

#[tokio::test]
async fn a_list_is_filtered_and_paged_oldest_first() {
    let daemon = TestDaemon::start();
    let client = daemon.client().await;
    let mut all = Vec::new();
    for index in 0..5 {
        let labels = HashMap::from([("parity".into(), format!("{}", index % 2))]);
        let request = CreateSessionRequest { labels, ..scripted(&["forever"]) };
        all.push(client.create_session(request).await.unwrap());
    }
    let child = CreateSessionRequest { parent: all[0].id.clone(), ..scripted(&["exit 0"]) };
    let child = client.create_session(child).await.unwrap();
    daemon.reaches(&child.id, SessionState::Exited).await;

    let even = client.all_sessions("labels.parity=0 AND state=running").await.unwrap();
    let ended = client.all_sessions("state=exited").await.unwrap();
    let children = client.all_sessions(&format!("parent={}", all[0].id)).await.unwrap();
    let mut pages = Vec::new();
    let mut request = ListSessionsRequest {
        page_size: 2,
        filter: "state=running".into(),
        ..ListSessionsRequest::default()
    };
    loop {
        let page = client.list_sessions(request.clone()).await.unwrap();
        assert!(page.sessions.len() <= 2);
        pages.extend(page.sessions);
        if page.next_page_token.is_empty() {
            break;
        }
        // A page that has been read may change without a hole in the next one.
        if pages.len() == 2 {
            let session = pages[0].id.clone();
            let delete = DeleteSessionRequest { session, force: true, ..Default::default() };
            client.delete_session(delete).await.unwrap();
        }
        request.page_token = page.next_page_token;
    }

    assert_eq!(ids(&even), [&*all[0].id, &*all[2].id, &*all[4].id]);
    assert_eq!(ids(&ended), [&*child.id]);
    assert_eq!(ids(&children), [&*child.id]);
    assert_eq!(ids(&pages), ids(&all));
}

#[tokio::test]
async fn the_same_request_makes_one_session_however_often_it_is_sent() {
    let mut daemon = TestDaemon::start();
    let script = requested(&["forever"]);
    let mut racing = JoinSet::new();
    for _ in 0..8 {
        let (mut calls, script) = (daemon.raw_sessions().await, script.clone());
        racing.spawn(async move { calls.create_session(script).await });
    }
    let answers = racing.join_all().await;
    let mut sessions: Vec<Session> =
        answers.into_iter().map(|answer| answer.unwrap().into_inner().session.unwrap()).collect();

    daemon.restart();
    let again = daemon.raw_sessions().await.create_session(script).await.unwrap();

    sessions.push(again.into_inner().session.unwrap());
    assert!(sessions.iter().all(|session| session.id == sessions[0].id), "{sessions:#?}");
    assert_eq!(daemon.traces().await.rows.len(), 1);
    assert_eq!(daemon.shims().len(), 1);
}

#[tokio::test]
async fn a_request_id_of_another_request_is_refused() {
    let mut daemon = TestDaemon::start();
    let session = daemon.client().await.create_session(requested(&["forever"])).await.unwrap();
    daemon.restart();
    let mut calls = daemon.raw_sessions().await;

    let other = refused(calls.create_session(requested(&["exit 1"])).await);
    let stop = StopSessionRequest {
        session: session.id.clone(),
        request_id: REQUEST.into(),
        ..Default::default()
    };
    let stop = refused(calls.stop_session(stop).await);

    for refusal in [other, stop] {
        assert_eq!(refusal.facts(), (Code::AlreadyExists, "REQUEST_REUSED", vec![]));
    }
    assert_eq!(daemon.session(&session.id).await.state(), SessionState::Running);
    assert_eq!(daemon.traces().await.rows.len(), 1);
}

#[tokio::test]
async fn a_repeated_delete_succeeds_although_there_is_nothing_left_to_delete() {
    let mut daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;
    let delete = DeleteSessionRequest {
        session: session.id.clone(),
        force: true,
        request_id: REQUEST.into(),
        ..Default::default()
    };

    daemon.raw_sessions().await.delete_session(delete.clone()).await.unwrap();
    daemon.restart();
    let again = daemon.raw_sessions().await.delete_session(delete.clone()).await;
    let mut unnamed = delete;
    unnamed.request_id.clear();
    let unnamed = refused(daemon.raw_sessions().await.delete_session(unnamed).await);

    assert!(again.is_ok(), "{again:?}");
    assert_eq!(unnamed.facts(), (Code::NotFound, "SESSION_NOT_FOUND", vec![]));
}

#[tokio::test]
async fn a_request_that_failed_may_be_sent_again_with_its_id() {
    let daemon = TestDaemon::start();
    let owner = daemon.client().await.create_session(named("web")).await.unwrap();
    let request = CreateSessionRequest { request_id: REQUEST.into(), ..named("web") };
    let taken = refused(daemon.raw_sessions().await.create_session(request.clone()).await);
    assert_eq!(taken.reason, "NAME_TAKEN");
    let delete = DeleteSessionRequest { session: owner.id, force: true, ..Default::default() };
    daemon.client().await.delete_session(delete).await.unwrap();

    let created = daemon.raw_sessions().await.create_session(request).await;

    assert_eq!(created.unwrap().into_inner().session.unwrap().name, "web");
}

#[tokio::test]
async fn the_cap_on_sessions_counts_ended_ones_and_says_what_to_do() {
    let config = Some("[sessions]\nmax = 2\n".to_owned());
    let daemon = TestDaemon::start_with(DaemonOptions { config, ..Default::default() });
    let ended = daemon.create(&["exit 0"]).await;
    daemon.create(&["forever"]).await;
    daemon.reaches(&ended.id, SessionState::Exited).await;
    let before = daemon.traces().await;

    let refusal = refused(daemon.raw_sessions().await.create_session(scripted(&["forever"])).await);

    assert_eq!(refusal.facts(), (Code::ResourceExhausted, "QUOTA_EXCEEDED", vec![]));
    assert!(refusal.message.contains("sessions.max"), "{}", refusal.message);
    daemon.leaves_only(&before).await;
    let delete = DeleteSessionRequest { session: ended.id, ..Default::default() };
    daemon.client().await.delete_session(delete).await.unwrap();
    daemon.create(&["forever"]).await;
}

#[tokio::test]
async fn the_cap_holds_for_sessions_that_are_made_at_the_same_time() {
    let config = Some("[sessions]\nmax = 3\n".to_owned());
    let daemon = TestDaemon::start_with(DaemonOptions { config, ..Default::default() });
    let mut racing = JoinSet::new();
    for _ in 0..10 {
        let mut calls = daemon.raw_sessions().await;
        racing.spawn(async move { calls.create_session(scripted(&["forever"])).await });
    }

    let made = racing.join_all().await.into_iter().filter(Result::is_ok).count();

    assert_eq!(made, 3);
    assert_eq!(daemon.shims().len(), 3);
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_of_create_leaves_a_whole_session_or_none() {
    let daemon = TestDaemon::start();
    for _ in 0..20 {
        let mut calls = daemon.raw_sessions().await;
        let call = calls.create_session(scripted(&["forever"]));
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            _ = call => {}
        }
    }

    codeplane_tests::wait_until_async(
        "rows, bundles and shims to agree",
        codeplane_tests::PATIENCE,
        async || {
            let traces = daemon.traces().await;
            let mut calls = daemon.raw_sessions().await;
            let mut running = 0;
            for id in &traces.rows {
                let get = GetSessionRequest { session: id.clone() };
                let session = calls.get_session(get).await.unwrap().into_inner().session.unwrap();
                running += usize::from(session.state() == SessionState::Running);
            }
            let counts = [traces.rows.len(), traces.bundles.len(), traces.sockets.len(), running];
            let agree = counts.iter().all(|count| *count == counts[0]);
            if agree && daemon.shims().len() == running { Ok(()) } else { Err(traces) }
        },
    )
    .await;
}
