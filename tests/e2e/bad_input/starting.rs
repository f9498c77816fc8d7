//! Daemons that cannot start: a code, one line that names the file and what to do, nothing touched.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
};

use codeplane_client::v1::SessionState;
use codeplane_tests::{DaemonOptions, Finished, PATIENCE, TestDaemon, as_root_only, run, sha256};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

/// Another daemon was there first (`EX_TEMPFAIL`).
const LOCKED: i32 = 75;
/// Settings or directories cannot be used (`EX_CONFIG`).
const CONFIG: i32 = 78;
/// A user that is not us.
const NOBODY: u32 = 65534;

/// Starts another daemon with the directories of `daemon` and waits for its end.
fn start(daemon: &TestDaemon, args: &[&str]) -> Finished {
    run(daemon.command("cpd").args(args), b"", PATIENCE)
}

/// The complaint of a daemon that must not start: one line.
#[track_caller]
fn complaint(finished: Finished, code: i32) -> String {
    let complaint = finished.failure(code);
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    complaint
}

/// The files of a directory that a refused start must leave as they were. Looking at a database
/// makes an empty log beside it.
fn content(directory: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && !is_by_the_way(path))
        .map(|path| (path.display().to_string(), sha256(fs::read(&path).unwrap())))
        .collect();
    files.sort();
    files
}

fn is_by_the_way(path: &Path) -> bool {
    let kind = path.extension().and_then(|kind| kind.to_str()).unwrap_or_default();
    match kind {
        "lock" | "db-shm" => true,
        "db-wal" => fs::metadata(path).is_ok_and(|facts| facts.len() == 0),
        _ => false,
    }
}

/// A state directory with a database that a daemon has written and closed.
fn filled() -> TestDaemon {
    let mut daemon = TestDaemon::start();
    assert_eq!(daemon.stop(), Some(0));
    daemon
}

#[tokio::test]
async fn a_second_daemon_on_the_same_directories_leaves_the_first_unharmed() {
    let daemon = TestDaemon::start();
    let session = daemon.create(&["serve"]).await;

    let both = complaint(start(&daemon, &[]), LOCKED);
    let other_run = daemon.directory().join("other-run");
    let same_state = start(&daemon, &["--runtime-dir", other_run.to_str().unwrap()]);
    let same_state = complaint(same_state, LOCKED);
    let other_state = daemon.directory().join("other-state");
    let same_run = start(&daemon, &["--state-dir", other_state.to_str().unwrap()]);
    let same_run = complaint(same_run, LOCKED);

    for said in [&both, &same_state] {
        assert!(said.contains(&daemon.state_dir().display().to_string()), "{said}");
        assert!(said.contains(&format!("pid {}", daemon.pid())), "{said}");
    }
    assert!(same_run.contains(&daemon.runtime_dir().display().to_string()), "{same_run}");
    assert_eq!(daemon.session(&session.id).await.state(), SessionState::Running);
    daemon.type_text(&session.id, "say unharmed\n").await;
    daemon.printed(&session.id, "unharmed").await;
}

#[test]
fn of_daemons_that_start_at_the_same_time_exactly_one_wins() {
    for _ in 0..5 {
        let daemon = TestDaemon::prepare(DaemonOptions::default());
        let mut racers: Vec<_> = (0..4)
            .map(|_| daemon.command("cpd").stderr(std::process::Stdio::null()).spawn().unwrap())
            .collect();

        let losers = codeplane_tests::wait_until("three to give up", PATIENCE, || {
            let ended: Vec<_> =
                racers.iter_mut().filter_map(|racer| racer.try_wait().unwrap()).collect();
            if ended.len() == 3 { Ok(ended) } else { Err(ended) }
        });

        assert!(losers.iter().all(|status| status.code() == Some(LOCKED)), "{losers:?}");
        for mut racer in racers {
            drop(racer.kill());
            racer.wait().unwrap();
        }
    }
}

#[tokio::test]
async fn a_socket_that_a_killed_daemon_left_behind_is_no_obstacle() {
    let mut daemon = TestDaemon::start();
    let session = daemon.create(&["forever"]).await;
    daemon.kill_hard();
    assert!(daemon.socket().exists(), "it is left behind");

    daemon.launch();

    assert_eq!(daemon.session(&session.id).await.state(), SessionState::Running);
}

#[test]
fn a_directory_in_the_place_of_the_socket_is_named() {
    let daemon = TestDaemon::prepare(DaemonOptions::default());
    let socket = daemon.socket();
    fs::create_dir_all(socket.join("something")).unwrap();
    for directory in [daemon.runtime_dir(), socket.parent().unwrap().to_path_buf()] {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
    }

    let finished = start(&daemon, &["--set", "log.format=human"]);

    assert_eq!(finished.code, CONFIG, "{}", finished.stderr);
    assert!(finished.stderr.contains(socket.to_str().unwrap()), "{}", finished.stderr);
    assert!(socket.join("something").exists());
}

#[test]
fn a_runtime_path_that_no_socket_fits_in_is_refused() {
    let daemon = TestDaemon::prepare(DaemonOptions::default());
    let long = daemon.directory().join("d".repeat(100));

    let said = complaint(start(&daemon, &["--runtime-dir", long.to_str().unwrap()]), CONFIG);

    assert!(said.contains(long.to_str().unwrap()), "{said}");
    assert!(said.contains("choose a shorter --runtime-dir"), "{said}");
    assert!(!long.exists());
}

#[test]
fn a_relative_directory_is_refused() {
    let daemon = TestDaemon::prepare(DaemonOptions::default());

    let said = complaint(start(&daemon, &["--state-dir", "state"]), CONFIG);

    assert!(said.contains("state") && said.contains("absolute"), "{said}");
}

#[test]
fn a_state_directory_that_is_a_file_or_open_to_others_is_refused() {
    let daemon = TestDaemon::prepare(DaemonOptions::default());
    let state = daemon.state_dir();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();

    let open = complaint(start(&daemon, &[]), CONFIG);
    assert!(open.contains(state.to_str().unwrap()) && open.contains("chmod"), "{open}");
    assert_eq!(fs::metadata(&state).unwrap().mode() & 0o777, 0o777, "left as it is");
    assert_eq!(content(&state), []);

    fs::remove_dir(&state).unwrap();
    fs::write(&state, "precious").unwrap();
    let file = complaint(start(&daemon, &[]), CONFIG);
    assert!(file.contains(state.to_str().unwrap()), "{file}");
    assert_eq!(fs::read_to_string(&state).unwrap(), "precious");
}

#[test]
fn a_state_directory_of_somebody_else_is_refused() {
    if !as_root_only("give files away") {
        return;
    }
    let daemon = filled();
    let state = daemon.state_dir();
    let before = content(&state);
    chown(&state, Some(NOBODY), Some(NOBODY)).unwrap();

    let said = complaint(start(&daemon, &[]), CONFIG);

    assert!(said.contains(state.to_str().unwrap()), "{said}");
    assert!(said.contains(&NOBODY.to_string()), "names its owner: {said}");
    assert_eq!(content(&state), before);
}

#[test]
fn a_state_directory_that_cannot_be_written_is_refused() {
    if !as_root_only("become somebody who may not write") {
        return;
    }
    let daemon = TestDaemon::prepare(DaemonOptions::default());
    let (state, runtime) = (daemon.state_dir(), daemon.runtime_dir());
    fs::create_dir(&runtime).unwrap();
    let everybody = fs::Permissions::from_mode(0o711);
    fs::set_permissions(daemon.directory(), everybody).unwrap();
    for directory in [&state, &runtime] {
        chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    fs::set_permissions(&state, fs::Permissions::from_mode(0o500)).unwrap();

    let mut command = daemon.command("cpd");
    let said = complaint(run(command.uid(NOBODY).gid(NOBODY), b"", PATIENCE), CONFIG);

    assert!(said.contains(state.to_str().unwrap()), "{said}");
    assert!(said.to_lowercase().contains("permission denied"), "{said}");
    assert_eq!(content(&state), []);
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_stays_as_it_is() {
    let daemon = filled();
    let state = daemon.state_dir();
    let database = state.join("codeplane.db");
    SqliteConnection::establish(database.to_str().unwrap())
        .unwrap()
        .batch_execute(
            "INSERT INTO __diesel_schema_migrations VALUES ('20991231000001', '2099-12-31')",
        )
        .unwrap();
    let before = content(&state);

    let said = complaint(start(&daemon, &["--set", "log.level=error"]), CONFIG);

    assert!(said.contains(database.to_str().unwrap()), "{said}");
    assert!(said.contains("20991231000001") && said.contains("run the newer program"), "{said}");
    assert_eq!(content(&state), before);
}

#[test]
fn a_damaged_database_is_refused_and_stays_as_it_is() {
    let daemon = filled();
    let state = daemon.state_dir();
    let database = state.join("codeplane.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[..4096].fill(0x55);
    fs::write(&database, bytes).unwrap();
    let before = content(&state);

    let said = complaint(start(&daemon, &["--set", "log.level=error"]), CONFIG);

    assert!(said.contains(database.to_str().unwrap()), "{said}");
    assert!(said.contains("restore a backup"), "{said}");
    assert_eq!(content(&state), before);
}

#[test]
fn a_setting_that_is_none_is_named_with_its_line() {
    let config = "[sessions]\nmax = 5\ncolour = \"red\"\n".to_owned();
    let daemon = TestDaemon::prepare(DaemonOptions { config: Some(config), ..Default::default() });
    let file = daemon.directory().join("config.toml");

    let line = complaint(start(&daemon, &["--config", file.to_str().unwrap()]), CONFIG);
    let flag = complaint(start(&daemon, &["--set", "sessions.max=many"]), CONFIG);
    let value = complaint(start(&daemon, &["--set", "sessions.max=0"]), CONFIG);
    let missing = complaint(start(&daemon, &["--config", "/no/such/file"]), CONFIG);
    let usage = complaint(start(&daemon, &["--colour"]), 2);

    assert!(line.contains(&format!("{}:3", file.display())), "{line}");
    assert!(line.contains("colour"), "{line}");
    assert!(flag.contains("sessions.max=many"), "{flag}");
    assert!(value.contains("sessions.max"), "{value}");
    assert!(missing.contains("/no/such/file"), "{missing}");
    assert!(usage.contains("usage:"), "{usage}");
    assert_eq!(content(&daemon.state_dir()), []);
}
