use std::fs;
use std::os::unix::fs::MetadataExt;

use codeplane_store::{Store, StoreError};
use tokio::task::JoinSet;

use crate::kit::{Lab, created, database_in, sql};

#[tokio::test]
async fn a_backup_made_under_load_opens_with_everything_acknowledged_before_it() {
    let lab = Lab::new();
    let before = lab.inserted().await;
    let mut load = JoinSet::new();
    for _ in 0..200 {
        let (store, session) = (lab.store.clone(), lab.session());
        load.spawn(async move {
            let event = created(&session);
            store.insert_session(session, event, None).await.unwrap();
        });
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = database_in(elsewhere.path());

    lab.store.backup(&copy).await.unwrap();
    load.join_all().await;

    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1, "nothing else is left");
    let restored = Store::open(elsewhere.path()).unwrap();
    assert_eq!(restored.host, lab.host);
    assert_eq!(restored.store.session(before.id()).await.unwrap(), before);
    let sessions = restored.store.sessions().await.unwrap().len();
    assert_eq!(restored.store.newest_revision().0, i64::try_from(sessions).unwrap());
    assert_eq!(restored.store.check().await.unwrap().problems, [""; 0]);
    assert_eq!(lab.store.sessions().await.unwrap().len(), 201);
}

#[tokio::test]
async fn a_backup_overwrites_nothing() {
    let lab = Lab::new();
    let copy = lab.directory.path().join("copy.db");
    fs::write(&copy, b"precious").unwrap();

    let refused = lab.store.backup(&copy).await;

    assert!(matches!(refused, Err(StoreError::BackupExists(path)) if path == copy));
    assert_eq!(fs::read(&copy).unwrap(), b"precious");
}

#[tokio::test]
async fn a_backup_to_nowhere_says_so_and_the_store_goes_on() {
    let lab = Lab::new();
    let nowhere = lab.directory.path().join("nowhere/copy.db");

    let refused = lab.store.backup(&nowhere).await;

    assert!(matches!(refused, Err(StoreError::Backup { path, .. }) if path == nowhere));
    lab.inserted().await;
    lab.store.backup(&lab.directory.path().join("copy.db")).await.unwrap();
}

#[tokio::test]
async fn a_check_of_a_sound_store_finds_nothing_and_counts() {
    let lab = Lab::new();
    lab.inserted().await;

    let check = lab.store.check().await.unwrap();

    assert_eq!(check.problems, [""; 0]);
    assert_eq!((check.sessions, check.events, check.newest_revision.0), (1, 1, 1));
    assert!(check.database_bytes > 0 && check.wal_bytes > 0 && check.free_bytes > 0);
}

#[tokio::test]
async fn a_check_finds_damage() {
    let lab = Lab::new();
    lab.inserted().await;
    // An index that lost its entry: readable, and wrong.
    sql(
        &lab.database(),
        "PRAGMA writable_schema = ON; \
         UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master \
         WHERE name = 'requests_recorded') WHERE name = 'sessions_created'; \
         PRAGMA schema_version = 1000;",
    );
    let lab_check = lab.store.check().await;

    match lab_check {
        Ok(check) => assert!(!check.problems.is_empty()),
        Err(error) => assert!(matches!(error, StoreError::Damaged(_)), "{error:?}"),
    }
}
