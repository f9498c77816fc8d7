use codeplane_core::{
    EndReason, EventKind, ExitStatus, Incarnation, Revision, Session, SessionId, SessionState,
    TerminalSize,
};
use codeplane_store::{EventFilter, Patch, SessionChange, StoreError, Update};
use tokio::task::JoinSet;

use crate::kit::{Lab, at, created, event, exited, labels, name};

fn changed(update: Update) -> Session {
    match update {
        Update::Changed(session) => session,
        Update::EndedBefore(session) => panic!("{session:?} had ended before"),
    }
}

#[tokio::test]
async fn a_session_reads_back_as_it_was_written_in_every_state() {
    let lab = Lab::new();
    let states = [
        SessionState::Starting,
        SessionState::Running,
        SessionState::Stopping,
        SessionState::Restarting { until: at(9_000) },
        SessionState::Ended(EndReason::Exited(ExitStatus::Code(0))),
        SessionState::Ended(EndReason::Exited(ExitStatus::Signal(9))),
        SessionState::Ended(EndReason::Lost { cause: "the machine restarted".to_owned() }),
        SessionState::Ended(EndReason::Failed {
            step: "exec".to_owned(),
            message: "no such file".to_owned(),
        }),
    ];
    let mut written = Vec::new();
    for (i, state) in states.into_iter().enumerate() {
        let mut session = lab.session();
        session.spec.name = Some(name(&format!("s{i}")));
        session.spec.labels = labels(&[("team", "a \"b\" 'c'"), ("x/y", "")]);
        session.spec.command = vec!["sh".to_owned(), "-c".to_owned(), "echo \"ü\"\n".to_owned()];
        session.spec.size = TerminalSize::new(1000, 500).unwrap();
        session.spec.parent = Some(SessionId::random());
        session.spec.keep = true;
        session.spec.created_at = at(i64::try_from(i).unwrap());
        session.incarnation = Incarnation(u32::MAX);
        session.state = state;
        session.started_at = Some(at(i64::MIN));
        session.ended_at = Some(at(i64::MAX));
        lab.insert(&session).await;
        written.push(session);
    }

    let lab = lab.reopen();

    assert_eq!(lab.store.sessions().await.unwrap(), written);
    for session in written {
        assert_eq!(lab.store.session(session.id()).await.unwrap(), session);
    }
}

#[tokio::test]
async fn a_hundred_sessions_created_at_once_are_all_there_after_a_restart() {
    let lab = Lab::new();
    let mut inserts = JoinSet::new();
    let mut ids = Vec::new();
    for _ in 0..100 {
        let (store, session) = (lab.store.clone(), lab.session());
        ids.push(session.id());
        inserts.spawn(async move {
            let event = created(&session);
            store.insert_session(session, event, None).await
        });
    }

    let mut revisions: Vec<_> =
        inserts.join_all().await.into_iter().collect::<Result<_, _>>().unwrap();

    let lab = lab.reopen();
    let mut stored: Vec<_> = lab.store.sessions().await.unwrap().iter().map(Session::id).collect();
    stored.sort();
    ids.sort();
    assert_eq!(stored, ids);
    revisions.sort();
    assert_eq!(revisions, (1..=100).map(Revision).collect::<Vec<_>>());
}

#[tokio::test]
async fn one_that_fails_leaves_the_others_of_its_batch_alone() {
    let lab = Lab::new();
    let mut inserts = JoinSet::new();
    for i in 0..30 {
        let (store, mut session) = (lab.store.clone(), lab.session());
        // Every third wants the same name; one of them gets it.
        session.spec.name = (i % 3 == 0).then(|| name("taken"));
        inserts.spawn(async move {
            let event = created(&session);
            store.insert_session(session, event, None).await
        });
    }

    let answers = inserts.join_all().await;

    let refused =
        answers.iter().filter(|answer| matches!(answer, Err(StoreError::NameTaken { .. }))).count();
    assert_eq!(refused, 9);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 21);
    assert_eq!(lab.store.sessions().await.unwrap().len(), 21);
    assert_eq!(lab.store.newest_revision(), Revision(21));
}

#[tokio::test]
async fn a_name_belongs_to_one_session_until_it_is_deleted() {
    let lab = Lab::new();
    let (mut first, mut second) = (lab.session(), lab.session());
    first.spec.name = Some(name("build"));
    second.spec.name = Some(name("build"));
    lab.insert(&first).await;

    let refused = lab.store.insert_session(second.clone(), created(&second), None).await;

    let StoreError::NameTaken { name: taken, by } = refused.unwrap_err() else {
        panic!("another error");
    };
    assert_eq!((taken, by), (name("build"), first.id()));

    lab.store
        .delete_session(first.id(), event(first.id(), EventKind::SessionDeleted), None)
        .await
        .unwrap();

    lab.insert(&second).await;
}

#[tokio::test]
async fn the_same_id_is_not_inserted_twice() {
    let lab = Lab::new();
    let session = lab.inserted().await;

    let again = lab.store.insert_session(session.clone(), created(&session), None).await;

    assert!(matches!(again, Err(StoreError::SessionExists(id)) if id == session.id()));
    assert_eq!(lab.store.newest_revision(), Revision(1));
}

#[tokio::test]
async fn a_session_lives_from_start_to_end() {
    let lab = Lab::new();
    let session = lab.inserted().await;
    let id = session.id();
    let first = Incarnation::FIRST;
    let started = event(id, EventKind::SessionStarted { incarnation: first });
    let update = |change, events| lab.store.update_session(id, change, events, None);

    let running = changed(
        update(SessionChange::Started { incarnation: first, at: at(5) }, vec![started])
            .await
            .unwrap(),
    );
    let stopping = changed(update(SessionChange::Stopping, vec![]).await.unwrap());
    let size = TerminalSize::new(100, 40).unwrap();
    let resized = changed(update(SessionChange::Resized { size }, vec![]).await.unwrap());
    let ended = changed(update(exited(7), vec![]).await.unwrap());

    assert_eq!((running.state, running.started_at), (SessionState::Running, Some(at(5))));
    assert_eq!(stopping.state, SessionState::Stopping);
    assert_eq!(resized.spec.size, size);
    assert_eq!(ended.state, SessionState::Ended(EndReason::Exited(ExitStatus::Code(7))));
    assert_eq!((ended.ended_at, ended.version), (Some(at(3_000)), 5));
    assert_eq!(lab.store.session(id).await.unwrap(), ended);
}

#[tokio::test]
async fn an_incarnation_ends_exactly_once() {
    let lab = Lab::new();
    let id = lab.inserted().await.id();
    let mut ends = JoinSet::new();
    for code in 0..20 {
        let store = lab.store.clone();
        ends.spawn(async move { store.update_session(id, exited(code), vec![], None).await });
    }

    let updates: Vec<_> = ends.join_all().await.into_iter().map(Result::unwrap).collect();

    let winners = updates.iter().filter(|update| matches!(update, Update::Changed(_))).count();
    assert_eq!(winners, 1);
    let filter = EventFilter { session: Some(id), types: vec!["session.exited".to_owned()] };
    let events = lab.store.events_after(Revision(0), filter, 100).await.unwrap();
    let [ending] = &events[..] else { panic!("{events:?}") };
    let stored = lab.store.session(id).await.unwrap();
    let SessionState::Ended(EndReason::Exited(status)) = stored.state else { panic!("{stored:?}") };
    let kind = EventKind::SessionExited { incarnation: Incarnation::FIRST, status };
    assert_eq!((&ending.fact.kind, ending.fact.time), (&kind, at(3_000)));
    assert_eq!(stored.version, 2);
}

#[tokio::test]
async fn what_comes_after_the_end_changes_nothing() {
    let lab = Lab::new();
    let id = lab.inserted().await.id();
    let first = Incarnation::FIRST;
    let ended = changed(lab.store.update_session(id, exited(1), vec![], None).await.unwrap());
    let revision = lab.store.newest_revision();

    for late in [
        SessionChange::Started { incarnation: first, at: at(9) },
        SessionChange::Stopping,
        exited(2),
    ] {
        let events = vec![event(id, EventKind::SessionStopping)];
        let update = lab.store.update_session(id, late, events, None).await.unwrap();

        assert_eq!(update, Update::EndedBefore(ended.clone()));
    }

    assert_eq!(lab.store.session(id).await.unwrap(), ended);
    assert_eq!(lab.store.newest_revision(), revision);
}

#[tokio::test]
async fn a_second_run_ends_with_an_event_of_its_own() {
    let lab = Lab::new();
    let id = lab.inserted().await.id();
    let second = Incarnation(2);
    lab.store.update_session(id, exited(1), vec![], None).await.unwrap();

    let again = SessionChange::Started { incarnation: second, at: at(9) };
    let running = changed(lab.store.update_session(id, again, vec![], None).await.unwrap());
    let late = lab.store.update_session(id, exited(3), vec![], None).await.unwrap();
    let lost = SessionChange::Ended {
        incarnation: second,
        reason: EndReason::Lost { cause: "killed".to_owned() },
        at: at(10),
    };
    let ended = changed(lab.store.update_session(id, lost, vec![], None).await.unwrap());

    assert_eq!((running.state.clone(), running.ended_at), (SessionState::Running, None));
    assert_eq!(late, Update::EndedBefore(running));
    assert_eq!(ended.incarnation, second);
    let types = ["session.exited", "session.lost"].map(str::to_owned).to_vec();
    let filter = EventFilter { session: Some(id), types };
    assert_eq!(lab.store.events_after(Revision(0), filter, 9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_session_told_to_stop_before_it_ran_stays_stopping() {
    let lab = Lab::new();
    let id = lab.inserted().await.id();
    lab.store.update_session(id, SessionChange::Stopping, vec![], None).await.unwrap();

    let start = SessionChange::Started { incarnation: Incarnation::FIRST, at: at(5) };
    let session = changed(lab.store.update_session(id, start, vec![], None).await.unwrap());

    assert_eq!((session.state, session.started_at), (SessionState::Stopping, Some(at(5))));
}

#[tokio::test]
async fn a_description_based_on_an_old_version_is_refused_with_the_current_one() {
    let lab = Lab::new();
    let id = lab.inserted().await.id();
    let describe = |text: &str, expected| SessionChange::Described {
        name: Patch::Set(Some(name(text))),
        labels: Patch::Keep,
        expected,
    };
    let update = |change| lab.store.update_session(id, change, vec![], None);

    let named = changed(update(describe("one", Some(1))).await.unwrap());
    let stale = update(describe("two", Some(1))).await.unwrap_err();
    let forced = changed(update(describe("three", None)).await.unwrap());

    assert_eq!(named.spec.name, Some(name("one")));
    assert!(matches!(stale, StoreError::StaleVersion { expected: 1, current: 2, .. }), "{stale:?}");
    assert_eq!((forced.spec.name, forced.version), (Some(name("three")), 3));
}

#[tokio::test]
async fn a_session_keeps_its_own_name_and_may_give_it_up() {
    let lab = Lab::new();
    let mut session = lab.session();
    session.spec.name = Some(name("mine"));
    lab.insert(&session).await;
    let describe = |to, labels| SessionChange::Described { name: to, labels, expected: None };
    let team = labels(&[("team", "a")]);

    let set = describe(Patch::Set(Some(name("mine"))), Patch::Set(team.clone()));
    let kept = lab.store.update_session(session.id(), set, vec![], None).await.unwrap();
    let unset = describe(Patch::Set(None), Patch::Keep);
    let unnamed = lab.store.update_session(session.id(), unset, vec![], None).await.unwrap();

    assert_eq!(changed(kept).spec.name, Some(name("mine")));
    let unnamed = changed(unnamed);
    assert_eq!((unnamed.spec.name, unnamed.spec.labels), (None, team));
}

#[tokio::test]
async fn taking_the_name_of_another_is_refused_and_changes_nothing() {
    let lab = Lab::new();
    let mut first = lab.session();
    first.spec.name = Some(name("mine"));
    lab.insert(&first).await;
    let second = lab.inserted().await;
    let change = SessionChange::Described {
        name: Patch::Set(Some(name("mine"))),
        labels: Patch::Set(labels(&[("a", "b")])),
        expected: None,
    };

    let events = vec![event(second.id(), EventKind::SessionUpdated)];
    let refused = lab.store.update_session(second.id(), change, events, None).await;

    assert!(matches!(refused, Err(StoreError::NameTaken { by, .. }) if by == first.id()));
    assert_eq!(lab.store.session(second.id()).await.unwrap(), second);
    assert_eq!(lab.store.newest_revision(), Revision(2));
}

#[tokio::test]
async fn a_deleted_session_leaves_its_events() {
    let lab = Lab::new();
    let id = lab.inserted().await.id();

    lab.store.delete_session(id, event(id, EventKind::SessionDeleted), None).await.unwrap();

    assert!(matches!(lab.store.session(id).await, Err(StoreError::UnknownSession(it)) if it == id));
    let filter = EventFilter { session: Some(id), types: vec![] };
    let kinds: Vec<_> = lab.store.events_after(Revision(0), filter, 9).await.unwrap();
    assert_eq!(
        kinds.into_iter().map(|event| event.fact.kind).collect::<Vec<_>>(),
        [EventKind::SessionCreated, EventKind::SessionDeleted]
    );
    let again = lab.store.delete_session(id, event(id, EventKind::SessionDeleted), None).await;
    assert!(matches!(again, Err(StoreError::UnknownSession(_))));
}
