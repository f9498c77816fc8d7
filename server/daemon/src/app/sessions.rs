//! Get, list, stop, kill, delete.

use std::sync::Arc;
use std::time::Duration;

use codeplane_core::audit::AuditKind;
use codeplane_core::{ActivityName, EventKind, Filter, StateName, Term, Timestamp};
use codeplane_store::{SessionChange, Trail, Update};
use tracing::{debug, info, warn};

use super::error::Error;
use super::request::Mutation;
use super::{App, Caller};
use crate::session::{Live, StopPlan, View};

/// What sessions can be filtered on.
pub(crate) const SESSION_FILTER_FIELDS: [&str; 8] =
    ["state", "name", "provider", "source", "parent", "gate", "activity", "labels."];

/// How long a forced delete waits for a killed session to end.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// Some sessions, and where the next page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Oldest first.
    pub sessions: Vec<View>,
    /// To be given to the next call; none at the end.
    pub next: Option<Cursor>,
}

/// Behind which session a page begins.
pub(crate) type Cursor = (Timestamp, codeplane_core::SessionId);

/// How to stop; none of a time means the daemon's setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StopRequest {
    /// Time between SIGHUP and SIGTERM; zero skips SIGHUP.
    pub hangup_grace: Option<Duration>,
    /// Time between SIGTERM and SIGKILL.
    pub terminate_grace: Option<Duration>,
}

/// Which signal to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KillRequest {
    /// Its name; empty is KILL.
    pub signal: String,
}

/// How to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeleteRequest {
    /// What to do about a session that still runs.
    pub if_running: IfRunning,
    /// The version it depends on.
    pub expected: Option<i64>,
}

/// What to do about a session that still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfRunning {
    /// Refuse.
    Refuse,
    /// Kill it first.
    Kill,
}

impl App {
    /// Sessions in the order of their creation.
    #[must_use]
    pub(crate) fn list(&self, filter: &Filter, size: usize, after: Option<Cursor>) -> Page {
        let mut views: Vec<View> = self
            .registry
            .all()
            .iter()
            .map(|live| live.view())
            .filter(|view| filter.matches(|term| holds(view, term)))
            .filter(|view| after.is_none_or(|after| cursor(view) > after))
            .collect();
        views.sort_by_key(cursor);
        let more = views.len() > size;
        views.truncate(size);
        let next = if more { views.last().map(cursor) } else { None };
        Page { sessions: views, next }
    }

    /// Asks a session to end, ever more firmly. Answers at once.
    ///
    /// # Errors
    /// [`Error::WrongState`] if it has ended.
    ///
    /// # Cancel safety
    /// Once begun it is carried out.
    pub(crate) async fn stop(
        &self,
        caller: &Caller,
        reference: &str,
        request: StopRequest,
        mutation: Option<Mutation>,
    ) -> Result<View, Error> {
        let live = self.find(reference)?;
        let (app, same, caller) = (self.clone(), Arc::clone(&live), caller.clone());
        let work = async move { app.stop_once(&caller, live, request).await };
        self.once("StopSession", mutation, move || Ok(same.view()), work).await
    }

    async fn stop_once(
        &self,
        caller: &Caller,
        live: Arc<Live>,
        request: StopRequest,
    ) -> Result<View, Error> {
        require_live(&live)?;
        let settings = &self.config.sessions;
        let plan = StopPlan {
            hangup_grace: request.hangup_grace.unwrap_or(settings.hangup_grace.0),
            terminate_grace: request.terminate_grace.unwrap_or(settings.terminate_grace.0),
        };
        live.stop(plan).await.map_err(|_| gone(&live))?;
        live.set_stopping();
        info!(session.id = %live.id(), principal = caller.principal, "session {} is told to stop", live.id());
        let event = self.event(live.id(), EventKind::SessionStopping);
        let record = self.audit_of(&caller.principal, AuditKind::SessionStopped, &live);
        let (change, trail) = (SessionChange::Stopping, Trail::audited(record));
        match self.store.update_session(live.id(), change, vec![event], trail).await {
            Ok(Update::Changed(row)) => live.set_row(|session| session.version = row.version),
            // It was faster than we.
            Ok(Update::EndedBefore(_)) => {}
            Err(error) => warn!(session.id = %live.id(), %error, "the stop was not recorded"),
        }
        Ok(live.view())
    }

    /// Sends one signal.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unknown name, [`Error::WrongState`] if it has ended.
    ///
    /// # Cancel safety
    /// Once begun it is carried out.
    pub(crate) async fn kill(
        &self,
        caller: &Caller,
        reference: &str,
        request: KillRequest,
        mutation: Option<Mutation>,
    ) -> Result<View, Error> {
        let live = self.find(reference)?;
        let (app, same, caller) = (self.clone(), Arc::clone(&live), caller.clone());
        let work = async move { app.kill_once(&caller, live, &request).await };
        self.once("KillSession", mutation, move || Ok(same.view()), work).await
    }

    async fn kill_once(
        &self,
        caller: &Caller,
        live: Arc<Live>,
        request: &KillRequest,
    ) -> Result<View, Error> {
        let name = if request.signal.is_empty() { "KILL" } else { &request.signal };
        let Some(signal) = crate::os::signal_number(name) else {
            let shown = name.escape_debug();
            return Err(Error::invalid(
                "signal",
                format!("'{shown}' is no signal: write for example KILL, TERM or INT"),
            ));
        };
        require_live(&live)?;
        live.signal(signal).await.map_err(|_| gone(&live))?;
        info!(session.id = %live.id(), principal = caller.principal, signal, "session {} gets signal {signal}", live.id());
        let record = self.audit_of(&caller.principal, AuditKind::SessionKilled, &live);
        self.note(record.with("signal", name)).await;
        Ok(live.view())
    }

    /// Removes an ended session with its output.
    ///
    /// # Errors
    /// [`Error::WrongState`] while it runs and `if_running` refuses; [`Error::Stale`].
    ///
    /// # Cancel safety
    /// Once begun it is carried out.
    pub(crate) async fn delete(
        &self,
        caller: &Caller,
        reference: &str,
        request: DeleteRequest,
        mutation: Option<Mutation>,
    ) -> Result<(), Error> {
        let (app, caller, reference) = (self.clone(), caller.clone(), reference.to_owned());
        let work = async move {
            let live = app.find(&reference)?;
            let version = live.session().version;
            if request.expected.is_some_and(|expected| expected != version) {
                return Err(Error::Stale { session: live.id(), current: version.to_string() });
            }
            app.remove(&caller.principal, live, request.if_running).await
        };
        self.once("DeleteSession", mutation, || Ok(()), work).await
    }

    /// The row goes first: a bundle without a row is removed when the daemon starts.
    pub(super) async fn remove(
        &self,
        principal: &str,
        live: Arc<Live>,
        if_running: IfRunning,
    ) -> Result<(), Error> {
        if live.state().is_live() {
            match if_running {
                IfRunning::Refuse => {
                    return Err(Error::WrongState {
                        session: live.id(),
                        is: live.state_name(),
                        wanted: "stop it first, or use force (cpctl rm --force)",
                    });
                }
                IfRunning::Kill => self.kill_and_wait(&live).await?,
            }
        }
        // Leftovers of an ended session go with it.
        live.shut_down().await;
        let event = self.event(live.id(), EventKind::SessionDeleted);
        let trail = Trail::audited(self.audit_of(principal, AuditKind::SessionDeleted, &live));
        let deleted = self.store.delete_session(live.id(), event, trail).await;
        deleted.map_err(|error| self.store_error(error))?;
        self.policies.forget(live.id());
        self.registry.remove(live.id());
        live.set_deleted();
        self.surroundings.watcher().forget(live.id());
        self.discard_bundle(live.id()).await;
        info!(session.id = %live.id(), "session {} deleted", live.id());
        Ok(())
    }

    async fn kill_and_wait(&self, live: &Arc<Live>) -> Result<(), Error> {
        if live.signal(libc::SIGKILL).await.is_err() {
            debug!(session.id = %live.id(), "it ended before it was killed");
        }
        let ended = live.until(|live| (!live.state().is_live()).then_some(()));
        tokio::time::timeout(KILL_LIMIT, ended).await.map_err(|_| Error::WrongState {
            session: live.id(),
            is: live.state_name(),
            wanted: "it does not die: look at its processes",
        })
    }

    /// Removes a bundle's files; what cannot be removed is tried again at the next start.
    pub(super) async fn discard_bundle(&self, id: codeplane_core::SessionId) {
        let bundle = self.directories.bundle(id);
        let socket = self.directories.shim_socket(id);
        let removed = self.shutdown.spawn_blocking(move || {
            drop(std::fs::remove_file(socket));
            match std::fs::remove_dir_all(&bundle) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            }
        });
        if let Ok(Err(error)) = removed.await {
            warn!(session.id = %id, %error, "the files of session {id} were not all removed");
        }
    }
}

/// What is wrong where a session is not live.
const ONLY_LIVE: &str = "only one that runs can be told anything";

/// An error unless the session's process may still be there.
pub(super) fn require_live(live: &Live) -> Result<(), Error> {
    let is = live.state_name();
    if live.state().is_live() {
        return Ok(());
    }
    Err(Error::WrongState { session: live.id(), is, wanted: ONLY_LIVE })
}

/// The session's process is not there to be told.
pub(super) fn gone(live: &Live) -> Error {
    Error::WrongState { session: live.id(), is: live.state_name(), wanted: ONLY_LIVE }
}

fn cursor(view: &View) -> Cursor {
    (view.session.spec.created_at, view.session.id())
}

fn holds(view: &View, term: &Term) -> bool {
    let spec = &view.session.spec;
    match term.field.as_str() {
        "state" => StateName::parse(&term.value) == Some(view.session.state.name()),
        "name" => spec.name.as_ref().is_some_and(|name| name.as_str() == term.value),
        "provider" => spec.provider == term.value,
        "source" => spec.source == term.value,
        "gate" => view.agent.gate.as_str() == term.value,
        "activity" => {
            let does = view.agent.activity.map_or(ActivityName::Unknown, |now| now.name);
            does.as_str() == term.value
        }
        "parent" => spec.parent.is_some_and(|parent| parent.to_string() == term.value),
        field => field
            .strip_prefix("labels.")
            .is_some_and(|key| spec.labels.get(key) == Some(term.value.as_str())),
    }
}
