//! What is typed arrives once, in order, whole.

use std::{fs, path::PathBuf};

use codeplane_client::v1::{
    AttachInit, SendInputRequest, SendKeysRequest, SessionState, StopSessionRequest,
    exit_status::Status,
};
use codeplane_tests::{
    Attached, PATIENCE, TestDaemon,
    attached::{control, from_offset},
    stream, wait_until_async,
};
use tokio::task::JoinSet;

/// A session whose program keeps what it reads in a file.
async fn keeping(daemon: &TestDaemon, bytes: usize) -> (String, PathBuf) {
    let got = daemon.home().join("got");
    let receive = format!("receive {bytes} {}", got.display());
    let session = daemon.create(&["raw", "say ready", &receive, "forever"]).await;
    daemon.printed(&session.id, "ready").await;
    (session.id, got)
}

async fn arrives(got: &PathBuf, wanted: &[u8]) {
    wait_until_async("the input", PATIENCE, async || {
        let got = fs::read(got).unwrap();
        if got == wanted { Ok(()) } else { Err(format!("{} of {} bytes", got.len(), wanted.len())) }
    })
    .await;
}

/// Comes back as an attachment whose connection is gone.
async fn come_back(daemon: &TestDaemon, before: &Attached, session: &str) -> Attached {
    let init = AttachInit {
        resume_token: before.first.resume_token.clone(),
        from: Some(from_offset(before.output.len() as u64)),
        ..control(session)
    };
    daemon.attach(init).await
}

#[tokio::test]
async fn a_megabyte_in_one_call_arrives_whole() {
    let daemon = TestDaemon::start();
    let input = stream(4, 1 << 20);
    let (session, got) = keeping(&daemon, input.len()).await;

    daemon.type_text(&session, &input).await;

    arrives(&got, &input).await;
}

#[tokio::test]
async fn calls_that_type_at_the_same_time_do_not_mix() {
    let daemon = TestDaemon::start();
    let long = [b'a', b'b', b'c', b'd'].map(|letter| vec![letter; 100_000]);
    let short = vec![vec![b'z']; 40];
    let (session, got) = keeping(&daemon, 4 * 100_000 + 40).await;
    let mut racing = JoinSet::new();
    for data in short[..20].iter().chain(&long).chain(&short[20..]) {
        let mut terminals = daemon.raw_terminals().await;
        let data = data.clone().into();
        let request = SendInputRequest { session: session.clone(), data, ..Default::default() };
        racing.spawn(async move { terminals.send_input(request).await.unwrap() });
    }

    racing.join_all().await;

    daemon.printed(&session, "received").await;
    let bytes = fs::read(got).unwrap();
    let runs = bytes.chunk_by(|left, right| left == right);
    let torn = runs.into_iter().find(|run| run[0] != b'z' && run.len() != 100_000);
    assert_eq!(torn.map(|run| (run[0], run.len())), None);
}

#[tokio::test]
async fn a_repeated_call_is_not_typed_again_not_even_by_the_next_daemon() {
    let mut daemon = TestDaemon::start();
    let (session, got) = keeping(&daemon, 100).await;
    let request = |digit: u8, data: &'static str| SendInputRequest {
        session: session.clone(),
        data: data.into(),
        request_id: format!("00000000-0000-4000-8000-00000000000{digit}"),
        ..Default::default()
    };

    daemon.client().await.send_input(request(1, "one")).await.unwrap();
    daemon.client().await.send_input(request(1, "one")).await.unwrap();
    daemon.restart();
    daemon.client().await.send_input(request(1, "one")).await.unwrap();
    daemon.client().await.send_input(request(2, "two")).await.unwrap();

    arrives(&got, b"onetwo").await;
}

#[tokio::test]
async fn an_attachment_that_comes_back_goes_on_with_its_numbers() {
    let mut daemon = TestDaemon::start();
    let (session, got) = keeping(&daemon, 100).await;
    let mut first = daemon.attach(control(&session)).await;
    first.type_text("1").await;
    let seq = first.type_text("2").await;
    first.acknowledged(seq).await;

    let mut second = come_back(&daemon, &first, &session).await;
    assert_eq!(second.first.attachment_id, first.first.attachment_id);
    assert_eq!(second.first.input_seq, 2);
    second.type_as(1, "1").await;
    second.type_as(2, "2").await;
    let seq = second.type_text("3").await;
    second.acknowledged(seq).await;
    daemon.restart();
    let mut third = come_back(&daemon, &second, &session).await;
    assert_eq!(third.first.input_seq, 3);
    third.type_as(3, "3").await;
    third.type_text("4").await;

    arrives(&got, b"1234").await;
}

#[tokio::test]
async fn input_that_was_sent_when_the_daemon_was_killed_is_typed_once() {
    let mut daemon = TestDaemon::start();
    let (session, got) = keeping(&daemon, 100_000).await;
    let mut attached = daemon.attach(control(&session)).await;
    let mut typed = String::new();

    for round in 0..8 {
        let first = attached.first.input_seq;
        let items: Vec<String> = (0..50).map(|index| format!("{round}.{index} ")).collect();
        for item in &items {
            attached.type_text(item).await;
        }
        // Some of it has arrived, some is under way, some is lost with the daemon.
        attached.acknowledged(first + 1 + round).await;
        daemon.restart();
        attached = come_back(&daemon, &attached, &session).await;
        for (item, seq) in items.iter().zip(first + 1..) {
            attached.type_as(seq, item).await;
        }
        attached.acknowledged(first + 50).await;
        typed.extend(items);
        attached = come_back(&daemon, &attached, &session).await;
    }

    arrives(&got, typed.as_bytes()).await;
}

#[tokio::test]
async fn a_program_that_reads_nothing_holds_up_neither_its_end_nor_others() {
    let daemon = TestDaemon::start();
    let deaf = daemon.create(&["raw", "say ready", "forever"]).await;
    daemon.printed(&deaf.id, "ready").await;
    let mut attached = daemon.attach(control(&deaf.id)).await;
    for _ in 0..100 {
        attached.type_text(vec![b'x'; 32 << 10]).await;
    }
    let (other, got) = keeping(&daemon, 3).await;

    daemon.type_text(&other, "abc").await;
    arrives(&got, b"abc").await;
    let stop = StopSessionRequest { session: deaf.id.clone(), ..Default::default() };
    daemon.client().await.stop_session(stop).await.unwrap();

    daemon.reaches(&deaf.id, SessionState::Exited).await;
    attached.read_to_end().await;
}

#[tokio::test]
async fn an_interrupt_gets_through_although_its_client_reads_nothing() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["flood 1"]).await;
    let mut attached = daemon.attach(control(&session.id)).await;
    attached.read_bytes(1000).await;

    attached.type_text([3]).await;

    // Nothing is read from here on, but the connection lives.
    let ended = daemon.reaches(&session.id, SessionState::Exited).await;
    assert_eq!(ended.exit_status.unwrap().status, Some(Status::Signal(2)));
}

#[tokio::test]
async fn keys_are_encoded_for_the_modes_the_program_has_set() {
    let daemon = TestDaemon::start();
    let got = daemon.home().join("got");
    let file = got.display();
    let script = [
        "raw".to_owned(),
        "say first".to_owned(),
        format!("receive 7 {file}-1"),
        r"say \e[?1hsecond".to_owned(),
        format!("receive 3 {file}-2"),
        "forever".to_owned(),
    ];
    let session = daemon.create(&script.each_ref().map(String::as_str)).await;
    let keys = |keys: &[&str]| SendKeysRequest {
        session: session.id.clone(),
        keys: keys.iter().map(|&key| key.to_owned()).collect(),
        ..Default::default()
    };
    let client = daemon.client().await;

    daemon.printed(&session.id, "first").await;
    client.send_keys(keys(&["up", "ctrl+c", "alt+x", "enter"])).await.unwrap();
    daemon.printed(&session.id, "second").await;
    client.send_keys(keys(&["up"])).await.unwrap();

    let second = PathBuf::from(format!("{file}-2"));
    wait_until_async("the second key", PATIENCE, async || {
        fs::read(&second).is_ok_and(|bytes| bytes.len() == 3)
    })
    .await;
    assert_eq!(fs::read(format!("{file}-1")).unwrap(), b"\x1b[A\x03\x1bx\r");
    assert_eq!(fs::read(second).unwrap(), b"\x1bOA");
}

#[test]
fn the_end_of_a_pipe_is_the_end_of_what_a_program_run_by_cpctl_reads() {
    let daemon = TestDaemon::start();

    for (input, lines) in [(&b"b\na\n"[..], "a\r\nb\r\n"), (b"b\na", "a\r\nb\r\n"), (b"", "")] {
        let sorted = daemon.cpctl_with(["run", "--", "sh", "-c", "stty -echo; exec sort"], input);

        assert!(sorted.success().ends_with(lines), "of {input:?}");
    }
}

#[test]
fn the_end_of_a_pipe_leaves_alone_what_cpctl_only_attached_to() {
    let daemon = TestDaemon::start();
    let program = "stty -echo; read a; echo got-$a; read b; echo end-$?-$b";
    let session = daemon.cpctl(["run", "-d", "--", "sh", "-c", program]).success();
    let session = session.trim();

    let seen = std::thread::scope(|scope| {
        let attached = scope.spawn(|| daemon.cpctl_with(["attach", session], b"x\n"));
        drop(daemon.cpctl(["wait", session, "--for", "output=got-x"]).success());
        drop(daemon.cpctl(["send", session, "y", "--enter"]).success());
        attached.join().unwrap().success()
    });

    assert!(seen.contains("end-0-y"), "{seen:?}");
}
