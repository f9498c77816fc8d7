//! Every byte once, both ways, whatever breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use codeplane_client::{
    AttachOptions, Attachment, Client, Error, InputRefused, Remedy, TerminalEvent, v1,
};
use tonic::transport::Server;
use v1::terminal_service_server::TerminalServiceServer;

use crate::fake::{Dice, FakeServer, Mood, SESSION, Terminal, TerminalFake, within};

fn server_of(terminal: &Arc<Terminal>) -> FakeServer {
    FakeServer::on(router(terminal))
}

fn router(terminal: &Arc<Terminal>) -> tonic::transport::server::Router {
    let service = TerminalServiceServer::new(TerminalFake(Arc::clone(terminal)));
    Server::builder().add_service(service)
}

fn in_control() -> AttachOptions {
    AttachOptions {
        mode: v1::AttachMode::Control,
        from: v1::OutputFrom { from: Some(v1::output_from::From::Start(v1::LogStart {})) },
        ..AttachOptions::session("web")
    }
}

async fn attach(client: &Client, options: AttachOptions) -> Attachment {
    client.attach(options).await.unwrap()
}

/// Reads until `count` bytes of output were yielded; checks that they follow each other.
async fn read_bytes(attachment: &mut Attachment, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        match attachment.next().await.unwrap() {
            Some(TerminalEvent::Output { position, data }) => {
                assert_eq!(position.offset, u64::try_from(bytes.len()).unwrap());
                bytes.extend_from_slice(&data);
            }
            Some(TerminalEvent::Gap { from, to }) => panic!("gap {from:?} {to:?}"),
            Some(TerminalEvent::Reconnected { uncertain_input_bytes, .. }) => {
                assert_eq!(uncertain_input_bytes, 0);
            }
            Some(_) => {}
            None => panic!("the end after {} bytes", bytes.len()),
        }
    }
    bytes
}

async fn read_until(
    attachment: &mut Attachment,
    wanted: impl Fn(&TerminalEvent) -> bool,
) -> TerminalEvent {
    loop {
        let event = attachment.next().await.unwrap().expect("not the end");
        if wanted(&event) {
            return event;
        }
    }
}

fn text(seed: u64, length: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    (0..length).map(|_| b'a' + u8::try_from(dice.below(26)).unwrap()).collect()
}

#[tokio::test]
async fn every_byte_arrives_once_both_ways_however_often_the_stream_breaks() {
    for seed in 1..=20 {
        let terminal = Terminal::new(seed, 30);
        let server = server_of(&terminal);
        let client = server.client().await;
        let (printed, typed) = (text(seed, 40_000), text(seed + 100, 3_000));
        let mut attachment = attach(&client, in_control()).await;
        let input = attachment.input();

        let typing = async {
            for piece in typed.chunks(7) {
                input.send(Bytes::copy_from_slice(piece)).await.unwrap();
                terminal.print(&printed[terminal.printed()..][..90]);
                tokio::task::yield_now().await;
            }
            terminal.print(&printed[terminal.printed()..]);
            let mut arrived = terminal.typed.subscribe();
            arrived.wait_for(|arrived| arrived.len() >= typed.len()).await.unwrap();
            // A last byte that wakes the reader, which also drives the way back for input.
            terminal.print(b"!");
        };
        let (read, ()) =
            within(async { tokio::join!(read_bytes(&mut attachment, printed.len() + 1), typing) })
                .await;

        assert_eq!(read[..printed.len()], printed, "seed {seed}");
        assert_eq!(*terminal.typed.borrow(), typed, "seed {seed}");
    }
}

#[tokio::test]
async fn a_restarted_daemon_is_found_again_and_typing_goes_on() {
    let terminal = Terminal::new(1, 0);
    let mut server = server_of(&terminal);
    let mut attachment = attach(&server.client().await, in_control()).await;
    terminal.print(b"before");
    assert_eq!(within(read_bytes(&mut attachment, 6)).await, b"before");

    server.kill();
    let gone = |event: &TerminalEvent| matches!(event, TerminalEvent::Reconnecting { .. });
    within(read_until(&mut attachment, gone)).await;
    attachment.input().send(Bytes::from_static(b"typed while it was away")).await.unwrap();
    server.restart(router(&terminal));

    let back = |event: &TerminalEvent| matches!(event, TerminalEvent::Reconnected { .. });
    within(read_until(&mut attachment, back)).await;
    terminal.print(b" after");
    let more = |event: &TerminalEvent| matches!(event, TerminalEvent::Output { .. });
    let output = within(read_until(&mut attachment, more)).await;
    assert!(matches!(output, TerminalEvent::Output { data, .. } if data == " after"));
    let mut typed = terminal.typed.subscribe();
    within(typed.wait_for(|typed| typed == b"typed while it was away")).await.unwrap();
}

#[tokio::test]
async fn the_way_back_asks_for_the_same_attachment_at_the_next_byte_if_control_is_free() {
    let terminal = Terminal::new(1, 0);
    let mut server = server_of(&terminal);
    let mut attachment = attach(&server.client().await, in_control()).await;
    terminal.print(b"12345");
    within(read_bytes(&mut attachment, 5)).await;

    server.restart(router(&terminal));
    let back = |event: &TerminalEvent| matches!(event, TerminalEvent::Reconnected { .. });
    within(read_until(&mut attachment, back)).await;

    let inits = terminal.state.lock().unwrap().inits.clone();
    let position = v1::OutputPosition { incarnation: 1, offset: 5 };
    assert_eq!(inits[1].session, SESSION, "the id, not the name, which may be another's by now");
    assert_eq!(inits[1].mode(), v1::AttachMode::ControlIfFree);
    assert!(!inits[1].resume_token.is_empty());
    assert_eq!(inits[1].from.unwrap().from, Some(v1::output_from::From::Position(position)));
}

#[tokio::test]
async fn control_taken_meanwhile_is_left_to_its_holder() {
    let terminal = Terminal::new(1, 0);
    let mut server = server_of(&terminal);
    let mut attachment = attach(&server.client().await, in_control()).await;

    terminal.state.lock().unwrap().mood = Mood::ControlTaken;
    server.restart(router(&terminal));
    let back = |event: &TerminalEvent| matches!(event, TerminalEvent::Reconnected { .. });
    within(read_until(&mut attachment, back)).await;

    let refused = attachment.input().send(Bytes::from_static(b"x")).await;
    assert_eq!(refused, Err(InputRefused::Observing));
}

#[tokio::test]
async fn input_that_may_be_lost_is_told_and_not_typed_twice() {
    let terminal = Terminal::new(1, 0);
    let mut server = server_of(&terminal);
    let mut attachment = attach(&server.client().await, in_control()).await;
    attachment.input().send(Bytes::from_static(b"abc")).await.unwrap();
    // Taken by the server, and the acknowledgement not yet read by the client.
    let mut typed = terminal.typed.subscribe();
    within(typed.wait_for(|typed| typed == b"abc")).await.unwrap();

    terminal.state.lock().unwrap().mood = Mood::Forgetful;
    server.restart(router(&terminal));
    let back = |event: &TerminalEvent| matches!(event, TerminalEvent::Reconnected { .. });
    let event = within(read_until(&mut attachment, back)).await;

    assert_eq!(*terminal.typed.borrow(), b"abc");
    // The acknowledgement may have been read just before the cut; then nothing is uncertain.
    assert!(
        matches!(event, TerminalEvent::Reconnected { uncertain_input_bytes: 0 | 3, .. }),
        "{event:?}"
    );
}

#[tokio::test]
async fn a_daemon_can_be_started_when_none_answers() {
    let terminal = Terminal::new(1, 0);
    let mut server = server_of(&terminal);
    let called = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&called);
    let mut options = in_control();
    options.rejoin.on_unavailable = Some(Arc::new(move |_why| {
        counter.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Err(Error::Protocol("cannot be started".into())) as Result<Remedy, _> })
    }));
    let mut attachment = attach(&server.client().await, options).await;

    server.kill();
    let error = within(async {
        loop {
            match attachment.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("an error, not an end"),
                Err(error) => return error,
            }
        }
    })
    .await;

    assert!(matches!(error, Error::Protocol(_)), "{error}");
    assert_eq!(called.load(Ordering::Relaxed), 1);
    assert!(attachment.next().await.unwrap().is_none());
}

#[tokio::test]
async fn leaving_ends_with_the_reason() {
    let terminal = Terminal::new(1, 0);
    let server = server_of(&terminal);
    let mut attachment = attach(&server.client().await, in_control()).await;

    attachment.input().send(Bytes::from_static(b"exit")).await.unwrap();
    attachment.input().detach(None);

    let over = |event: &TerminalEvent| matches!(event, TerminalEvent::End { .. });
    let event = within(read_until(&mut attachment, over)).await;
    assert!(
        matches!(event, TerminalEvent::End { reason: v1::EndReason::Detached, .. }),
        "{event:?}"
    );
    assert_eq!(*terminal.typed.borrow(), b"exit");
    assert!(attachment.next().await.unwrap().is_none());
    let refused = attachment.input().send(Bytes::from_static(b"x")).await;
    assert_eq!(refused, Err(InputRefused::Ended));
}

#[tokio::test]
async fn a_tail_yields_every_byte_once_however_often_it_breaks() {
    for seed in 1..=10 {
        let terminal = Terminal::new(seed, 20);
        let server = server_of(&terminal);
        let printed = text(seed, 60_000);
        terminal.print(&printed);
        let request = v1::TailOutputRequest {
            from: in_control().from.into(),
            follow: true,
            ..Default::default()
        };

        let mut tail =
            server.client().await.tail_output(request, Default::default()).await.unwrap();
        let mut read = Vec::new();
        while read.len() < printed.len() {
            if let Some(TerminalEvent::Output { data, .. }) = within(tail.next()).await.unwrap() {
                read.extend_from_slice(&data);
            }
        }

        assert_eq!(read, printed, "seed {seed}");
    }
}
