//! Writes down what happens to one session, in the order in which it happened.

use std::sync::Arc;
use std::time::Duration;

use codeplane_core::audit::{AuditKind, NewAudit};
use codeplane_core::{
    EndReason, EventKind, ExitStatus, Incarnation, Offset, OutputPosition, TerminalSize,
};
use codeplane_store::{SessionChange, StoreError, Trail, Update};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::App;
use crate::session::{Fact, Leftovers, Live};

/// How many facts of one session may wait to be written.
pub(super) const FACTS: usize = 64;

/// A window that is dragged changes its size thirty times a second, and a program may count in its
/// title: rows and events take the last of each second.
const SETTLES: Duration = Duration::from_secs(1);

/// Most bells and notifications of one session that become events in one second.
const NOISE: u32 = 5;

/// Most changes of what a program says of itself that are followed at once in one second; of the rest
/// the last one counts.
const STATUSES: u32 = 5;

/// Facts of which only the newest counts, until their second is over.
#[derive(Debug, Default)]
struct Unsettled {
    size: Option<TerminalSize>,
    title: Option<String>,
    noise: u32,
    statuses: u32,
    /// When the second is over that began with the first of them.
    until: Option<Instant>,
}

impl Unsettled {
    /// Keeps a fact back, or gives it to be written at once.
    fn sift(&mut self, fact: Fact) -> Option<Fact> {
        let passed = match fact {
            Fact::Resized(size) => {
                self.size = Some(size);
                None
            }
            Fact::Title(title) => {
                self.title = Some(title);
                None
            }
            Fact::Bell | Fact::Notification { .. } => {
                self.noise += 1;
                (self.noise <= NOISE).then_some(fact)
            }
            Fact::ProgramStatus => {
                self.statuses += 1;
                (self.statuses <= STATUSES).then_some(fact)
            }
            Fact::Started { .. }
            | Fact::StartFailed { .. }
            | Fact::Degraded(_)
            | Fact::Restored { .. }
            | Fact::Exited(_)
            | Fact::ShimGone => return Some(fact),
        };
        self.until.get_or_insert_with(|| Instant::now() + SETTLES);
        passed
    }

    async fn settled(&self) {
        match self.until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }
}

/// Writes facts until the shim is gone and the end is known, or the daemon ends.
pub(super) async fn record(app: App, live: Arc<Live>, mut facts: mpsc::Receiver<Fact>) {
    let mut unsettled = Unsettled::default();
    loop {
        let fact = tokio::select! {
            // First what was heard, then the end of the daemon.
            biased;
            fact = facts.recv() => fact,
            () = app.shutdown.calls_over() => None,
            () = unsettled.settled() => {
                app.write_unsettled(&live, std::mem::take(&mut unsettled)).await;
                continue;
            }
        };
        let Some(fact) = fact else { break };
        let last = fact == Fact::ShimGone;
        if last || matches!(fact, Fact::Exited(_)) {
            // What happened before the end is written before it.
            app.write_unsettled(&live, std::mem::take(&mut unsettled)).await;
        }
        if let Some(fact) = unsettled.sift(fact) {
            app.record_fact(&live, fact).await;
        }
        if last {
            break;
        }
    }
    app.write_unsettled(&live, unsettled).await;
}

/// How often and how far apart to look whether what was killed is gone: it takes a moment.
const ORPHAN_LOOKS: u32 = 20;
const ORPHAN_PAUSE: Duration = Duration::from_millis(10);

impl App {
    async fn write_unsettled(&self, live: &Arc<Live>, unsettled: Unsettled) {
        if let Some(size) = unsettled.size {
            self.record_size(live, size).await;
        }
        if let Some(title) = unsettled.title {
            self.append(live, EventKind::TerminalTitle { title }).await;
        }
        // Also where word of it found no room.
        self.follow_program(live).await;
        if unsettled.noise > NOISE {
            debug!(session.id = %live.id(), "bells and notifications were too many to record");
        }
    }

    async fn record_fact(&self, live: &Arc<Live>, fact: Fact) {
        let at = |offset| OutputPosition { incarnation: live.incarnation(), offset };
        match fact {
            Fact::Started { incarnation } => self.record_start(live, incarnation).await,
            Fact::StartFailed { step, message } => {
                self.record_end(live, EndReason::Failed { step, message }).await;
            }
            Fact::Exited(status) => self.record_exit(live, status).await,
            Fact::ShimGone => self.settle(live).await,
            Fact::Degraded(since) => {
                warn!(session.id = %live.id(), "output of session {} is not kept: disk full", live.id());
                self.append(live, EventKind::OutputDegraded { since: at(since) }).await;
            }
            Fact::Restored { from, to } => {
                self.append(live, EventKind::OutputRestored { from: at(from), to: at(to) }).await;
            }
            Fact::Resized(size) => self.record_size(live, size).await,
            Fact::Title(title) => self.append(live, EventKind::TerminalTitle { title }).await,
            Fact::Bell => self.append(live, EventKind::TerminalBell).await,
            Fact::ProgramStatus => self.follow_program(live).await,
            Fact::Notification { title, body } => {
                self.append(live, EventKind::TerminalNotification { title, body }).await;
            }
        }
    }

    pub(super) async fn record_start(&self, live: &Arc<Live>, incarnation: Incarnation) {
        let at = self.clock.now();
        live.set_started(at);
        let started = self.event(live.id(), EventKind::SessionStarted { incarnation });
        let change = SessionChange::Started { incarnation, at };
        let record = NewAudit::by_daemon(at, AuditKind::SessionStarted)
            .about(live.id(), Some(incarnation))
            .at(OutputPosition { incarnation, offset: Offset::ZERO });
        self.update(live, change, vec![started], Trail::audited(record)).await;
    }

    async fn record_exit(&self, live: &Arc<Live>, status: ExitStatus) {
        self.record_end(live, EndReason::Exited(status)).await;
    }

    async fn record_size(&self, live: &Arc<Live>, size: TerminalSize) {
        let event = self.event(live.id(), EventKind::TerminalResized { size });
        self.update(live, SessionChange::Resized { size }, vec![event], Trail::default()).await;
    }

    async fn append(&self, live: &Arc<Live>, kind: EventKind) {
        if let Err(error) = self.store.append_events(vec![self.event(live.id(), kind)]).await {
            unwritten(live, &error);
        }
    }

    /// The end of an incarnation: first the row, then everybody who waits.
    ///
    /// The store writes one end an incarnation, whoever comes first.
    pub(super) async fn record_end(&self, live: &Arc<Live>, reason: EndReason) {
        let (incarnation, at) = (live.incarnation(), self.clock.now());
        let change = SessionChange::Ended { incarnation, reason: reason.clone(), at };
        // The store adds what is said of every end.
        self.update(live, change, Vec::new(), Trail::default()).await;
        info!(session.id = %live.id(), "session {} ended: {reason:?}", live.id());
        live.set_ended(reason, at);
        self.forget_agent(live.id()).await;
    }

    /// The shim is gone: what it left behind says how the incarnation ended.
    pub(super) async fn settle(&self, live: &Arc<Live>) {
        if !live.state().is_live() {
            return;
        }
        let looked = Arc::clone(live);
        let reason = match self.shutdown.spawn_blocking(move || looked.written_end()).await {
            Ok(Ok(Some(reason))) => reason,
            Ok(Ok(None)) => {
                self.reap_orphans(live).await;
                EndReason::Lost { cause: "its shim was killed".to_owned() }
            }
            Ok(Err(error)) => {
                EndReason::Lost { cause: format!("its exit status cannot be read: {error}") }
            }
            Err(_) => return,
        };
        self.record_end(live, reason).await;
    }

    /// A shim that was killed could not take everything with it.
    pub(super) async fn reap_orphans(&self, live: &Arc<Live>) {
        for _ in 0..ORPHAN_LOOKS {
            let orphaned = Arc::clone(live);
            let left = self.shutdown.spawn_blocking(move || orphaned.reap_leftovers()).await;
            match left {
                Ok(Leftovers::Dying) => tokio::time::sleep(ORPHAN_PAUSE).await,
                Ok(Leftovers::None) | Err(_) => return,
            }
        }
        warn!(session.id = %live.id(), "processes of session {} are being killed", live.id());
    }

    async fn update(
        &self,
        live: &Arc<Live>,
        change: SessionChange,
        events: Vec<codeplane_core::NewEvent>,
        trail: Trail,
    ) {
        match self.store.update_session(live.id(), change, events, trail).await {
            Ok(Update::Changed(row)) => live.set_row(|session| session.version = row.version),
            Ok(Update::EndedBefore(_)) => {}
            Err(error) => unwritten(live, &error),
        }
    }
}

/// Recovery finds the fact again in the bundle when the daemon starts.
fn unwritten(live: &Live, error: &StoreError) {
    error!(session.id = %live.id(), %error, "a fact of session {} was not written", live.id());
}
