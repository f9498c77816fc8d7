//! Who waits for which approval.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use codeplane_core::{ApprovalId, NewApproval, SessionId};
use tokio::sync::watch;

/// Most approvals of one session that wait at once.
const MOST_OF_SESSION: usize = 16;
/// Most that wait at all.
const MOST: usize = 500;

/// The approvals that wait. The rows say what is true; this says when to look.
#[derive(Debug, Default)]
pub(crate) struct Approvals(Mutex<HashMap<ApprovalId, Place>>);

/// One approval that waits. Its sender is dropped when it is resolved.
#[derive(Debug)]
struct Place {
    session: SessionId,
    resolved: watch::Sender<()>,
}

/// Whether one more may wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It may.
    Some,
    /// It may not, and why.
    None(String),
}

/// A hook that waits for an approval.
#[derive(Debug)]
pub(crate) struct Wait {
    /// What it waits for.
    pub(crate) approval: ApprovalId,
    /// None: it does not wait any more.
    resolved: Option<watch::Receiver<()>>,
}

impl Wait {
    /// Waits until somebody should look at the row.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn ended(&mut self) {
        if let Some(resolved) = &mut self.resolved {
            // Nothing is ever sent: it ends by being dropped.
            while resolved.changed().await.is_ok() {}
        }
    }
}

impl Approvals {
    /// Whether a session may have one more that waits.
    pub(crate) fn room(&self, session: SessionId) -> Room {
        let places = self.lock();
        if places.len() >= MOST {
            return Room::None(format!("TOO_MANY_PENDING: {MOST} calls wait for a person already"));
        }
        if places.values().filter(|place| place.session == session).count() >= MOST_OF_SESSION {
            return Room::None(format!(
                "TOO_MANY_PENDING: {MOST_OF_SESSION} calls of this session wait for a person already"
            ));
        }
        Room::Some
    }

    /// One waits from now on.
    pub(crate) fn opened(&self, approval: &NewApproval) {
        let place = Place { session: approval.session, resolved: watch::channel(()).0 };
        self.lock().insert(approval.id, place);
    }

    /// One waits no more: whoever waits for it looks.
    pub(crate) fn closed(&self, id: ApprovalId) {
        drop(self.lock().remove(&id));
    }

    /// Waits for one.
    pub(crate) fn wait(&self, id: ApprovalId) -> Wait {
        let resolved = self.lock().get(&id).map(|place| place.resolved.subscribe());
        Wait { approval: id, resolved }
    }

    /// How many hooks wait for one; none if it waits no more.
    pub(crate) fn waiters(&self, id: ApprovalId) -> Option<usize> {
        self.lock().get(&id).map(|place| place.resolved.receiver_count())
    }

    /// How many wait of a session.
    pub(crate) fn count(&self, session: SessionId) -> usize {
        self.lock().values().filter(|place| place.session == session).count()
    }

    /// Those of a session.
    pub(crate) fn of_session(&self, session: SessionId) -> Vec<ApprovalId> {
        let places = self.lock();
        places.iter().filter(|(_, place)| place.session == session).map(|(id, _)| *id).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ApprovalId, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
