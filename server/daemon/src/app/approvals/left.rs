//! Hooks that go while they wait.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use codeplane_core::{ApprovalId, ApprovalState};
use tokio::sync::oneshot;
use tracing::warn;

use super::super::App;
use crate::os::PeerProcess;

/// How long a process may still be there when its connection has ended: the kernel closes what it had open
/// before it says that it is gone. One that is there for longer asks again.
const GONE_WITHIN: Duration = Duration::from_secs(2);
/// How often, and after how long each time, it is looked whether another hook waits.
const LOOKS: u32 = 10;
const LOOK: Duration = Duration::from_millis(100);

/// Kept for as long as the connection of a hook that waits.
#[derive(Debug)]
pub(crate) struct Connected {
    _dropped: oneshot::Sender<Infallible>,
}

impl App {
    /// Cancels an approval at once when the hook that waits for it, and its process, are gone: whoever sat at
    /// the agent broke it off. Otherwise the hook may come back, and only the grace period says that it does not.
    pub(crate) fn watch_hook(&self, approval: ApprovalId, hook: Arc<PeerProcess>) -> Connected {
        let (dropped, connection) = oneshot::channel::<Infallible>();
        let app = self.clone();
        self.shutdown.spawn(async move {
            let end = tokio::select! {
                () = app.shutdown.begun() => return,
                end = end(connection, &hook) => end,
            };
            match end {
                End::Gone => app.cancel_alone(approval).await,
                End::CutOff => {}
            }
        });
        Connected { _dropped: dropped }
    }

    async fn cancel_alone(&self, id: ApprovalId) {
        for _ in 0..LOOKS {
            match self.approvals.waiters(id) {
                None => return,
                // The one who watches the time.
                Some(0 | 1) => break,
                Some(_) => tokio::time::sleep(LOOK).await,
            }
        }
        if self.approvals.waiters(id).is_none_or(|waiters| waiters > 1) {
            return;
        }
        match self.store.approval(id).await {
            Ok(Some(approval)) => {
                self.end_by_itself(&approval.asked, ApprovalState::Cancelled).await;
            }
            Ok(None) => {}
            Err(error) => warn!(%error, "an approval could not be read"),
        }
    }
}

/// How a hook's connection ended.
enum End {
    /// With its process.
    Gone,
    /// Alone.
    CutOff,
}

async fn end(connection: oneshot::Receiver<Infallible>, hook: &PeerProcess) -> End {
    match connection.await {
        Ok(never) => match never {},
        Err(_) => match tokio::time::timeout(GONE_WITHIN, hook.ended()).await {
            Ok(()) => End::Gone,
            Err(_) => End::CutOff,
        },
    }
}
