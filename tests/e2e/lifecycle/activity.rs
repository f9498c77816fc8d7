//! What a program says of itself (OSC 7501), and what becomes of it.

use std::process::Stdio;

use codeplane_client::v1::{
    Activity, ActivitySource, AttachInit, Session, SessionState, event::Payload,
};
use codeplane_tests::{PATIENCE, TestDaemon, attached::control, wait_until, wait_until_async};

/// A session that says what it is told to say.
async fn speaker(daemon: &TestDaemon) -> String {
    let session = daemon.create(&["serve"]).await.id;
    daemon.printed(&session, "serving").await;
    session
}

/// Has the program say this of itself.
async fn say(daemon: &TestDaemon, session: &str, status: &str) {
    daemon.type_text(session, format!("say \\e]7501;{status}\\a\n")).await;
}

async fn does(daemon: &TestDaemon, session: &str, activity: Activity) -> Session {
    wait_until_async(&format!("{activity:?}"), PATIENCE, async || {
        let session = daemon.session(session).await;
        if session.activity() == activity { Ok(session) } else { Err(session.activity()) }
    })
    .await
}

/// What was told of the session's activity, oldest first.
async fn told(daemon: &TestDaemon, session: &str) -> Vec<(String, String)> {
    let filter = format!("session={session} AND type=activity.changed");
    let events = daemon.events(&filter).await.into_iter();
    let changes = events.map(|event| match event.payload {
        Some(Payload::ActivityChanged(changed)) => (changed.activity, changed.source),
        other => panic!("{other:?}"),
    });
    changes.collect()
}

/// Names of the activities that were told, once the last one is `last`: it is known a moment before.
async fn told_so_far(daemon: &TestDaemon, session: &str, last: &str) -> Vec<String> {
    wait_until_async(&format!("{last} to be told"), PATIENCE, async || {
        let told = told(daemon, session).await.into_iter();
        let names: Vec<String> = told.map(|(activity, _)| activity).collect();
        if names.last().is_some_and(|name| name == last) { Ok(names) } else { Err(names) }
    })
    .await
}

#[tokio::test]
async fn what_a_program_says_of_itself_is_known_to_all_with_its_source_and_time() {
    let daemon = TestDaemon::start();
    let session = speaker(&daemon).await;
    assert_eq!(daemon.session(&session).await.activity(), Activity::Unknown);

    let mut before = None;
    for (status, activity) in [
        ("state=working:app=x", Activity::Working),
        ("state=blocked:app=x:kind=permission:msg=eA==", Activity::WaitingForApproval),
        ("state=blocked:kind=question", Activity::WaitingForInput),
        ("state=done", Activity::Idle),
        ("state=clear", Activity::Unknown),
        ("state=idle", Activity::Idle),
    ] {
        say(&daemon, &session, status).await;
        let known = does(&daemon, &session, activity).await;
        assert_eq!(known.activity_source(), ActivitySource::ProgramStatus, "{status}");
        let since = known.activity_time.map(|time| (time.seconds, time.nanos));
        assert!(since > before, "{status}: {since:?}");
        before = since;
    }

    let names = ["working", "waiting_for_approval", "waiting_for_input", "idle", "unknown", "idle"];
    let expected = names.map(|name| (name.to_owned(), "program_status".to_owned()));
    let all = wait_until_async("all of it to be told", PATIENCE, async || {
        let told = told(&daemon, &session).await;
        if told.len() >= expected.len() { Ok(told) } else { Err(told) }
    });
    assert_eq!(all.await, expected);
    let listed = daemon.cpctl(["ls"]).success();
    assert!(listed.lines().any(|line| line.contains("idle")), "{listed}");
    let shown = daemon.cpctl(["get", &session, "-o", "json"]).success();
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&shown["activity"], &shown["activity_source"]),
        (&"idle".into(), &"program_status".into())
    );
}

#[tokio::test]
async fn who_waits_for_an_agent_is_told_when_its_program_says_so() {
    let daemon = TestDaemon::start();
    let session = speaker(&daemon).await;
    say(&daemon, &session, "state=working").await;
    does(&daemon, &session, Activity::Working).await;

    for (wanted, status) in [("approval", "state=blocked:kind=permission"), ("idle", "state=done")]
    {
        let waiting = ["wait", &session, "--for", wanted, "--timeout", "60s"];
        let mut waiting =
            daemon.command("cpctl").args(waiting).stdout(Stdio::null()).spawn().unwrap();
        say(&daemon, &session, status).await;

        let status = wait_until("the wait to end", PATIENCE, || waiting.try_wait().unwrap());
        assert_eq!(status.code(), Some(0), "{wanted}");
    }
}

#[tokio::test]
async fn who_waits_in_vain_is_told_for_what_and_what_the_agent_does_instead() {
    let daemon = TestDaemon::start();
    let session = speaker(&daemon).await;
    say(&daemon, &session, "state=working").await;
    does(&daemon, &session, Activity::Working).await;

    let said = daemon.cpctl(["wait", &session, "--for", "idle", "--timeout", "1ms"]).failure(7);

    assert!(said.contains("waiting for activity=idle"), "{said}");
    assert!(said.contains("is running, its agent is working"), "{said}");
    let listed = |filter: &str| daemon.cpctl(["ls", "-q", "--filter", filter]).success();
    assert_eq!(listed("activity=working").trim(), session);
    assert_eq!(listed("activity=idle"), "");
    assert_eq!(listed("gate=none").trim(), session);

    let other = speaker(&daemon).await;
    let wait = ["wait", &session, &other, "--for", "state=running", "-o", "json"];
    let answers = daemon.cpctl(wait).success();
    let answers: serde_json::Value = serde_json::from_str(&answers).expect("one JSON value");
    assert_eq!(answers.as_array().map(Vec::len), Some(2), "{answers}");
}

#[tokio::test]
async fn what_is_no_status_and_what_ends_changes_nothing() {
    let daemon = TestDaemon::start();
    let session = speaker(&daemon).await;
    say(&daemon, &session, "state=working").await;
    does(&daemon, &session, Activity::Working).await;

    for odd in ["state=dancing", "state=", "kind=permission", "", "STATE=idle"] {
        say(&daemon, &session, odd).await;
    }
    say(&daemon, &session, "state=idle").await;
    does(&daemon, &session, Activity::Idle).await;
    let names = told_so_far(&daemon, &session, "idle").await;
    assert_eq!(names, ["working", "idle"]);

    // What is over does nothing, whatever it said last.
    daemon.type_text(&session, "say \\e]7501;state=working\\a\nexit 0\n").await;
    daemon.reaches(&session, SessionState::Exited).await;
    let ended = does(&daemon, &session, Activity::Unknown).await;
    assert_eq!(ended.activity_time, None);
}

#[tokio::test]
async fn a_flood_of_it_becomes_few_events_and_the_last_word_stands() {
    let daemon = TestDaemon::start();
    let mut script = vec![r"say \e]7501;state=working\a\e]7501;state=done\a"; 500];
    script.push(r"say \e]7501;state=blocked:kind=question\a");
    script.push("forever");

    let session = daemon.create(&script).await.id;

    does(&daemon, &session, Activity::WaitingForInput).await;
    let told = told_so_far(&daemon, &session, "waiting_for_input").await;
    // A second may pass in between, on a slow machine several.
    assert!(told.len() < 200, "{} events", told.len());
}

#[tokio::test]
async fn what_was_said_to_an_earlier_daemon_is_known_and_not_told_again() {
    let mut daemon = TestDaemon::start();
    let session = speaker(&daemon).await;
    say(&daemon, &session, "state=working").await;
    does(&daemon, &session, Activity::Working).await;
    say(&daemon, &session, "state=blocked:kind=permission").await;
    let before = does(&daemon, &session, Activity::WaitingForApproval).await;
    let told_before = told_so_far(&daemon, &session, "waiting_for_approval").await;

    daemon.restart();
    // The new daemon has read all of the output when it shows the screen.
    drop(daemon.cpctl(["screen", &session]).success());
    let after = daemon.session(&session).await;

    assert_eq!(after.activity(), Activity::WaitingForApproval);
    assert_eq!(after.activity_time, before.activity_time);
    assert_eq!(told_so_far(&daemon, &session, "waiting_for_approval").await, told_before);
    say(&daemon, &session, "state=working").await;
    does(&daemon, &session, Activity::Working).await;
}

#[tokio::test]
async fn the_daemon_alone_answers_whether_it_is_understood() {
    let daemon = TestDaemon::start();
    let (log, go) = (daemon.home().join("log"), daemon.home().join("go"));
    let ask = format!(r"ask \e]7501;?\a 250 {}", log.display());
    let wait = format!("await {}", go.display());
    let session = daemon.create(&["raw", &ask, "say asked", &wait, &ask, "forever"]).await.id;
    daemon.printed(&session, "asked").await;
    // Its terminal answers whatever a terminal answers, but for this.
    let _attached = daemon.attach(AttachInit { answers_queries: true, ..control(&session) }).await;
    std::fs::write(go, "").unwrap();

    let answer: String = b"\x1b]7501;?\x1b\\".iter().map(|byte| format!("{byte:02x}")).collect();
    wait_until_async("two answers", PATIENCE, async || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        if text.lines().count() == 2 { Ok(text) } else { Err(text) }
    })
    .await
    .lines()
    .for_each(|line| assert_eq!(line, answer));
}
