use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use codeplane_core::{Session, SessionState};
use codeplane_store::{OpenError, Opened, Options, ReserveState, Store, StoreError, Update};
use tempfile::TempDir;

use crate::kit::{Lab, created, exited, labels, session, soon};

/// A small disk of its own; gone with the test.
struct SmallDisk {
    _parent: TempDir,
    path: PathBuf,
}

impl SmallDisk {
    /// None where nothing can be mounted.
    fn of_kibibytes(size: u32) -> Option<Self> {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("disk");
        fs::create_dir(&path).unwrap();
        let options = format!("size={size}k,mode=700");
        if !run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs", path.to_str().unwrap()]) {
            eprintln!("skipped: cannot mount a disk here");
            return None;
        }
        Some(Self { _parent: parent, path })
    }

    /// Takes all room.
    fn fill(&self) -> PathBuf {
        let filler = self.path.join("filler");
        let mut file = fs::File::create(&filler).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run("umount", &["-l", self.path.to_str().unwrap()]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

fn open(path: &Path) -> Result<Opened, OpenError> {
    Store::open_with(path, Options { reserve_bytes: 512 * 1024, ..Options::default() })
}

fn big(session: Session) -> Session {
    let pairs: Vec<_> = (0..16).map(|i| (format!("k{i}"), "v".repeat(250))).collect();
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let mut session = session;
    session.spec.labels = labels(&pairs);
    session
}

/// Creates sessions until there is no room.
async fn fill_up(opened: &Opened) -> Vec<Session> {
    let mut inserted = Vec::new();
    for _ in 0..10_000 {
        let session = big(session(opened.host));
        let event = created(&session);
        match opened.store.insert_session(session.clone(), event, None).await {
            Ok(_) => inserted.push(session),
            Err(StoreError::DiskFull) => return inserted,
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("the disk does not get full");
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_records_what_happened_and_recovers() {
    let Some(disk) = SmallDisk::of_kibibytes(8192) else { return };
    let others = disk.path.join("others");
    fs::write(&others, vec![0; 4 * 1024 * 1024]).unwrap();
    let opened = open(&disk.path).unwrap();
    let inserted = fill_up(&opened).await;
    disk.fill();
    let store = &opened.store;

    // Every session's end is written, although there is no room for one more session.
    for session in &inserted {
        let update = store.update_session(session.id(), exited(7), vec![], None).await.unwrap();
        let Update::Changed(ended) = update else { panic!("{update:?}") };
        assert!(matches!(ended.state, SessionState::Ended(_)));
    }
    let late = big(session(opened.host));
    let refused = store.insert_session(late.clone(), created(&late), None).await;
    assert!(matches!(refused, Err(StoreError::DiskFull)), "{refused:?}");
    assert_eq!(store.check().await.unwrap().reserve, ReserveState::Spent);

    fs::remove_file(others).unwrap();
    store.insert_session(late.clone(), created(&late), None).await.unwrap();

    assert_eq!(store.check().await.unwrap().reserve, ReserveState::Whole);
    store.close().unwrap();
    let again = open(&disk.path).unwrap();
    let sessions = again.store.sessions().await.unwrap();
    assert_eq!(sessions.len(), inserted.len() + 1);
    assert_eq!(again.store.check().await.unwrap().problems, [""; 0]);
    again.store.close().unwrap();
}

#[tokio::test]
async fn a_store_starts_on_a_full_disk_by_spending_its_reserve() {
    let Some(disk) = SmallDisk::of_kibibytes(2048) else { return };
    let opened = open(&disk.path).unwrap();
    let before = session(opened.host);
    opened.store.insert_session(before.clone(), created(&before), None).await.unwrap();
    opened.store.close().unwrap();
    let filler = disk.fill();

    let again = open(&disk.path).unwrap();

    let update = again.store.update_session(before.id(), exited(1), vec![], None).await.unwrap();
    assert!(matches!(update, Update::Changed(_)));
    let late = session(again.host);
    let refused = again.store.insert_session(late.clone(), created(&late), None).await;
    assert!(matches!(refused, Err(StoreError::DiskFull)), "{refused:?}");
    fs::remove_file(filler).unwrap();
    again.store.insert_session(late.clone(), created(&late), None).await.unwrap();
    again.store.close().unwrap();
}

#[tokio::test]
async fn a_new_store_on_a_full_disk_says_so() {
    let Some(disk) = SmallDisk::of_kibibytes(1024) else { return };
    disk.fill();

    let error = open(&disk.path).unwrap_err();

    assert!(matches!(error, OpenError::DiskFull(_)), "{error:?}");
}

#[tokio::test]
async fn a_backup_without_room_leaves_nothing_behind_and_the_store_goes_on() {
    let Some(disk) = SmallDisk::of_kibibytes(256) else { return };
    let lab = Lab::new();
    for _ in 0..100 {
        lab.insert(&big(lab.session())).await;
    }

    let refused = lab.store.backup(&disk.path.join("copy.db")).await;

    assert!(matches!(refused, Err(StoreError::DiskFull)), "{refused:?}");
    assert_eq!(fs::read_dir(&disk.path).unwrap().count(), 0);
    lab.inserted().await;
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_is_said_so() {
    let Some(disk) = SmallDisk::of_kibibytes(1024) else { return };
    let path = disk.path.to_str().unwrap();
    assert!(run("mount", &["-o", "remount,ro", path]));

    let error = open(&disk.path).unwrap_err();

    assert!(matches!(error, OpenError::NotWritable { .. }), "{error:?}");
    assert!(error.to_string().contains(path), "{error}");
}

#[tokio::test]
async fn a_file_that_is_replaced_or_removed_under_the_store_ends_all_writing() {
    for name in ["codeplane.db", "codeplane.db-wal"] {
        for replaced in [true, false] {
            let lab = Lab::new();
            let before = lab.inserted().await;
            let path = lab.directory.path().join(name);
            let moved = lab.directory.path().join("moved");
            fs::rename(&path, &moved).unwrap();
            if replaced {
                fs::copy(&moved, &path).unwrap();
            }

            let late = lab.session();
            let refused = lab.store.insert_session(late.clone(), created(&late), None).await;

            let Err(StoreError::Replaced(which)) = refused else { panic!("{name}: {refused:?}") };
            assert!(which.ends_with(name));
            assert!(matches!(soon(lab.store.failed()).await, StoreError::Replaced(_)));
            let again = lab.store.update_session(before.id(), exited(0), vec![], None).await;
            assert!(matches!(again, Err(StoreError::Replaced(_))), "{again:?}");
        }
    }
}
