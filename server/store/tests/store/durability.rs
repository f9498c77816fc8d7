use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use codeplane_core::{Session, SessionId};
use codeplane_store::{PreviousEnd, Store, StoreError};
use tokio::task::JoinSet;

use crate::kit::{created, session};

/// Tells the test that is started as a process of its own where to write.
const DIRECTORY: &str = "CODEPLANE_STORE_TEST_DIRECTORY";

/// This test binary again, as a process that can be killed.
fn writer(program: &[&str], directory: &Path) -> Child {
    let this = std::env::current_exe().unwrap();
    let mut command = match program {
        [] => Command::new(&this),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(&this);
            command
        }
    };
    command
        .args(["--exact", "durability::the_process_that_writes", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test by itself: does nothing unless it was started by one of the others.
#[tokio::test]
async fn the_process_that_writes() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let opened = Store::open(Path::new(&directory)).unwrap();
    loop {
        let mut inserts = JoinSet::new();
        for _ in 0..8 {
            let (store, session) = (opened.store.clone(), session(opened.host));
            inserts.spawn(async move {
                let event = created(&session);
                (session.id(), store.insert_session(session, event, None).await)
            });
        }
        for (id, answer) in inserts.join_all().await {
            match answer {
                Ok(_) => println!("\nacknowledged {id}"),
                Err(error) => {
                    println!("\nrefused {error:?}");
                    println!("\nfailed {:?}", opened.store.failed().await);
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn every_acknowledged_row_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();

    for round in 1..=3 {
        let mut child = writer(&[], directory.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut ids = lines.filter_map(|line| Some(line.strip_prefix("acknowledged ")?.parse()));
        let mut next = || ids.next().map(|id: Result<SessionId, _>| id.unwrap());
        for _ in 0..100 * round {
            acknowledged.insert(next().expect("the process ended by itself"));
        }
        child.kill().unwrap();
        // What it said before the kill counts as well.
        while let Some(id) = next() {
            acknowledged.insert(id);
        }
        child.wait().unwrap();

        let opened = Store::open(directory.path()).unwrap();
        assert_eq!(opened.previous_end, PreviousEnd::Cut);
        let sessions = opened.store.sessions().await.unwrap();
        let stored: BTreeSet<_> = sessions.iter().map(Session::id).collect();
        assert!(stored.is_superset(&acknowledged));
        // Nothing half done either: each row has its event.
        assert_eq!(opened.store.newest_revision().0, i64::try_from(stored.len()).unwrap());
        assert_eq!(opened.store.check().await.unwrap().problems, [""; 0]);
        opened.store.close().unwrap();
    }
}

#[tokio::test]
async fn a_refused_fsync_ends_all_writing_and_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    Store::open(directory.path()).unwrap().store.close().unwrap();
    let inject = "inject=fsync,fdatasync:error=EIO:when=20+";
    let quiet = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject];
    if !Command::new("strace").args(["-o", "/dev/null", "true"]).status().is_ok_and(|s| s.success())
    {
        eprintln!("skipped: strace cannot trace here");
        return;
    }

    let output = writer(&quiet, directory.path()).wait_with_output().unwrap();

    let said = String::from_utf8(output.stdout).unwrap();
    let lines = |start: &str| said.lines().filter(|line| line.starts_with(start)).count();
    assert!(lines("acknowledged ") > 0, "{said}");
    assert_eq!((lines("refused Io("), lines("failed Io(")), (1, 1), "{said}");
    let opened = Store::open(directory.path()).unwrap();
    for line in said.lines() {
        if let Some(id) = line.strip_prefix("acknowledged ") {
            let found = opened.store.session(id.parse().unwrap()).await;
            assert!(!matches!(found, Err(StoreError::UnknownSession(_))), "{id} is lost");
        }
    }
    opened.store.close().unwrap();
}
