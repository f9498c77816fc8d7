//! Whose size it is.

use codeplane_client::v1::{
    AttachAcquireControl, AttachInit, GetScreenRequest, ResizeTerminalRequest, TerminalSize,
    attach_request::Request, terminal_frame::Frame,
};
use codeplane_tests::{
    Attached, TestDaemon,
    attached::{control, observe},
    refused,
};
use tonic::Code;

const fn size(cols: u32, rows: u32) -> TerminalSize {
    TerminalSize { cols, rows }
}

fn sized(init: AttachInit, size: TerminalSize) -> AttachInit {
    AttachInit { size: Some(size), ..init }
}

/// A session whose program prints every size its terminal gets.
async fn telling(daemon: &TestDaemon) -> String {
    let session = daemon.create(&["size", "sizes 100"]).await;
    daemon.printed(&session.id, "watching").await;
    session.id
}

async fn resized(attached: &mut Attached, wanted: TerminalSize) -> u64 {
    let what = format!("size {wanted:?}");
    attached
        .until(&what, |frame| match frame {
            Frame::Resized(resized) if resized.size == Some(wanted) => Some(resized.at?.offset),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn the_size_is_that_of_whoever_holds_control() {
    let daemon = TestDaemon::start();
    let session = telling(&daemon).await;
    let mut observer = daemon.attach(sized(observe(&session), size(10, 10))).await;

    let mut first = daemon.attach(sized(control(&session), size(100, 30))).await;
    observer.expect("size 100x30").await;
    let second = daemon.attach(sized(control(&session), size(120, 40))).await;
    observer.expect("size 120x40").await;
    first.send(Request::Resize(size(90, 20))).await;
    first.settle().await;
    assert_eq!(daemon.session(&session).await.size, Some(size(120, 40)), "it observes");
    drop(second);
    observer.expect("size 90x20").await;
    first.send(Request::Resize(size(91, 21))).await;
    observer.expect("size 91x21").await;
    drop(first);

    codeplane_tests::wait_until_async(
        "control to be free",
        codeplane_tests::PATIENCE,
        async || daemon.session(&session).await.control_holder.is_empty(),
    )
    .await;
    observer.settle().await;
    assert_eq!(daemon.session(&session).await.size, Some(size(91, 21)), "it stays");
    let text = String::from_utf8(observer.output).unwrap();
    assert!(!text.contains("10x10"), "an observer's size is its own affair: {text}");
}

#[tokio::test]
async fn observers_are_told_the_size_where_it_changes() {
    let daemon = TestDaemon::start();
    let session = telling(&daemon).await;
    let mut observer = daemon.attach(observe(&session)).await;
    assert_eq!(observer.first.size, Some(size(80, 24)));

    let mut holder = daemon.attach(sized(control(&session), size(100, 30))).await;
    let at = resized(&mut observer, size(100, 30)).await;
    let answer = observer.expect("size 100x30").await;

    if holder.first.size != Some(size(100, 30)) {
        assert_eq!(resized(&mut holder, size(100, 30)).await, at);
    }
    assert!(usize::try_from(at).unwrap() <= answer - "size 100x30".len());
    let mut late = daemon.attach(observe(&session)).await;
    assert_eq!(late.first.size, Some(size(100, 30)));
    late.expect("size 100x30").await;
}

#[tokio::test]
async fn a_client_without_a_terminal_leaves_the_size_alone() {
    let daemon = TestDaemon::start();
    let session = telling(&daemon).await;

    let mut without = daemon.attach(control(&session)).await;
    let mut zero = daemon.attach(sized(control(&session), size(0, 0))).await;
    without.settle().await;
    zero.settle().await;

    assert_eq!(daemon.session(&session).await.size, Some(size(80, 24)));
}

#[tokio::test]
async fn a_resize_by_call_respects_the_holder_unless_forced() {
    let daemon = TestDaemon::start();
    let session = telling(&daemon).await;
    let mut terminals = daemon.raw_terminals().await;
    let resize = |size, force| ResizeTerminalRequest {
        session: session.clone(),
        size: Some(size),
        force,
        ..Default::default()
    };
    terminals.resize_terminal(resize(size(50, 10), false)).await.unwrap();
    daemon.printed(&session, "size 50x10").await;
    let mut holder = daemon.attach(control(&session)).await;

    let refusal = refused(terminals.resize_terminal(resize(size(60, 10), false)).await);
    let own = ResizeTerminalRequest {
        attachment_id: holder.first.attachment_id.clone(),
        ..resize(size(70, 10), false)
    };
    terminals.resize_terminal(own).await.unwrap();
    holder.expect("size 70x10").await;
    let forced = terminals.resize_terminal(resize(size(75, 10), true)).await.unwrap();
    holder.expect("size 75x10").await;

    assert_eq!(refusal.facts(), (Code::FailedPrecondition, "CONTROL_TAKEN", vec![]));
    assert_eq!(forced.into_inner().size, Some(size(75, 10)));
    assert!(!String::from_utf8_lossy(&holder.output).contains("size 60x10"));
}

#[tokio::test]
async fn thousands_of_resizes_end_with_the_last_one() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await.id;
    let mut observer = daemon.attach(observe(&session)).await;
    let mut holder = daemon.attach(control(&session)).await;

    for round in 0..2000 {
        holder.send(Request::Resize(size(2 + round % 900, 1 + round % 400))).await;
        if round % 100 == 0 {
            holder.settle().await;
        }
    }
    holder.send(Request::Resize(size(123, 45))).await;

    resized(&mut observer, size(123, 45)).await;
    assert_eq!(daemon.session(&session).await.size, Some(size(123, 45)));
    holder.send(Request::AcquireControl(AttachAcquireControl { if_free: false })).await;
    holder.settle().await;
}

#[tokio::test]
async fn a_screen_that_was_asked_for_before_has_the_size_that_was_set_since() {
    let mut daemon = TestDaemon::start();
    let session = daemon.create(&["say hello", "forever"]).await.id;
    daemon.printed(&session, "hello").await;
    let ask = || GetScreenRequest { session: session.clone(), ..Default::default() };
    let mut terminals = daemon.raw_terminals().await;
    let before = terminals.get_screen(ask()).await.unwrap().into_inner();

    for (cols, rows) in [(40, 10), (20, 4), (100, 50)] {
        let resize = ResizeTerminalRequest {
            session: session.clone(),
            size: Some(size(cols, rows)),
            ..Default::default()
        };
        terminals.resize_terminal(resize).await.unwrap();
        let after = terminals.get_screen(ask()).await.unwrap().into_inner();
        assert_eq!(after.size, Some(size(cols, rows)));
        assert_eq!(after.lines.len(), rows as usize);
    }

    assert_eq!(before.size, Some(size(80, 24)));
    daemon.restart();
    let mut terminals = daemon.raw_terminals().await;
    let after = terminals.get_screen(ask()).await.unwrap().into_inner();
    assert_eq!((after.size, after.lines[0].as_str()), (Some(size(100, 50)), "hello"));
}
