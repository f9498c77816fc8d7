//! Calls that were answered and have not ended: what a second question is answered by, and what ends are
//! compared with.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use codeplane_core::{DecisionId, RequestDigest, SessionId};

/// Calls of one session that are under way at once; the oldest is forgotten first.
const MOST: usize = 256;

/// A call that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenCall {
    /// Its decision.
    pub decision: DecisionId,
    /// Hash of what of it is judged: the second question may be worded otherwise.
    pub digest: RequestDigest,
    /// The agent's id of the call.
    pub tool_use_id: Option<String>,
    /// Which part of the agent asked; none: the agent itself.
    pub subagent: Option<String>,
    /// Whether it was asked about a second time.
    pub asked_again: bool,
}

/// The calls of all sessions that are under way. Lost with the daemon: then a second question is
/// judged anew, and ends are looked up in the rows.
#[derive(Debug, Default)]
pub(crate) struct OpenCalls(Mutex<HashMap<SessionId, Vec<OpenCall>>>);

impl OpenCalls {
    /// A call was asked about.
    pub(crate) fn open(&self, session: SessionId, call: OpenCall) {
        let mut calls = self.lock();
        let calls = calls.entry(session).or_default();
        if calls.len() >= MOST {
            calls.remove(0);
        }
        calls.push(call);
    }

    /// The newest call with this hash that was not asked about a second time yet: an answer covers one
    /// second question, and no repetition of the call.
    pub(crate) fn asked_again(
        &self,
        session: SessionId,
        digest: RequestDigest,
    ) -> Option<DecisionId> {
        let mut calls = self.lock();
        let is_it = |call: &&mut OpenCall| call.digest == digest && !call.asked_again;
        let call = calls.get_mut(&session)?.iter_mut().rev().find(is_it)?;
        call.asked_again = true;
        Some(call.decision)
    }

    /// A call is over. Answers it, if it was under way.
    pub(crate) fn close(&self, session: SessionId, tool_use_id: &str) -> Option<OpenCall> {
        let mut calls = self.lock();
        let calls = calls.get_mut(&session)?;
        let is_it = |call: &OpenCall| call.tool_use_id.as_deref() == Some(tool_use_id);
        calls.iter().position(is_it).map(|index| calls.remove(index))
    }

    /// No call of the agent itself is under way any more: its turn is over. What it sent off goes on. Answers
    /// those that were.
    pub(crate) fn close_turn(&self, session: SessionId) -> Vec<OpenCall> {
        let mut calls = self.lock();
        let Some(calls) = calls.get_mut(&session) else { return Vec::new() };
        let (over, on) =
            std::mem::take(calls).into_iter().partition(|call| call.subagent.is_none());
        *calls = on;
        over
    }

    /// No call of a session is under way any more: its run is over. Answers those that were.
    pub(crate) fn close_all(&self, session: SessionId) -> Vec<OpenCall> {
        self.lock().remove(&session).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Vec<OpenCall>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(digest: u8, id: &str) -> OpenCall {
        OpenCall {
            decision: DecisionId::random(),
            digest: RequestDigest::from_bytes([digest; 32]),
            tool_use_id: Some(id.to_owned()),
            subagent: None,
            asked_again: false,
        }
    }

    #[test]
    fn what_a_subagent_does_outlives_the_turn_that_sent_it_off() {
        let calls = OpenCalls::default();
        let session = SessionId::random();
        let own = call(1, "own");
        let below = OpenCall { subagent: Some("part".to_owned()), ..call(2, "below") };
        calls.open(session, own.clone());
        calls.open(session, below.clone());

        assert_eq!(calls.close_turn(session), [own]);
        assert_eq!(calls.close_turn(session), []);
        assert_eq!(calls.close_all(session), [below]);
    }

    #[test]
    fn an_answer_is_found_again_until_the_call_is_over() {
        let calls = OpenCalls::default();
        let (session, another) = (SessionId::random(), SessionId::random());
        let (first, second) = (call(1, "a"), call(1, "b"));
        calls.open(session, first.clone());
        calls.open(session, second.clone());
        let again = || calls.asked_again(session, first.digest);

        assert_eq!(calls.asked_again(another, first.digest), None);
        assert_eq!(again(), Some(second.decision), "the newest");
        assert_eq!(again(), Some(first.decision), "once each");
        assert_eq!(again(), None);
        calls.open(session, second.clone());
        assert_eq!(calls.close_all(session).len(), 3);
        assert_eq!(again(), None);
    }

    #[test]
    fn an_agent_that_ends_no_call_takes_no_more_room() {
        let calls = OpenCalls::default();
        let session = SessionId::random();
        for number in 0..2 * MOST {
            calls.open(session, call(1, &number.to_string()));
        }
        assert_eq!(calls.close_all(session).len(), MOST);
    }
}
