//! A tool call that waits for a person.

use super::{GateMode, RequestDigest};
use crate::{ApprovalId, DecisionId, GrantId, Incarnation, SessionId, Timestamp};

/// What a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApprovalKind {
    /// Whether a tool call may be made.
    ToolCall,
    /// Questions of the agent.
    Question,
    /// Whether the agent may go on with its plan.
    Plan,
}

impl ApprovalKind {
    /// The word on disk.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ToolCall => "tool_call",
            Self::Question => "question",
            Self::Plan => "plan",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::ToolCall, Self::Question, Self::Plan].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How far an approval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApprovalState {
    /// It waits.
    Pending,
    /// A person allowed or answered it.
    Allowed,
    /// A person denied it.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// Who asked is gone, or the agent's own dialog was answered.
    Cancelled,
}

impl ApprovalState {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Allowed, Self::Denied, Self::Expired, Self::Cancelled];

    /// The word on disk and in filters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// An approval that is about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApproval {
    /// Its id.
    pub id: ApprovalId,
    /// The decision that it ends in.
    pub decision: DecisionId,
    /// The session that asks.
    pub session: SessionId,
    /// In which run.
    pub incarnation: Incarnation,
    /// What is asked.
    pub kind: ApprovalKind,
    /// The hash of the request.
    pub digest: RequestDigest,
    /// The whole command, path, address or question, for people.
    pub subject: String,
    /// Who the session belongs to.
    pub owner: String,
    /// Whether another person than the owner has to decide.
    pub four_eyes: bool,
    /// Why no grant can answer it, if so.
    pub not_grantable: Option<String>,
    /// Patterns that may be granted instead of the exact request.
    pub patterns: Vec<String>,
    /// Whether the agent shows a dialog of its own beside it.
    pub mode: GateMode,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it is denied if nobody decided.
    pub expires_at: Timestamp,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Any state but pending.
    pub state: ApprovalState,
    /// Who: a principal, or `daemon`.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What was said to the agent, or why it was cancelled.
    pub message: String,
    /// Other input than the agent's, JSON.
    pub updated_input: Option<String>,
    /// The grants that were given with it.
    pub grants: Vec<GrantId>,
}

/// A tool call that waits, or waited, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// What was asked.
    pub asked: NewApproval,
    /// How it ended; none while it waits.
    pub resolution: Option<Resolution>,
    /// When the agent's hook fetched the answer.
    pub delivered_at: Option<Timestamp>,
}

/// A change of an approval that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalChange {
    /// Which.
    pub id: ApprovalId,
    /// How it ends.
    pub resolution: Resolution,
}

/// Why an approval cannot be decided so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotDecide {
    /// It was decided, or is over.
    #[error("the approval is {} already", .0.as_str())]
    Over(ApprovalState),
    /// What was shown to who decides is not what is asked.
    #[error("the request is not the one that was shown: look at the approval again")]
    OtherRequest,
    /// The owner may not decide this one.
    #[error("a rule demands that somebody else than {0}, who owns the session, decides")]
    FourEyes(String),
    /// A program inside a session asks to decide.
    #[error("an agent decides nothing")]
    Agent,
}

impl Approval {
    /// How far it is.
    #[must_use]
    pub fn state(&self) -> ApprovalState {
        self.resolution.as_ref().map_or(ApprovalState::Pending, |end| end.state)
    }

    /// Whether `principal` may decide it now, having seen the request with hash `seen`.
    ///
    /// # Errors
    /// [`CannotDecide`] says why not.
    pub fn may_decide(
        &self,
        principal: &str,
        seen: RequestDigest,
        now: Timestamp,
    ) -> Result<(), CannotDecide> {
        // Before everything else: no rule and no role changes it.
        if principal.starts_with(AGENT_PREFIX) {
            return Err(CannotDecide::Agent);
        }
        match self.state() {
            ApprovalState::Pending if now >= self.asked.expires_at => {
                Err(CannotDecide::Over(ApprovalState::Expired))
            }
            ApprovalState::Pending if seen != self.asked.digest => Err(CannotDecide::OtherRequest),
            ApprovalState::Pending if self.asked.four_eyes && principal == self.asked.owner => {
                Err(CannotDecide::FourEyes(self.asked.owner.clone()))
            }
            ApprovalState::Pending => Ok(()),
            state @ (ApprovalState::Allowed
            | ApprovalState::Denied
            | ApprovalState::Expired
            | ApprovalState::Cancelled) => Err(CannotDecide::Over(state)),
        }
    }

    /// Whether its answer still counts when the hook fetches it at `now`: one that was not fetched in
    /// time is void, because who decided could no longer know what it would be used for.
    #[must_use]
    pub fn is_void(&self, now: Timestamp) -> bool {
        self.delivered_at.is_none()
            && self.resolution.as_ref().is_some_and(|end| now.micros_since(end.at) > FETCH_MICROS)
    }
}

/// How principals begin that stand for a program inside a session.
pub const AGENT_PREFIX: &str = "agent:";

/// How long an answer waits for its hook.
const FETCH_MICROS: i64 = 30_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn pending() -> Approval {
        Approval {
            asked: NewApproval {
                id: ApprovalId::random(),
                decision: DecisionId::random(),
                session: SessionId::random(),
                incarnation: Incarnation::FIRST,
                kind: ApprovalKind::ToolCall,
                digest: RequestDigest::from_bytes([1; 32]),
                subject: "make".to_owned(),
                owner: "uid:1000".to_owned(),
                four_eyes: false,
                not_grantable: None,
                patterns: Vec::new(),
                mode: GateMode::Held,
                asked_at: Timestamp::from_micros(0),
                expires_at: Timestamp::from_micros(1_000),
            },
            resolution: None,
            delivered_at: None,
        }
    }

    const SEEN: RequestDigest = RequestDigest::from_bytes([1; 32]);
    const NOW: Timestamp = Timestamp::from_micros(10);

    #[test]
    fn the_owner_may_decide_unless_a_rule_demands_another() {
        let mut approval = pending();
        assert_eq!(approval.may_decide("uid:1000", SEEN, NOW), Ok(()));

        approval.asked.four_eyes = true;
        let refused = approval.may_decide("uid:1000", SEEN, NOW);
        assert_eq!(refused, Err(CannotDecide::FourEyes("uid:1000".to_owned())));
        assert_eq!(approval.may_decide("uid:1001", SEEN, NOW), Ok(()));
    }

    #[test]
    fn an_agent_never_decides() {
        let refused = pending().may_decide("agent:any", SEEN, NOW);
        assert_eq!(refused, Err(CannotDecide::Agent));
    }

    #[test]
    fn who_saw_another_request_decides_nothing() {
        let other = RequestDigest::from_bytes([2; 32]);
        assert_eq!(pending().may_decide("uid:1", other, NOW), Err(CannotDecide::OtherRequest));
    }

    #[test]
    fn what_is_over_or_late_is_decided_no_more() {
        let late = Timestamp::from_micros(1_000);
        let refused = pending().may_decide("uid:1", SEEN, late);
        assert_eq!(refused, Err(CannotDecide::Over(ApprovalState::Expired)));

        let mut approval = pending();
        approval.resolution = Some(Resolution {
            state: ApprovalState::Denied,
            by: "uid:1".to_owned(),
            at: NOW,
            message: String::new(),
            updated_input: None,
            grants: Vec::new(),
        });
        let refused = approval.may_decide("uid:2", SEEN, NOW);
        assert_eq!(refused, Err(CannotDecide::Over(ApprovalState::Denied)));
        assert!(!approval.is_void(Timestamp::from_micros(30_000_010)));
        assert!(approval.is_void(Timestamp::from_micros(30_000_011)));
    }
}
