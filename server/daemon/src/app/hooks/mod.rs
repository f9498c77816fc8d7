//! What agents' hooks report, and what they are answered.
//!
//! A report goes `report` (who reports) → `gate` (a tool call) or `observe` (anything else) → one write
//! with everything that follows → the answer in the agent's dialect. Nothing is answered that is not on
//! disk; whatever fails is answered by a refusal where a call would go on otherwise.

mod call;
mod gate;
mod judge;
mod net;
mod observe;
mod open_calls;
mod tokens;
mod trial;

use std::sync::Arc;

use codeplane_core::{HookEventId, Incarnation, Timestamp};
use codeplane_store::{HookRecord, Known};
use sha2::{Digest, Sha256};
use tracing::{debug, warn};

pub(in crate::app) use call::Follows;
pub(crate) use call::shortened;
pub(in crate::app) use gate::settled_answer;
pub(crate) use gate::{subject, subject_of};
pub(in crate::app) use judge::{Asked, answers, grant_digest, request_digest};
pub(crate) use open_calls::OpenCalls;
pub(crate) use tokens::{HookTokens, TokenHash};

use super::App;
use super::approvals::Wait;
use super::error::Error;
use crate::agents::{Agent, Answer, HookAnswer, HookKind, Unreadable};
use crate::os::{Ancestry, PeerProcess, ancestry};
use crate::session::Live;

/// Longest body that is judged, in bytes.
pub(crate) const BODY_BYTES: usize = 16 << 20;

/// So much of a body is kept.
const HEAD_BYTES: usize = 256 << 10;

/// One report, as it came.
#[derive(Debug)]
pub(crate) struct HookCall {
    /// Made by the reporter; the same in every repetition.
    pub id: HookEventId,
    /// Hash of the token it bore.
    pub token: TokenHash,
    /// Whose dialect it is in.
    pub agent: Agent,
    /// The event, where the agent's configuration names it.
    pub event: Option<String>,
    /// What the agent wrote, or its beginning.
    pub body: Vec<u8>,
    /// How many bytes the agent wrote where that was too many.
    pub oversized: Option<u64>,
    /// The process that reports.
    pub peer: Arc<PeerProcess>,
}

/// What becomes of a report.
#[derive(Debug)]
pub(crate) enum Reported {
    /// This is the answer.
    Answered(HookAnswer),
    /// A person has to decide.
    Waits(Box<Held>),
}

/// A call that waits for a person.
#[derive(Debug)]
pub(crate) struct Held {
    /// What it waits for.
    pub wait: Wait,
    /// When it is denied if nobody decides.
    pub expires_at: Timestamp,
    reply: Reply,
}

/// How to answer one report.
#[derive(Clone, Debug)]
struct Reply {
    agent: Agent,
    event: String,
    call: Option<crate::agents::ToolCall>,
}

impl Reply {
    fn with(&self, answer: &Answer) -> HookAnswer {
        self.agent.answer(&self.event, self.call.as_ref(), answer)
    }

    fn deny(&self, reason: impl Into<String>) -> HookAnswer {
        self.with(&Answer::Deny { reason: reason.into() })
    }
}

/// A report of a known session.
struct Incoming {
    live: Arc<Live>,
    record: HookRecord,
    agent: Agent,
}

impl App {
    /// Takes a report: judges it if it is a tool call, writes it down, answers it.
    ///
    /// # Errors
    /// [`Error::BadToken`], [`Error::Denied`], [`Error::ReportReused`], [`Error::Stopping`]. Whoever gets
    /// one must refuse the call.
    ///
    /// # Cancel safety
    /// Dropped, it may be written and not answered; the same report again gets the answer.
    pub(crate) async fn report_hook(&self, call: HookCall) -> Result<Reported, Error> {
        let live = self.reporter(&call)?;
        let incoming =
            Incoming { record: record(&call, &live, self.clock.now()), live, agent: call.agent };
        if let Some(bytes) = call.oversized {
            return self.too_large(incoming, call.event, bytes).await;
        }
        match call.agent.read_hook(call.event.as_deref(), &call.body) {
            Err(unreadable) => self.unreadable(incoming, call.event, unreadable).await,
            Ok(report) => {
                let mut incoming = incoming;
                incoming.record.name.clone_from(&report.name);
                let reply = |tool| Reply {
                    agent: call.agent,
                    event: report.name.clone(),
                    call: Some(tool),
                };
                match &report.kind {
                    HookKind::ToolRequested(tool) => {
                        let reply = reply(tool.clone());
                        Box::pin(self.gate(incoming, &report, tool, reply)).await
                    }
                    HookKind::PermissionRequested(tool) => {
                        let reply = reply(tool.clone());
                        Box::pin(self.second_net(incoming, &report, tool, reply)).await
                    }
                    HookKind::ToolFinished { .. }
                    | HookKind::ToolBatchFinished { .. }
                    | HookKind::SessionStarted { .. }
                    | HookKind::PromptSubmitted
                    | HookKind::TurnFinished { .. }
                    | HookKind::TurnFailed { .. }
                    | HookKind::Interrupted
                    | HookKind::Notified { .. }
                    | HookKind::SubagentStarted
                    | HookKind::SubagentFinished
                    | HookKind::SessionEnded { .. }
                    | HookKind::Other => self.observe(incoming, &report).await,
                }
            }
        }
    }

    /// Waits until the call that waits is decided, and answers it.
    ///
    /// # Cancel safety
    /// Safe: the same report again waits on. Nobody waiting for long cancels the approval.
    pub(crate) async fn answer_held(&self, held: Held) -> HookAnswer {
        let Held { wait, reply, .. } = held;
        match self.delivered(wait).await {
            Ok(answer) => reply.with(&answer),
            Err(error) => {
                warn!(%error, "the answer of a person could not be handed over");
                reply.deny(format!("codeplane could not hand the answer over: {error}"))
            }
        }
    }

    /// The session whose hook reports: the token says which, and the process must belong to it.
    fn reporter(&self, call: &HookCall) -> Result<Arc<Live>, Error> {
        if self.shutdown.has_begun() {
            return Err(Error::Stopping);
        }
        let (session, incarnation) = self.tokens.owner(&call.token).ok_or(Error::BadToken)?;
        // Its program may be faster than the row of the session, which is written beside it.
        let live = self.registry.get(session).ok_or(Error::Busy)?;
        if live.incarnation() != incarnation || !live.state().is_live() {
            return Err(Error::BadToken);
        }
        // A moment after the start nobody knows the shim yet: the reporter asks again.
        let Some(shim) = live.shim_pid() else { return Err(Error::Busy) };
        let found = ancestry(call.peer.pid, |pid, _| (pid == shim).then_some(()));
        if found == Ancestry::Found(()) && call.peer.is_alive() {
            return Ok(live);
        }
        Err(Error::Denied("the caller does not run inside the session of its token".to_owned()))
    }

    /// What is larger than what is judged is refused.
    async fn too_large(
        &self,
        incoming: Incoming,
        event: Option<String>,
        bytes: u64,
    ) -> Result<Reported, Error> {
        let event = event.unwrap_or_default();
        let gating = event.is_empty() || incoming.agent.is_gating(&event);
        let why =
            format!("TOO_LARGE: the call has {bytes} bytes, of which {BODY_BYTES} are judged");
        self.refuse_unread(incoming, event, gating.then_some(call::Unread::TooLarge), why).await
    }

    async fn unreadable(
        &self,
        incoming: Incoming,
        event: Option<String>,
        unreadable: Unreadable,
    ) -> Result<Reported, Error> {
        debug!(why = unreadable.why, "a report of a hook cannot be read");
        let why = format!("MALFORMED: {}", unreadable.why);
        let gating = unreadable.gating.then_some(call::Unread::Malformed);
        self.refuse_unread(incoming, event.unwrap_or_default(), gating, why).await
    }

    /// A report that was made before: the same answer again, or the same wait.
    async fn reported_before(
        &self,
        incoming: &Incoming,
        known: &Known,
        reply: Reply,
    ) -> Result<Reported, Error> {
        if known.session != incoming.live.id() || known.body_hash != incoming.record.body_hash {
            return Err(Error::ReportReused(incoming.record.id.to_string()));
        }
        let Some(id) = known.decision else {
            return Ok(Reported::Answered(reply.with(&Answer::NoOpinion)));
        };
        let decision = self.store.decision(id).await.map_err(|error| self.store_error(error))?;
        let Some(decision) = decision else {
            return Ok(Reported::Answered(reply.deny("codeplane forgot what it had decided")));
        };
        self.answer_decided(decision, reply).await
    }
}

fn record(call: &HookCall, live: &Live, now: Timestamp) -> HookRecord {
    let bytes = call.oversized.unwrap_or(call.body.len() as u64);
    HookRecord {
        id: call.id,
        session: live.id(),
        incarnation: live.incarnation(),
        provider: call.agent.name().to_owned(),
        name: call.event.clone().unwrap_or_default(),
        body: call.body[..call.body.len().min(HEAD_BYTES)].to_vec(),
        body_bytes: bytes.max(call.body.len() as u64),
        body_hash: Sha256::digest(&call.body).into(),
        reported_at: now,
    }
}

impl Incoming {
    const fn incarnation(&self) -> Incarnation {
        self.record.incarnation
    }
}
