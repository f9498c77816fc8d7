//! Who may type.

use codeplane_client::v1::{
    AcquireControlRequest, AttachAcquireControl, AttachInit, AttachMode, AttachReleaseControl,
    ReleaseControlRequest, SendInputRequest, attach_request::Request, terminal_frame::Frame,
};
use codeplane_tests::{
    Attached, PATIENCE, TestDaemon,
    attached::{control, observe},
    refused, wait_until_async,
};
use tonic::Code;

const STEAL: Request = Request::AcquireControl(AttachAcquireControl { if_free: false });
const RELEASE: Request = Request::ReleaseControl(AttachReleaseControl { position: None });

/// A session whose program prints what it reads, byte by byte.
async fn echoing(daemon: &TestDaemon) -> String {
    let session = daemon.create(&["raw", "say ready", "echo"]).await;
    daemon.printed(&session.id, "ready").await;
    session.id
}

async fn holder(daemon: &TestDaemon, id: &str) -> String {
    daemon.session(id).await.control_holder
}

/// Waits until the client is told who holds control.
async fn told(attached: &mut Attached, who: &str) -> bool {
    let what = format!("being told that {who:?} holds control");
    attached
        .until(&what, |frame| match frame {
            Frame::ControlChanged(changed) if changed.holder == who => Some(changed.you),
            _ => None,
        })
        .await
}

fn id(attached: &Attached) -> &str {
    &attached.first.attachment_id
}

#[tokio::test]
async fn what_an_observer_types_is_swallowed_and_its_numbers_are_used_up() {
    let daemon = TestDaemon::start();
    let session = echoing(&daemon).await;
    let mut attached = daemon.attach(observe(&session)).await;

    let swallowed = attached.type_text("never").await;
    attached.acknowledged(swallowed).await;
    attached.send(STEAL).await;
    let own = id(&attached).to_owned();
    assert!(told(&mut attached, &own).await);
    attached.type_text("now").await;

    attached.expect("now").await;
    assert_eq!(attached.output, b"readynow");
}

#[tokio::test]
async fn control_is_taken_from_its_holder_who_observes_from_then_on() {
    let daemon = TestDaemon::start();
    let session = echoing(&daemon).await;
    let mut first = daemon.attach(control(&session)).await;
    assert_eq!(first.first.mode(), AttachMode::Control);
    first.type_text("1").await;
    first.expect("1").await;

    let mut second = daemon.attach(control(&session)).await;

    assert_eq!(second.first.mode(), AttachMode::Control);
    assert!(!told(&mut first, id(&second)).await);
    let swallowed = first.type_text("x").await;
    first.acknowledged(swallowed).await;
    second.type_text("2").await;
    second.expect("2").await;
    first.expect("2").await;
    assert_eq!(first.output, b"ready12");
    assert_eq!(holder(&daemon, &session).await, id(&second));
}

#[tokio::test]
async fn control_that_is_asked_for_only_if_free_is_refused_while_it_is_held() {
    let daemon = TestDaemon::start();
    let session = echoing(&daemon).await;
    let polite = AttachInit { mode: AttachMode::ControlIfFree.into(), ..observe(&session) };

    let mut first = Attached::open(daemon.channel().await, polite.clone()).await.unwrap();
    let refusal = refused(Attached::open(daemon.channel().await, polite.clone()).await);
    first.send(RELEASE).await;
    first.settle().await;
    let second = Attached::open(daemon.channel().await, polite).await.unwrap();

    assert_eq!(first.first.mode(), AttachMode::Control);
    assert_eq!(refusal.facts(), (Code::FailedPrecondition, "CONTROL_TAKEN", vec![]));
    assert!(refusal.message.contains(id(&first)), "{}", refusal.message);
    assert_eq!(second.first.mode(), AttachMode::Control);
}

#[tokio::test]
async fn a_refused_attachment_leaves_no_seat_behind() {
    let daemon = TestDaemon::start();
    let session = echoing(&daemon).await;
    let holder = daemon.attach(control(&session)).await;
    let polite = AttachInit { mode: AttachMode::ControlIfFree.into(), ..observe(&session) };

    for _ in 0..10 {
        let again = refused(Attached::open(daemon.channel().await, polite.clone()).await);
        assert_eq!(again.reason, "CONTROL_TAKEN");
    }

    let now = daemon.session(&session).await;
    assert_eq!((now.attachment_count, now.control_holder.as_str()), (1, id(&holder)));
}

#[tokio::test]
async fn when_the_holder_leaves_the_newest_remaining_controller_follows() {
    let daemon = TestDaemon::start();
    let session = echoing(&daemon).await;
    let mut first = daemon.attach(control(&session)).await;
    let mut second = daemon.attach(control(&session)).await;
    let mut observer = daemon.attach(observe(&session)).await;
    let third = daemon.attach(control(&session)).await;

    drop(third);
    let own = id(&second).to_owned();
    assert!(told(&mut second, &own).await);
    second.type_text("2").await;
    second.expect("2").await;
    drop(second);
    let own = id(&first).to_owned();
    assert!(told(&mut first, &own).await);
    assert!(!told(&mut observer, &own).await);
    drop(first);
    assert!(!told(&mut observer, "").await);

    assert_eq!(holder(&daemon, &session).await, "");
}

#[tokio::test]
async fn who_releases_control_is_not_the_one_to_follow() {
    let daemon = TestDaemon::start();
    let session = echoing(&daemon).await;
    let mut first = daemon.attach(control(&session)).await;
    let mut second = daemon.attach(control(&session)).await;
    first.settle().await;

    second.send(RELEASE).await;

    let own = id(&first).to_owned();
    assert!(told(&mut first, &own).await);
    let swallowed = second.type_text("x").await;
    second.acknowledged(swallowed).await;
    first.type_text("1").await;
    first.expect("1").await;
    assert_eq!(first.output, b"ready1");
    drop(first);
    assert!(!told(&mut second, "").await, "it gave it up");
}

#[tokio::test]
async fn a_client_without_streams_can_do_everything_by_single_calls() {
    let daemon = TestDaemon::start();
    let session = echoing(&daemon).await;
    let mut attached = daemon.attach(observe(&session)).await;
    let mut terminals = daemon.raw_terminals().await;
    let attachment_id = id(&attached).to_owned();
    let acquire = AcquireControlRequest {
        session: session.clone(),
        attachment_id: attachment_id.clone(),
        if_free: true,
    };
    let input = |seq, data: &str| SendInputRequest {
        session: session.clone(),
        attachment_id: attachment_id.clone(),
        seq,
        data: data.to_owned().into(),
        ..Default::default()
    };

    terminals.acquire_control(acquire).await.unwrap();
    terminals.send_input(input(1, "one")).await.unwrap();
    terminals.send_input(input(1, "one")).await.unwrap();
    terminals.send_input(input(2, "two")).await.unwrap();
    attached.expect("two").await;
    let release =
        ReleaseControlRequest { session: session.clone(), attachment_id: attachment_id.clone() };
    let released = terminals.release_control(release).await.unwrap().into_inner();

    assert_eq!(attached.output, b"readyonetwo", "a repeated number is not typed again");
    assert_eq!(released.holder, "");
    assert_eq!(holder(&daemon, &session).await, "");
}

#[tokio::test]
async fn calls_of_the_same_user_may_type_while_a_client_holds_control() {
    let daemon = TestDaemon::start();
    let session = echoing(&daemon).await;
    let mut attached = daemon.attach(control(&session)).await;

    daemon.type_text(&session, "from elsewhere").await;

    attached.expect("from elsewhere").await;
}

#[tokio::test]
async fn three_clients_may_fight_for_control_and_no_input_is_torn_doubled_or_misplaced() {
    let daemon = TestDaemon::start();
    let got = daemon.home().join("got");
    let receive = format!("receive 1000000 {}", got.display());
    let session = daemon.create(&["raw", "say ready", &receive]).await.id;
    daemon.printed(&session, "ready").await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(daemon.attach(control(&session)).await);
    }

    // Each takes control and types at once, again and again, without waiting for anybody.
    for round in 0..60 {
        for (index, client) in clients.iter_mut().enumerate() {
            client.send(STEAL).await;
            client.type_text(format!("<{index}:{round:03}>")).await;
        }
    }
    let last_seq = 60;
    for client in &mut clients {
        client.acknowledged(last_seq).await;
    }
    clients[1].send(STEAL).await;
    clients[1].settle().await;
    let seq = clients[1].type_text("<end>").await;
    clients[1].acknowledged(seq).await;

    let text = wait_until_async("the last input", PATIENCE, async || {
        let text = std::fs::read_to_string(&got).unwrap();
        if text.ends_with("<end>") { Ok(text) } else { Err(text) }
    })
    .await;
    let items: Vec<&str> = text.split_inclusive('>').collect();
    assert!(items.iter().all(|item| *item == "<end>" || item.len() == 7), "torn: {items:?}");
    for index in 0..3 {
        let prefix = format!("<{index}:");
        let own: Vec<_> = items.iter().filter(|item| item.starts_with(&prefix)).collect();
        assert!(own.windows(2).all(|pair| pair[0] < pair[1]), "order or doubles: {own:?}");
    }
    let winner = id(&clients[1]).to_owned();
    assert_eq!(holder(&daemon, &session).await, winner);
    for client in &mut clients {
        client.settle().await;
        let last = client.seen.iter().rev().find_map(|frame| match frame {
            Frame::ControlChanged(changed) => Some(changed.holder.clone()),
            _ => None,
        });
        assert_eq!(last, Some(winner.clone()), "everybody agrees");
    }
}
