//! What a program asks its terminal is answered once, by whoever is its terminal at that moment.

use std::{fs, path::Path, time::Duration};

use codeplane_client::v1::{
    AttachDetach, AttachInit, AttachMode, OutputPosition, attach_request::Request,
    terminal_frame::Frame,
};
use codeplane_tests::{
    Attached, PATIENCE, TestDaemon,
    attached::{control, observe},
    wait_until_async,
};
use tokio::time::Instant;

/// Primary device attributes: "what are you?".
const QUERY: &[u8] = b"\x1b[c";
/// What the clients of these tests are.
const ANSWER: &str = "\x1b[?9999c";

/// A client whose terminal answers by itself.
fn terminal(session: &str) -> AttachInit {
    AttachInit { answers_queries: true, ..control(session) }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The answers a program has got so far, a line for each question.
fn answers(log: &Path) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

async fn answered(log: &Path, count: usize) -> Vec<String> {
    wait_until_async("all questions to be over", PATIENCE, async || {
        let answers = answers(log);
        if answers.len() >= count { Ok(answers) } else { Err(answers) }
    })
    .await
}

/// A session that asks once a line is typed, `count` times.
async fn asking(daemon: &TestDaemon, log: &Path, count: usize) -> String {
    let ask = format!(r"ask \e[c 250 {}", log.display());
    let mut script = vec!["raw".to_owned(), "say ready".to_owned()];
    for index in 0..count {
        script.push(format!("await {}-{index}", log.display()));
        script.push(ask.clone());
    }
    script.push("forever".to_owned());
    let script: Vec<&str> = script.iter().map(String::as_str).collect();
    let session = daemon.create(&script).await;
    daemon.printed(&session.id, "ready").await;
    session.id
}

fn ask_now(log: &Path, index: usize) {
    fs::write(format!("{}-{index}", log.display()), "").unwrap();
}

/// Answers one question as a terminal does, when it comes.
async fn answer_one(attached: &mut Attached) {
    let before = attached.output.windows(QUERY.len()).filter(|piece| *piece == QUERY).count();
    while attached.output.windows(QUERY.len()).filter(|piece| *piece == QUERY).count() == before {
        attached.next().await;
    }
    attached.type_text(ANSWER).await;
}

#[tokio::test]
async fn the_daemon_answers_while_nobody_is_attached_or_only_observers_are() {
    let daemon = TestDaemon::start();
    let log = daemon.home().join("log");
    let session = asking(&daemon, &log, 3).await;

    ask_now(&log, 0);
    answered(&log, 1).await;
    let mut observer = daemon.attach(observe(&session)).await;
    ask_now(&log, 1);
    answer_one(&mut observer).await;
    answered(&log, 2).await;
    // It holds control, but said nothing of answering.
    let _holder = daemon.attach(control(&session)).await;
    ask_now(&log, 2);

    let answers = answered(&log, 3).await;
    assert!(answers[0].starts_with(&hex("\x1b[?")), "{answers:?}");
    assert_eq!(answers, vec![answers[0].clone(); 3], "the same answer, once each");
    assert_ne!(answers[0], hex(ANSWER));
}

#[tokio::test]
async fn the_terminal_of_the_holder_answers_and_the_daemon_again_when_it_has_left() {
    let daemon = TestDaemon::start();
    let log = daemon.home().join("log");
    let session = asking(&daemon, &log, 3).await;
    ask_now(&log, 0);
    let daemons = answered(&log, 1).await.remove(0);

    let mut attached = daemon.attach(terminal(&session)).await;
    assert_eq!(attached.first.mode(), AttachMode::Control);
    let from = attached.first.answers_queries_from.expect("it is the one to answer").offset;
    attached.read_bytes(usize::try_from(from).unwrap()).await;
    assert!(attached.output.ends_with(QUERY), "what was asked before is not for it to answer");
    ask_now(&log, 1);
    answer_one(&mut attached).await;
    answered(&log, 2).await;
    attached.send(Request::Detach(AttachDetach::default())).await;
    attached.read_to_end().await;
    ask_now(&log, 2);

    assert_eq!(answered(&log, 3).await, [daemons.clone(), hex(ANSWER), daemons]);
}

#[tokio::test]
async fn control_that_changes_hands_carries_the_place_from_which_it_answers() {
    let daemon = TestDaemon::start();
    let log = daemon.home().join("log");
    let session = asking(&daemon, &log, 2).await;
    let mut first = daemon.attach(terminal(&session)).await;
    ask_now(&log, 0);
    answer_one(&mut first).await;
    answered(&log, 1).await;

    let second = daemon.attach(terminal(&session)).await;
    let at = first
        .until("the loss of control", |frame| match frame {
            Frame::ControlChanged(changed) if !changed.you => changed.at,
            _ => None,
        })
        .await;
    assert_eq!(second.first.answers_queries_from, Some(at));
    drop(second);
    let back = first.until("control to come back", |frame| match frame {
        Frame::ControlChanged(changed) if changed.you => changed.at,
        _ => None,
    });
    assert!(back.await.offset >= at.offset);
    ask_now(&log, 1);
    answer_one(&mut first).await;

    assert_eq!(answered(&log, 2).await, [hex(ANSWER), hex(ANSWER)]);
}

#[tokio::test]
async fn every_question_is_answered_once_while_terminals_come_and_go() {
    let daemon = TestDaemon::start();
    let log = daemon.home().join("log");
    let count = 30;
    // Each question is about another mode, so that its answer is known however late it comes.
    let questions = (0..count)
        .map(|number| format!(r"ask \e[?{}$p 100 {}", FIRST_MODE + number, log.display()));
    let mut script = vec!["raw".to_owned(), "say ready".to_owned()];
    script.extend(questions);
    let over = daemon.home().join("over");
    script.extend([format!("touch {}", over.display()), "forever".to_owned()]);
    let script: Vec<&str> = script.iter().map(String::as_str).collect();
    let session = daemon.create(&script).await.id;

    let mut visits = 0;
    while !over.exists() {
        visit(&daemon, &session, visits).await;
        visits += 1;
    }

    let answers = answers(&log).concat();
    let got: Vec<usize> = (0..count)
        .map(|number| answers.matches(&hex(&format!("\x1b[?{};", FIRST_MODE + number))).count())
        .collect();
    assert!(visits > 10, "{visits} visits");
    assert!(got.iter().all(|times| *times <= 1), "answered twice: {got:?}");
    assert!(got.iter().all(|times| *times == 1), "not answered: {got:?}");
}

/// Modes that no terminal has.
const FIRST_MODE: usize = 7000;

/// A terminal that attaches, answers what it is asked for a moment, and leaves.
async fn visit(daemon: &TestDaemon, session: &str, number: u64) {
    let Ok(mut attached) = Attached::open(daemon.channel().await, terminal(session)).await else {
        return;
    };
    let Some(from) = attached.first.answers_queries_from else { return };
    let mut answered = usize::try_from(from.offset).unwrap();
    let leave = Instant::now() + Duration::from_millis(1 + (number * 37) % 60);
    while let Some(Some(_)) = attached.next_within(leave - Instant::now().min(leave)).await {
        answer_all(&mut attached, &mut answered).await;
    }
    // It says up to where its terminal has seen the output: the rest is the next one's.
    answer_all(&mut attached, &mut answered).await;
    let offset = attached.output.len() as u64;
    let position = Some(OutputPosition { incarnation: 1, offset });
    attached.send(Request::Detach(AttachDetach { position })).await;
    attached.read_to_end().await;
}

async fn answer_all(attached: &mut Attached, answered: &mut usize) {
    while let Some((mode, end)) = question(&attached.output, *answered) {
        *answered = end;
        attached.type_text(format!("\x1b[?{mode};4$y")).await;
    }
}

/// The first question behind `from`: the mode it is about, and where it ends.
fn question(output: &[u8], from: usize) -> Option<(String, usize)> {
    let text = str::from_utf8(output.get(from..)?).ok()?;
    let begin = text.find("\x1b[?")? + 3;
    let length = text[begin..].find("$p")?;
    let mode = text[begin..begin + length].to_owned();
    Some((mode, from + begin + length + 2))
}
