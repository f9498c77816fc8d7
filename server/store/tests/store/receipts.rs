use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{Breach, EventKind, SessionAgent, SessionId};
use codeplane_store::{Followed, FollowedKind, Found, Judged, Learnt};

use crate::kit::{Lab, at, event};

fn found(session: SessionId, call: &str) -> Found {
    let breach = Breach {
        session,
        call: call.to_owned(),
        tool: "Bash".to_owned(),
        problem: "it ran".to_owned(),
        judged: false,
        found_at: at(5),
    };
    let record = NewAudit::by_daemon(at(5), AuditKind::Violation).about(session, None);
    let bell = event(session, EventKind::TerminalBell);
    Found { breach, events: vec![bell], audit: vec![record] }
}

#[tokio::test]
async fn a_violation_is_written_once_with_its_event_and_its_record() {
    let lab = Lab::new();
    let session = SessionId::random();
    let revision = lab.store.newest_revision();

    let first = lab.store.found(found(session, "a"), Learnt::default()).await.unwrap();
    let after_first = lab.store.newest_revision();
    let again = lab.store.found(found(session, "a"), Learnt::default()).await.unwrap();

    assert_eq!((first, again), (true, false));
    assert!(after_first > revision);
    assert_eq!(lab.store.newest_revision(), after_first, "no event the second time");
    let judged = lab.store.judged_calls().await.unwrap();
    assert_eq!(judged[&session], Judged { count: 0, unjudged: vec!["a".to_owned()] });
}

#[tokio::test]
async fn what_follows_from_a_violation_is_written_whoever_found_it_first() {
    let lab = Lab::new();
    let session = lab.inserted().await.id();
    lab.store.found(found(session, "a"), Learnt::default()).await.unwrap();

    let agent = SessionAgent { owner: "uid:1".to_owned(), version: 2, ..SessionAgent::default() };
    let learnt = Learnt { agent: Some(agent.clone()), ..Learnt::default() };
    lab.store.found(found(session, "a"), learnt).await.unwrap();

    assert_eq!(lab.store.agents().await.unwrap(), [(session, agent)]);
}

#[tokio::test]
async fn violations_go_with_the_decisions_of_their_time() {
    let lab = Lab::new();
    let session = SessionId::random();
    lab.store.found(found(session, "a"), Learnt::default()).await.unwrap();

    lab.store.forget_reports(at(5)).await.unwrap();
    assert_eq!(lab.store.judged_calls().await.unwrap().len(), 1);
    lab.store.forget_reports(at(6)).await.unwrap();

    assert!(lab.store.judged_calls().await.unwrap().is_empty());
}

#[tokio::test]
async fn followed_files_are_known_until_their_session_is_deleted() {
    let lab = Lab::new();
    let session = lab.inserted().await.id();
    let file = |kind, path: &str, position| Followed { kind, path: path.to_owned(), position };
    let settings = file(FollowedKind::Settings, "/s", 0);

    let first = vec![file(FollowedKind::Transcript, "/t", 5), settings.clone()];
    lab.store.follow_files(session, first).await.unwrap();
    let further = file(FollowedKind::Transcript, "/t", 9);
    lab.store.follow_files(session, vec![further.clone()]).await.unwrap();

    assert_eq!(lab.store.followed_files(session).await.unwrap(), [settings, further]);
    lab.store
        .follow_files(SessionId::random(), vec![file(FollowedKind::Settings, "/x", 0)])
        .await
        .unwrap();
}
