//! What a session is told besides input.

use std::path::Path;
use std::time::Duration;

use codeplane_core::{AttachmentId, TerminalSize};
use codeplane_shim::{SignalTarget, StopStep, ToShim};

use super::link::LinkClosed;
use super::live::Live;

/// How firmly a session is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StopPlan {
    /// Time between SIGHUP and SIGTERM; zero skips SIGHUP.
    pub(crate) hangup_grace: Duration,
    /// Time between SIGTERM and SIGKILL.
    pub(crate) terminate_grace: Duration,
}

impl Live {
    /// Asks it to end, ever more firmly. The shim goes on with that by itself.
    ///
    /// # Errors
    /// [`LinkClosed`] if it has ended.
    pub(crate) async fn stop(&self, plan: StopPlan) -> Result<(), LinkClosed> {
        let mut steps = Vec::new();
        if !plan.hangup_grace.is_zero() {
            steps.push(step(libc::SIGHUP, plan.hangup_grace));
        }
        steps.push(step(libc::SIGTERM, plan.terminate_grace));
        self.order(&ToShim::Stop { steps }).await
    }

    /// Sends a signal: KILL to every process, any other to the program's and the terminal's
    /// foreground group.
    ///
    /// # Errors
    /// [`LinkClosed`] if it has ended.
    pub(crate) async fn signal(&self, signal: i32) -> Result<(), LinkClosed> {
        let target = if signal == libc::SIGKILL { SignalTarget::Tree } else { SignalTarget::Group };
        self.order(&ToShim::Signal { signal, target }).await
    }

    /// Makes the program paint its screen again.
    ///
    /// # Errors
    /// [`LinkClosed`] if it has ended.
    pub(crate) async fn redraw(&self) -> Result<(), LinkClosed> {
        self.order(&ToShim::Redraw).await
    }

    /// Sets the size of the terminal.
    ///
    /// # Errors
    /// [`LinkClosed`] if it has ended.
    pub(crate) async fn resize(
        &self,
        size: TerminalSize,
        author: AttachmentId,
    ) -> Result<(), LinkClosed> {
        self.order(&ToShim::Resize { size, author }).await
    }

    /// Ends its shim and whatever is left of it.
    pub(crate) async fn shut_down(&self) {
        if let Some(link) = self.link() {
            link.shut_down().await;
        }
    }

    /// Has its shim listen at a path again.
    pub(crate) async fn listen_at(&self, path: &Path) {
        if let Some(link) = self.link() {
            let path = path.as_os_str().as_encoded_bytes();
            link.tell(&ToShim::Relisten { path }).await;
        }
    }

    async fn order(&self, message: &ToShim<'_>) -> Result<(), LinkClosed> {
        self.link().ok_or(LinkClosed)?.send(message).await
    }
}

fn step(signal: i32, wait: Duration) -> StopStep {
    StopStep { signal, wait_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX) }
}
