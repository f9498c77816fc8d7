use codeplane_core::{EventKind, RequestId, Revision};
use codeplane_store::{Patch, RecordedRequest, SessionChange, StoreError};

use crate::kit::{Lab, at, created, event, name, request};

#[tokio::test]
async fn a_repeated_creation_is_answered_and_not_repeated() {
    let lab = Lab::new();
    let asked = request("CreateSession", b"hash");
    let (first, second) = (lab.session(), lab.session());
    lab.store.insert_session(first.clone(), created(&first), Some(asked.clone())).await.unwrap();

    let again = RecordedRequest { answer: b"another".to_vec(), ..asked.clone() };
    let repeated = lab.store.insert_session(second.clone(), created(&second), Some(again)).await;

    let Err(StoreError::RequestRepeated(recorded)) = repeated else { panic!("{repeated:?}") };
    assert_eq!(*recorded, asked);
    assert_eq!(lab.store.sessions().await.unwrap(), [first]);
    assert_eq!(lab.store.newest_revision(), Revision(1));
    assert_eq!(lab.reopen().store.request(asked.id).await.unwrap(), Some(asked));
}

#[tokio::test]
async fn a_request_id_with_other_content_is_a_mistake() {
    let lab = Lab::new();
    let asked = request("CreateSession", b"hash");
    lab.store.record_request(asked.clone()).await.unwrap();

    for other in [
        RecordedRequest { hash: b"other".to_vec(), ..asked.clone() },
        RecordedRequest { method: "DeleteSession".to_owned(), ..asked.clone() },
    ] {
        let answer = lab.store.record_request(other).await;
        assert!(matches!(answer, Err(StoreError::RequestReused(id)) if id == asked.id));
    }
}

#[tokio::test]
async fn a_creation_that_fails_records_nothing() {
    let lab = Lab::new();
    let mut session = lab.session();
    session.spec.name = Some(name("taken"));
    lab.insert(&session).await;
    let mut second = lab.session();
    second.spec.name = Some(name("taken"));
    let asked = request("CreateSession", b"hash");

    let refused =
        lab.store.insert_session(second.clone(), created(&second), Some(asked.clone())).await;

    assert!(matches!(refused, Err(StoreError::NameTaken { .. })));
    assert_eq!(lab.store.request(asked.id).await.unwrap(), None);
}

#[tokio::test]
async fn updates_and_deletions_are_recorded_with_what_they_did() {
    let lab = Lab::new();
    let id = lab.inserted().await.id();
    let change = SessionChange::Described {
        name: Patch::Set(Some(name("new"))),
        labels: Patch::Keep,
        expected: Some(1),
    };
    let update = request("UpdateSession", b"u");
    let delete = request("DeleteSession", b"d");
    let deleted = || event(id, EventKind::SessionDeleted);

    for _ in 0..2 {
        let update = Some(update.clone());
        drop(lab.store.update_session(id, change.clone(), vec![], update).await);
    }
    let version = lab.store.session(id).await.unwrap().version;
    lab.store.delete_session(id, deleted(), Some(delete.clone())).await.unwrap();
    let again = lab.store.delete_session(id, deleted(), Some(delete)).await;

    assert_eq!(version, 2);
    assert!(matches!(again, Err(StoreError::RequestRepeated(_))), "{again:?}");
}

#[tokio::test]
async fn old_requests_are_forgotten() {
    let lab = Lab::new();
    let old = request("StopSession", b"");
    let young = RecordedRequest { recorded_at: at(2_000), ..request("StopSession", b"") };
    lab.store.record_request(old.clone()).await.unwrap();
    lab.store.record_request(young.clone()).await.unwrap();

    assert_eq!(lab.store.forget_requests(at(2_000)).await.unwrap(), 1);

    assert_eq!(lab.store.request(old.id).await.unwrap(), None);
    assert_eq!(lab.store.request(young.id).await.unwrap(), Some(young));
    assert_eq!(lab.store.request(RequestId::random()).await.unwrap(), None);
}
