//! The daemon is killed again and again while clients read and type.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use codeplane_client::{
    AttachOptions, Attachment, AttachmentInput, Rejoin, TerminalEvent,
    v1::{AttachMode, ReadOutputRequest, SessionState, exit_status::Status},
};
use codeplane_tests::{
    PATIENCE, Stream, TestDaemon, attached::from_start, pause, rounds, sha256, stream,
};
use tokio::{task::JoinSet, time::timeout};

/// What one client has received and typed when everything is over.
#[derive(Debug)]
struct Account {
    session: usize,
    received: Vec<u8>,
    typed: Vec<u8>,
    reconnections: usize,
}

/// A session, and the file its program keeps what it reads in.
struct Conversation {
    id: String,
    got: PathBuf,
    seed: u64,
}

async fn converse(daemon: &TestDaemon, seed: u64) -> Conversation {
    let got = daemon.home().join(format!("got-{seed}"));
    let command = format!("converse {seed} {}", got.display());
    let session = daemon.create(&["raw", "say ready", &command, "exit 0"]).await;
    // From here on the terminal echoes nothing.
    daemon.printed(&session.id, "ready").await;
    Conversation { id: session.id, got, seed }
}

async fn attach(daemon: &TestDaemon, session: &str, mode: AttachMode) -> Attachment {
    let from = from_start();
    // Soon back: a client that is away when the daemon is killed shows nothing.
    let rejoin = Rejoin { longest_delay: Duration::from_millis(20), ..Rejoin::default() };
    let options = AttachOptions { from, mode, rejoin, ..AttachOptions::session(session) };
    daemon.client().await.attach(options).await.unwrap()
}

/// Types numbered words until it is told to stop, then ctrl-d; everything it has typed.
async fn type_on(input: AttachmentInput, enough: Arc<AtomicBool>) -> Vec<u8> {
    let mut typed = Vec::new();
    for number in 0.. {
        if enough.load(Ordering::Acquire) {
            break;
        }
        let word = format!("w{number:06} ");
        input.send(word.clone().into()).await.unwrap();
        typed.extend_from_slice(word.as_bytes());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    input.send(vec![4].into()).await.unwrap();
    typed
}

/// Reads to the end of the session.
async fn read_on(mut attachment: Attachment) -> (Vec<u8>, usize) {
    let (mut received, mut reconnections) = (Vec::new(), 0);
    loop {
        let event = timeout(PATIENCE, attachment.next()).await.expect("something comes");
        match event.unwrap() {
            Some(TerminalEvent::Output { data, .. }) => received.extend_from_slice(&data),
            Some(TerminalEvent::Reconnected { uncertain_input_bytes, .. }) => {
                assert_eq!(uncertain_input_bytes, 0);
                reconnections += 1;
            }
            Some(TerminalEvent::Gap { from, to }) => panic!("bytes are missing: {from:?} {to:?}"),
            Some(_) => {}
            None => return (received, reconnections),
        }
    }
}

#[tokio::test]
async fn no_byte_and_no_keystroke_is_lost_however_often_the_daemon_is_killed() {
    let kills = rounds(15, 200);
    let daemon = TestDaemon::start();
    let mut conversations = Vec::new();
    let mut clients = JoinSet::new();
    let enough = Arc::new(AtomicBool::new(false));
    for index in 0..3 {
        let conversation = converse(&daemon, 100 + index as u64).await;
        let observer = attach(&daemon, &conversation.id, AttachMode::Observe).await;
        let typist = attach(&daemon, &conversation.id, AttachMode::Control).await;
        conversations.push(conversation);
        let typing = type_on(typist.input(), Arc::clone(&enough));
        clients.spawn(async move {
            let (typed, (received, reconnections)) = tokio::join!(typing, read_on(typist));
            Account { session: index, received, typed, reconnections }
        });
        clients.spawn(async move {
            let (received, reconnections) = read_on(observer).await;
            Account { session: index, received, typed: Vec::new(), reconnections }
        });
    }

    // On a thread of its own: the clients go on meanwhile.
    let killer = thread::spawn(move || {
        let (mut daemon, mut random) = (daemon, Stream::new(7));
        for _ in 0..kills {
            pause(Duration::from_millis(20 + random.below(130) as u64));
            daemon.restart();
        }
        enough.store(true, Ordering::Release);
        daemon
    });
    let accounts = clients.join_all().await;
    let daemon = killer.join().unwrap();

    for account in &accounts {
        let conversation = &conversations[account.session];
        let log = daemon.output(&conversation.id).await;
        assert_eq!(sha256(&account.received), sha256(&log), "{}", account.received.len());
        if !account.typed.is_empty() {
            let got = fs::read(&conversation.got).unwrap();
            assert_eq!(got.len(), account.typed.len());
            assert_eq!(sha256(got), sha256(&account.typed));
        }
        assert!(account.reconnections >= kills / 2, "{} reconnections", account.reconnections);
    }
    for conversation in &conversations {
        assert_printed(&daemon, conversation).await;
        let ended = daemon.reaches(&conversation.id, SessionState::Exited).await;
        assert_eq!(ended.exit_status.unwrap().status, Some(Status::Code(0)));
        assert_eq!(daemon.endings(&conversation.id).await, ["session.exited"]);
    }
}

/// The log is what the program says that it has printed.
async fn assert_printed(daemon: &TestDaemon, conversation: &Conversation) {
    let log = daemon.output(&conversation.id).await;
    let text = String::from_utf8(log).unwrap();
    let (printed, bytes) = text.rsplit_once("over ").expect("it said how much it printed");
    let expected = stream(conversation.seed, bytes.parse().unwrap());
    let expected = String::from_utf8(expected).unwrap().replace('\n', "\r\n");
    let printed = printed.strip_prefix("ready").expect("it said that it was ready");
    let differs = printed.bytes().zip(expected.bytes()).position(|(left, right)| left != right);
    assert_eq!((differs, printed.len()), (None, expected.len()));
}

#[tokio::test]
async fn sessions_that_end_while_no_daemon_runs_are_told_with_their_own_codes() {
    let mut daemon = TestDaemon::start();
    let go = daemon.home().join("go");
    let mut sessions = Vec::new();
    for code in 0..12 {
        let say = format!("say last-words-{code}");
        let script = [&format!("await {}", go.display()), &say, &format!("exit {code}")];
        let session = daemon.create(&script.map(String::as_str)).await;
        sessions.push((code, session.id));
    }

    daemon.kill_hard();
    fs::write(go, "").unwrap();
    codeplane_tests::wait_until("the agents to end", PATIENCE, || {
        let agents = daemon.processes().iter().filter(|one| one.name == "scripted-agent").count();
        if agents == 0 { Ok(()) } else { Err(agents) }
    });
    daemon.launch();

    for (code, id) in sessions {
        let ended = daemon.reaches(&id, SessionState::Exited).await;
        assert_eq!(ended.exit_status.unwrap().status, Some(Status::Code(code)));
        assert_eq!(daemon.output(&id).await, format!("last-words-{code}").as_bytes());
        assert_eq!(daemon.endings(&id).await, ["session.exited"]);
    }
    codeplane_tests::wait_until("their shims to end", PATIENCE, || daemon.shims().is_empty());
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_kill() {
    let mut daemon = TestDaemon::start();
    for round in 0..rounds(8, 100) {
        let request = codeplane_client::v1::CreateSessionRequest {
            name: format!("s{round}"),
            ..codeplane_tests::scripted(&["say here", "forever"])
        };
        let session = daemon.client().await.create_session(request).await.unwrap();

        // At once, in the middle of whatever it writes behind the answer's back.
        daemon.restart();

        let found = daemon.session(&format!("s{round}")).await;
        assert_eq!((found.state(), found.id), (SessionState::Running, session.id.clone()));
        daemon.printed(&session.id, "here").await;
        let types = daemon.event_types(&session.id).await;
        assert_eq!(types, ["session.created", "session.started"]);
    }
    let request = ReadOutputRequest { session: "s0".into(), ..Default::default() };
    assert_eq!(daemon.client().await.read_output(request).await.unwrap().data, "here");
}
