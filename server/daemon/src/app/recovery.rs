//! The only way a daemon starts: rows × bundles × live shims → one action each.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use codeplane_core::audit::NewAudit;
use codeplane_core::{
    Action, Asks, BindingTarget, BundleFacts, EndReason, EventKind, LostCause, PolicyBinding,
    PolicyName, RowFacts, Session, SessionAgent, SessionId, SessionState, ShimFacts, decide,
};
use codeplane_store::{RecordedRequest, Trail};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::App;
use super::bundle_file::{self, Described};
use super::chase::chase;
use super::error::Error;
use super::request::Mutation;
use crate::session::{
    Bundle, GivenUp, Greeting, Link, Live, OnDisk, Program, ShimRecord, ShimState, adopt, ask,
};

/// How long one shim may take to answer; all are asked at once.
const HELLO_LIMIT: Duration = Duration::from_secs(5);

/// What was found of one session.
struct Found {
    id: SessionId,
    row: Option<Session>,
    /// From the session file.
    described: Option<Described>,
    on_disk: OnDisk,
    shim: ShimState,
}

impl App {
    /// Looks at everything there is, and does for each session what the table says. Afterwards every
    /// row is true, and every live shim has its tasks.
    ///
    /// # Errors
    /// If rows or bundles cannot be read; no session is touched then.
    pub(crate) async fn recover(&self) -> Result<(), Error> {
        // Before any session is there to be judged.
        self.load_policies().await?;
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
            Box::pin(self.act(found.map_err(Error::internal)??)).await?;
        }
        Box::pin(self.recover_agents()).await
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

    async fn look(self, id: SessionId, row: Option<Session>) -> Result<Found, Error> {
        let bundle = Bundle::new(self.directories.bundle(id));
        let on_disk = self.shutdown.spawn_blocking(move || OnDisk::read(&bundle)).await;
        let on_disk = on_disk.map_err(Error::internal)?;
        let socket = self.directories.shim_socket(id);
        let shim = ask(id, &socket, on_disk.shim.as_ref(), HELLO_LIMIT).await;
        let described = on_disk.session_file.as_deref().and_then(bundle_file::decode);
        Ok(Found { id, row, described, on_disk, shim })
    }

    async fn act(&self, found: Found) -> Result<(), Error> {
        let row = match &found.row {
            Some(row) => RowFacts::Present(row.state.name()),
            None => RowFacts::Absent,
        };
        let bundle = match (&found.on_disk.end, &found.described) {
            (Some(_), Some(_)) => BundleFacts::Finished,
            (Some(_), None) if found.row.is_some() => BundleFacts::Finished,
            (None, Some(_)) => BundleFacts::Open,
            (Some(_) | None, None) => BundleFacts::Absent,
        };
        let shim = match &found.shim {
            ShimState::Answers(..) => ShimFacts::Answers,
            ShimState::Silent => ShimFacts::Silent,
            ShimState::OtherBoot => ShimFacts::OtherBoot,
            ShimState::Gone => ShimFacts::Gone,
        };
        let action = decide(row, bundle, shim);
        if action != Action::Nothing {
            info!(session.id = %found.id, "session {}: {action:?}", found.id);
        }
        Box::pin(self.carry_out(action, found)).await
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
            Action::MarkFailed => self.give_up(found).await,
            Action::ShutDown => {
                if let ShimState::Answers(link, _) = &found.shim {
                    link.shut_down().await;
                }
                drop(self.settled(found));
            }
            Action::RemoveBundle => self.discard_bundle(found.id).await,
            Action::Nothing => drop(self.settled(found)),
        }
        Ok(())
    }

    /// A start that was cut off. Its shim may be late, or may have come at this very moment: then the
    /// session is that shim's.
    async fn give_up(&self, mut found: Found) {
        let message = "the daemon was killed while it started the session";
        if found.on_disk.shim.is_none() {
            let bundle = Bundle::new(self.directories.bundle(found.id));
            let files = bundle.incarnation(found.on_disk.incarnation);
            let now = self.clock.now();
            let given_up =
                self.shutdown.spawn_blocking(move || match files.give_up(message, now) {
                    Ok(GivenUp::TooLate) => files.read_shim().ok().flatten(),
                    Ok(GivenUp::InTime) | Err(_) => None,
                });
            found.on_disk.shim = given_up.await.ok().flatten();
            if found.on_disk.shim.as_ref().is_some_and(ShimRecord::is_running) {
                found.shim = ShimState::Silent;
                return self.take_up(found).await;
            }
        }
        let reason = EndReason::Failed { step: "create".to_owned(), message: message.to_owned() };
        self.end_found(found, Some(reason)).await;
    }

    /// A live shim gets its tasks again; one that is silent is asked again until it answers.
    async fn take_up(&self, mut found: Found) {
        let shim = std::mem::replace(&mut found.shim, ShimState::Gone);
        let record = found.on_disk.shim.take();
        let Some(live) = self.settled(found) else { return };
        match (shim, record) {
            (ShimState::Answers(link, greeting), _) => self.adopt(&live, link, &greeting).await,
            (ShimState::Silent | ShimState::OtherBoot | ShimState::Gone, Some(record)) => {
                self.shims.know(record.pid);
                self.shutdown.spawn(chase(self.clone(), live, record));
            }
            (ShimState::Silent | ShimState::OtherBoot | ShimState::Gone, None) => {
                self.settle(&live).await;
            }
        }
    }

    /// Goes on with a session whose shim has greeted.
    pub(super) async fn adopt(&self, live: &Arc<Live>, link: Arc<Link>, greeting: &Greeting) {
        self.shims.know(greeting.shim_pid());
        adopt(live, &link, greeting);
        // Its socket's file may have gone with the runtime directory.
        let path = self.directories.shim_socket(live.id());
        if !path.exists() {
            live.listen_at(&path).await;
        }
        self.follow_shim(live, link, None);
        match greeting.program() {
            Program::Starting => {}
            Program::Running => self.confirm_running(live).await,
            Program::Over(reason) => self.record_end(live, reason).await,
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
        let Some(Described { spec, request, policies }) = found.described.take() else {
            return Ok(found);
        };
        let mut session = Session::starting(spec);
        let bindings = self.bindings_again(&mut session, &policies);
        // Somebody may have taken the name meanwhile: the session outranks its name.
        if self.registry.reserve(session.spec.name.clone(), found.id).is_err() {
            session.spec.name = None;
        }
        session.incarnation = found.on_disk.incarnation;
        let event = self.event(found.id, EventKind::SessionCreated);
        let request = self.unrecorded(request, found.id).await?;
        let put_back = self.audit_created(NewAudit::DAEMON, &session, &SessionAgent::default());
        let put_back = put_back.with("recovered", "yes");
        let trail = Trail::audited(put_back).asked(request);
        let inserted =
            self.store.insert_session_bound(session.clone(), bindings, event, trail).await;
        let inserted = inserted.map_err(|error| self.store_error(error))?;
        if let Some(policies) = inserted.policies {
            self.policies.adopt(policies);
        }
        found.row = Some(session);
        Ok(found)
    }

    /// The bindings that a session had when it was created. Where a policy is gone, nobody knows what
    /// it would deny: then nothing is asked, and all that would be is denied.
    fn bindings_again(&self, session: &mut Session, names: &[String]) -> Vec<PolicyBinding> {
        let known = |name: &String| {
            PolicyName::new(name).ok().filter(|name| self.policies.get(name).is_some())
        };
        let policies: Vec<PolicyName> = names.iter().filter_map(known).collect();
        if policies.len() < names.len() {
            warn!(session.id = %session.id(), "session {} was bound to policies that are gone: it is unattended from now on", session.id());
            session.spec.mandate.asks = Asks::Denied;
        }
        let bound = |policy: PolicyName| PolicyBinding {
            policy,
            target: BindingTarget::Session(session.id()),
            principal: NewAudit::DAEMON.to_owned(),
            bound_at: self.clock.now(),
        };
        policies.into_iter().map(bound).collect()
    }

    /// The record of the request that made a session, unless it is there already: the daemon may have
    /// been killed while it deleted the session.
    async fn unrecorded(
        &self,
        request: Option<Mutation>,
        id: SessionId,
    ) -> Result<Option<RecordedRequest>, Error> {
        let Some(request) = request else { return Ok(None) };
        let known = self.store.request(request.id).await;
        Ok(match known.map_err(|error| self.store_error(error))? {
            None => Some(self.recorded(request, "CreateSession", id.to_string())),
            Some(_) => None,
        })
    }

    /// It is over: with the written end, or with this reason.
    async fn end_found(&self, found: Found, reason: Option<EndReason>) {
        let written = found.on_disk.end.clone();
        if let Some(record) = &found.on_disk.shim
            && !record.reap_leftovers(found.id)
        {
            warn!(session.id = %found.id, "processes of session {} are being killed", found.id);
        }
        let Some(live) = self.settled(found) else { return };
        let reason = reason.or(written).unwrap_or_else(|| lost(LostCause::ShimGone));
        self.record_end(&live, reason).await;
    }

    /// A session without a shim.
    fn settled(&self, found: Found) -> Option<Arc<Live>> {
        let bundle = self.directories.bundle(found.id);
        let live = Live::new(found.row?, bundle, Arc::clone(&self.surroundings));
        live.recall();
        self.registry.insert(Arc::clone(&live));
        Some(live)
    }
}

fn lost(cause: LostCause) -> EndReason {
    EndReason::Lost {
        cause: match cause {
            LostCause::ShimGone => "its shim was killed while no daemon ran".to_owned(),
            LostCause::Reboot => "the machine was restarted".to_owned(),
        },
    }
}
