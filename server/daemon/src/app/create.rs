//! Create a session: check, reserve, then row and shim side by side.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use codeplane_core::{
    Asks, EndReason, EventKind, GateMode, Incarnation, Mandate, NewSession, Session, SessionAgent,
    SessionId,
};
use codeplane_store::Trail;
use tokio::sync::mpsc;
use tracing::info;

use super::agent::Prepared;
use super::error::Error;
use super::policy::Record;
use super::record::{FACTS, record};
use super::request::Mutation;
use super::spec::{self, Spec};
use super::{App, Caller, bundle_file};
use crate::session::{
    Admission, Begun, Bundle, BundleFile, Fact, Keep, LaunchSpec, Link, Live, Started, View, born,
    receive,
};

/// How long a new shim may take to say that its program runs. One that never answers must not hold
/// its client for ever; a machine under load needs seconds.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A request to create a session, as the client wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Create {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Absolute path; none: the home directory.
    pub cwd: Option<String>,
    /// Explicit variables.
    pub env: Vec<(String, String)>,
    /// The client's environment.
    pub client_env: Vec<(String, String)>,
    /// Columns and rows.
    pub size: (u32, u32),
    /// Its name.
    pub name: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The session it is created for.
    pub parent: Option<String>,
    /// What becomes of processes that outlive the command.
    pub keep: Leftovers,
    /// What creates it.
    pub source: Option<String>,
    /// TERM of the session.
    pub term: Option<String>,
    /// The adapter; none: told from the command.
    pub provider: Option<String>,
    /// Where people are asked.
    pub mode: GateMode,
    /// Names of policies to bind to it.
    pub policies: Vec<String>,
    /// Rules of its own that allow.
    pub allow: Vec<String>,
    /// What becomes of calls that would be asked about.
    pub asks: Asks,
}

/// What becomes of processes that outlive the natural end of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Leftovers {
    /// They are killed after a grace period.
    #[default]
    Killed,
    /// They are left alone.
    Kept,
}

/// A new session, and what its user should know.
#[derive(Clone, Debug)]
pub(crate) struct Created {
    /// The session.
    pub view: View,
    /// A line each.
    pub notices: Vec<String>,
}

impl App {
    /// Creates a session and starts its program. Answers when it runs or could not be run.
    ///
    /// # Errors
    /// [`Error::Invalid`] and [`Error::CannotRun`] with all violations, [`Error::NameTaken`],
    /// [`Error::Quota`], [`Error::Draining`], [`Error::RequestReused`], [`Error::DiskFull`].
    ///
    /// # Cancel safety
    /// Once begun it is carried out, whether or not anybody waits.
    pub(crate) async fn create(
        &self,
        caller: &Caller,
        create: Create,
        mutation: Option<Mutation>,
    ) -> Result<Created, Error> {
        let app = self.clone();
        let caller = caller.clone();
        let work = async move {
            // On the heap: it is several kilobytes, and moved twice.
            let create = Box::pin(app.create_once(&caller, create, mutation));
            app.requests.in_turn(mutation, create).await
        };
        self.shutdown.spawn(work).await.map_err(Error::internal)?
    }

    async fn create_once(
        &self,
        caller: &Caller,
        create: Create,
        mutation: Option<Mutation>,
    ) -> Result<Created, Error> {
        if let Some(id) = self.created_before(mutation).await? {
            let live = self.registry.get(id).ok_or(Error::SessionNotFound(id.to_string()))?;
            return Ok(Created { view: live.view(), notices: Vec::new() });
        }
        let place = self.admit()?;
        let id = place.id();
        let mut spec = spec::check(&create, id, &self.config.sessions, &self.own_env)?;
        let policies = self.to_bind(&create.policies)?;
        let mandate = self.mandate(&create, &spec.cwd).await?;
        let parent = create.parent.as_deref().map(|parent| self.find(parent)).transpose()?;
        let name = self.registry.reserve(spec.name.clone(), id).map_err(|by| Error::NameTaken {
            name: spec.name.as_ref().map(ToString::to_string).unwrap_or_default(),
            by,
        })?;
        let prepared = self.prepare_agent(caller, &create, id, &mut spec).await;
        let mut prepared = prepared.inspect_err(|_| self.revoke_token(id, Incarnation::FIRST))?;
        prepared.agent.workspace.clone_from(&mandate.workspace);
        let parent = parent.map(|parent| parent.id());
        let session = self.new_session((id, &create), &spec, &prepared.provider, (mandate, parent));
        let principal = caller.principal.clone();
        let record = Record { principal, policies, mutation };
        let mut notices = prepared.notices.clone();
        notices.extend(self.notices_on_rules(&create, &session.spec, &prepared.agent.gate));
        let live = match self.start(session, spec, prepared, record).await {
            Ok(live) => live,
            Err(error) => {
                self.revoke_token(id, Incarnation::FIRST);
                return Err(error);
            }
        };
        name.keep();
        info!(session.id = %id, principal = caller.principal, "session {id} created");
        Ok(Created { view: live.view(), notices })
    }

    fn new_session(
        &self,
        (id, create): (SessionId, &Create),
        spec: &Spec,
        provider: &str,
        (mandate, parent): (Mandate, Option<SessionId>),
    ) -> Session {
        Session::starting(NewSession {
            id,
            host: self.host,
            name: spec.name.clone(),
            labels: spec.labels.clone(),
            command: create.command.clone(),
            cwd: spec.cwd.display().to_string(),
            size: spec.size,
            provider: provider.to_owned(),
            source: create.source.clone().unwrap_or_else(|| "api".to_owned()),
            parent,
            keep: create.keep == Leftovers::Kept,
            mandate,
            created_at: self.clock.now(),
        })
    }

    /// The session that this very request created before.
    async fn created_before(&self, mutation: Option<Mutation>) -> Result<Option<SessionId>, Error> {
        let Some(mutation) = mutation else { return Ok(None) };
        let answer = self.answered_before("CreateSession", mutation).await?;
        Ok(answer.and_then(|text| text.parse().ok()))
    }

    /// Whether there is room for one more.
    fn admit(&self) -> Result<Admission<'_>, Error> {
        if self.shutdown.has_begun() {
            return Err(Error::Stopping);
        }
        if self.is_draining() {
            return Err(Error::Draining);
        }
        let max = self.config.sessions.max;
        self.registry.admit(usize::try_from(max).unwrap_or(usize::MAX)).ok_or_else(|| Error::Quota {
            subject: "sessions.max",
            description: format!(
                "there are {max} sessions, which is the limit: remove ended ones with cpctl rm, \
                 or raise sessions.max"
            ),
        })
    }

    /// Row and shim side by side: the insert's fsync costs nothing beside the start of a process.
    async fn start(
        &self,
        session: Session,
        spec: Spec,
        prepared: Prepared,
        record: Record,
    ) -> Result<Arc<Live>, Error> {
        let id = session.id();
        let insert = self.insert_session(&session, &prepared.agent, &record);
        let mut files = prepared.files;
        let session_file = Bundle::new(self.directories.bundle(id)).session_file();
        let content = bundle_file::encode(&session.spec, &record.policies, record.mutation);
        files.push(BundleFile { path: session_file, content });
        let spec = Arc::new(self.launch_spec(&session, spec));
        let (row, shim) = tokio::join!(insert, self.launch(&spec, files));
        if let Err(error) = row {
            // No row, no session: whatever was started must go.
            if let Ok(shim) = &shim {
                shim.link.shut_down().await;
            }
            self.discard_bundle(id).await;
            return Err(error);
        }
        let bundle = self.directories.bundle(id);
        let live = Live::new(session, bundle, Arc::clone(&self.surroundings));
        live.set_agent(prepared.agent);
        self.registry.insert(Arc::clone(&live));
        self.follow_agent(&live, prepared.agent_files);
        match shim {
            Ok(shim) => self.greet(&live, shim, &spec).await,
            Err(error) => self.failed(&live, "shim", &error.to_string()).await,
        }
        self.prepare_shim();
        Ok(live)
    }

    /// Has a shim get ready for the next session, unless one is.
    pub(crate) fn prepare_shim(&self) {
        let app = self.clone();
        drop(self.shutdown.spawn_blocking(move || app.shims.prepare()));
    }

    async fn insert_session(
        &self,
        session: &Session,
        agent: &SessionAgent,
        record: &Record,
    ) -> Result<(), Error> {
        let id = session.id();
        let created = self.event(id, EventKind::SessionCreated);
        let request = record
            .mutation
            .map(|mutation| self.recorded(mutation, "CreateSession", id.to_string()));
        let created_by = self.audit_created(&record.principal, session, agent);
        let mut trail = Trail::audited(created_by).asked(request).knowing(id, agent.clone());
        match session.spec.mandate.asks {
            Asks::Allowed => trail.audit.push(self.dangerous(session, &record.principal)),
            Asks::Person | Asks::Denied => {}
        }
        let bindings = record.bindings(session);
        let inserted =
            self.store.insert_session_bound(session.clone(), bindings, created, trail).await;
        let inserted = inserted.map_err(|error| self.store_error(error))?;
        // Before anybody finds the session: its first call is judged by them.
        if let Some(policies) = inserted.policies {
            self.policies.adopt(policies);
        }
        Ok(())
    }

    /// Makes the bundle and starts the shim, on a thread that may block.
    async fn launch(
        &self,
        spec: &Arc<LaunchSpec>,
        files: Vec<BundleFile>,
    ) -> std::io::Result<Started> {
        let (app, spec) = (self.clone(), Arc::clone(spec));
        let launched = self.shutdown.spawn_blocking(move || app.shims.launch(&spec, &files));
        launched.await.map_err(std::io::Error::other)?
    }

    /// Starts another shim if the one that was told ended before it had begun: it had waited, and
    /// whoever ended it did not mean this session.
    async fn launch_again(&self, spec: &Arc<LaunchSpec>) -> Option<Started> {
        let (app, spec) = (self.clone(), Arc::clone(spec));
        let launched = self.shutdown.spawn_blocking(move || {
            let files = Bundle::new(&spec.bundle).incarnation(spec.incarnation);
            matches!(files.read_shim(), Ok(None)).then(|| app.shims.launch_anew(&spec))
        });
        launched.await.ok()??.ok()
    }

    fn launch_spec(&self, session: &Session, spec: Spec) -> LaunchSpec {
        let id = session.id();
        let grace = self.config.sessions.leftover_grace.0.as_millis();
        LaunchSpec {
            session: id,
            incarnation: session.incarnation,
            bundle: self.directories.bundle(id),
            socket: self.directories.shim_socket(id),
            command: spec.command.into_iter().map(Into::into).collect(),
            cwd: spec.cwd,
            env: spec.env.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            size: spec.size,
            keep: if session.spec.keep { Keep::Leave } else { Keep::KillLeftovers },
            leftover_grace_ms: u32::try_from(grace).unwrap_or(u32::MAX),
            segment_bytes: self.config.output.segment_size.0,
            input_limit_bytes: self.config.input.max.0,
            linger_ms: LaunchSpec::LINGER_MS,
            open_files: self.program_open_files,
        }
    }

    /// Waits until the program runs or could not be run, then leaves the connection to its task.
    async fn greet(&self, live: &Arc<Live>, shim: Started, spec: &Arc<LaunchSpec>) {
        let mut shim = shim;
        let mut first = started(&shim.link).await;
        if let First::Ended = first
            && let Some(another) = self.launch_again(spec).await
        {
            first = started(&another.link).await;
            shim = another;
        }
        match first {
            First::Begun(Begun::Runs(pid)) => {
                live.set_shim_pid(shim.pid);
                born(live, &shim.link, pid);
                // The client does not wait for this to be written: recovery would find it out.
                self.follow_shim(live, shim.link, Some(live.incarnation()));
            }
            First::Begun(Begun::Failed(fault)) => {
                self.failed(live, fault.step.as_str(), &fault.message).await;
            }
            First::Ended => {
                // It may have come as far as starting the program.
                self.reap_orphans(live).await;
                self.failed(live, "shim", "the shim was killed while it started the program").await;
            }
            First::Silent => {
                // What is told to one that was stopped would be done when it goes on.
                let (app, pid) = (self.clone(), shim.pid);
                drop(self.shutdown.spawn_blocking(move || app.shims.kill(pid)).await);
                self.reap_orphans(live).await;
                self.failed(live, "shim", "the shim did not answer in time").await;
            }
        }
    }

    /// Spawns the tasks of a live session: one receives, one writes down.
    ///
    /// `started` is a run whose start is still to be written down.
    pub(super) fn follow_shim(
        &self,
        live: &Arc<Live>,
        link: Arc<Link>,
        started: Option<Incarnation>,
    ) {
        let (facts, written) = mpsc::channel(FACTS);
        live.set_recorder(facts.clone());
        if let Some(incarnation) = started {
            live.set_started(self.clock.now());
            // The channel is empty: there is room.
            drop(facts.try_send(Fact::Started { incarnation }));
        }
        let (stop, receiving) = (self.shutdown.clone(), receive(Arc::clone(live), link, facts));
        self.shutdown.spawn_beneath(async move {
            tokio::select! {
                // What the shim says from now on the next daemon asks it for.
                () = stop.calls_over() => {}
                () = receiving => {}
            }
        });
        self.shutdown.spawn_beneath(record(self.clone(), Arc::clone(live), written));
    }

    async fn failed(&self, live: &Arc<Live>, step: &str, message: &str) {
        let reason = EndReason::Failed { step: step.to_owned(), message: message.to_owned() };
        self.record_end(live, reason).await;
    }
}

/// What came first from a shim that was told what to start.
enum First {
    /// What became of the program.
    Begun(Begun),
    /// Its end.
    Ended,
    /// Nothing in time.
    Silent,
}

async fn started(link: &Link) -> First {
    match tokio::time::timeout(START_LIMIT, link.started()).await {
        Ok(Ok(begun)) => First::Begun(begun),
        Ok(Err(_)) => First::Ended,
        Err(_) => First::Silent,
    }
}
