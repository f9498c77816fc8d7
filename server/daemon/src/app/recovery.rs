//! The only way a daemon starts: rows × bundles × live shims → one action each.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use codeplane_core::{
    Action, BundleFacts, EndReason, EventKind, Incarnation, LostCause, Offset, RowFacts, Session,
    SessionId, SessionState, ShimFacts, decide,
};
use codeplane_shim::{
    Bundle, ExitRecord, HelloReply, IndexReader, IndexRecordKind, Outcome, PROTOCOL, ProcessState,
    ShimSocket, ToShim, log_end, segments,
};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::chase::chase;
use super::error::Error;
use super::{App, bundle_file};
use crate::os;
use crate::session::{Link, Live, adopt};

/// How long one shim may take to answer; all are asked at once.
const HELLO_LIMIT: Duration = Duration::from_secs(5);

/// What was found of one session.
struct Found {
    id: SessionId,
    row: Option<Session>,
    bundle: Bundle,
    on_disk: OnDisk,
    shim: Shim,
}

/// What its directory says.
struct OnDisk {
    /// From the session file.
    spec: Option<codeplane_core::NewSession>,
    incarnation: Incarnation,
    exit: Option<ExitRecord>,
    record: Option<codeplane_shim::ShimRecord>,
}

/// Whether its shim is there.
enum Shim {
    Answers(Arc<Link>, Box<HelloReply>),
    Silent,
    OtherBoot,
    Gone,
}

impl App {
    /// Looks at everything there is, and does for each session what the table says. Afterwards every
    /// row is true, and every live shim has its tasks.
    ///
    /// # Errors
    /// If rows or bundles cannot be read; no session is touched then.
    pub(crate) async fn recover(&self) -> Result<(), Error> {
        let rows = self.store.sessions().await.map_err(|error| self.store_error(error))?;
        let mut rows: HashMap<SessionId, Session> =
            rows.into_iter().map(|row| (row.id(), row)).collect();
        let mut ids: Vec<SessionId> = rows.keys().copied().collect();
        let bundles = self.bundles().map_err(Error::internal)?;
        ids.extend(bundles.into_iter().filter(|id| !rows.contains_key(id)));
        let mut looks = JoinSet::new();
        for id in ids {
            looks.spawn(self.clone().look(id, rows.remove(&id)));
        }
        while let Some(found) = looks.join_next().await {
            self.act(found.map_err(Error::internal)?).await?;
        }
        Ok(())
    }

    fn bundles(&self) -> io::Result<Vec<SessionId>> {
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(self.directories.sessions())? {
            let name = entry?.file_name();
            match name.to_str().and_then(|name| name.parse().ok()) {
                Some(id) => ids.push(id),
                None => warn!(?name, "a file among the sessions belongs to none: left alone"),
            }
        }
        Ok(ids)
    }

    async fn look(self, id: SessionId, row: Option<Session>) -> Found {
        let bundle = Bundle::new(self.directories.bundle(id));
        let reading = bundle.clone();
        let on_disk = self.shutdown.spawn_blocking(move || read_bundle(&reading)).await;
        let on_disk = on_disk.unwrap_or(OnDisk {
            spec: None,
            incarnation: Incarnation::FIRST,
            exit: None,
            record: None,
        });
        let shim = self.ask(id, &on_disk).await;
        Found { id, row, bundle, on_disk, shim }
    }

    /// Asks the shim who it is.
    async fn ask(&self, id: SessionId, on_disk: &OnDisk) -> Shim {
        if let Some((link, hello)) = self.greet_shim(id, HELLO_LIMIT).await {
            return Shim::Answers(link, Box::new(hello));
        }
        match &on_disk.record {
            Some(record) if record.is_running() => {
                warn!(session.id = %id, "the shim of session {id} lives but does not answer");
                Shim::Silent
            }
            Some(record) if record.boot_id != os::boot_id() => Shim::OtherBoot,
            Some(_) | None => Shim::Gone,
        }
    }

    /// Connects to a session's shim; none if nobody answers in time. The socket may be that of
    /// another session with the same prefix.
    pub(super) async fn greet_shim(
        &self,
        id: SessionId,
        limit: Duration,
    ) -> Option<(Arc<Link>, HelloReply)> {
        let socket = ShimSocket::connect(&self.directories.shim_socket(id)).ok()?;
        let greeted = async {
            let link = Arc::new(Link::new(socket).ok()?);
            link.send(&ToShim::Hello { protocol: PROTOCOL }).await.ok()?;
            let hello = link.hello().await.ok()?;
            (hello.session == id).then_some((link, hello))
        };
        tokio::time::timeout(limit, greeted).await.ok().flatten()
    }

    async fn act(&self, found: Found) -> Result<(), Error> {
        let row = match &found.row {
            Some(row) => RowFacts::Present(row.state.name()),
            None => RowFacts::Absent,
        };
        let bundle = match (&found.on_disk.exit, &found.on_disk.spec) {
            (Some(_), Some(_)) => BundleFacts::Finished,
            (Some(_), None) if found.row.is_some() => BundleFacts::Finished,
            (None, Some(_)) => BundleFacts::Open,
            (Some(_) | None, None) => BundleFacts::Absent,
        };
        let shim = match &found.shim {
            Shim::Answers(..) => ShimFacts::Answers,
            Shim::Silent => ShimFacts::Silent,
            Shim::OtherBoot => ShimFacts::OtherBoot,
            Shim::Gone => ShimFacts::Gone,
        };
        let action = decide(row, bundle, shim);
        if action != Action::Nothing {
            info!(session.id = %found.id, "session {}: {action:?}", found.id);
        }
        self.carry_out(action, found).await
    }

    async fn carry_out(&self, action: Action, found: Found) -> Result<(), Error> {
        match action {
            Action::Adopt | Action::Wait => self.take_up(found).await,
            Action::Restore => {
                let found = self.put_back(found).await?;
                self.take_up(found).await;
            }
            Action::RestoreEnded => {
                let found = self.put_back(found).await?;
                self.end_found(found, None).await;
            }
            Action::MarkEnded => self.end_found(found, None).await,
            Action::MarkLost(cause) => self.end_found(found, Some(lost(cause))).await,
            Action::MarkFailed => {
                let reason = EndReason::Failed {
                    step: "create".to_owned(),
                    message: "the daemon was killed while it started the session".to_owned(),
                };
                self.end_found(found, Some(reason)).await;
            }
            Action::ShutDown => {
                if let Shim::Answers(link, _) = &found.shim {
                    link.tell(&ToShim::Shutdown).await;
                }
                drop(self.settled(found));
            }
            Action::RemoveBundle => self.discard_bundle(found.id).await,
            Action::Nothing => drop(self.settled(found)),
        }
        Ok(())
    }

    /// A live shim gets its tasks again; one that is silent is asked again until it answers.
    async fn take_up(&self, found: Found) {
        let Some(row) = found.row else { return };
        let live = Live::new(row, found.bundle, Arc::clone(&self.surroundings));
        live.set_extent(oldest(&live), log_end(&live.output_dir()).unwrap_or_default());
        recall_sizes(&live);
        self.registry.insert(Arc::clone(&live));
        match (found.shim, found.on_disk.record) {
            (Shim::Answers(link, hello), _) => self.adopt(&live, link, *hello).await,
            (Shim::Silent | Shim::OtherBoot | Shim::Gone, Some(record)) => {
                self.shims.know(record.pid);
                self.shutdown.spawn(chase(self.clone(), live, record));
            }
            (Shim::Silent | Shim::OtherBoot | Shim::Gone, None) => self.settle(&live).await,
        }
    }

    /// Goes on with a session whose shim has greeted.
    pub(super) async fn adopt(&self, live: &Arc<Live>, link: Arc<Link>, hello: HelloReply) {
        self.shims.know(hello.shim_pid);
        adopt(live, &link, &hello);
        // Its socket's file may have gone with the runtime directory.
        let path = self.directories.shim_socket(live.id());
        if !path.exists() {
            let path = path.as_os_str().as_encoded_bytes();
            link.tell(&ToShim::Relisten { path }).await;
        }
        self.follow_shim(live, link, None);
        match hello.state {
            ProcessState::Starting => {}
            ProcessState::Running => self.confirm_running(live).await,
            ProcessState::Exited { status, .. } => {
                self.record_end(live, EndReason::Exited(status)).await;
            }
            ProcessState::Failed(fault) => {
                let step = fault.step.as_str().to_owned();
                self.record_end(live, EndReason::Failed { step, message: fault.message }).await;
            }
        }
    }

    /// The daemon was killed between the start and its record.
    async fn confirm_running(&self, live: &Arc<Live>) {
        if live.state() == SessionState::Starting {
            self.record_start(live, live.incarnation()).await;
        }
    }

    /// The row from the bundle.
    async fn put_back(&self, mut found: Found) -> Result<Found, Error> {
        let Some(spec) = found.on_disk.spec.take() else { return Ok(found) };
        let mut session = Session::starting(spec);
        // Somebody may have taken the name meanwhile: the session outranks its name.
        if self.registry.reserve(session.spec.name.clone(), found.id).is_err() {
            session.spec.name = None;
        }
        session.incarnation = found.on_disk.incarnation;
        let event = self.event(found.id, EventKind::SessionCreated);
        let inserted = self.store.insert_session(session.clone(), event, None).await;
        inserted.map_err(|error| self.store_error(error))?;
        found.row = Some(session);
        Ok(found)
    }

    /// It is over: with the written end, or with this reason.
    async fn end_found(&self, found: Found, reason: Option<EndReason>) {
        let written = found.on_disk.exit.as_ref().map(|record| match &record.outcome {
            Outcome::Exited(status) => EndReason::Exited(*status),
            Outcome::Failed(fault) => EndReason::Failed {
                step: fault.step.as_str().to_owned(),
                message: fault.message.clone(),
            },
        });
        if let Some(record) = &found.on_disk.record
            && !record.reap_leftovers()
        {
            warn!(session.id = %found.id, "processes of session {} are being killed", found.id);
        }
        let Some(live) = self.settled(found) else { return };
        let reason = reason.or(written).unwrap_or_else(|| lost(LostCause::ShimGone));
        self.record_end(&live, reason).await;
    }

    /// A session without a shim.
    fn settled(&self, found: Found) -> Option<Arc<Live>> {
        let live = Live::new(found.row?, found.bundle, Arc::clone(&self.surroundings));
        let end = log_end(&live.output_dir()).unwrap_or_default();
        live.set_extent(oldest(&live), end);
        recall_sizes(&live);
        self.registry.insert(Arc::clone(&live));
        Some(live)
    }
}

/// What its directory says; what cannot be read is as if it were not there.
fn read_bundle(bundle: &Bundle) -> OnDisk {
    let spec = bundle.read_session().ok().flatten();
    let incarnation = bundle
        .incarnations()
        .ok()
        .and_then(|all| all.last().copied())
        .unwrap_or(Incarnation::FIRST);
    let dir = bundle.incarnation(incarnation);
    OnDisk {
        spec: spec.and_then(|content| bundle_file::decode(&content)),
        incarnation,
        exit: dir.read_exit().ok().flatten(),
        record: dir.read_shim().ok().flatten(),
    }
}

fn oldest(live: &Live) -> Offset {
    let all = segments(&live.output_dir()).unwrap_or_default();
    all.first().map_or(Offset::ZERO, |segment| segment.base)
}

/// The sizes the terminal had, from the index: the emulator needs each where it was set.
fn recall_sizes(live: &Live) {
    let index = live.bundle().incarnation(live.incarnation()).index();
    let Ok(index) = IndexReader::open(&index) else { return };
    let mut first = live.size();
    let mut later = Vec::new();
    for record in index.records_from(0).map_while(Result::ok) {
        match record.kind {
            IndexRecordKind::Start(size) => first = size,
            IndexRecordKind::Resize { size, .. } => later.push((record.offset, size)),
            IndexRecordKind::Time
            | IndexRecordKind::Input(_)
            | IndexRecordKind::Gap { .. }
            | IndexRecordKind::Exit(_)
            | IndexRecordKind::Other(_) => {}
        }
    }
    live.set_sizes(first, &later);
}

fn lost(cause: LostCause) -> EndReason {
    EndReason::Lost {
        cause: match cause {
            LostCause::ShimGone => "its shim was killed while no daemon ran".to_owned(),
            LostCause::Reboot => "the machine was restarted".to_owned(),
        },
    }
}
