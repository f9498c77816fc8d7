use codeplane_core::audit::{AuditKind, AuditSeq, NewAudit};
use codeplane_core::{EventKind, NewEvent, Revision, SessionId, Timestamp};
use tempfile::TempDir;

use crate::audit;
use crate::error::{Cause, StoreError};
use crate::event::append;
use crate::sqlite::{Fault, fault};
use crate::store::Store;
use crate::transaction::{Transaction, Urgency};
use crate::{Options, ReserveState};

fn store() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { reserve_bytes: 64 * 1024, ..Options::default() };
    let store = Store::open_with(directory.path(), options).unwrap().store;
    (directory, store)
}

fn bell() -> NewEvent {
    let kind = EventKind::TerminalBell;
    NewEvent { time: Timestamp::from_micros(1), session: None, kind }
}

async fn ring(store: &Store) -> Result<Revision, StoreError> {
    store.write(Urgency::Ordinary, |transaction| append(transaction, &bell())).await
}

async fn fail(store: &Store, urgency: Urgency, error: StoreError) -> Result<Revision, StoreError> {
    store
        .write(urgency, move |transaction| {
            append(transaction, &bell())?;
            Err(error.clone())
        })
        .await
}

async fn rung(store: &Store) -> usize {
    store.events_after(Revision(0), crate::EventFilter::default(), 1_000).await.unwrap().len()
}

#[tokio::test]
async fn a_job_that_finds_the_disk_full_does_not_take_its_batch_with_it() {
    let (_directory, store) = store();

    // A first commit runs alone; the others queue behind it and share the next.
    let (first, one, full, two) = tokio::join!(
        ring(&store),
        ring(&store),
        fail(&store, Urgency::Ordinary, StoreError::DiskFull),
        ring(&store),
    );

    assert!(first.is_ok() && one.is_ok() && two.is_ok());
    assert!(matches!(full, Err(StoreError::DiskFull)));
    assert_eq!(rung(&store).await, 3);
    assert_eq!(store.newest_revision(), Revision(3));
}

#[tokio::test]
async fn a_job_that_is_undone_takes_its_audit_records_with_it() {
    let (_directory, store) = store();
    let started = NewAudit::by_daemon(Timestamp::from_micros(1), AuditKind::DaemonStarted);
    let write = |outcome: Result<(), StoreError>| {
        let (store, started) = (store.clone(), started.clone());
        async move {
            let work = move |transaction: &mut Transaction<'_>| {
                let seq = audit::append(transaction, &started)?;
                outcome.clone().map(|()| seq)
            };
            store.write(Urgency::Ordinary, work).await
        }
    };
    let refused = || Err(StoreError::UnknownSession(SessionId::from_bytes([1; 16])));

    // A first commit runs alone; the others queue behind it and share the next. A full disk tears
    // the transaction of all, a refusal that of the job.
    let answers = tokio::join!(
        write(Ok(())),
        write(refused()),
        write(Ok(())),
        write(Err(StoreError::DiskFull)),
        write(Ok(())),
    );

    let (one, undone, two, full, three) = answers;
    assert!(undone.is_err() && full.is_err());
    assert_eq!([one, two, three].map(Result::unwrap), [1, 2, 3].map(AuditSeq));
    let verified = store.verify_audit(vec![], vec![]).await.unwrap().unwrap();
    assert_eq!((verified.records, verified.last), (3, AuditSeq(3)));
    assert_eq!(store.audit_head().borrow().hash, verified.hash);
}

#[tokio::test]
async fn the_reserve_is_spent_on_the_essential_and_made_again() {
    let (_directory, store) = store();
    assert_eq!(store.check().await.unwrap().reserve, ReserveState::Whole);

    fail(&store, Urgency::Ordinary, StoreError::DiskFull).await.unwrap_err();
    let after_ordinary = store.check().await.unwrap().reserve;
    fail(&store, Urgency::Essential, StoreError::DiskFull).await.unwrap_err();
    let after_essential = store.check().await.unwrap().reserve;
    ring(&store).await.unwrap();
    let with_room = store.check().await.unwrap().reserve;

    assert_eq!(after_ordinary, ReserveState::Whole);
    assert_eq!(after_essential, ReserveState::Spent);
    assert_eq!(with_room, ReserveState::Whole);
}

#[tokio::test]
async fn a_disk_that_refuses_a_write_ends_all_writing_and_says_so() {
    let (_directory, store) = store();
    let refused = || StoreError::Io(Cause::new("disk I/O error"));
    ring(&store).await.unwrap();

    let (first, other) = tokio::join!(fail(&store, Urgency::Essential, refused()), ring(&store));

    assert!(matches!(first, Err(StoreError::Io(_))));
    // It ran before the failure, or was refused for it: never in between.
    assert!(matches!(other, Ok(_) | Err(StoreError::Io(_))), "{other:?}");
    assert!(matches!(ring(&store).await, Err(StoreError::Io(_))));
    assert!(matches!(store.failed().await, StoreError::Io(_)));
    assert!(rung(&store).await <= 2);
    assert!(matches!(store.close(), Err(StoreError::Io(_))));
}

#[tokio::test]
async fn a_job_that_panics_ends_all_writing() {
    let (_directory, store) = store();

    let lost = store
        .write(Urgency::Ordinary, |_| -> Result<(), StoreError> { panic!("a mistake of ours") })
        .await;

    assert!(matches!(lost, Err(StoreError::Crashed | StoreError::Closed)), "{lost:?}");
    assert!(matches!(store.failed().await, StoreError::Crashed));
    assert!(matches!(ring(&store).await, Err(StoreError::Crashed)));
}

#[tokio::test]
async fn a_full_queue_is_answered_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { write_queue: 1, read_queue: 1, ..Options::default() };
    let store = Store::open_with(directory.path(), options).unwrap().store;
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let (begun, begins) = tokio::sync::oneshot::channel();
    let mut begun = Some(begun);
    let blocked = store.write(Urgency::Ordinary, move |_| {
        if let Some(begun) = begun.take() {
            begun.send(()).unwrap();
        }
        gate.lock().unwrap().recv().unwrap();
        Ok(())
    });
    let test = async {
        begins.await.unwrap();
        let queued = ring(&store);
        let refused = async {
            let answer = ring(&store).await;
            go.send(()).unwrap();
            answer
        };
        tokio::join!(queued, refused)
    };

    let (blocked, (queued, refused)) = tokio::join!(blocked, test);

    assert!(blocked.is_ok() && queued.is_ok());
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
}

#[tokio::test]
async fn what_is_queued_together_is_committed_together() {
    let (_directory, store) = store();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let blocked = store.write(Urgency::Ordinary, move |_| {
        gate.lock().unwrap().recv().unwrap();
        Ok(())
    });
    let mut rings = tokio::task::JoinSet::new();
    let test = async {
        for _ in 0..200 {
            let store = store.clone();
            rings.spawn(async move { ring(&store).await });
        }
        tokio::task::yield_now().await;
        go.send(()).unwrap();
    };

    let (blocked, ()) = tokio::join!(blocked, test);
    let rung: Result<Vec<_>, _> = rings.join_all().await.into_iter().collect();

    assert!(blocked.is_ok());
    assert_eq!(rung.unwrap().len(), 200);
    // Each commit adds at least a page to the log: 200 of them would be 800 KiB.
    let wal_bytes = store.check().await.unwrap().wal_bytes;
    assert!(wal_bytes < 400 * 1024, "{wal_bytes} bytes");
}

#[test]
fn every_fault_of_the_disk_is_told_from_a_mistake_of_ours() {
    for (text, expected) in [
        ("database or disk is full", Fault::Full),
        ("disk I/O error", Fault::Io),
        ("attempt to write a readonly database", Fault::Io),
        ("database disk image is malformed", Fault::Damaged),
        ("file is not a database", Fault::Damaged),
        ("database is locked", Fault::Locked),
        ("UNIQUE constraint failed: sessions.id", Fault::Other),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
}

#[tokio::test]
async fn a_write_whose_caller_has_gone_is_done_all_the_same() {
    let (_directory, store) = store();

    {
        let write = std::pin::pin!(ring(&store));
        let polled = poll_once(write).await;
        assert!(polled.is_none());
    }

    ring(&store).await.unwrap();
    assert_eq!(rung(&store).await, 2);
}

async fn poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
