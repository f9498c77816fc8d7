use std::fs;
use std::path::Path;

use codeplane_core::{EventKind, NewEvent, Revision, Timestamp};
use diesel_migrations::FileBasedMigrations;
use tempfile::TempDir;

use crate::inspect::Changes;
use crate::open::open_as;
use crate::{EventFilter, OpenError, Opened, Options, Origin, Store};

const OURS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");

/// The changes of a later version: ours and one more.
fn later(up: &str) -> (TempDir, Changes) {
    let directory = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(OURS).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            let copy = directory.path().join(entry.file_name());
            fs::create_dir(&copy).unwrap();
            for file in ["up.sql", "down.sql"] {
                fs::copy(entry.path().join(file), copy.join(file)).unwrap();
            }
        }
    }
    let more = directory.path().join("2999-12-31-000001_more");
    fs::create_dir(&more).unwrap();
    fs::write(more.join("up.sql"), up).unwrap();
    fs::write(more.join("down.sql"), "SELECT 1;").unwrap();
    let changes = Changes::of(&FileBasedMigrations::from_path(directory.path()).unwrap()).unwrap();
    (directory, changes)
}

fn open_later(directory: &Path, up: &str) -> Result<Opened, OpenError> {
    let (_migrations, changes) = later(up);
    open_as(directory, Options::default(), &changes)
}

async fn events(store: &Store) -> usize {
    store.events_after(Revision(0), EventFilter::default(), 9).await.unwrap().len()
}

/// A state directory that was in use, and the version of its schema.
async fn used() -> (TempDir, String) {
    let directory = tempfile::tempdir().unwrap();
    let Opened { store, schema_version, .. } = Store::open(directory.path()).unwrap();
    let kind = EventKind::DaemonDraining;
    let event = NewEvent { time: Timestamp::from_micros(1), session: None, kind };
    store.append_events(vec![event]).await.unwrap();
    store.close().unwrap();
    (directory, schema_version)
}

#[tokio::test]
async fn an_older_database_is_copied_and_brought_up_to_date() {
    let (directory, version) = used().await;

    let opened =
        open_later(directory.path(), "ALTER TABLE sessions ADD COLUMN mood TEXT;").unwrap();

    let Origin::Migrated { from, copy } = opened.origin else { panic!("{:?}", opened.origin) };
    assert_eq!((from, opened.schema_version.as_str()), (version, "29991231000001"));
    assert_eq!(events(&opened.store).await, 1);
    opened.store.close().unwrap();

    // The copy is the way back.
    let error = Store::open(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::NewerSchema { .. }), "{error:?}");
    fs::rename(copy, directory.path().join("codeplane.db")).unwrap();
    let back = Store::open(directory.path()).unwrap();
    assert_eq!((back.origin, back.host), (Origin::Existing, opened.host));
    assert_eq!(events(&back.store).await, 1);
}

#[tokio::test]
async fn a_change_that_fails_leaves_the_older_database() {
    let (directory, version) = used().await;

    let failed =
        open_later(directory.path(), "ALTER TABLE sessions ADD COLUMN mood TEXT; SELECT nonsense;");

    assert!(matches!(failed, Err(OpenError::Query { .. })), "{failed:?}");
    let opened = Store::open(directory.path()).unwrap();
    assert_eq!((opened.origin, opened.schema_version), (Origin::Existing, version));
    assert_eq!(events(&opened.store).await, 1);
}
