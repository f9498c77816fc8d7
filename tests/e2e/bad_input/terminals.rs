//! Calls about terminals that cannot be carried out.

use codeplane_client::v1::{
    AcquireControlRequest, AttachInit, AttachInput, EndReason, OutputFrom, OutputPosition,
    ReadOutputRequest, ReleaseControlRequest, ResizeTerminalRequest, SendInputRequest,
    SendKeysRequest, SessionState, TailOutputRequest, TerminalSize, WaitForOutput,
    WaitSessionRequest, attach_request::Request, output_from, terminal_frame::Frame,
    wait_session_request::Condition,
};
use codeplane_tests::{
    Attached, Refusal, TestDaemon,
    attached::{control, from_offset, observe},
    refused,
};
use tonic::Code;

const INVALID: Code = Code::InvalidArgument;

fn input(session: &str, data: Vec<u8>) -> SendInputRequest {
    SendInputRequest { session: session.into(), data: data.into(), ..Default::default() }
}

async fn attach(daemon: &TestDaemon, init: AttachInit) -> Refusal {
    refused(Attached::open(daemon.channel().await, init).await)
}

#[tokio::test]
async fn ten_megabytes_in_one_call_are_refused_before_the_first_byte() {
    let daemon = TestDaemon::start();
    let got = daemon.home().join("got");
    let receive = format!("receive 3 {}", got.display());
    let session = daemon.create(&["raw", "say ready", &receive, "forever"]).await;
    daemon.printed(&session.id, "ready").await;
    let mut terminals = daemon.raw_terminals().await;

    let huge = refused(terminals.send_input(input(&session.id, vec![b'x'; 10 << 20])).await);
    let one_more =
        refused(terminals.send_input(input(&session.id, vec![b'x'; (1 << 20) + 1])).await);
    daemon.type_text(&session.id, "abc").await;

    assert_eq!(huge.facts(), (INVALID, "INVALID", vec!["data"]));
    assert!(huge.message.contains("at most 1048576"), "{}", huge.message);
    assert_eq!(one_more.facts(), (INVALID, "INVALID", vec!["data"]));
    daemon.printed(&session.id, "received").await;
    assert_eq!(std::fs::read(got).unwrap(), b"abc");
}

#[tokio::test]
async fn a_line_that_the_terminal_would_cut_is_refused_before_the_first_byte() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;
    daemon.printed(&session.id, "serving").await;

    let line = refused(
        daemon.raw_terminals().await.send_input(input(&session.id, vec![b'x'; 5000])).await,
    );
    daemon.type_text(&session.id, "say after\n").await;

    assert_eq!(line.facts(), (INVALID, "INVALID", vec!["data"]));
    assert!(line.message.contains("4095"), "{}", line.message);
    daemon.printed(&session.id, "after").await;
    assert!(!daemon.output(&session.id).await.windows(10).any(|piece| piece == [b'x'; 10]));
}

#[tokio::test]
async fn nothing_can_be_done_to_the_terminal_of_an_ended_session() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["say over", "exit 0"]).await;
    daemon.reaches(&session.id, SessionState::Exited).await;
    let mut terminals = daemon.raw_terminals().await;
    let id = session.id.clone();

    let typed = refused(terminals.send_input(input(&id, b"x".to_vec())).await);
    let keys =
        SendKeysRequest { session: id.clone(), keys: vec!["enter".into()], ..Default::default() };
    let keys = refused(terminals.send_keys(keys).await);
    let size = Some(TerminalSize { cols: 100, rows: 30 });
    let resize = ResizeTerminalRequest { session: id.clone(), size, ..Default::default() };
    let resize = refused(terminals.resize_terminal(resize).await);

    for refusal in [typed, keys, resize] {
        assert_eq!(refusal.facts(), (Code::FailedPrecondition, "WRONG_STATE", vec![]));
        assert!(refusal.message.contains("exited"), "{}", refusal.message);
    }
    let mut late = daemon.attach(control(&id)).await;
    late.read_to_end().await;
    assert_eq!(late.output, b"over", "it can still be read");
}

#[tokio::test]
async fn attaching_to_an_unknown_session_is_refused() {
    let daemon = TestDaemon::start();

    for session in ["nobody", "00000000-0000-4000-8000-000000000000"] {
        let refusal = attach(&daemon, observe(session)).await;
        assert_eq!(refusal.facts(), (Code::NotFound, "SESSION_NOT_FOUND", vec![]));
    }
    let nothing = attach(&daemon, observe("")).await;
    assert_eq!(nothing.facts(), (INVALID, "INVALID", vec!["session"]));
    let tail = TailOutputRequest { session: "nobody".into(), ..Default::default() };
    let tail = refused(daemon.raw_terminals().await.tail_output(tail).await);
    assert_eq!(tail.facts(), (Code::NotFound, "SESSION_NOT_FOUND", vec![]));
}

#[tokio::test]
async fn a_position_beyond_the_end_or_of_another_run_is_out_of_range_everywhere() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["say four", "forever"]).await;
    daemon.printed(&session.id, "four").await;
    let mut terminals = daemon.raw_terminals().await;

    for position in [
        OutputPosition { incarnation: 1, offset: 5 },
        OutputPosition { incarnation: 1, offset: u64::MAX },
        OutputPosition { incarnation: 2, offset: 0 },
    ] {
        let from = Some(OutputFrom { from: Some(output_from::From::Position(position)) });
        let id = session.id.clone();
        let read = ReadOutputRequest { session: id.clone(), from: Some(position), max_bytes: 0 };
        let read = refused(terminals.read_output(read).await);
        let tail = TailOutputRequest { session: id.clone(), from, ..Default::default() };
        let tail = refused(terminals.tail_output(tail).await);
        let attached = attach(&daemon, AttachInit { from, ..observe(&id) }).await;
        let text = WaitForOutput { regex: "x".into(), from: Some(position) };
        let wait = WaitSessionRequest {
            session: id,
            condition: Some(Condition::Output(text)),
            timeout: None,
        };
        let wait = refused(daemon.raw_sessions().await.wait_session(wait).await);
        for refusal in [read, tail, attached, wait] {
            assert_eq!(refusal.facts(), (Code::OutOfRange, "BEYOND_END", vec![]), "{position:?}");
        }
    }
    let end = from_offset(4);
    daemon.attach(AttachInit { from: Some(end), ..observe(&session.id) }).await;
}

#[tokio::test]
async fn a_run_is_counted_from_one() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;
    let position = OutputPosition { incarnation: 0, offset: 0 };

    let read =
        ReadOutputRequest { session: session.id.clone(), from: Some(position), max_bytes: 0 };
    let read = refused(daemon.raw_terminals().await.read_output(read).await);

    assert_eq!(read.facts(), (INVALID, "INVALID", vec!["from.incarnation"]));
}

#[tokio::test]
async fn keys_that_are_none_are_all_named_and_nothing_is_typed() {
    let daemon = TestDaemon::start();
    let got = daemon.home().join("got");
    let receive = format!("receive 1 {}", got.display());
    let session = daemon.create(&["raw", "say ready", &receive, "forever"]).await;
    daemon.printed(&session.id, "ready").await;
    let keys = ["a", "hyperspace", "ctrl+c", "meta+", ""].map(str::to_owned).to_vec();
    let request = SendKeysRequest { session: session.id.clone(), keys, ..Default::default() };

    let refusal = refused(daemon.raw_terminals().await.send_keys(request).await);
    daemon.type_text(&session.id, "z").await;

    assert_eq!(refusal.facts(), (INVALID, "INVALID", vec!["keys[1]", "keys[3]", "keys[4]"]));
    assert!(refusal.message.contains("hyperspace"), "{}", refusal.message);
    daemon.printed(&session.id, "received").await;
    assert_eq!(std::fs::read(got).unwrap(), b"z");
}

#[tokio::test]
async fn sizes_of_terminals_have_the_same_limits_everywhere() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;

    for (cols, rows) in [(1, 24), (1001, 24), (80, 501), (80, 0)] {
        let size = Some(TerminalSize { cols, rows });
        let resize =
            ResizeTerminalRequest { session: session.id.clone(), size, ..Default::default() };
        let resize = refused(daemon.raw_terminals().await.resize_terminal(resize).await);
        let attached = attach(&daemon, AttachInit { size, ..control(&session.id) }).await;
        assert_eq!(resize.facts(), (INVALID, "INVALID", vec!["size"]));
        assert_eq!(attached.facts(), (INVALID, "INVALID", vec!["init.size"]));
    }
    let now = daemon.session(&session.id).await;
    assert_eq!(now.size, Some(TerminalSize { cols: 80, rows: 24 }));
    assert_eq!((now.attachment_count, now.control_holder.as_str()), (0, ""), "nobody got a seat");
}

#[tokio::test]
async fn an_attachment_that_does_not_exist_gets_no_control() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;
    let mut terminals = daemon.raw_terminals().await;
    let unknown = "00000000-0000-4000-8000-000000000000";

    for (id, facts) in [
        (unknown, (Code::NotFound, "ATTACHMENT_NOT_FOUND", vec![])),
        ("seven", (INVALID, "INVALID", vec!["attachment_id"])),
        ("", (INVALID, "INVALID", vec!["attachment_id"])),
    ] {
        let acquire = AcquireControlRequest {
            session: session.id.clone(),
            attachment_id: id.into(),
            if_free: false,
        };
        let release =
            ReleaseControlRequest { session: session.id.clone(), attachment_id: id.into() };
        assert_eq!(refused(terminals.acquire_control(acquire).await).facts(), facts);
        assert_eq!(refused(terminals.release_control(release).await).facts(), facts);
    }
    let on_behalf = SendInputRequest {
        attachment_id: unknown.into(),
        seq: 1,
        ..input(&session.id, b"x".to_vec())
    };
    let on_behalf = refused(terminals.send_input(on_behalf).await);
    assert_eq!(on_behalf.facts(), (Code::NotFound, "ATTACHMENT_NOT_FOUND", vec![]));
}

#[tokio::test]
async fn a_resume_token_that_nobody_knows_is_refused() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;

    for token in [vec![7; 16], vec![7; 3], vec![7; 4096]] {
        let init = AttachInit { resume_token: token.into(), ..control(&session.id) };
        let refusal = attach(&daemon, init).await;
        assert_eq!(refusal.facts(), (INVALID, "INVALID", vec!["init.resume_token"]));
    }
    assert_eq!(daemon.session(&session.id).await.attachment_count, 0);
}

#[tokio::test]
async fn what_does_not_fit_on_an_attach_stream_ends_it_in_words_and_changes_nothing() {
    let daemon = TestDaemon::start();
    let got = daemon.home().join("got");
    let receive = format!("receive 1 {}", got.display());
    let session = daemon.create(&["raw", "say ready", &receive, "forever"]).await;
    daemon.printed(&session.id, "ready").await;
    let input = |seq, data: Vec<u8>| Request::Input(AttachInput { seq, data: data.into() });
    let bad = [
        ("init", Request::Init(observe(&session.id))),
        ("resize", Request::Resize(TerminalSize { cols: 1, rows: 1 })),
        ("input.seq", input(0, b"zero".to_vec())),
        ("input.seq", input(7, b"seven".to_vec())),
        ("input.data", input(1, vec![b'x'; (32 << 10) + 1])),
    ];

    for (field, request) in bad {
        let mut attached = daemon.attach(control(&session.id)).await;
        attached.send(request).await;
        let end = |frame: &Frame| match frame {
            Frame::End(end) => Some(end.clone()),
            _ => None,
        };
        let end = attached.until("the end", end).await;
        assert_eq!(end.reason(), EndReason::Refused, "{field}");
        assert!(end.message.starts_with(&format!("{field}:")), "{}", end.message);
    }

    let mut attached = daemon.attach(control(&session.id)).await;
    attached.type_as(1, "y").await;
    attached.expect("received").await;
    assert_eq!(std::fs::read(got).unwrap(), b"y");
    let now = daemon.session(&session.id).await;
    assert_eq!(now.size, Some(TerminalSize { cols: 80, rows: 24 }));
}

#[tokio::test]
async fn an_attach_stream_that_does_not_begin_with_init_is_refused() {
    let daemon = TestDaemon::start();
    let ping = codeplane_client::v1::AttachRequest {
        request: Some(Request::Ping(codeplane_client::v1::AttachPing { id: 1 })),
    };
    let mut terminals = daemon.raw_terminals().await;

    let first = refused(terminals.attach(tokio_stream::iter([ping])).await);
    let nothing = refused(terminals.attach(tokio_stream::empty()).await);

    assert_eq!(first.facts(), (INVALID, "INVALID", vec!["init"]));
    assert_eq!(nothing.facts(), (INVALID, "INVALID", vec!["init"]));
}
