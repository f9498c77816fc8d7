//! Use cases: what happens, and in which order. Knows sessions and rows, never the wire.

mod activity;
mod agent;
mod approvals;
mod audit;
mod bundle_file;
mod chase;
mod create;
mod decisions;
mod describe;
mod error;
mod events;
mod hook_guard;
mod hooks;
mod inside;
mod inspect;
mod keys;
mod notices;
mod policy;
mod reap;
mod receipts;
mod record;
mod recovery;
mod request;
mod retention;
mod runtime_directory;
mod screen;
mod sessions;
mod spec;
mod terminals;
#[cfg(test)]
mod tests;
mod typing;
mod wait;
mod workspace;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use codeplane_core::{HostId, NewEvent, Roles, SessionId, SessionRef, Timestamp};
use codeplane_store::{Store, StoreError};

use crate::clock::Clock;
use crate::config::Config;
use crate::directories::Directories;
use crate::session::{Live, Lookup, Registry, Shims, Surroundings};
use crate::shutdown::Shutdown;

pub(crate) use audit::{
    AUDIT_FILTER_FIELDS, AuditKeys, AuditOrder, AuditQuery, Export, ExportFormat, KeyError,
    Measure, VerifyError, sign_checkpoints, verify_export, verify_state,
};
pub(crate) use hook_guard::guard_hook_program;
pub(crate) use reap::reap_children;
pub(crate) use receipts::Receipts;
pub(crate) use retention::retain;
pub(crate) use runtime_directory::keep_runtime_directory;

pub(crate) use approvals::{
    APPROVAL_FILTER_FIELDS, ApprovalView, Approvals, DecideAnswer, DecideRequest, Ended, GrantWish,
    Grants, Reach,
};
pub(crate) use create::{Create, Leftovers};
pub(crate) use decisions::{DECISION_FILTER_FIELDS, DecisionView, Explained};
pub(crate) use describe::UpdateRequest;
pub(crate) use error::{Error, Missing, PolicyProblem};
pub(crate) use events::{EVENT_FILTER_FIELDS, Watch, WatchItem};
pub(crate) use hooks::{
    BODY_BYTES, HookCall, HookTokens, OpenCalls, Reported, TokenHash, shortened, subject,
    subject_of,
};
pub(crate) use inside::Standing;
pub(crate) use inspect::{Check, Drain, Info, Severity};
pub(crate) use keys::KeyRequest;
pub(crate) use policy::{
    AppliedView, ApplyMode, ApplyRequest, Catalogue, ChangedAnswer, Compared, DiffRequest,
    DiffStep, FoundIn, JudgedCall, PolicyDiff, PolicyFile, PolicyView, RollbackRequest,
    SimulateRequest, Simulated, TargetRequest, check_file, simulate,
};
pub(crate) use request::{InFlight, Mutation, RequestHash};
pub(crate) use screen::Screen;
pub(crate) use sessions::{
    DeleteRequest, IfRunning, KillRequest, SESSION_FILTER_FIELDS, StopRequest,
};
pub(crate) use terminals::{AttachRequest, AttachTo, From, Tail};
pub(crate) use typing::{AttachedInput, NEEDS_APPROVER, Over, TypeRequest, Typing};
pub(crate) use wait::Condition;

pub(crate) use crate::agents::{Agent, Choice, HookAnswer, Question};
pub(crate) use codeplane_store::{Applied as Change, IfBound};

pub(crate) use crate::session::{
    Answers, Attached, Control, Follower, Frame, LogHealth, StreamEnd, Until, View,
};

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Name of the principal.
    pub principal: String,
    /// Where the call comes from.
    pub origin: CallerOrigin,
    /// What it may do.
    pub roles: Roles,
}

/// Where a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallerOrigin {
    /// A process on this machine.
    Local {
        /// Its process id when it connected.
        pid: i32,
    },
}

impl Caller {
    /// A process of a user on this machine.
    #[must_use]
    pub(crate) fn user(uid: u32, pid: i32, roles: Roles) -> Self {
        Self { principal: format!("uid:{uid}"), origin: CallerOrigin::Local { pid }, roles }
    }

    /// A process of the daemon's own user, which may do everything.
    #[cfg(test)]
    pub(crate) fn local(pid: i32) -> Self {
        Self::user(crate::os::own_user(), pid, Roles::HUMAN)
    }
}

/// What every use case needs. A clone is another handle on the same daemon.
#[derive(Clone, Debug)]
pub(crate) struct App(Arc<Parts>);

/// What an [`App`] is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The rows.
    pub store: Store,
    /// The live sessions.
    pub registry: Registry,
    /// The settings.
    pub config: Config,
    /// Where everything is.
    pub directories: Directories,
    /// The time of day.
    pub clock: Clock,
    /// What sessions know of the daemon.
    pub surroundings: Arc<Surroundings>,
    /// Told when the socket of the API must be bound again.
    pub relisten: tokio::sync::Notify,
    /// How the daemon ends.
    pub shutdown: Shutdown,
    /// The id of the state directory.
    pub host: HostId,
    /// What signs the audit log.
    pub audit_keys: AuditKeys,
    /// When the daemon started.
    pub started_at: Timestamp,
    /// Whether it takes no new sessions.
    pub draining: AtomicBool,
    /// What sessions are judged by.
    pub policies: Catalogue,
    /// Requests that are being carried out.
    pub requests: InFlight,
    /// The tokens that hooks report with.
    pub tokens: HookTokens,
    /// Calls of agents that are under way.
    pub open_calls: OpenCalls,
    /// Sessions whose agents' files are followed.
    pub receipts: Receipts,
    /// Calls that wait for a person.
    pub approvals: Approvals,
    /// Answers that are remembered.
    pub grants: Grants,
    /// The shims this daemon started.
    pub shims: Shims,
    /// The soft limit of open files that programs get: the one the daemon was started with.
    pub program_open_files: Option<u64>,
    /// The daemon's own environment, for sessions whose client sends none.
    pub own_env: Vec<(String, String)>,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// An application over these parts.
    #[must_use]
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The session a client names.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`], [`Error::AmbiguousSession`].
    pub(crate) fn find(&self, reference: &str) -> Result<Arc<Live>, Error> {
        if reference.is_empty() {
            return Err(Error::invalid("session", "must be an id, a prefix of one, or a name"));
        }
        match self.registry.find(&SessionRef::parse(reference)) {
            Lookup::Found(live) => Ok(live),
            Lookup::Missing => Err(Error::SessionNotFound(reference.escape_debug().to_string())),
            Lookup::Ambiguous(count) => {
                Err(Error::AmbiguousSession { text: reference.to_owned(), count })
            }
        }
    }

    /// Whether new sessions are refused.
    #[must_use]
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// A fact of a session, now.
    fn event(&self, session: SessionId, kind: codeplane_core::EventKind) -> NewEvent {
        NewEvent { time: self.clock.now(), session: Some(session), kind }
    }

    /// A fact of the daemon, now.
    fn own_event(&self, kind: codeplane_core::EventKind) -> NewEvent {
        NewEvent { time: self.clock.now(), session: None, kind }
    }

    /// An answer for an error of the store.
    fn store_error(&self, error: StoreError) -> Error {
        match error {
            StoreError::NameTaken { name, by } => Error::NameTaken { name: name.to_string(), by },
            StoreError::StaleVersion { session, current, .. } => {
                Error::Stale { session, current: current.to_string() }
            }
            StoreError::RequestReused(id) => Error::RequestReused(id.to_string()),
            StoreError::UnknownSession(id) => Error::SessionNotFound(id.to_string()),
            StoreError::EventsRemoved { oldest, .. } => Error::EventsGone { oldest },
            StoreError::BadFilter { field, value, problem } => {
                Error::invalid("filter", format!("{field}={value}: {problem}"))
            }
            StoreError::UnknownPolicy(name) => PolicyProblem::NotFound(name.to_string()).into(),
            StoreError::UnknownRevision { policy, revision } => {
                PolicyProblem::RevisionNotFound { policy: policy.to_string(), revision }.into()
            }
            StoreError::StalePolicy { policy, current, .. } => {
                PolicyProblem::Stale { policy: policy.to_string(), current }.into()
            }
            StoreError::PolicyBound { policy, bindings } => {
                PolicyProblem::Bound { policy: policy.to_string(), bindings }.into()
            }
            StoreError::NotBound { policy, target } => {
                let target = policy::target_text(&target);
                PolicyProblem::NotBound { policy: policy.to_string(), target }.into()
            }
            StoreError::Busy => Error::Busy,
            StoreError::Closed => Error::Stopping,
            StoreError::DiskFull => Error::DiskFull(self.directories.state.display().to_string()),
            StoreError::BackupExists(path) => Error::FileExists(path.display().to_string()),
            StoreError::Backup { .. }
            | StoreError::RequestRepeated(_)
            | StoreError::UnknownApproval(_)
            | StoreError::SessionExists(_)
            | StoreError::EndedBefore { .. }
            | StoreError::Io(_)
            | StoreError::Replaced(_)
            | StoreError::Damaged(_)
            | StoreError::DamagedRow { .. }
            | StoreError::Crashed
            | StoreError::Query(_) => Error::internal(error),
        }
    }
}
