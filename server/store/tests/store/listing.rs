use codeplane_core::{EventKind, Filter, Session, SessionId, SessionState};
use codeplane_store::{SESSION_FILTER_FIELDS, StoreError};

use crate::kit::{Lab, at, event, labels, name};

async fn filtered(lab: &Lab, text: &str) -> Vec<SessionId> {
    let filter = Filter::parse(text, &SESSION_FILTER_FIELDS).unwrap();
    let page = lab.store.list_sessions(filter, 100, None).await.unwrap();
    page.sessions.iter().map(Session::id).collect()
}

#[tokio::test]
async fn every_field_filters() {
    let lab = Lab::new();
    let mut one = lab.session();
    one.spec.name = Some(name("one"));
    one.spec.labels = labels(&[("team", "a b"), ("x/y.z", "1")]);
    one.spec.provider = "claude".to_owned();
    one.spec.source = "cli".to_owned();
    one.spec.parent = Some(SessionId::random());
    one.state = SessionState::Running;
    let parent = one.spec.parent.unwrap().to_string();
    let mut two = lab.session();
    two.spec.labels = labels(&[("team", "b")]);
    lab.insert(&one).await;
    lab.insert(&two).await;

    for filter in [
        "name=one",
        "labels.team=\"a b\"",
        "labels.x/y.z=1",
        "provider=claude",
        "source=cli",
        "state=RUNNING",
        &format!("parent={parent}"),
        &format!("state=running AND labels.team=\"a b\" AND host={}", lab.host),
    ] {
        assert_eq!(filtered(&lab, filter).await, [one.id()], "{filter}");
    }
    assert_eq!(filtered(&lab, "state=starting").await, [two.id()]);
    assert_eq!(filtered(&lab, "name=one AND state=starting").await, []);
    assert_eq!(filtered(&lab, &format!("host={}", lab.host)).await.len(), 2);
}

#[tokio::test]
async fn a_filter_that_cannot_match_anything_is_refused_with_the_reason() {
    let lab = Lab::new();

    for text in ["state=sleeping", "parent=abc", "host=abc", r#""labels.a\"b=c""#] {
        let filter = Filter::parse(text, &SESSION_FILTER_FIELDS).unwrap();
        let answer = lab.store.list_sessions(filter, 10, None).await;
        assert!(matches!(answer, Err(StoreError::BadFilter { .. })), "{text}: {answer:?}");
    }
    let many = vec!["name=a"; 17].join(" AND ");
    let many = Filter::parse(&many, &SESSION_FILTER_FIELDS).unwrap();
    let answer = lab.store.list_sessions(many, 10, None).await;
    assert!(matches!(answer, Err(StoreError::BadFilter { .. })));
    let foreign = Filter::parse("colour=red", &["colour"]).unwrap();
    let answer = lab.store.list_sessions(foreign, 10, None).await;
    assert!(matches!(answer, Err(StoreError::BadFilter { .. })));
}

#[tokio::test]
async fn pages_show_everything_once_while_sessions_come_and_go() {
    let lab = Lab::new();
    let mut before = Vec::new();
    for i in 0..10 {
        let mut session = lab.session();
        // Pairs of the same moment: the id decides between them.
        session.spec.created_at = at(i / 2);
        lab.insert(&session).await;
        before.push(session.id());
    }

    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = lab.store.list_sessions(Filter::default(), 3, cursor).await.unwrap();
        seen.extend(page.sessions.iter().map(Session::id));
        // A newcomer, and the session at the cursor goes.
        let mut late = lab.session();
        late.spec.created_at = at(100 + i64::try_from(seen.len()).unwrap());
        if seen.len() < 9 {
            lab.insert(&late).await;
            let gone = page.sessions.last().unwrap().id();
            let event = event(gone, EventKind::SessionDeleted);
            lab.store.delete_session(gone, event, None).await.unwrap();
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }

    let mut old: Vec<_> = seen.iter().copied().filter(|id| before.contains(id)).collect();
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    old.sort();
    before.sort();
    assert_eq!(unique.len(), seen.len());
    assert_eq!(old, before);
}

#[tokio::test]
async fn the_last_page_says_so_even_when_it_is_full() {
    let lab = Lab::new();
    for _ in 0..4 {
        lab.inserted().await;
    }

    let first = lab.store.list_sessions(Filter::default(), 2, None).await.unwrap();
    let last = lab.store.list_sessions(Filter::default(), 2, first.next).await.unwrap();

    assert!(first.next.is_some());
    assert_eq!((last.sessions.len(), last.next), (2, None));
}
