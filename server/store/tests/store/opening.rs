use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use codeplane_core::Revision;
use codeplane_store::{OpenError, Origin, PreviousEnd, Store};

use crate::kit::{Lab, database_in, files_in, sql};

/// Opens where it must not work; nothing but empty files may have appeared.
fn refused(directory: &Path) -> OpenError {
    let before = files_in(directory);
    let error = match Store::open(directory) {
        Ok(opened) => panic!("{opened:?}"),
        Err(error) => error,
    };
    let mut after = files_in(directory);
    after.retain(|path, content| before.contains_key(path) || !content.is_empty());
    // The index of a write-ahead log is memory that happens to be a file.
    after.retain(|path, _| !path.to_string_lossy().ends_with("-shm"));
    let mut expected = before;
    expected.retain(|path, _| !path.to_string_lossy().ends_with("-shm"));
    assert!(after == expected, "files were changed by a store that refused them");
    error
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[tokio::test]
async fn a_new_directory_gets_a_private_database_and_a_host_that_stays() {
    let directory = tempfile::tempdir().unwrap();
    let first = Store::open(directory.path()).unwrap();
    let file = fs::metadata(database_in(directory.path())).unwrap();

    assert_eq!(first.origin, Origin::Created);
    assert_eq!(first.previous_end, PreviousEnd::Closed);
    assert_eq!(file.mode() & 0o7777, 0o600);
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o077, 0, "{entry:?}");
    }
    first.store.close().unwrap();
    let second = Store::open(directory.path()).unwrap();
    assert_eq!((second.host, second.origin), (first.host, Origin::Existing));
    assert_eq!(second.schema_version, first.schema_version);
}

#[tokio::test]
async fn closing_leaves_one_file_and_answers_whoever_comes_later() {
    let lab = Lab::new();
    let session = lab.inserted().await;

    lab.store.close().unwrap();
    lab.store.close().unwrap();

    assert!(!lab.directory.path().join("codeplane.db-wal").exists());
    let late = lab.store.session(session.id()).await;
    assert!(matches!(late, Err(codeplane_store::StoreError::Closed)), "{late:?}");
    let late = lab.store.forget_requests(crate::kit::at(0)).await;
    assert!(matches!(late, Err(codeplane_store::StoreError::Closed)), "{late:?}");
}

#[tokio::test]
async fn a_store_in_use_is_refused() {
    let lab = Lab::new();

    let second = Store::open(lab.directory.path());

    assert!(matches!(second, Err(OpenError::Locked(_))), "{second:?}");
    lab.store.close().unwrap();
    assert!(Store::open(lab.directory.path()).is_ok());
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_stays_as_it_is() {
    let lab = Lab::new();
    lab.inserted().await;
    lab.store.close().unwrap();
    sql(
        &lab.database(),
        "INSERT INTO __diesel_schema_migrations VALUES ('20991231000001', '2099-12-31'); \
         CREATE TABLE forecasts (id INTEGER); INSERT INTO forecasts VALUES (1);",
    );

    let error = refused(lab.directory.path());

    let OpenError::NewerSchema { found, known, .. } = &error else { panic!("{error:?}") };
    assert_eq!(found, "20991231000001");
    assert!(known < found && error.to_string().contains(known.as_str()), "{error}");
}

#[tokio::test]
async fn a_newer_schema_in_an_unfinished_log_is_refused_and_stays_as_it_is() {
    let lab = Lab::new();
    lab.inserted().await;
    let copy = tempfile::tempdir().unwrap();
    // As a newer daemon leaves it when it is killed: the change is in the log only.
    sql(
        &lab.database(),
        "INSERT INTO __diesel_schema_migrations VALUES ('20991231000001', '2099-12-31')",
    );
    for name in ["codeplane.db", "codeplane.db-wal"] {
        fs::copy(lab.directory.path().join(name), copy.path().join(name)).unwrap();
    }

    let error = refused(copy.path());

    assert!(matches!(error, OpenError::NewerSchema { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_stays_as_it_is() {
    for content in [&b"not a database"[..], &[0x55; 100_000]] {
        let directory = tempfile::tempdir().unwrap();
        let database = database_in(directory.path());
        fs::write(&database, content).unwrap();
        fs::set_permissions(&database, Permissions::from_mode(0o600)).unwrap();

        let error = refused(directory.path());

        assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains("restore a backup"), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_page_is_found_at_the_start() {
    let lab = Lab::new();
    for _ in 0..200 {
        lab.inserted().await;
    }
    lab.store.close().unwrap();
    let mut content = fs::read(lab.database()).unwrap();
    // Not the first page, which has the header; every other one after it.
    for page in content.chunks_mut(4096).skip(2).step_by(2) {
        page[..64].fill(0xaa);
    }
    fs::write(lab.database(), content).unwrap();

    let error = refused(lab.directory.path());

    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let database = database_in(directory.path());
    sql(&database, "CREATE TABLE bookmarks (url TEXT)");
    fs::set_permissions(&database, Permissions::from_mode(0o600)).unwrap();

    let error = refused(directory.path());

    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("another program"), "{error}");
}

#[tokio::test]
async fn an_empty_file_as_a_killed_first_start_leaves_it_is_filled() {
    let directory = tempfile::tempdir().unwrap();
    let database = database_in(directory.path());
    fs::write(&database, b"").unwrap();
    fs::set_permissions(&database, Permissions::from_mode(0o600)).unwrap();

    let opened = Store::open(directory.path()).unwrap();

    assert_eq!(opened.origin, Origin::Created);
    assert_eq!(opened.store.newest_revision(), Revision(0));
}

#[test]
fn a_missing_directory_and_a_file_in_its_place_are_said_so() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"").unwrap();

    for path in [directory.path().join("nowhere"), file] {
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(error, OpenError::Directory { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn what_others_may_touch_is_refused() {
    let lab = Lab::new();
    lab.store.close().unwrap();

    for mode in [0o640, 0o602, 0o604] {
        fs::set_permissions(lab.database(), Permissions::from_mode(mode)).unwrap();
        let error = refused(lab.directory.path());
        assert!(
            matches!(error, OpenError::OpenToOthers { mode: it, .. } if it == mode),
            "{error:?}"
        );
    }
    fs::set_permissions(lab.database(), Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(lab.directory.path(), Permissions::from_mode(0o770)).unwrap();
    let error = refused(lab.directory.path());
    assert!(matches!(error, OpenError::OpenToOthers { mode: 0o770, .. }), "{error:?}");
}

#[tokio::test]
async fn what_belongs_to_another_user_is_refused() {
    if !is_root() {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    let lab = Lab::new();
    lab.store.close().unwrap();
    chown(lab.database(), Some(1234), None).unwrap();

    let error = refused(lab.directory.path());

    assert!(matches!(error, OpenError::WrongOwner { owner: 1234, .. }), "{error:?}");
}

#[tokio::test]
async fn a_link_in_place_of_the_database_is_refused() {
    let elsewhere = Lab::new();
    elsewhere.store.close().unwrap();
    let directory = tempfile::tempdir().unwrap();
    symlink(elsewhere.database(), database_in(directory.path())).unwrap();

    let error = refused(directory.path());

    assert!(matches!(error, OpenError::NotAFile(_)), "{error:?}");
}

#[tokio::test]
async fn a_path_that_looks_like_a_query_is_a_path() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a?mode=memory#%41 ü'");
    fs::create_dir(&directory).unwrap();

    let opened = Store::open(&directory).unwrap();
    opened.store.close().unwrap();

    assert!(fs::metadata(database_in(&directory)).unwrap().len() > 0);
}
