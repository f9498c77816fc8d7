//! Use cases over real rows and no shims.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{
    EndReason, EventKind, ExitStatus, Filter, Incarnation, Labels, Mandate, NewEvent, NewSession,
    Session, SessionId, SessionState, TerminalSize, Timestamp,
};
use codeplane_store::{Opened, SessionChange, Store};
use tempfile::TempDir;
use tokio::sync::Notify;

use super::*;
use crate::config::Span;
use crate::session::{ShimBinary, Watcher};

/// 2026-01-01, in microseconds.
const START: i64 = 1_767_225_600_000_000;
const DAY: i64 = 86_400_000_000;
const YEAR: i64 = 365 * DAY;

pub(super) struct Fixture {
    pub(super) app: App,
    pub(super) clock: Arc<AtomicI64>,
    _dir: TempDir,
}

impl Fixture {
    pub(super) fn new(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let directories =
            Directories { state: dir.path().join("s"), runtime: dir.path().join("r") };
        drop(directories.prepare().unwrap());
        let mut config = Config::default();
        change(&mut config);
        let Opened { store, host, .. } = Store::open(&directories.state).unwrap();
        let clock = Arc::new(AtomicI64::new(START));
        let audit_keys = AuditKeys::prepare(&directories.state, || Ok([1; 32])).unwrap();
        let shutdown = Shutdown::default();
        let watcher = Watcher::start().unwrap();
        let app = App::new(Parts {
            store,
            registry: Registry::default(),
            config,
            directories,
            clock: Clock::Manual(Arc::clone(&clock)),
            surroundings: Arc::new(Surroundings::new(shutdown.token(), 1 << 20, watcher)),
            relisten: Notify::new(),
            shutdown,
            host,
            audit_keys,
            shims: Shims::new(ShimBinary::find()).unwrap(),
            program_open_files: None,
            started_at: Timestamp::from_micros(START),
            draining: AtomicBool::new(false),
            policies: Catalogue::default(),
            requests: InFlight::default(),
            tokens: HookTokens::default(),
            open_calls: OpenCalls::default(),
            receipts: Receipts::default(),
            approvals: Approvals::default(),
            grants: Grants::default(),
            own_env: Vec::new(),
        });
        Self { app, clock, _dir: dir }
    }

    /// A session that has ended, as recovery finds it.
    pub(super) async fn ended_session(&self) -> SessionId {
        let id = SessionId::random();
        let now = self.app.clock.now();
        let session = Session::starting(NewSession {
            id,
            host: self.app.host,
            name: None,
            labels: Labels::default(),
            command: vec!["true".to_owned()],
            cwd: "/".to_owned(),
            size: TerminalSize::DEFAULT,
            provider: "generic".to_owned(),
            source: "test".to_owned(),
            parent: None,
            keep: false,
            mandate: Mandate::default(),
            created_at: now,
        });
        let created = NewEvent { time: now, session: Some(id), kind: EventKind::SessionCreated };
        self.app.store.insert_session(session, created, None).await.unwrap();
        let reason = EndReason::Exited(ExitStatus::Code(0));
        let change = SessionChange::Ended { incarnation: Incarnation::FIRST, reason, at: now };
        self.app.store.update_session(id, change, vec![], None).await.unwrap();
        id
    }

    fn count(&self) -> usize {
        self.app.list(&Filter::default(), 1000, None).sessions.len()
    }
}

#[tokio::test]
async fn ended_sessions_go_when_they_are_old_and_not_when_the_clock_is_set_back() {
    let fixture = Fixture::new(|config| {
        config.sessions.ended_age = Some(Span(Duration::from_secs(7 * 86_400)));
    });
    fixture.ended_session().await;
    fixture.app.recover().await.unwrap();

    for (jump, left) in [(-10 * YEAR, 1), (0, 1), (6 * DAY, 1), (8 * DAY, 0)] {
        fixture.clock.store(START + jump, Ordering::Relaxed);
        fixture.app.retain_rest().await;
        assert_eq!(fixture.count(), left, "after a jump of {} days", jump / DAY);
    }
}

#[tokio::test]
async fn ended_sessions_stay_for_ever_unless_an_age_is_set() {
    let fixture = Fixture::new(|_| {});
    fixture.ended_session().await;
    fixture.app.recover().await.unwrap();

    fixture.clock.store(START + 100 * YEAR, Ordering::Relaxed);
    fixture.app.retain_rest().await;

    assert_eq!(fixture.count(), 1);
}

#[tokio::test]
async fn events_keep_their_order_whatever_the_clock_says() {
    let fixture = Fixture::new(|_| {});
    for jump in [0, 10 * YEAR, -10 * YEAR, 1] {
        fixture.clock.store(START + jump, Ordering::Relaxed);
        let event = fixture.app.own_event(EventKind::DaemonDraining);
        fixture.app.store.append_events(vec![event]).await.unwrap();
    }

    let list = fixture.app.list_events(&Filter::default(), 10, None).await.unwrap();

    let times: Vec<i64> = list.events.iter().map(|one| one.fact.time.as_micros() - START).collect();
    assert_eq!(times, [0, 10 * YEAR, -10 * YEAR, 1]);
    assert!(list.events.is_sorted_by_key(|event| event.revision));
}

#[tokio::test]
async fn a_row_that_was_starting_when_the_daemon_was_killed_is_called_failed_once() {
    let fixture = Fixture::new(|_| {});
    let id = fixture.ended_session().await;
    let other = SessionId::random();
    let mut session = fixture.app.store.session(id).await.unwrap();
    session.spec.id = other;
    session.state = SessionState::Starting;
    let created = fixture.app.event(other, EventKind::SessionCreated);
    fixture.app.store.insert_session(session, created, None).await.unwrap();

    fixture.app.recover().await.unwrap();

    let view = fixture.app.find(&other.to_string()).unwrap().view();
    assert!(matches!(view.session.state, SessionState::Ended(EndReason::Failed { .. })));
    let list = fixture.app.list_events(&Filter::default(), 10, None).await.unwrap();
    let endings = list.events.iter().filter(|event| event.fact.session == Some(other));
    assert_eq!(endings.filter(|event| event.fact.kind.is_ending()).count(), 1);
}

#[tokio::test]
async fn a_directory_of_no_session_is_removed_and_a_strange_file_is_left_alone() {
    let fixture = Fixture::new(|_| {});
    let orphan = fixture.app.directories.bundle(SessionId::random());
    let strange = fixture.app.directories.sessions().join("notes.txt");
    std::fs::create_dir(&orphan).unwrap();
    std::fs::write(&strange, "mine").unwrap();

    fixture.app.recover().await.unwrap();

    assert!(!orphan.exists());
    assert!(strange.exists());
}

fn decided() -> NewAudit {
    NewAudit::by("uid:1000", Timestamp::from_micros(START), AuditKind::DecisionMade)
}

impl Fixture {
    async fn signed_through(&self) -> u64 {
        let newest = self.app.store.newest_checkpoint().await.unwrap();
        newest.map_or(0, |checkpoint| checkpoint.statement.seq.0)
    }

    async fn append(&self, count: usize) {
        self.app.store.append_audit(vec![decided(); count]).await.unwrap();
    }

    /// Waits until so many records are signed, and not for ever.
    async fn is_signed_through(&self, seq: u64) {
        let signed = async {
            while self.signed_through().await < seq {
                tokio::task::yield_now().await;
            }
        };
        // Less than the minute after which everything is signed.
        tokio::time::timeout(Duration::from_secs(50), signed).await.unwrap();
    }
}

#[tokio::test]
async fn a_thousand_records_are_signed_at_once_and_fewer_at_the_end() {
    let fixture = Fixture::new(|_| {});
    let signing = fixture.app.shutdown.spawn(sign_checkpoints(fixture.app.clone()));

    fixture.append(999).await;
    assert_eq!(fixture.signed_through().await, 0);
    fixture.append(1).await;
    fixture.is_signed_through(1000).await;
    fixture.append(5).await;
    fixture.app.shutdown.begin();
    signing.await.unwrap();
    fixture.app.audit_stop().await;

    assert_eq!(fixture.signed_through().await, 1006);
    let verified = fixture.app.verify_audit().await.unwrap().unwrap();
    assert_eq!((verified.records, verified.checkpoints), (1006, 2));
}

#[tokio::test(start_paused = true)]
async fn after_a_minute_everything_is_signed_and_then_nothing_happens() {
    let fixture = Fixture::new(|_| {});
    fixture.append(3).await;
    let signing = fixture.app.shutdown.spawn(sign_checkpoints(fixture.app.clone()));

    tokio::time::sleep(Duration::from_secs(61)).await;
    while fixture.signed_through().await < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(86_400)).await;

    let verified = fixture.app.verify_audit().await.unwrap().unwrap();
    assert_eq!((verified.records, verified.checkpoints), (3, 1));
    assert!(!signing.is_finished());
    fixture.app.shutdown.begin();
    signing.await.unwrap();
}

#[tokio::test]
async fn the_oldest_audit_records_go_when_they_are_too_many() {
    let fixture = Fixture::new(|config| config.audit.max = 1_500);
    for _ in 0..3 {
        fixture.append(1_000).await;
        fixture.app.audit_stop().await;
    }

    fixture.app.retain_rest().await;

    let verified = fixture.app.verify_audit().await.unwrap().unwrap();
    // Through the first checkpoint that covers none of the newest 1,500.
    assert_eq!((verified.first.0, verified.last.0), (1_002, 3_004));
}
