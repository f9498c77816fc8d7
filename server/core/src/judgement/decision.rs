//! The answer to one tool call.

use super::RequestDigest;
use crate::{ApprovalId, DecisionId, GrantId, HookEventId, Incarnation, SessionId, Timestamp};

/// A tool call as an agent asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolRequest {
    /// Which agent.
    pub provider: String,
    /// The tool, by the name that rules use.
    pub tool: String,
    /// Its input: JSON text as the agent wrote it. Shortened where it was long; the digest is of the
    /// whole.
    pub input: String,
    /// The agent's own id of the call.
    pub tool_use_id: Option<String>,
    /// Where it is to be made.
    pub cwd: Option<String>,
    /// Which part of the agent asks; none: the agent itself.
    pub subagent: Option<String>,
}

/// A policy at one of its revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRef {
    /// Its name.
    pub name: String,
    /// Its revision, from 1.
    pub revision: i64,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The call may be made.
    Allowed,
    /// It may not.
    Denied,
}

impl Outcome {
    /// The word on disk and in filters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Allowed, Self::Denied].into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// Why it was answered so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionSource {
    /// Rules said so.
    Rules,
    /// No rule did, and that is denied by default.
    Default,
    /// A remembered answer.
    Grant(GrantId),
    /// A person, through the daemon.
    Person(ApprovalId),
    /// A person, in the agent's own dialog.
    Dialog(ApprovalId),
    /// Nobody answered in time.
    Expired(ApprovalId),
    /// Who asked was gone.
    Cancelled(ApprovalId),
    /// It would have asked, and the session was started so that nobody is asked.
    Unattended,
    /// The session was started without limits.
    Dangerous,
    /// Its input cannot be read.
    Malformed,
    /// It is larger than what is judged.
    TooLarge,
    /// More calls wait than may.
    TooManyPending,
    /// The agent asked again about a call that was answered: the second net.
    Repeated(DecisionId),
    /// The daemon could not judge it.
    Failed,
    /// Nobody meant it: the gate was tried before the agent started.
    Trial,
}

impl DecisionSource {
    /// The word on disk and in filters.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Default => "default",
            Self::Grant(_) => "grant",
            Self::Person(_) => "person",
            Self::Dialog(_) => "dialog",
            Self::Expired(_) => "expired",
            Self::Cancelled(_) => "cancelled",
            Self::Unattended => "unattended",
            Self::Dangerous => "dangerous",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::TooManyPending => "too_many_pending",
            Self::Repeated(_) => "repeated",
            Self::Failed => "failed",
            Self::Trial => "trial",
        }
    }

    /// The id it points to, as text.
    #[must_use]
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::Grant(id) => Some(id.to_string()),
            Self::Person(id) | Self::Dialog(id) | Self::Expired(id) | Self::Cancelled(id) => {
                Some(id.to_string())
            }
            Self::Repeated(id) => Some(id.to_string()),
            Self::Rules
            | Self::Default
            | Self::Unattended
            | Self::Dangerous
            | Self::Malformed
            | Self::TooLarge
            | Self::TooManyPending
            | Self::Failed
            | Self::Trial => None,
        }
    }

    /// Reads what [`Self::as_str`] and [`Self::subject`] wrote.
    #[must_use]
    pub fn parse(word: &str, subject: Option<&str>) -> Option<Self> {
        let approval = || subject?.parse().ok();
        match word {
            "rules" => Some(Self::Rules),
            "default" => Some(Self::Default),
            "grant" => Some(Self::Grant(subject?.parse().ok()?)),
            "person" => approval().map(Self::Person),
            "dialog" => approval().map(Self::Dialog),
            "expired" => approval().map(Self::Expired),
            "cancelled" => approval().map(Self::Cancelled),
            "unattended" => Some(Self::Unattended),
            "dangerous" => Some(Self::Dangerous),
            "malformed" => Some(Self::Malformed),
            "too_large" => Some(Self::TooLarge),
            "too_many_pending" => Some(Self::TooManyPending),
            "repeated" => Some(Self::Repeated(subject?.parse().ok()?)),
            "failed" => Some(Self::Failed),
            "trial" => Some(Self::Trial),
            _ => None,
        }
    }
}

/// The final answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// What.
    pub outcome: Outcome,
    /// Why.
    pub source: DecisionSource,
    /// Who: a principal, or `daemon`.
    pub by: String,
    /// For the agent and for people; may be empty for an allow.
    pub reason: String,
    /// Other input than the agent's, JSON; none: as it was.
    pub updated_input: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// One tool call, what the rules say, and the final answer once there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// The session that asked.
    pub session: SessionId,
    /// In which run.
    pub incarnation: Incarnation,
    /// The report that asked.
    pub event: HookEventId,
    /// What was asked.
    pub request: ToolRequest,
    /// Its hash.
    pub digest: RequestDigest,
    /// What the rules say: JSON as a simulation prints it.
    pub verdict: String,
    /// The policies that were bound.
    pub policies: Vec<PolicyRef>,
    /// What the paths of the call were, as JSON, so that it can be explained later.
    pub facts: String,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// The final answer; none while a person is asked.
    pub settled: Option<Settled>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_it_was_written() {
        let approval = ApprovalId::random();
        let sources = [
            DecisionSource::Rules,
            DecisionSource::Default,
            DecisionSource::Grant(GrantId::random()),
            DecisionSource::Person(approval),
            DecisionSource::Dialog(approval),
            DecisionSource::Expired(approval),
            DecisionSource::Cancelled(approval),
            DecisionSource::Unattended,
            DecisionSource::Dangerous,
            DecisionSource::Malformed,
            DecisionSource::TooLarge,
            DecisionSource::TooManyPending,
            DecisionSource::Repeated(DecisionId::random()),
            DecisionSource::Failed,
            DecisionSource::Trial,
        ];
        for source in sources {
            let subject = source.subject();
            assert_eq!(DecisionSource::parse(source.as_str(), subject.as_deref()), Some(source));
        }
        assert_eq!(DecisionSource::parse("person", None), None);
        assert_eq!(DecisionSource::parse("banana", None), None);
    }
}
