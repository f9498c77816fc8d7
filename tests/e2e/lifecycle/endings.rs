//! Every way in which a session ends.

use std::{fs, path::Path};

use codeplane_client::v1::{
    CreateSessionRequest, DeleteSessionRequest, KillSessionRequest, SessionState,
    StopSessionRequest, exit_status::Status,
};
use codeplane_tests::{
    DaemonOptions, PATIENCE, TestDaemon,
    processes::{Process, Signal},
    scripted, wait_until,
};

/// A daemon whose graces are short.
fn impatient() -> TestDaemon {
    let config = "[sessions]\nhangup_grace = \"200ms\"\nterminate_grace = \"200ms\"\n\
                  leftover_grace = \"300ms\"\n";
    TestDaemon::start_with(DaemonOptions { config: Some(config.to_owned()), ..Default::default() })
}

async fn stop(daemon: &TestDaemon, id: &str) {
    let request = StopSessionRequest { session: id.to_owned(), ..Default::default() };
    daemon.client().await.stop_session(request).await.unwrap();
}

async fn kill(daemon: &TestDaemon, id: &str, signal: &str) {
    let signal = signal.to_owned();
    let request = KillSessionRequest { session: id.to_owned(), signal, ..Default::default() };
    daemon.client().await.kill_session(request).await.unwrap();
}

async fn status(daemon: &TestDaemon, id: &str) -> Status {
    let session = daemon.reaches(id, SessionState::Exited).await;
    assert!(session.end_time.is_some());
    assert_eq!(session.pid, 0);
    session.exit_status.unwrap().status.unwrap()
}

fn process(pid_file: &Path) -> Process {
    wait_until("a pid", PATIENCE, || {
        Process::read(fs::read_to_string(pid_file).ok()?.trim().parse().ok()?)
    })
}

#[tokio::test]
async fn every_exit_code_and_signal_is_told() {
    let daemon = TestDaemon::start();

    for (command, expected) in [
        ("exit 0", Status::Code(0)),
        ("exit 1", Status::Code(1)),
        ("exit 255", Status::Code(255)),
        ("die TERM", Status::Signal(15)),
        ("die KILL", Status::Signal(9)),
        ("die USR2", Status::Signal(12)),
    ] {
        let session = daemon.create(&[command]).await;
        assert_eq!(status(&daemon, &session.id).await, expected, "{command}");
    }
}

#[tokio::test]
async fn a_stop_gets_firmer_until_the_program_ends() {
    let daemon = impatient();

    for (ignored, signal) in
        [(&[][..], 1), (&["ignore HUP"], 15), (&["ignore HUP", "ignore TERM"], 9)]
    {
        let mut script = ignored.to_vec();
        script.extend(["say ready", "forever"]);
        let session = daemon.create(&script).await;
        daemon.printed(&session.id, "ready").await;

        stop(&daemon, &session.id).await;

        assert_eq!(status(&daemon, &session.id).await, Status::Signal(signal), "{ignored:?}");
        let types = daemon.event_types(&session.id).await;
        let ending = ["session.stopping", "session.exited"];
        assert_eq!(types[types.len() - 2..], ending, "{types:?}");
    }
}

#[tokio::test]
async fn a_stop_without_hangup_begins_with_terminate() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["say ready", "forever"]).await;
    daemon.printed(&session.id, "ready").await;
    let zero = prost_types::Duration::default();
    let request = StopSessionRequest {
        session: session.id.clone(),
        hangup_grace: Some(zero),
        ..Default::default()
    };

    daemon.client().await.stop_session(request).await.unwrap();

    assert_eq!(status(&daemon, &session.id).await, Status::Signal(15));
}

#[tokio::test]
async fn nothing_survives_a_stop_however_far_it_has_run_away() {
    let daemon = impatient();
    let before = daemon.traces().await.processes;
    let (far, near) = (daemon.home().join("far"), daemon.home().join("near"));
    let script = [
        "ignore HUP".to_owned(),
        "ignore TERM".to_owned(),
        format!("daemonise {}", far.display()),
        format!("child {}", near.display()),
        "forever".to_owned(),
    ];
    let session = daemon.create(&script.each_ref().map(String::as_str)).await;
    let (far, near) = (process(&far), process(&near));

    stop(&daemon, &session.id).await;

    assert_eq!(status(&daemon, &session.id).await, Status::Signal(9));
    wait_until("all of them to end", PATIENCE, || {
        let now: Vec<_> = daemon.processes().iter().map(|process| process.pid).collect();
        let extra: Vec<_> = now.into_iter().filter(|pid| !before.contains(pid)).collect();
        if extra.is_empty() { Ok(()) } else { Err(extra) }
    });
    assert!(!far.is_alive() && !near.is_alive());
}

#[tokio::test]
async fn signals_are_known_by_their_names() {
    let daemon = TestDaemon::start();

    for (name, number) in
        [("", 9), ("KILL", 9), ("SIGTERM", 15), ("TERM", 15), ("INT", 2), ("USR1", 10)]
    {
        let session = daemon.create(&["say ready", "forever"]).await;
        daemon.printed(&session.id, "ready").await;

        kill(&daemon, &session.id, name).await;

        assert_eq!(status(&daemon, &session.id).await, Status::Signal(number), "{name}");
    }
    let session = daemon.create(&["say ready", "serve"]).await;
    daemon.printed(&session.id, "serving").await;
    kill(&daemon, &session.id, "WINCH").await;
    kill(&daemon, &session.id, "STOP").await;
    kill(&daemon, &session.id, "CONT").await;
    daemon.type_text(&session.id, "exit 4\n").await;
    assert_eq!(status(&daemon, &session.id).await, Status::Code(4));
}

#[tokio::test]
async fn a_kill_reaches_every_process_of_the_session_and_no_other() {
    let daemon = impatient();
    let bystander = daemon.create(&["forever"]).await;
    let far = daemon.home().join("far");
    let session = daemon.create(&[&format!("daemonise {}", far.display()), "forever"]).await;
    let far = process(&far);

    kill(&daemon, &session.id, "KILL").await;

    assert_eq!(status(&daemon, &session.id).await, Status::Signal(9));
    wait_until("the daemonised process to end", PATIENCE, || !far.is_alive());
    assert_eq!(daemon.session(&bystander.id).await.state(), SessionState::Running);
}

#[tokio::test]
async fn what_outlives_the_command_is_killed_after_its_grace_unless_it_is_to_be_kept() {
    let daemon = impatient();
    let files: Vec<_> = ["a", "b", "c", "d"].map(|name| daemon.home().join(name)).to_vec();
    let script = |far: &Path, near: &Path| {
        let daemonise = format!("daemonise {}", far.display());
        scripted(&[&daemonise, &format!("child {}", near.display()), "exit 0"])
    };
    let client = daemon.client().await;
    let killed = client.create_session(script(&files[0], &files[1])).await.unwrap();
    let keep = CreateSessionRequest { keep: true, ..script(&files[2], &files[3]) };
    let kept = client.create_session(keep).await.unwrap();
    let all: Vec<Process> = files.iter().map(|file| process(file)).collect();

    assert_eq!(status(&daemon, &killed.id).await, Status::Code(0));
    assert_eq!(status(&daemon, &kept.id).await, Status::Code(0));

    wait_until("the leftovers to be killed", PATIENCE, || !all[0].is_alive() && !all[1].is_alive());
    assert!(all[2].is_alive() && all[3].is_alive());
    let delete = DeleteSessionRequest { session: kept.id, ..Default::default() };
    client.delete_session(delete).await.unwrap();
    wait_until("the kept ones to go with their session", PATIENCE, || {
        !all[2].is_alive() && !all[3].is_alive()
    });
}

#[tokio::test]
async fn a_running_session_is_deleted_by_force() {
    let daemon = TestDaemon::start();
    let before = daemon.traces().await;
    let session = daemon.create(&["ignore HUP", "ignore TERM", "forever"]).await;
    let delete =
        DeleteSessionRequest { session: session.id.clone(), force: true, ..Default::default() };

    daemon.client().await.delete_session(delete).await.unwrap();

    daemon.leaves_only(&before).await;
    assert_eq!(daemon.endings(&session.id).await, ["session.exited"]);
}

#[tokio::test]
async fn there_is_exactly_one_ending_event_however_a_session_ends() {
    let mut daemon = impatient();
    let nonsense = daemon.home().join("nonsense");
    fs::write(&nonsense, "\x7fELF").unwrap();
    fs::set_permissions(&nonsense, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let client = daemon.client().await;
    let exited = daemon.create(&["exit 0"]).await;
    let signalled = daemon.create(&["die TERM"]).await;
    let stopped = daemon.create(&["forever"]).await;
    let killed = daemon.create(&["forever"]).await;
    let stopped_and_killed = daemon.create(&["ignore HUP", "say ready", "forever"]).await;
    let lost = daemon.create(&["forever"]).await;
    let lost_unseen = daemon.create(&["forever"]).await;
    let ended_unseen = daemon.create(&["await go", "exit 1"]).await;
    let command = vec![nonsense.display().to_string()];
    let failed = CreateSessionRequest { command, ..CreateSessionRequest::default() };
    let failed = client.create_session(failed).await.unwrap();
    daemon.printed(&stopped_and_killed.id, "ready").await;

    stop(&daemon, &stopped.id).await;
    kill(&daemon, &killed.id, "KILL").await;
    stop(&daemon, &stopped_and_killed.id).await;
    kill(&daemon, &stopped_and_killed.id, "KILL").await;
    shim_of(lost.pid).signal(Signal::KILL);
    for id in [&exited, &signalled, &stopped, &killed, &stopped_and_killed].map(|one| &one.id) {
        daemon.reaches(id, SessionState::Exited).await;
    }
    daemon.reaches(&lost.id, SessionState::Lost).await;
    daemon.kill_hard();
    shim_of(lost_unseen.pid).signal(Signal::KILL);
    fs::write(daemon.home().join("go"), "").unwrap();
    daemon.launch();
    daemon.reaches(&lost_unseen.id, SessionState::Lost).await;
    daemon.reaches(&ended_unseen.id, SessionState::Exited).await;
    daemon.restart();
    daemon.restart();

    for (session, ending) in [
        (&exited, "session.exited"),
        (&signalled, "session.exited"),
        (&stopped, "session.exited"),
        (&killed, "session.exited"),
        (&stopped_and_killed, "session.exited"),
        (&ended_unseen, "session.exited"),
        (&lost, "session.lost"),
        (&lost_unseen, "session.lost"),
        (&failed, "session.failed"),
    ] {
        assert_eq!(daemon.endings(&session.id).await, [ending], "{session:?}");
    }
}

/// The shim of a session whose program is `pid`.
fn shim_of(pid: i32) -> Process {
    let program = Process::read(pid).expect("the program lives");
    Process::read(program.parent).expect("its shim lives")
}
