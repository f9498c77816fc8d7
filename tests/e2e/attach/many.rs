//! Many clients, slow ones and stopped ones.

use std::fs;

use codeplane_client::{
    AttachOptions, TerminalEvent,
    v1::{EndReason, SessionState},
};
use codeplane_tests::{
    Attached, Digest, PATIENCE, TestDaemon,
    attached::{control, from_start, observe},
    processes::Process,
    sha256, stream, wait_until, wait_until_async,
};
use tokio::task::JoinSet;

/// How much the daemon's memory may grow, whatever clients do: less than what one session prints here. Threads
/// that look at files now and then keep some megabytes of what the allocator gave them.
const GROWTH_KB: u64 = 24 << 10;

fn memory_kb(daemon: &TestDaemon) -> u64 {
    Process::read(daemon.pid()).expect("the daemon lives").memory_kb()
}

fn descriptors(daemon: &TestDaemon) -> usize {
    fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap().count()
}

fn cooked(seed: u64, len: usize) -> Vec<u8> {
    String::from_utf8(stream(seed, len)).unwrap().replace('\n', "\r\n").into_bytes()
}

/// Reads to the end and keeps nothing but a digest of it.
async fn digest(mut attached: Attached) -> (String, EndReason) {
    let mut digest = Digest::default();
    while attached.next().await.is_some() {
        digest.update(&std::mem::take(&mut attached.output));
    }
    let end = attached.read_to_end().await;
    (digest.finish(), end)
}

#[tokio::test]
async fn eight_clients_receive_every_byte() {
    let daemon = TestDaemon::start();
    let go = daemon.home().join("go");
    let script = ["raw", &format!("await {}", go.display()), "print 8000000 2", "exit 0"];
    let session = daemon.create(&script).await;
    let mut readers = JoinSet::new();
    for _ in 0..8 {
        readers.spawn(digest(daemon.attach(observe(&session.id)).await));
    }

    fs::write(go, "").unwrap();

    let expected = (sha256(cooked(2, 8_000_000)), EndReason::SessionEnded);
    for received in readers.join_all().await {
        assert_eq!(received, expected);
    }
}

#[tokio::test]
async fn clients_that_stop_reading_slow_nobody_and_cost_no_memory() {
    let daemon = TestDaemon::start();
    let go = daemon.home().join("go");
    let script = ["raw", &format!("await {}", go.display()), "print 30000000 2", "exit 0"];
    let session = daemon.create(&script).await;
    let mut stopped = Vec::new();
    for _ in 0..4 {
        let mut attached = daemon.attach(observe(&session.id)).await;
        attached.settle().await;
        stopped.push(attached);
    }
    let reader = daemon.attach(observe(&session.id)).await;
    let before = memory_kb(&daemon);

    fs::write(go, "").unwrap();
    let (received, end) = digest(reader).await;
    daemon.reaches(&session.id, SessionState::Exited).await;

    let grown = memory_kb(&daemon).saturating_sub(before);
    assert_eq!((received, end), (sha256(cooked(2, 30_000_000)), EndReason::SessionEnded));
    assert!(grown <= GROWTH_KB, "the daemon has grown by {grown} KiB");
    // And who reads on later has missed nothing.
    let late = digest(stopped.remove(0)).await;
    assert_eq!(late.0, sha256(cooked(2, 30_000_000)));
}

#[tokio::test]
async fn a_line_without_an_end_costs_no_memory_and_loses_no_byte() {
    let daemon = TestDaemon::start();
    let megabytes = 100;
    let print = format!("head -c {} /dev/zero | tr '\\0' x", megabytes << 20);
    let request = codeplane_client::v1::CreateSessionRequest {
        command: vec!["sh".into(), "-c".into(), print],
        ..Default::default()
    };
    let client = daemon.client().await;
    let before = memory_kb(&daemon);
    let session = client.create_session(request).await.unwrap();
    let mut attached = daemon.attach(observe(&session.id)).await;

    let mut length = 0;
    while attached.next().await.is_some() {
        assert!(attached.output.iter().all(|byte| *byte == b'x'));
        length += std::mem::take(&mut attached.output).len();
    }

    assert_eq!(length, megabytes << 20);
    let end = daemon.session(&session.id).await.output_end.unwrap().offset;
    assert_eq!(end, (megabytes as u64) << 20);
    let shims: u64 = daemon.shims().iter().map(Process::memory_kb).sum();
    assert!(shims <= GROWTH_KB, "{shims} KiB");
    let grown = memory_kb(&daemon).saturating_sub(before);
    assert!(grown <= 2 * GROWTH_KB, "the daemon has grown by {grown} KiB");
}

#[tokio::test]
async fn five_hundred_attach_and_leave_and_nothing_is_left_of_them() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["raw", "say ready", "serve"]).await;
    daemon.printed(&session.id, "serving").await;
    let before = descriptors(&daemon);
    let mut all = Vec::new();
    let mut channel = daemon.channel().await;
    for index in 1..=500 {
        // Ten a connection; every twentieth takes control from the one before.
        if index % 10 == 0 {
            channel = daemon.channel().await;
        }
        let init = if index % 20 == 0 { control(&session.id) } else { observe(&session.id) };
        all.push(Attached::open(channel.clone(), init).await.unwrap());
    }
    assert_eq!(daemon.session(&session.id).await.attachment_count, 500);

    daemon.type_text(&session.id, "say everybody\n").await;
    for attached in &mut all {
        attached.expect("everybody").await;
    }
    let holder = daemon.session(&session.id).await.control_holder;
    assert_eq!(holder, all[499].first.attachment_id);
    drop(all);
    drop(channel);

    wait_until_async("nobody attached", PATIENCE, async || {
        let session = daemon.session(&session.id).await;
        session.attachment_count == 0 && session.control_holder.is_empty()
    })
    .await;
    wait_until_async("descriptors to be closed", PATIENCE, async || {
        let now = descriptors(&daemon);
        if now <= before { Ok(()) } else { Err((before, now)) }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_was_stopped_while_much_was_printed_in_small_pieces_reads_on() {
    let daemon = TestDaemon::start();
    let over = daemon.home().join("over");
    let touch = format!("touch {}", over.display());
    let session = daemon.create(&["raw", "say ready", "count 1500 1", &touch, "exit 0"]).await;
    let options = AttachOptions { from: from_start(), ..AttachOptions::session(&session.id) };
    let mut attachment = daemon.client().await.attach(options).await.unwrap();

    // Nothing of this process runs meanwhile, as if somebody had stopped it.
    wait_until("everything to be printed", PATIENCE, || over.exists());

    let mut output = Vec::new();
    while let Some(event) = attachment.next().await.unwrap() {
        if let TerminalEvent::Output { data, .. } = event {
            output.extend_from_slice(&data);
        }
    }
    assert_eq!(sha256(output), sha256(daemon.output(&session.id).await));
}

#[tokio::test]
async fn a_client_that_is_killed_gives_its_seat_up_at_once() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["flood 1"]).await;
    let mut survivor = daemon.attach(control(&session.id)).await;
    for _ in 0..20 {
        let mut attached = daemon.attach(control(&session.id)).await;
        attached.read_bytes(1000).await;
        // The connection goes without a word.
        drop(attached);
    }

    let own = survivor.first.attachment_id.clone();
    wait_until_async("the survivor to hold control", PATIENCE, async || {
        let session = daemon.session(&session.id).await;
        let seen = (session.attachment_count, session.control_holder);
        if seen == (1, own.clone()) { Ok(()) } else { Err(seen) }
    })
    .await;
    survivor.type_text([3]).await;
    daemon.reaches(&session.id, SessionState::Exited).await;
}
