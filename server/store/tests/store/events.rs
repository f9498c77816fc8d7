use codeplane_core::{
    ActivityName, ActivitySource, AgentEvent, ApprovalId, ApprovalState, DecisionId, Event,
    EventKind, ExitStatus, GrantId, HookEventId, Incarnation, NewEvent, Offset, Outcome,
    OutputPosition, Revision, SessionId, TerminalSize,
};
use codeplane_store::{EventFilter, EventOrder, Keep, StoreError};

use crate::kit::{Lab, at, event, soon};

fn position(offset: u64) -> OutputPosition {
    OutputPosition { incarnation: Incarnation(3), offset: Offset(offset) }
}

fn every_kind() -> Vec<EventKind> {
    let incarnation = Incarnation(2);
    let text = || "a \"quote\", ü\u{1}\n".to_owned();
    [
        EventKind::SessionCreated,
        EventKind::SessionStarted { incarnation },
        EventKind::SessionStopping,
        EventKind::SessionExited { incarnation, status: ExitStatus::Code(255) },
        EventKind::SessionExited {
            incarnation: Incarnation(u32::MAX),
            status: ExitStatus::Signal(15),
        },
        EventKind::SessionLost { incarnation: Incarnation(4), cause: text() },
        EventKind::SessionFailed { incarnation: Incarnation(5), step: text(), message: text() },
        EventKind::SessionUpdated,
        EventKind::SessionDeleted,
        EventKind::TerminalResized { size: TerminalSize::new(1000, 1).unwrap() },
        EventKind::TerminalTitle { title: text() },
        EventKind::TerminalBell,
        EventKind::TerminalNotification { title: String::new(), body: text() },
        EventKind::OutputDegraded { since: position(u64::MAX) },
        EventKind::OutputRestored { from: position(1), to: position(2) },
        EventKind::OutputRemoved { oldest: position(0) },
        EventKind::DaemonStarted { version: "0.1.0".to_owned() },
        EventKind::DaemonDraining,
        EventKind::DaemonStopping,
    ]
    .into_iter()
    .chain(every_agent_event().into_iter().map(EventKind::Agent))
    .collect()
}

fn every_agent_event() -> Vec<AgentEvent> {
    let text = || "a \"quote\", ü\u{1}\n".to_owned();
    let (approval, grant) = (ApprovalId::random(), GrantId::random());
    vec![
        AgentEvent::HookReported {
            report: HookEventId::random(),
            provider: text(),
            name: text(),
            tool: text(),
            tool_use_id: text(),
        },
        AgentEvent::DecisionMade {
            decision: DecisionId::random(),
            tool: text(),
            outcome: Outcome::Denied,
            source: text(),
            by: text(),
            reason: text(),
        },
        AgentEvent::ApprovalRequested {
            approval,
            tool: text(),
            subject: text(),
            expires_at: at(7),
        },
        AgentEvent::ApprovalResolved { approval, state: ApprovalState::Expired, by: text() },
        AgentEvent::GrantCreated { grant, subject: text(), by: text() },
        AgentEvent::GrantRevoked { grant, by: text() },
        AgentEvent::GateChanged { gate: text(), reason: text() },
        AgentEvent::ActivityChanged {
            activity: ActivityName::WaitingForApproval,
            source: ActivitySource::ProgramStatus,
        },
        AgentEvent::Violation { tool_use_id: text(), tool: text(), problem: text() },
        AgentEvent::HooksEdited { path: text(), change: text() },
    ]
}

fn bell() -> NewEvent {
    NewEvent { time: at(1), session: None, kind: EventKind::TerminalBell }
}

fn bells(count: usize) -> Vec<NewEvent> {
    vec![bell(); count]
}

async fn all(lab: &Lab) -> Vec<Event> {
    let after = Revision(lab.store.oldest_revision().await.unwrap().0 - 1);
    lab.store.events_after(after, EventFilter::default(), usize::MAX).await.unwrap()
}

#[tokio::test]
async fn every_kind_of_event_reads_back_as_it_was_written() {
    let lab = Lab::new();
    let session = SessionId::random();
    let facts: Vec<_> = every_kind().into_iter().map(|kind| event(session, kind)).collect();
    let types: Vec<_> = facts.iter().map(|fact| fact.kind.type_name()).collect();
    assert!(EventKind::TYPE_NAMES.iter().all(|name| types.contains(name)));

    let revisions = lab.store.append_events(facts.clone()).await.unwrap();

    let lab = lab.reopen();
    let events = all(&lab).await;
    assert!(events.iter().all(|event| event.host == lab.host));
    assert_eq!(events.iter().map(|event| event.revision).collect::<Vec<_>>(), revisions);
    assert_eq!(events.into_iter().map(|event| event.fact).collect::<Vec<_>>(), facts);
}

#[tokio::test]
async fn a_watcher_is_woken_by_each_write_and_finds_the_event() {
    let lab = Lab::new();
    let mut wake = lab.store.revisions();
    assert_eq!(*wake.borrow_and_update(), Revision(0));

    for expected in 1..=3 {
        lab.store.append_events(bells(1)).await.unwrap();
        soon(wake.changed()).await.unwrap();

        assert_eq!(*wake.borrow_and_update(), Revision(expected));
        assert_eq!(all(&lab).await.len(), usize::try_from(expected).unwrap());
    }
    lab.store.forget_requests(at(0)).await.unwrap();
    assert!(!wake.has_changed().unwrap(), "a write without events wakes nobody");
}

#[tokio::test]
async fn a_watcher_is_woken_when_the_store_is_gone() {
    let lab = Lab::new();
    let mut wake = lab.store.revisions();

    lab.store.close().unwrap();

    assert!(soon(wake.changed()).await.is_err());
}

#[tokio::test]
async fn events_are_narrowed_to_a_session_and_to_types() {
    let lab = Lab::new();
    let (one, two) = (SessionId::random(), SessionId::random());
    for session in [one, two] {
        let facts = [EventKind::SessionCreated, EventKind::TerminalBell, EventKind::SessionUpdated];
        let facts = facts.into_iter().map(|kind| event(session, kind)).collect();
        lab.store.append_events(facts).await.unwrap();
    }
    let types = vec!["terminal.bell".to_owned(), "session.updated".to_owned()];
    let revisions = async |session, types, after, limit| {
        let filter = EventFilter { session, types };
        let events = lab.store.events_after(Revision(after), filter, limit).await.unwrap();
        events.iter().map(|event| event.revision.0).collect::<Vec<_>>()
    };

    assert_eq!(revisions(None, vec![], 0, 99).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(revisions(Some(two), vec![], 0, 99).await, [4, 5, 6]);
    assert_eq!(revisions(None, types.clone(), 2, 99).await, [3, 5, 6]);
    assert_eq!(revisions(Some(one), types, 0, 1).await, [2]);
    assert!(revisions(None, vec![], 6, 99).await.is_empty());
}

#[tokio::test]
async fn pages_go_both_ways() {
    let lab = Lab::new();
    lab.store.append_events(bells(5)).await.unwrap();

    for (order, expected) in
        [(EventOrder::OldestFirst, [1, 2, 3, 4, 5]), (EventOrder::NewestFirst, [5, 4, 3, 2, 1])]
    {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let filter = EventFilter::default();
            let page = lab.store.list_events(filter, order, 2, after).await.unwrap();
            assert!(page.events.len() <= 2);
            seen.extend(page.events.iter().map(|event| event.revision.0));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn a_second_ending_is_refused_with_all_that_came_with_it() {
    let lab = Lab::new();
    let session = SessionId::random();
    let incarnation = Incarnation::FIRST;
    let lost = EventKind::SessionLost { incarnation, cause: String::new() };
    let exited = EventKind::SessionExited { incarnation, status: ExitStatus::Code(0) };
    lab.store.append_events(vec![event(session, lost)]).await.unwrap();

    let refused = lab.store.append_events(vec![bell(), event(session, exited.clone())]).await;
    let of_another = lab.store.append_events(vec![event(SessionId::random(), exited)]).await;

    assert!(matches!(refused, Err(StoreError::EndedBefore { session: it, .. }) if it == session));
    assert!(of_another.is_ok());
    assert_eq!(all(&lab).await.len(), 2);
}

#[tokio::test]
async fn revisions_go_on_after_the_newest_events_were_removed_and_after_a_restart() {
    let lab = Lab::new();
    lab.store.append_events(bells(5)).await.unwrap();
    assert_eq!(lab.store.prune_events(Keep::Newest(0)).await.unwrap(), Revision(6));

    let lab = lab.reopen();

    assert_eq!(lab.store.newest_revision(), Revision(5));
    assert_eq!(*lab.store.revisions().borrow(), Revision(5));
    assert_eq!(lab.store.append_events(bells(1)).await.unwrap(), [Revision(6)]);
    assert_eq!(lab.store.newest_revision(), Revision(6));
}

#[tokio::test]
async fn the_oldest_go_until_so_many_are_left() {
    let lab = Lab::new();
    assert_eq!(lab.store.prune_events(Keep::Newest(3)).await.unwrap(), Revision(1));
    lab.store.append_events(bells(5)).await.unwrap();

    assert_eq!(lab.store.prune_events(Keep::Newest(3)).await.unwrap(), Revision(3));
    assert_eq!(lab.store.prune_events(Keep::Newest(9)).await.unwrap(), Revision(3));

    assert_eq!(all(&lab).await.len(), 3);
    assert_eq!(lab.store.oldest_revision().await.unwrap(), Revision(3));
}

#[tokio::test]
async fn the_oldest_go_until_one_is_young_enough_even_if_the_clock_went_back() {
    let lab = Lab::new();
    let facts = [10, 20, 50, 30, 60].map(|time| NewEvent { time: at(time), ..bell() });
    lab.store.append_events(facts.to_vec()).await.unwrap();

    assert_eq!(lab.store.prune_events(Keep::Since(at(10))).await.unwrap(), Revision(1));
    assert_eq!(lab.store.prune_events(Keep::Since(at(40))).await.unwrap(), Revision(3));
    assert_eq!(lab.store.prune_events(Keep::Since(at(99))).await.unwrap(), Revision(6));
}

#[tokio::test]
async fn many_events_are_removed_in_several_steps() {
    let lab = Lab::new();
    for _ in 0..12 {
        lab.store.append_events(bells(1_000)).await.unwrap();
    }

    assert_eq!(lab.store.prune_events(Keep::Newest(10)).await.unwrap(), Revision(11_991));

    assert_eq!(all(&lab).await.len(), 10);
}

#[tokio::test]
async fn a_start_that_retention_has_passed_is_told_the_oldest_revision() {
    let lab = Lab::new();
    lab.store.append_events(bells(5)).await.unwrap();
    lab.store.prune_events(Keep::Newest(2)).await.unwrap();
    let after = |revision| lab.store.events_after(revision, EventFilter::default(), 9);

    let gone = after(Revision(2)).await;
    let kept = after(Revision(3)).await;

    assert!(matches!(gone, Err(StoreError::EventsRemoved { oldest: Revision(4), .. })), "{gone:?}");
    assert_eq!(kept.unwrap().len(), 2);
}

#[tokio::test]
async fn removed_events_do_not_let_an_incarnation_end_again() {
    let lab = Lab::new();
    let id = lab.inserted().await.id();
    lab.store.update_session(id, crate::kit::exited(0), vec![], None).await.unwrap();
    lab.store.prune_events(Keep::Newest(0)).await.unwrap();

    let again = lab.store.update_session(id, crate::kit::exited(1), vec![], None).await.unwrap();

    assert!(matches!(again, codeplane_store::Update::EndedBefore(_)));
    assert_eq!(all(&lab).await, []);
}

#[tokio::test]
async fn an_event_of_an_unknown_type_is_named_and_not_skipped() {
    let lab = Lab::new();
    lab.store.append_events(bells(2)).await.unwrap();
    crate::kit::sql(
        &lab.database(),
        "UPDATE events SET type_name = 'agent.danced' WHERE revision = 2",
    );

    let answer = lab.store.events_after(Revision(0), EventFilter::default(), 9).await;

    let Err(StoreError::DamagedRow { table, key, problem }) = answer else { panic!("{answer:?}") };
    assert_eq!((table, key.as_str()), ("events", "2"));
    assert!(problem.contains("agent.danced"), "{problem}");
}
