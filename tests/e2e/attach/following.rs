//! What a client receives.

use codeplane_client::v1::{
    AttachInit, AttachMode, DeleteSessionRequest, EndReason, OutputFrom, SessionState,
    TailOutputRequest, attach_request::Request, exit_status::Status, output_from,
    terminal_frame::Frame,
};
use codeplane_tests::{
    TestDaemon,
    attached::{from_offset, from_start, observe},
    sha256, stream,
};

/// What a terminal makes of the lines of a stream.
fn cooked(seed: u64, len: usize) -> Vec<u8> {
    String::from_utf8(stream(seed, len)).unwrap().replace('\n', "\r\n").into_bytes()
}

#[tokio::test]
async fn a_client_that_attaches_late_sees_everything_from_the_start() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["raw", "print 1000000 5", "say end", "serve"]).await;
    daemon.printed(&session.id, "serving").await;
    let mut late = daemon.attach(observe(&session.id)).await;

    late.expect("serving").await;
    daemon.type_text(&session.id, "say after\n").await;
    late.expect("after").await;

    let mut expected = cooked(5, 1_000_000);
    expected.extend_from_slice(b"endserving\r\nafter");
    assert_eq!(sha256(&late.output), sha256(expected));
}

#[tokio::test]
async fn a_reader_may_begin_at_any_byte_also_inside_a_character_or_an_escape() {
    let daemon = TestDaemon::start();
    let text = r"say a\e[1;31mé€😀\e]0;tïtle\a\e[0mz";
    let session = daemon.create(&["raw", text, "forever"]).await;
    daemon.printed(&session.id, "z").await;
    let whole = daemon.output(&session.id).await;
    assert!(whole.len() > 30, "{whole:?}");

    for offset in 0..=whole.len() {
        let from = Some(from_offset(offset as u64));
        let init = AttachInit { from, ..observe(&session.id) };
        let mut attached = daemon.attach(init).await;
        attached.read_bytes(whole.len() - offset).await;
        assert_eq!(attached.output, whole[offset..], "from {offset}");
        assert_eq!(attached.first.position.unwrap().offset, offset as u64);
    }
}

#[tokio::test]
async fn pieces_that_are_read_over_many_connections_are_the_log() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["raw", "print 2000000 9", "exit 0"]).await;
    let expected = cooked(9, 2_000_000);
    let mut received = Vec::new();
    let mut connections = 0;

    while received.len() < expected.len() {
        let from = Some(from_offset(received.len() as u64));
        let mut attached = daemon.attach(AttachInit { from, ..observe(&session.id) }).await;
        // Cut in the middle of whatever is under way.
        attached.read_bytes(1 + (connections * 7919) % 200_000).await;
        received.append(&mut attached.output);
        connections += 1;
        let rest = expected.len() - received.len();
        if rest < 200_000 {
            let from = Some(from_offset(received.len() as u64));
            let mut last = daemon.attach(AttachInit { from, ..observe(&session.id) }).await;
            last.read_to_end().await;
            received.append(&mut last.output);
        }
    }

    assert!(connections > 5);
    assert_eq!(sha256(received), sha256(expected));
}

#[tokio::test]
async fn an_ended_session_is_read_to_its_end_and_told_how_it_ended() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["say last words", "exit 6"]).await;
    let mut live = daemon.attach(observe(&session.id)).await;
    assert_eq!(live.read_to_end().await, EndReason::SessionEnded);
    daemon.reaches(&session.id, SessionState::Exited).await;
    let mut late = daemon.attach(observe(&session.id)).await;
    assert_eq!(late.read_to_end().await, EndReason::SessionEnded);

    for attached in [live, late] {
        assert_eq!(attached.output, b"last words");
        let exited = attached.seen.iter().rev().nth(1);
        let Some(Frame::Exited(exited)) = exited else { panic!("{:?}", attached.seen) };
        assert_eq!(exited.status.unwrap().status, Some(Status::Code(6)));
        assert_eq!(exited.position.unwrap().offset, 10);
    }
}

#[tokio::test]
async fn a_deleted_session_ends_its_streams_in_words() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["say over", "exit 0"]).await;
    daemon.reaches(&session.id, SessionState::Exited).await;
    let running = daemon.create(&["forever"]).await;
    let mut attached = daemon.attach(observe(&running.id)).await;

    let delete = DeleteSessionRequest { session: running.id, force: true, ..Default::default() };
    daemon.client().await.delete_session(delete).await.unwrap();

    let end = attached.read_to_end().await;
    assert!(matches!(end, EndReason::SessionEnded | EndReason::SessionDeleted), "{end:?}");
}

#[tokio::test]
async fn who_detaches_is_answered_at_once_even_under_a_flood() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["flood 1"]).await;

    for _ in 0..5 {
        let mut attached = daemon.attach(observe(&session.id)).await;
        attached.read_bytes(100_000).await;
        attached.send(Request::Detach(codeplane_client::v1::AttachDetach::default())).await;
        assert_eq!(attached.read_to_end().await, EndReason::Detached);
    }

    codeplane_tests::wait_until_async("nobody attached", codeplane_tests::PATIENCE, async || {
        daemon.session(&session.id).await.attachment_count == 0
    })
    .await;
    assert_eq!(daemon.session(&session.id).await.state(), SessionState::Running);
}

#[tokio::test]
async fn pings_come_back_in_the_order_of_the_stream() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["flood 1"]).await;
    let mut attached = daemon.attach(observe(&session.id)).await;

    for id in [7, 0, u64::MAX - 1] {
        attached.send(Request::Ping(codeplane_client::v1::AttachPing { id })).await;
        let pong = attached.until("the pong", |frame| match frame {
            Frame::Pong(pong) => Some(pong.id),
            _ => None,
        });
        assert_eq!(pong.await, id);
    }
}

#[tokio::test]
async fn a_tail_yields_the_frames_of_an_attachment_without_one() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["say first", "serve"]).await;
    daemon.printed(&session.id, "serving").await;
    let mut terminals = daemon.raw_terminals().await;
    let tail = |from: Option<OutputFrom>, follow| TailOutputRequest {
        session: session.id.clone(),
        from,
        follow,
        once: false,
    };

    let mut short =
        terminals.tail_output(tail(Some(from_start()), false)).await.unwrap().into_inner();
    let mut frames = Vec::new();
    while let Some(message) = short.message().await.unwrap() {
        frames.push(message.frame.unwrap().frame.unwrap());
    }
    let end = OutputFrom { from: Some(output_from::From::End(codeplane_client::v1::LogEnd {})) };
    let mut long = terminals.tail_output(tail(Some(end), true)).await.unwrap().into_inner();
    daemon.type_text(&session.id, "exit 0\n").await;
    let mut output = Vec::new();
    let mut last = None;
    while let Some(message) = long.message().await.unwrap() {
        last = message.frame.unwrap().frame;
        if let Some(Frame::Output(piece)) = &last {
            output.extend_from_slice(&piece.data);
        }
    }

    let [Frame::Attached(attached), Frame::Output(piece), Frame::End(ended)] = &frames[..] else {
        panic!("{frames:?}");
    };
    assert_eq!((attached.attachment_id.as_str(), attached.mode()), ("", AttachMode::Observe));
    assert_eq!(piece.data, "firstserving\r\n");
    assert_eq!(ended.reason(), EndReason::LimitReached);
    assert_eq!(output, b"exit 0\r\n");
    assert!(matches!(last, Some(Frame::End(end)) if end.reason() == EndReason::SessionEnded));
    assert_eq!(daemon.session(&session.id).await.attachment_count, 0);
}
