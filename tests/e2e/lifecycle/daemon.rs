//! The daemon around them: its stop, its copies, its retention.

use codeplane_client::v1::{
    self, DrainRequest, EndReason, SessionState, TailOutputRequest, terminal_frame::Frame,
};
use codeplane_tests::{
    DaemonOptions, PATIENCE, TestDaemon, attached::observe, refused, scripted, wait_until_async,
};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use tonic::Code;

#[tokio::test]
async fn a_daemon_that_is_told_to_stop_leaves_its_sessions_running() {
    let mut daemon = TestDaemon::start();
    let session = daemon.create(&["say before", "serve"]).await;
    let mut attached = daemon.attach(observe(&session.id)).await;
    attached.expect("serving").await;

    let code = daemon.stop();

    assert_eq!(code, Some(0));
    assert_eq!(attached.read_to_end().await, EndReason::DaemonStopping);
    assert_eq!(daemon.shims().len(), 1);
    assert!(!daemon.log().contains("ERROR"), "{}", daemon.log());
    daemon.launch();
    daemon.type_text(&session.id, "say after\n").await;
    daemon.printed(&session.id, "(?s)before.*after").await;
    let types: Vec<_> = daemon.events("").await.into_iter().map(|event| event.r#type).collect();
    assert!(types.contains(&"daemon.stopping".to_owned()), "{types:?}");
    assert_eq!(daemon.session(&session.id).await.state(), SessionState::Running);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_clients_that_do_not_read() {
    let mut daemon = TestDaemon::start();
    let session = daemon.create(&["flood 1"]).await;
    let mut stalled = daemon.attach(observe(&session.id)).await;
    stalled.read_bytes(1).await;
    let tail = TailOutputRequest { session: session.id, follow: true, ..Default::default() };
    let unread = daemon.raw_terminals().await.tail_output(tail).await.unwrap();

    let begun = std::time::Instant::now();
    let code = daemon.stop();

    assert_eq!(code, Some(0));
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
    drop(unread);
}

#[tokio::test]
async fn a_drain_refuses_new_sessions_leaves_old_ones_and_can_be_undone() {
    let daemon = TestDaemon::start();
    let client = daemon.client().await;
    let session = daemon.create(&["serve"]).await;

    let drained = client.drain(DrainRequest { undo: false }).await.unwrap();
    let refusal = refused(daemon.raw_sessions().await.create_session(scripted(&["exit 0"])).await);
    assert!(client.server_info().await.unwrap().draining);
    daemon.type_text(&session.id, "say alive\n").await;
    daemon.printed(&session.id, "alive").await;
    let undone = client.drain(DrainRequest { undo: true }).await.unwrap();

    assert_eq!((drained.draining, drained.live_sessions), (true, 1));
    assert_eq!(refusal.facts(), (Code::Unavailable, "DRAINING", vec![]));
    assert!(!undone.draining);
    daemon.create(&["exit 0"]).await;
}

#[tokio::test]
async fn a_drain_ends_streams_in_words() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;
    let mut attached = daemon.attach(observe(&session.id)).await;

    daemon.client().await.drain(DrainRequest { undo: false }).await.unwrap();

    assert_eq!(attached.read_to_end().await, EndReason::DaemonStopping);
}

#[tokio::test]
async fn a_backup_is_a_database_that_a_daemon_can_start_with() {
    let daemon = TestDaemon::start();
    let request = v1::CreateSessionRequest { name: "web".into(), ..scripted(&["exit 3"]) };
    let session = daemon.client().await.create_session(request).await.unwrap();
    daemon.reaches(&session.id, SessionState::Exited).await;
    let other = TestDaemon::prepare(DaemonOptions::default());
    let path = other.state_dir().join("codeplane.db");

    let answer = daemon.client().await.backup(path.to_str().unwrap()).await.unwrap();

    assert_eq!(answer.bytes, std::fs::metadata(&path).unwrap().len());
    SqliteConnection::establish(path.to_str().unwrap())
        .unwrap()
        .batch_execute("PRAGMA integrity_check; SELECT id FROM sessions")
        .unwrap();
    let mut other = other;
    other.launch();
    let restored = other.session("web").await;
    assert_eq!((restored.state(), restored.id), (SessionState::Exited, session.id));
}

#[tokio::test]
async fn ended_sessions_go_when_they_are_old_and_running_ones_never() {
    let config = Some("[sessions]\nended_age = \"1ms\"\n".to_owned());
    let mut daemon = TestDaemon::start_with(DaemonOptions { config, ..Default::default() });
    let ended = daemon.create(&["exit 0"]).await;
    let running = daemon.create(&["forever"]).await;
    daemon.reaches(&ended.id, SessionState::Exited).await;

    daemon.restart();

    wait_until_async("the old one to go", PATIENCE, async || {
        let rows = daemon.traces().await.rows;
        rows.len() == 1 && rows.contains(&running.id)
    })
    .await;
    assert_eq!(daemon.event_types(&ended.id).await.last().unwrap(), "session.deleted");
}

#[tokio::test]
async fn old_output_goes_in_whole_segments_and_is_told_as_a_gap() {
    let config = "[output]\nsegment_size = \"64KiB\"\nsession_limit = \"256KiB\"\n";
    let options = DaemonOptions { config: Some(config.to_owned()), ..Default::default() };
    let daemon = TestDaemon::start_with(options);
    let session = daemon.create(&["raw", "print 2000000 3", "say end", "forever"]).await;
    daemon.printed(&session.id, "end").await;
    let start = wait_until_async("old output to go", PATIENCE, async || {
        let session = daemon.session(&session.id).await;
        let (start, end) =
            (session.output_start.unwrap().offset, session.output_end.unwrap().offset);
        if end - start <= 256 << 10 { Ok(start) } else { Err((start, end)) }
    })
    .await;

    let from = codeplane_tests::attached::from_offset(10);
    let mut attached =
        daemon.attach(v1::AttachInit { from: Some(from), ..observe(&session.id) }).await;
    attached.expect("end").await;

    let position = |offset| Some(v1::OutputPosition { incarnation: 1, offset });
    let gap = attached.seen.iter().find_map(|frame| match frame {
        Frame::Gap(gap) => Some(*gap),
        _ => None,
    });
    assert_eq!(gap, Some(v1::Gap { from: position(10), to: position(start) }));
    let printed = String::from_utf8(codeplane_tests::stream(3, 2_000_000)).unwrap();
    let all = printed.replace('\n', "\r\n") + "end";
    assert_eq!(attached.output, all.as_bytes()[usize::try_from(start).unwrap()..]);
}

#[tokio::test]
async fn the_removal_of_old_output_is_an_event_that_names_what_is_left() {
    let config = "[output]\nsegment_size = \"64KiB\"\nsession_limit = \"256KiB\"\n";
    let options = DaemonOptions { config: Some(config.to_owned()), ..Default::default() };
    let daemon = TestDaemon::start_with(options);

    let session = daemon.create(&["raw", "print 2000000 3", "say end", "forever"]).await;
    daemon.printed(&session.id, "end").await;

    wait_until_async("the event of the last removal", PATIENCE, async || {
        let start = daemon.session(&session.id).await.output_start;
        let told = daemon.events("type=output.removed").await;
        let last = told.last().and_then(|event| event.payload.clone());
        let removed = v1::OutputRemoved { oldest: start };
        let is_last = last == Some(v1::event::Payload::OutputRemoved(removed));
        let has_begun = start.is_some_and(|start| start.offset > 0);
        if is_last && has_begun { Ok(()) } else { Err((start, last)) }
    })
    .await;
}
