//! The events that tell of it.

use codeplane_client::{
    EventWatch, Rejoin, WatchItem,
    v1::{
        self, ListEventsRequest, SessionState, UpdateSessionRequest, WatchEventsRequest,
        event::Payload,
    },
};
use codeplane_proto::v1::event_service_client::EventServiceClient;
use codeplane_tests::{DaemonOptions, PATIENCE, TestDaemon, refused};
use tokio::time::timeout;
use tonic::Code;

async fn watch(daemon: &TestDaemon, filter: &str, after_revision: Option<i64>) -> EventWatch {
    let request = WatchEventsRequest {
        filter: filter.into(),
        after_revision,
        bookmark_interval: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
    };
    daemon.client().await.watch_events(request, Rejoin::default()).await.unwrap()
}

async fn next(watch: &mut EventWatch) -> WatchItem {
    timeout(PATIENCE, watch.next()).await.expect("something happens").expect("the watch goes on")
}

async fn next_event(watch: &mut EventWatch) -> v1::Event {
    loop {
        if let WatchItem::Event(event) = next(watch).await {
            return *event;
        }
    }
}

#[tokio::test]
async fn a_watch_tells_history_then_that_it_is_told_then_what_happens() {
    let daemon = TestDaemon::start();
    let first = daemon.create(&["exit 0"]).await;
    daemon.reaches(&first.id, SessionState::Exited).await;
    let mut watch = watch(&daemon, "", Some(0)).await;
    let mut history = Vec::new();
    let synced = loop {
        match next(&mut watch).await {
            WatchItem::Event(event) => history.push(*event),
            WatchItem::Synced { revision } => break revision,
            WatchItem::Bookmark { .. } => panic!("before it is synced"),
        }
    };

    let second = daemon.create(&["forever"]).await;
    let live = [next_event(&mut watch).await, next_event(&mut watch).await];

    assert_eq!(history, daemon.events("").await[..history.len()]);
    assert_eq!(history.last().unwrap().revision, synced);
    let types: Vec<&str> = live.iter().map(|event| event.r#type.as_str()).collect();
    assert_eq!(types, ["session.created", "session.started"]);
    assert!(live.iter().all(|event| event.session_id == second.id && event.revision > synced));
}

#[tokio::test]
async fn a_watch_sees_each_event_once_through_killed_daemons() {
    let mut daemon = TestDaemon::start();
    let mut watch = watch(&daemon, "type=session.created", Some(0)).await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(daemon.create(&["forever"]).await.id);
        made.push(daemon.create(&["forever"]).await.id);
        daemon.restart();
    }

    let mut seen = Vec::new();
    while seen.len() < made.len() {
        seen.push(next_event(&mut watch).await.session_id);
    }
    let last = daemon.create(&["forever"]).await.id;

    assert_eq!(seen, made);
    assert_eq!(next_event(&mut watch).await.session_id, last, "nothing comes twice");
}

#[tokio::test]
async fn a_quiet_watch_gets_bookmarks_to_begin_again_at() {
    let daemon = TestDaemon::start();
    daemon.create(&["forever"]).await;
    daemon.events("type=session.started").await;
    let newest = daemon.events("").await.last().unwrap().revision;
    let mut watch = watch(&daemon, "type=session.lost", Some(0)).await;

    let bookmark = loop {
        if let WatchItem::Bookmark { revision } = next(&mut watch).await {
            break revision;
        }
    };

    assert!(bookmark >= newest, "{bookmark} < {newest}");
}

#[tokio::test]
async fn a_revision_is_never_given_twice_not_even_by_the_next_daemon() {
    let mut daemon = TestDaemon::start();
    for _ in 0..3 {
        daemon.create(&["exit 0"]).await;
        daemon.restart();
    }

    let revisions: Vec<i64> = daemon.events("").await.iter().map(|event| event.revision).collect();

    assert!(revisions.windows(2).all(|pair| pair[0] < pair[1]), "{revisions:?}");
    let starts = daemon.events("type=daemon.started").await;
    assert_eq!(starts.len(), 4);
}

#[tokio::test]
async fn pages_of_events_neither_overlap_nor_leave_out() {
    let daemon = TestDaemon::start();
    for _ in 0..5 {
        daemon.create(&["forever"]).await;
    }
    daemon.reaches(&daemon.create(&["exit 0"]).await.id, SessionState::Exited).await;
    let client = daemon.client().await;
    let mut paged = Vec::new();
    let mut request = ListEventsRequest { page_size: 3, ..Default::default() };
    loop {
        let page = client.list_events(request.clone()).await.unwrap();
        paged.extend(page.events);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }

    assert_eq!(paged, daemon.events("").await);
    let after = ListEventsRequest { after_revision: paged[2].revision, ..Default::default() };
    assert_eq!(client.list_events(after).await.unwrap().events, paged[3..]);
}

#[tokio::test]
async fn a_start_that_retention_has_removed_is_out_of_range_and_names_the_oldest() {
    let config = Some("[events]\nmax = 1000\n".to_owned());
    let mut daemon = TestDaemon::start_with(DaemonOptions { config, ..Default::default() });
    let session = daemon.create(&["forever"]).await;
    let client = daemon.client().await;
    for index in 0..1010 {
        let labels = [("n".to_owned(), index.to_string())].into();
        let session = session.id.clone();
        let request = UpdateSessionRequest { session, set_labels: labels, ..Default::default() };
        client.update_session(request).await.unwrap();
    }
    daemon.restart();
    let mut events = EventServiceClient::new(daemon.channel().await);
    let start = WatchEventsRequest { after_revision: Some(0), ..Default::default() };

    let refusal = codeplane_tests::wait_until_async("old events to go", PATIENCE, async || {
        match events.watch_events(start.clone()).await {
            Ok(_) => Err("they are still there"),
            Err(status) => Ok(refused(Err::<(), _>(status))),
        }
    })
    .await;

    assert_eq!(refusal.facts(), (Code::OutOfRange, "EVENTS_GONE", vec![]));
    assert!(daemon.events("").await.len() <= 1001);
}

#[tokio::test]
async fn a_resize_is_an_event_with_its_size() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;
    let mut watch = watch(&daemon, "type=terminal.resized", None).await;
    let size = v1::TerminalSize { cols: 100, rows: 30 };
    let request = v1::ResizeTerminalRequest {
        session: session.id.clone(),
        size: Some(size),
        ..Default::default()
    };

    daemon.client().await.resize_terminal(request).await.unwrap();

    let event = next_event(&mut watch).await;
    assert_eq!(event.session_id, session.id);
    let expected = v1::TerminalResized { size: Some(size) };
    assert_eq!(event.payload, Some(Payload::TerminalResized(expected)));
}

#[tokio::test]
async fn titles_bells_and_notifications_are_events() {
    let daemon = TestDaemon::start();
    let mut watch = watch(&daemon, "", None).await;
    let script = [r"say \e]2;my title\a", r"say \a", r"say \e]9;look here\a", "forever"];
    let session = daemon.create(&script).await;

    let mut wanted = vec!["terminal.title", "terminal.bell", "terminal.notification"];
    while !wanted.is_empty() {
        let event = next_event(&mut watch).await;
        wanted.retain(|name| *name != event.r#type);
        match event.payload {
            Some(Payload::TerminalTitle(title)) => assert_eq!(title.title, "my title"),
            Some(Payload::TerminalNotification(note)) => assert_eq!(note.body, "look here"),
            _ => {}
        }
    }

    assert_eq!(daemon.session(&session.id).await.title, "my title");
}
